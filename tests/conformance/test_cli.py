"""The command line: what it prints and how it ends."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from xinqiao.testing import BANK
from xinqiao_conformance.case import cases
from xinqiao_conformance.kits import kits
from xinqiao_conformance.requirements import requirement_of, requirements


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "xinqiao_conformance", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


DECLARATION = """
declaration: "1"
standard: "1.0"
subject: {{name: 示例银行, institution: {institution}}}
kits: [sender/family-trust/rest]
reach: {reach}
patience: 3
"""


def declared(folder: Path, reach: str, institution: str = BANK) -> list[str]:
    path = folder / "declaration.yaml"
    path.write_text(DECLARATION.format(reach=reach, institution=institution), encoding="utf-8")
    return ["run", "--declaration", str(path)]


# Names an address at which nobody listens.
_DEAF = 'print(\'{"ready": true, "url": "http://127.0.0.1:9"}\', flush=True)'


def deaf(folder: Path) -> list[str]:
    """Declare a subject that comes up and then answers nothing."""
    (folder / "deaf.py").write_text(_DEAF, encoding="utf-8")
    return declared(folder, f'{{start: "{sys.executable} deaf.py"}}')


def without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)


def column(table: str, number: int) -> str:
    """Return what a column of a table holds, without its line breaks."""
    rows = [line.split("│") for line in table.splitlines() if line.startswith("│")]
    return without_spaces("".join(cells[number] for cells in rows))


@pytest.mark.parametrize(
    "arguments", [(), ("run",), ("list",), ("simulate",), ("simulate", "core"), ("simulate", "bank")]
)
def test_every_command_explains_itself(arguments: tuple[str, ...]) -> None:
    shown = command(*arguments, "--help")
    assert (shown.returncode, "Usage:" in shown.stdout) == (0, True)


def test_the_list_for_machines_holds_every_requirement_in_both_languages() -> None:
    listed = json.loads(command("list", "--json").stdout)
    counts = Counter(each.requirement.id for each in cases())
    assert listed == [{**each.as_json(), "cases": counts[each.id]} for each in requirements()]


def test_kits_and_cases_are_listed() -> None:
    assert [row["kit"] for row in json.loads(command("list", "kits", "--json").stdout)] == [each.id for each in kits()]
    assert [row["case"] for row in json.loads(command("list", "cases", "--json").stdout)] == [
        each.id for each in cases()
    ]
    refused = command("list", "wishes")
    assert (refused.returncode, "requirements, kits, cases" in refused.stderr) == (2, True)


def test_a_requirement_is_explained_with_its_cases() -> None:
    said = command("explain", "env-003")
    assert (said.returncode, requirement_of("ENV-003").text.zh in said.stdout) == (0, True)
    assert "gateway.envelope.the_same_id_with_other_content_is_refused_as_a_conflict" in said.stdout
    assert command("explain", "ENV-999").returncode == 2


def test_a_kit_is_explained_with_its_messages_features_and_cases() -> None:
    said = command("explain", "receiver/family-trust-trustee/rest").stdout
    assert "接收 takes: kycDecision, kycExpired" in said
    assert "特性 feature: xml" in said
    assert "  MSG-004  " in said
    about = json.loads(command("explain", "sender/abs/rest", "--json").stdout)
    assert about["messages"] == ["loanPool", "repaymentPlan", "collectionReport", "remittanceNotice", "accountEntry"]
    assert about["requirements"]["TRN-004"] > 5
    assert command("explain", "sender/abs").returncode == 2


def test_the_list_for_people_holds_every_sentence_to_its_end() -> None:
    shown = column(command("list").stdout, 5)
    missing = [text for each in requirements() for text in each.text if without_spaces(text) not in shown]
    assert missing == []


def test_a_subject_that_answers_nothing_fails_all_that_must_be_met(tmp_path: Path) -> None:
    done = command(*deaf(tmp_path), "--json")
    results = json.loads(done.stdout)
    assert (done.returncode, results["verdict"]) == (1, "failed")
    assert {row["result"] for row in results["kits"][0]["requirements"]} == {"failed"}


def test_a_subject_that_does_not_come_up_ends_with_2(tmp_path: Path) -> None:
    done = command(*declared(tmp_path, f'{{start: "{sys.executable} -c pass"}}'))
    assert (done.returncode, "ended with exit code 0" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("reach", "institution", "said"),
    [
        ("{control: 'localhost:8700'}", BANK, "an address such as"),
        ("{}", BANK, "one of start, control, manual and gateway"),
        ("{manual: true}", "91110000100000000Q", "unified social credit code"),
        ("{manual: true}", "911100001000000001", "write it in quotes"),
    ],
)
def test_a_declaration_that_is_wrong_ends_with_2(tmp_path: Path, reach: str, institution: str, said: str) -> None:
    done = command(*declared(tmp_path, reach, institution))
    assert (done.returncode, done.stdout, said in done.stderr) == (2, "", True), done.stderr


def test_a_second_run_into_the_same_folder_keeps_the_one_before_to_compare_with(tmp_path: Path) -> None:
    line = [*deaf(tmp_path), "--output", str(tmp_path / "out")]
    assert [command(*line).returncode, (tmp_path / "out" / "before").exists()] == [1, False]
    again = command(*line)
    assert "changes: xinqiao-conformance compare" in again.stdout
    assert {each.name for each in (tmp_path / "out" / "before").iterdir()} == {"results.json", "evidence.jsonl"}


def test_a_run_that_cannot_be_begun_leaves_the_one_before_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert command(*deaf(tmp_path), "--output", str(out)).returncode == 1
    kept = {each.name: each.read_bytes() for each in out.iterdir()}
    done = command(*declared(tmp_path, "{start: no-such-program}"), "--output", str(out))
    assert (done.returncode, "reach.start 无法启动 cannot be started" in done.stderr) == (2, True)
    assert {each.name: each.read_bytes() for each in out.iterdir()} == kept


def test_what_was_not_asked_is_printed_below_the_verdict(tmp_path: Path) -> None:
    done = command(*deaf(tmp_path))
    assert "未检验 not asked: sender/family-trust/rest  corrections" in done.stdout


def test_a_folder_that_cannot_be_one_is_said_before_anything_is_run(tmp_path: Path) -> None:
    done = command(*declared(tmp_path, "{start: no-such-program}"), "--output", str(tmp_path / "declaration.yaml"))
    assert (done.returncode, "cannot be a folder" in done.stderr) == (2, True)


def test_mutants_of_no_role_are_not_all_killed() -> None:
    done = command("mutants", "--role", "sendr")
    assert (done.returncode, "there is no role sendr" in done.stderr) == (2, True)


def test_a_simulator_whose_key_is_missing_says_so_and_ends_with_2(tmp_path: Path) -> None:
    files = ("--key", str(tmp_path / "none.jwk"), "--gateway-key", str(tmp_path / "none.jwk"))
    done = command("simulate", "core", "--gateway", "http://127.0.0.1:9", "--channel", "demo-core", *files)
    assert (done.returncode, "the key cannot be used" in done.stderr) == (2, True)
