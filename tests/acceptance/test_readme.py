"""Every command of the README that is marked to run does what the README says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from generate import ROOT
from tests.acceptance.ports import free_port

BLOCK = re.compile(r"<!-- run -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the environment's commands, as a checkout has."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(ROOT / ".venv" / "bin")
    return tmp_path


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README shows curl, which this machine has not")
def test_the_commands_of_the_readme_run(folder: Path) -> None:
    port = str(free_port())
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("8700", port)
    blocks = BLOCK.findall(text)
    assert len(blocks) == 5
    script = "set -euo pipefail\ntrap 'kill $(jobs -p)' EXIT\n" + "\n".join(blocks)
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in ('"acceptedMessageId"', "CASE-1", "verified", "demo-bank"):
        assert shown in done.stdout
    assert (folder / "results" / "results.json").exists()
