"""Requirements and tests cover each other, or nothing is run."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

MARKED = """
from xinqiao_conformance.suite import requirement

@requirement("{id}")
def test_something():
    pass
"""


def collect(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    configuration = str(files("xinqiao_conformance") / "suite" / "pytest.ini")
    names = ("target", "channel", "key", "sender", "receiver", "output")
    options = [f"--xinqiao-{name}={folder}" for name in names]
    line = [sys.executable, "-m", "pytest", "-c", configuration, "--rootdir", str(folder), *options, str(folder)]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, env=environment)


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (MARKED.format(id="ENV-999"), "ENV-999 is no requirement of 1.0"),
        (MARKED.format(id="ENV-001"), "requirements without a test: ENV-002, ENV-003, MSG-001, SEC-001"),
        ("def test_something():\n    pass\n", "tests without a requirement: test_it.py::test_something"),
    ],
    ids=["unknown requirement", "requirement without test", "test without requirement"],
)
def test_a_gap_stops_the_run(tmp_path: Path, test: str, said: str) -> None:
    done = collect(tmp_path, test)
    assert (done.returncode not in (0, 1), said in done.stdout + done.stderr) == (True, True)
