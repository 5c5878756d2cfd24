"""``xinqiao recording``: what it prints for people and machines, and its exit codes."""

from pathlib import Path

import orjson
import pytest

from tests.sdk.recording.stage import GOOD, KEY, good_sender, written
from xinqiao.cli import main
from xinqiao.recording import Recording
from xinqiao.seal import write_key

Capture = pytest.CaptureFixture[str]


def spoilt(path: Path) -> Recording:
    """Write a recording of one breach in six exchanges."""
    stage = good_sender()
    for each in stage[:6]:
        each.header["standardVersion"] = "2.0"
    return written(stage, path)


@pytest.mark.parametrize("role", GOOD)
def test_a_good_recording_is_said_to_pass(role: str, tmp_path: Path, capsys: Capture) -> None:
    recording = written(GOOD[role](), tmp_path / "run.jsonl")
    write_key(KEY.public(), tmp_path / "bank.pub.jwk")
    assert (
        main(["recording", "check", str(recording.path), f"--role={role}", f"--key={tmp_path / 'bank.pub.jwk'}"]) == 0
    )
    *lines, total, root = capsys.readouterr().out.splitlines()
    assert all(line.endswith("通过 passed") for line in lines)
    assert (total.endswith(f"{len(lines)} 通过 passed"), root) == (True, recording.root)


def test_what_is_found_is_printed_with_its_place_and_what_was_expected(tmp_path: Path, capsys: Capture) -> None:
    assert main(["recording", "check", str(spoilt(tmp_path / "run.jsonl").path)]) == 1
    said = capsys.readouterr().out.split("\nENV-007")[0].splitlines()
    begin = said.index("ENV-006  version: 不通过 failed  未写明标准版本 1.x / the version of the standard is not named")
    assert said[begin + 1 : begin + 4] == [
        "    第 1 笔 exchange 1  header.standardVersion",
        "    当前值 value: 2.0",
        "    期望 expected: 1.x / 1.x",
    ]
    assert said[-1] == "    另有 1 处，见 --json / 1 more, see --json"


def test_what_would_steer_a_terminal_or_tell_a_value_is_not_printed(tmp_path: Path, capsys: Capture) -> None:
    stage = good_sender()
    stage.find("kycExpired")["header"]["standardVersion"] = "\x1b[2J\u202e1.0"
    stage.find("kycApplication")["kycApplication"]["\x1b[2J11010119800101007X"] = 1
    assert main(["recording", "check", str(written(stage, tmp_path / "run.jsonl").path)]) == 1
    said = capsys.readouterr().out
    assert "\ufffd[2J\ufffd1.0" in said
    assert "kycApplication.***" in said
    assert {"\x1b", "\u202e"} & set(said) == set()
    assert "11010119800101007X" not in said


def test_for_machines_it_prints_every_check_and_finding(tmp_path: Path, capsys: Capture) -> None:
    recording = spoilt(tmp_path / "run.jsonl")
    assert main(["recording", "check", str(recording.path), "--json"]) == 1
    said = orjson.loads(capsys.readouterr().out)
    assert (said["recording"], said["root"], said["role"]) == (str(recording.path), recording.root, "sender")
    [version] = [each for each in said["checks"] if each["check"] == "version"]
    assert (version["requirement"], version["state"], version["looked"]) == ("ENV-006", "failed", 14)
    assert version["found"][0] == {
        "requirement": "ENV-006",
        "exchange": 1,
        "path": "header.standardVersion",
        "expected": {"zh": "1.x", "en": "1.x"},
        "seen": "2.0",
    }


def test_a_masked_recording_is_written_and_says_what_cannot_be_seen_in_it(tmp_path: Path, capsys: Capture) -> None:
    path, to = written(good_sender(), tmp_path / "run.jsonl").path, tmp_path / "masked.jsonl"
    assert main(["recording", "mask", str(path), "--to", str(to)]) == 0
    assert capsys.readouterr().out == f"{to}  {Recording.open(to).root}\n"
    assert main(["recording", "check", str(to)]) == 0
    said = capsys.readouterr().out
    assert "MSG-014  document_numbers: 脱敏的记录中无法观察 / not observable in a masked recording" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "none.jsonl"], "No such file or directory"),
        (["mask", "run.jsonl"], "--to is missing"),
        (["mask", "run.jsonl", "--to", "run.jsonl"], "is there already and is not overwritten"),
        (["check", "run.jsonl", "--patience=-1"], "--patience -1 is not in 0 to"),
        (["check", "cut.jsonl"], "cut.jsonl, line 3: the file ends within it"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], said: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(good_sender()[:2], Path("run.jsonl")).path
    Path("cut.jsonl").write_bytes(path.read_bytes()[:-3])
    assert main(["recording", *arguments]) == 2
    assert said in capsys.readouterr().err
