"""The README of the SDK: what it shows, works."""

import re
import shlex
from pathlib import Path

import pytest

from tests.sdk.server import Answer, serving
from xinqiao.cli import main
from xinqiao.message import write_json
from xinqiao.receiver import Receiver, SqliteSeen
from xinqiao.seal import new_key, write_key
from xinqiao.testing import vector

README = (Path(__file__).resolve().parents[2] / "sdk" / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8700"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.partition(" #")[0] for line in BLOCKS[0][1].splitlines() if line.startswith("xinqiao ")]
CODE = [code for language, code in BLOCKS if language == "python"]

Capture = pytest.CaptureFixture[str]


def command(line: str, capsys: Capture) -> int:
    """Run a line of the README in this process; ``>`` writes what it prints to a file."""
    words, _, target = line.partition(" > ")
    capsys.readouterr()
    code = main(shlex.split(words)[1:])
    if target:
        Path(target.strip()).write_text(capsys.readouterr().out, encoding="utf-8")
    return code


def test_every_command_of_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)

    with serving(lambda _: Answer(202, write_json(vector("receipt")))) as served:
        codes = [command(line.replace(ADDRESS, served.url), capsys) for line in COMMANDS]

    assert codes == [0] * 5
    assert len(served.requests) == 1


def test_the_code_of_the_readme_sends_a_valid_message_and_makes_a_receiver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    write_key(new_key("demo-bank-1"), "bank.jwk")
    write_key(new_key("gateway-1").public(), "gateway.pub.jwk")
    names: dict[str, object] = {}

    with serving(lambda _: Answer(202, write_json(vector("receipt")))) as served:
        for code in CODE:
            exec(code.replace(ADDRESS, served.url), names)  # noqa: S102 -- our own README

    assert isinstance(names["receiver"], Receiver)
    assert isinstance(names["seen"], SqliteSeen)
    names["seen"].close()

    assert capsys.readouterr().out == f"{vector('receipt')['receipt']['acceptedMessageId']}\n"
