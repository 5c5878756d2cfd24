"""The page on simulators: its commands run and say what it says, in both languages alike."""

import re
import shlex
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from xinqiao.seal import write_key
from xinqiao_conformance.benches.web import web_server
from xinqiao_conformance.scenarios.reading import scenario_of
from xinqiao_conformance.simulators.rules import Rule
from xinqiao_conformance.simulators.script import INSTITUTIONS

from .conftest import Start
from .simulation import KEY, Passing

DOCS = Path(__file__).parents[2] / "docs" / "conformance"
PAGES = ["simulators.md", "simulators.zh-CN.md"]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S)


def uncommented(block: str) -> list[str]:
    return [line.partition(" #")[0].rstrip() for line in block.splitlines()]


def test_both_pages_show_the_same_commands_and_data() -> None:
    english, chinese = ([blocks(page, language) for language in ("sh", "python")] for page in PAGES)
    assert english == chinese
    data = [[uncommented(each) for each in blocks(page, "yaml")] for page in PAGES]
    assert data[0] == data[1]


def test_the_page_names_every_simulator() -> None:
    for page in PAGES:
        text = (DOCS / page).read_text(encoding="utf-8")
        assert [name for name in INSTITUTIONS if f"| `{name}` |" not in text] == []


def test_the_rules_and_steps_that_it_shows_are_read() -> None:
    rules, _, steps = blocks("simulators.md", "yaml")
    assert [each.do for each in map(Rule.of_json, yaml.safe_load(rules))] == ["delay", "correct"]
    assert [each.names for each in scenario_of(yaml.safe_load(steps)).branches] == [(), ("refused",)]


def test_its_commands_say_what_it_says(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, asked = blocks("simulators.md", "sh")
    *exports, command = shown.splitlines()
    gateway = Passing("91110000100000000R")
    write_key(KEY, tmp_path / "bank.jwk")
    write_key(gateway.key.public(), tmp_path / "gateway.jwk")
    with ExitStack() as stack:
        url = stack.enter_context(web_server(gateway.handle))
        for export in exports:
            for name, value in (each.split("=", 1) for each in shlex.split(export)[1:]):
                monkeypatch.setenv(name, str(tmp_path / value) if value.endswith("jwk") else value)
        monkeypatch.setenv("XINQIAO_GATEWAY", url)
        monkeypatch.setenv("XINQIAO_CHANNEL", "c0")
        bank = start(*shlex.split(command.replace("--port 8801", "--port 0"))[2:])
        for line in asked.splitlines():
            run, _, expected = line.partition(" # ")
            run = run.replace("http://127.0.0.1:8801", bank.url)
            done = subprocess.run(shlex.split(run), capture_output=True, text=True, timeout=30, check=True)
            assert expected.strip() in done.stdout
