"""Every block of a README that is marked to run does what the README says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from generate import ROOT
from tests.acceptance.ports import free_port

BLOCK = re.compile(r"<!-- run -->\n```(sh|python)\n(.*?)```", re.DOTALL)

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the README shows curl, which is not here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the environment's commands, as a checkout has."""
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def blocks_of(readme: str) -> list[str]:
    """Return what is marked to run, as shell commands."""
    found = BLOCK.findall((ROOT / readme).read_text(encoding="utf-8"))
    return [code if kind == "sh" else f".venv/bin/python -W error - <<'END'\n{code}END\n" for kind, code in found]


def run(folder: Path, blocks: list[str]) -> subprocess.CompletedProcess[str]:
    """Run blocks in one shell with the environment active; a server in the background ends with it."""
    before = ["set -euo pipefail", "trap 'kill $(jobs -p)' EXIT", 'PATH="$PWD/.venv/bin:$PATH"']
    script = "\n".join([*before, *blocks]).replace("8700", str(free_port()))
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def test_the_commands_of_the_readme_run(folder: Path) -> None:
    blocks = blocks_of("README.md")
    assert len(blocks) == 9
    done = run(folder, blocks)
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in ('"acceptedMessageId"', "verified", '"case_id":"CASE-1"', "demo-bank", "通过 passed"):
        assert shown in done.stdout
    assert (folder / "results" / "results.json").exists()
    assert "Not declared, so not asked" in (folder / "report" / "report.html").read_text(encoding="utf-8")


def test_both_readmes_run_the_same() -> None:
    assert blocks_of("README.md") == blocks_of("README.zh-CN.md")


def test_the_code_of_the_sdk_runs_against_the_gateway_of_the_readme(folder: Path) -> None:
    set_up, first_message, *_ = blocks_of("README.md")
    blocks = blocks_of("sdk/README.md")
    assert len(blocks) == 4
    done = run(folder, [set_up, first_message, "echo SDK", *blocks])
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.partition("SDK\n")[2]
    assert re.search(r"^已受理 accepted: [0-9a-f-]{36}$", said, re.MULTILINE)
    assert re.search(r"^accepted [0-9a-f-]{36}$", said, re.MULTILINE)
    fetched = re.findall(r"^fetched (.*)$", said, re.MULTILINE)
    assert fetched == ["CASE-1 kycApplication", "CASE-2 kycApplication"]
    assert (folder / "seen.db").exists()
