"""``policy``: rules are checked and tried, and watch lists imported, before a gateway serves them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from generate import ROOT
from xinqiao.errors import KeyUnusable, NotValid, SettingsInvalid
from xinqiao.message import Json, write_json
from xinqiao.testing import example
from xinqiao_gateway.cli.policy import app

RULES = """
rules:
  - id: watched
    title: {zh: 名单核对, en: Watch list}
    for: [subscriptionOrder]
    when: [{watch_list: {list: sanctions, paths: [account.holderName]}}]
    verdict: approve
  - id: large
    title: {zh: 大额申购, en: Large subscription}
    for: [subscriptionOrder]
    when:
      - {path: grossAmount, above: "5000.00", currency: EUR}
      - total: {of: grossAmount, by: [account.number], within: P1D, above: "100.00", currency: EUR}
    verdict: approve
    say: true
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    key = tmp_path / "keys" / "master.key"
    key.write_text(os.urandom(32).hex())
    key.chmod(0o600)
    (tmp_path / "policy.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "list.csv").write_text("name,number\n王小明,11010119800101007X\n李四,\n", encoding="utf-8")
    return tmp_path


def run(data: Path, *command: str) -> Result:
    return CliRunner().invoke(app, [*command, "--data", str(data)], catch_exceptions=True)


def run_json(data: Path, *command: str) -> Any:
    return json.loads(run(data, *command, "--json").output)


def import_names(data: Path) -> Json:
    found: Json = run_json(data, "watch-list", "import", str(data / "list.csv"), "--name", "sanctions")
    return found


def message(data: Path, found: Json) -> str:
    path = data / "message.json"
    path.write_bytes(write_json(found))
    return str(path)


def test_a_list_becomes_digests_and_no_name_of_it_is_kept(data: Path) -> None:
    assert import_names(data) == {"path": str(data / "watch-lists" / "sanctions.txt"), "digests": 3}
    content = (data / "watch-lists" / "sanctions.txt").read_text()
    assert [each for each in ("王小明", "李四", "1101011980") if each in content] == []


def test_only_the_columns_named_are_imported(data: Path) -> None:
    command = ["watch-list", "import", str(data / "list.csv"), "--name", "ids", "--column", "number"]
    assert run_json(data, *command)["digests"] == 1


def test_rules_in_order_are_said_so(data: Path) -> None:
    import_names(data)
    done = run(data, "check", str(data / "policy.yaml"))
    assert (done.exit_code, "in order" in done.output) == (0, True)


def test_the_worked_example_of_both_pages_is_one_and_loads(data: Path) -> None:
    pages = [ROOT / "docs" / name for name in ("policy.md", "policy.zh-CN.md")]
    examples = {page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0] for page in pages}
    (data / "example.yaml").write_text(examples.pop(), encoding="utf-8")
    assert examples == set()
    for name in ("sanctions", "related-parties"):
        run(data, "watch-list", "import", str(data / "list.csv"), "--name", name, "--column", "name")
    assert run_json(data, "check", str(data / "example.yaml")) == {"problems": []}


def verdict_in_example(data: Path, body: str, channel: str, **fields: Any) -> tuple[str, str | None]:
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    (data / "example.yaml").write_text(page.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    for name in ("sanctions", "related-parties"):
        run(data, "watch-list", "import", str(data / "list.csv"), "--name", name, "--column", "name")
    found = example(body)
    found[body] |= fields
    said = run_json(data, "try", str(data / "example.yaml"), message(data, found), "--channel", channel)
    return said["verdict"], said["exception"]


@pytest.mark.parametrize(
    ("body", "fields", "expected"),
    [
        ("kycApplication", {}, ("approve", "watch_list")),
        ("subscriptionOrder", {"grossAmount": {"value": "10000000.01", "currency": "CNY"}}, ("forbid", None)),
        ("subscriptionOrder", {"grossAmount": {"value": "5000000.01", "currency": "CNY"}}, ("approve", "approval")),
        ("subscriptionOrder", {"grossAmount": {"value": "5000000.00", "currency": "CNY"}}, ("pass", None)),
        ("prepaidPayment", {"amount": {"value": "10000.01", "currency": "CNY"}}, ("alert", "alert")),
        ("consumption", {}, ("pass", None)),
    ],
)
def test_the_worked_example_does_what_its_page_says(
    data: Path, body: str, fields: Json, expected: tuple[str, str | None]
) -> None:
    assert verdict_in_example(data, body, "my-bank", **fields) == expected


def test_each_problem_is_said_with_its_line(data: Path) -> None:
    path = data / "policy.yaml"
    path.write_text(RULES.replace("P1D", "a day").replace("account.holderName", "account.name"), encoding="utf-8")
    done = run(data, "check", str(path), "--json")
    problems = json.loads(done.output)["problems"]
    assert (done.exit_code, [each.split(": ")[0] for each in problems]) == (1, [f"{path}:6", f"{path}:13"])


def test_a_trial_says_verdict_reasons_and_what_the_partner_is_told(data: Path) -> None:
    import_names(data)
    found = run_json(data, "try", str(data / "policy.yaml"), message(data, example("subscriptionOrder")))
    said = [{"rule": "large", "text": {"zh": "大额申购", "en": "Large subscription"}}]
    assert (found["verdict"], found["exception"], found["rules"], found["saidToPartner"]) == (
        "approve", "watch_list", ["watched", "large"], said,
    )  # fmt: skip
    assert [(each["rule"], each["applies"]) for each in found["reasons"]] == [("watched", True), ("large", True)]


def test_a_trial_shows_no_value_of_the_message(data: Path) -> None:
    import_names(data)
    done = run(data, "try", str(data / "policy.yaml"), message(data, example("subscriptionOrder")))
    assert done.exit_code == 0
    assert "✓ grossAmount is above 5000.00 EUR" in done.output
    assert [each for each in ("王小明", "6710.50", "8619910001") if each in done.output] == []


def test_a_message_that_is_not_valid_is_not_tried(data: Path) -> None:
    import_names(data)
    found = example("subscriptionOrder")
    del found["subscriptionOrder"]["orderReference"]
    assert isinstance(run(data, "try", str(data / "policy.yaml"), message(data, found)).exception, NotValid)


def test_without_the_master_key_no_list_is_made(data: Path) -> None:
    (data / "keys" / "master.key").unlink()
    done = run(data, "watch-list", "import", str(data / "list.csv"), "--name", "sanctions")
    assert isinstance(done.exception, KeyUnusable)


def test_a_list_in_another_encoding_is_said_how_to_convert(data: Path) -> None:
    (data / "list.csv").write_bytes("name\n王小明\n".encode("gb18030"))
    done = run(data, "watch-list", "import", str(data / "list.csv"), "--name", "sanctions")
    assert isinstance(done.exception, SettingsInvalid)
    assert "iconv" in done.exception.detail
