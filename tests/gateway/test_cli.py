"""The command ``xinqiao-gateway``: what it prints, what it makes, and how it ends."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner

from tests.gateway.conftest import CORE, PARTNER, Site, message
from xinqiao.errors import SettingsInvalid
from xinqiao.message import write_json
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.cli import app
from xinqiao_gateway.demo import run_demo
from xinqiao_gateway.demo.stage import Stage
from xinqiao_gateway.demo.story import Story
from xinqiao_gateway.installation import add_channel, serving_alone

COMMANDS = [
    ["serve"], ["demo"], ["replay"], ["channel"], ["channel", "list"], ["channel", "add"], ["channel", "try"],
    ["channel", "check"], ["channel", "new"], ["channel", "confirm"], ["channel", "template"],
    ["channel", "docs"], ["channel", "diff"], ["channel", "shadow"], ["channel", "watch"], ["channel", "certify"],
    ["channel", "clock"], ["recording"], ["recording", "export"], ["journal"], ["journal", "verify"],
    ["journal", "deliveries"], ["journal", "reconcile"], ["case"], ["case", "list"], ["case", "show"],
    ["case", "abandon"], ["case", "erase"], ["exception"], ["exception", "list"], ["exception", "show"],
    ["exception", "resolve"], ["proposal"], ["proposal", "list"], ["proposal", "show"], ["proposal", "approve"],
    ["proposal", "decline"], ["obligation"], ["obligation", "list"], ["obligation", "waive"], ["operator"],
    ["operator", "add"], ["operator", "list"], ["operator", "remove"], ["policy"], ["document"], ["document", "list"],
    ["document", "put"], ["document", "get"], ["document", "remove"], ["document", "verify"],
]  # fmt: skip
# Chinese, a stroke, English.
BOTH = re.compile(r".*[\u4e00-\u9fff].* /\s+[A-Z]", re.DOTALL)
READING = [
    ["journal", "verify"], ["journal", "deliveries"], ["exception", "list"], ["exception", "show", "1"],
    ["proposal", "list"], ["proposal", "show", "1"], ["case", "list"], ["case", "show", "CASE-1"],
    ["obligation", "list"], ["operator", "list"], ["replay", "1"],
]  # fmt: skip


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "xinqiao_gateway", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def run(*arguments: str) -> tuple[int, str]:
    """Run a command in this process and return its exit status and output."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return result.exit_code, result.output


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_every_parameter_says_what_it_is(path: list[str]) -> None:
    found = typer.main.get_command(app)
    for name in path:
        found = found.commands[name]  # type: ignore[attr-defined]
    assert found.help
    assert [each.name for each in found.params if not getattr(each, "help", None)] == []
    assert run(*path, "--help")[0] == 0


def test_every_command_says_in_chinese_and_in_english_what_it_is() -> None:
    commands, found = [typer.main.get_command(app)], []
    while commands:
        found.append(commands.pop())
        commands += getattr(found[-1], "commands", {}).values()
    assert len(found) > 50
    assert {each.name for each in found if not BOTH.match((each.help or "").partition("\n\n")[0])} == set()


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
@pytest.mark.parametrize("exists", [True, False])
def test_reading_where_no_installation_is_says_so_and_makes_nothing(
    tmp_path: Path, arguments: list[str], exists: bool
) -> None:
    data = tmp_path / "data"
    if exists:
        data.mkdir()
    with pytest.raises(SettingsInvalid, match=f"{data} holds no installation"):
        run(*arguments, "--data", str(data))
    assert list(tmp_path.rglob("*")) == ([data] if exists else [])


def test_reading_where_no_gateway_was_started_yet_says_so_and_makes_nothing(tmp_path: Path) -> None:
    write_key(new_key("partner-1").public(), tmp_path / "key.jwk")
    data = tmp_path / "data"
    add_channel(data, "partner", extends="canonical", keys=[tmp_path / "key.jwk"], institution=PARTNER)
    before = sorted(data.rglob("*"))
    done = command("journal", "verify", "--data", str(data))
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        f"settings_invalid: {data} holds no journal: no gateway was started on it yet; start one: serve",
    )
    assert sorted(data.rglob("*")) == before


def test_a_second_gateway_on_the_same_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with serving_alone(tmp_path):
        done = command("serve", "--data", str(tmp_path), "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"settings_invalid: another gateway serves {tmp_path} already")
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_said_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = command("serve", "--data", str(tmp_path), "--port", str(taken.getsockname()[1]))
    assert (done.returncode, done.stdout, "take another with --port" in done.stderr) == (1, "", True)


def test_a_channel_that_is_added_says_when_a_running_gateway_takes_it_up(tmp_path: Path) -> None:
    write_key(new_key("partner-1").public(), tmp_path / "key.jwk")
    _, said = run("channel", "add", "demo-bank", "--key", str(tmp_path / "key.jwk"), "--data", str(tmp_path / "d"))
    assert "POST /v1/reload" in said


def test_tls_files_that_cannot_be_used_are_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("tls_certificate: /nowhere/c.pem\ntls_key: /nowhere/k.pem\n")
    done = command("serve", "--data", str(tmp_path), "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("settings_invalid: tls_certificate, tls_key: /nowhere/c.pem")
    assert "Traceback" not in done.stderr


def test_adding_a_channel_that_others_would_not_believe_is_said_in_one_line(tmp_path: Path) -> None:
    write_key(new_key("partner-1").public(), tmp_path / "key.jwk")
    done = command("channel", "add", "../../outside", "--key", str(tmp_path / "key.jwk"), "--data", str(tmp_path / "d"))
    assert done.returncode == 1
    assert done.stderr.startswith("profile_invalid: '../../outside' is no id of a channel")


def test_values_of_partners_are_printed_as_they_are_and_never_as_markup(tmp_path: Path) -> None:
    sent = message("kycApplication")
    sent["kycApplication"]["applicant"]["gender"] = "[/x] :smile: [red]"
    sent["kycApplication"]["[/field]"] = "[bold]"
    (tmp_path / "kyc.json").write_bytes(write_json(sent))
    status, said = run("channel", "try", "canonical", str(tmp_path / "kyc.json"), "--data", str(tmp_path))
    assert status == 1
    for part in (
        "[/x] :smile: [red]",
        "错误 ERROR  schema.enum  kycApplication.applicant.gender",
        "当前值 value: ",
        "期望 expected: ",
        "修正 fix: ",
        "提示 INFORMATION  schema.unknown_field",
        "1 records, 0 valid, 0 unmapped leaves, 2 findings",
    ):
        assert part in said


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "raw.json").write_text('{"header": {"standardVersion": "1.0"}, "navReport": {"\\u001b[2J": 1}}')
    _, said = run("channel", "try", "canonical", str(tmp_path / "raw.json"), "--data", str(tmp_path))
    assert "\x1b[2J" not in said


def test_a_case_whose_id_looks_like_markup_is_shown(site: Site) -> None:
    write_key(new_key("extra-1").public(), site.data.parent / "extra.jwk")
    site.send("partner", message("kycApplication", "A:/B/C"))
    status, said = run("case", "show", "A:/B/C", "--data", str(site.data), "--institution", PARTNER["code"])
    assert (status, "kyc_pending" in said, "kycApplication" in said) == (0, True, True)
    assert run("journal", "deliveries", "--state", "waiting", "--data", str(site.data))[0] == 0


def test_a_delivery_state_that_is_none_is_refused(site: Site) -> None:
    assert run("journal", "deliveries", "--state", "lost", "--data", str(site.data))[0] == 2


def test_the_demo_does_not_play_over_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    assert run_demo(tmp_path) == 1
    *_, reason, _, last = capsys.readouterr().out.splitlines()
    assert reason == f"{tmp_path} is not empty: the demo begins with an empty or missing folder"
    assert last == "demo: FAILED"
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("made", [True, False])
def test_the_demo_says_a_failure_with_the_end_of_the_log(
    tmp_path: Path, made: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def set_up(stage: Stage) -> None:
        stage.data.mkdir(parents=True)
        (stage.data / "bank.log").write_text("earlier\nthe bank's [/last] words\n")
        stage.urls["bank"] = "http://bank.example"

    def refuse(url: str, **_: object) -> httpx.Response:
        return httpx.Response(500, text="no [/such] step", request=httpx.Request("POST", url))

    monkeypatch.setattr(Stage, "_set_up", set_up)
    monkeypatch.setattr(Story, "play", lambda _story: Stage.do(_story._stage, "bank", "kyc"))
    monkeypatch.setattr(httpx, "post", refuse)
    folder = tmp_path / "kept"
    if made:
        folder.mkdir()
    assert run_demo(folder) == 1
    assert capsys.readouterr().out.splitlines() == [
        "",
        "POST http://bank.example/do/kyc: HTTP 500: no [/such] step",
        "  | earlier",
        "  | the bank's [/last] words",
        "",
        "demo: FAILED",
    ]


def test_what_serves_nobody_is_listed_with_its_environment(tmp_path: Path) -> None:
    write_key(new_key("core-1").public(), tmp_path / "key.jwk")
    add_channel(tmp_path, "core", extends="canonical", keys=[tmp_path / "key.jwk"], institution=CORE, test=True)
    status, said = run("channel", "list", "--data", str(tmp_path))
    assert status == 0
    (row,) = (line for line in said.splitlines() if line.startswith("│ core "))
    cells = [cell.strip() for cell in row.split("│")]
    assert (cells[2], cells[4]) == (CORE["code"], "test")


def test_a_channel_without_a_title_of_its_own_is_not_listed_under_that_of_another(tmp_path: Path) -> None:
    write_key(new_key("bank-1").public(), tmp_path / "key.jwk")
    bank = {"name": "示例银行", "type": "bank", "code": PARTNER["code"]}
    add_channel(tmp_path, "my-bank", extends="demo-partner", keys=[tmp_path / "key.jwk"], institution=bank)
    _, said = run("channel", "list", "--data", str(tmp_path), "--json")
    rows = {row["channel"]: row for row in json.loads(said)}
    assert (rows["my-bank"]["title"], rows["my-bank"]["extends"]) == ({}, "demo-partner")
    assert rows["demo-partner"]["title"]["en"]
    _, said = run("channel", "list", "--data", str(tmp_path))
    (row,) = (line for line in said.splitlines() if line.startswith("│ my-bank "))
    assert "沿用 extends demo-partner" in row


def test_a_channel_that_does_not_load_is_listed_with_its_problem_and_hides_no_other(tmp_path: Path) -> None:
    broken = tmp_path / "channels" / "my-bank" / "channel.yaml"
    broken.parent.mkdir(parents=True)
    broken.write_text("channel: my-bank\nnonsense: 1\n", encoding="utf-8")
    status, said = run("channel", "list", "--json", "--data", str(tmp_path))
    rows = {row["channel"]: row for row in json.loads(said)}
    assert (status, "nonsense" in rows["my-bank"]["problem"], "wealth-ofd" in rows) == (0, True, True)


def test_an_institution_code_that_is_none_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text("指令号,金额\nA1,5\n", encoding="utf-8")
    status, said = run(
        "channel", "new", "my-bank", "--from", str(tmp_path / "sample.csv"), "--code", "123", "--data", str(tmp_path)
    )
    assert (status, "is no institution code" in said, (tmp_path / "channels").exists()) == (2, True, False)
