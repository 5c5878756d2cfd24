"""The commands of docs/conformance/certificates.md do what the page says, in both languages the same."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from generate import ROOT
from tests.conformance.results.commands import command
from tests.conformance.results.derived import derived
from xinqiao.certificate import verify
from xinqiao.cli import main as xinqiao
from xinqiao.keys import KeyRing, read_verifying_key

PAGES = [ROOT / "docs" / "conformance" / f"certificates{language}.md" for language in ("", ".zh-CN")]
STEP = re.compile(r"<!-- run(?:: (\d))? -->\n```sh\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
# What is another at every run; what the page shows instead.
SERIAL, MOMENT = re.compile(r"XQC-\d{8}-[0-9a-f]{16}"), re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")
UNTIL = re.compile(r"20\d\d-\d\d-\d\d$", re.MULTILINE)


def same(text: str) -> str:
    return UNTIL.sub("DAY", MOMENT.sub("TIME", SERIAL.sub("SERIAL", text)))


def run(line: str) -> tuple[int, str]:
    """Run a line of the page; the serial in it is that of the certificate here."""
    certificate = Path("certificate.json")
    if certificate.exists() and "{" in certificate.read_text():
        line = SERIAL.sub(json.loads(certificate.read_text())["certificate"]["serial"], line)
    program, *arguments = shlex.split(line)
    if program == "xinqiao-conformance":
        done = command(*arguments)
        return done.code, done.out + done.err
    if program == "xinqiao":
        return xinqiao(arguments), ""
    told = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=20, check=True)
    return 0, told.stdout


def test_both_pages_run_and_show_the_same() -> None:
    english, chinese = (page.read_text(encoding="utf-8") for page in PAGES)
    assert STEP.findall(english) == STEP.findall(chinese)
    assert PYTHON.findall(english) == PYTHON.findall(chinese)
    assert [line.count("|") for line in english.splitlines() if line.startswith("|")] == [
        line.count("|") for line in chinese.splitlines() if line.startswith("|")
    ]


def test_every_step_of_the_page_prints_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    derived(Path("results"))
    derived(Path("last"), ["ENV-005"])
    text = PAGES[0].read_text(encoding="utf-8")
    for code, script, shown in STEP.findall(text):
        ended, printed = 0, ""
        for line in script.splitlines():
            ended, out = run(line)
            printed += out
        assert ended == int(code or 0), printed
        assert not shown or same(printed) == same(shown)

    assert "示例银行" in Path("registry.html").read_text(encoding="utf-8")
    [python] = PYTHON.findall(text)
    done = subprocess.run([sys.executable, "-c", python], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("revoked: XQC-")
    keys = KeyRing([read_verifying_key("association.pub.jwk")])
    assert verify(Path("certificate.json").read_bytes(), keys).seen.subject.name == "示例银行"
