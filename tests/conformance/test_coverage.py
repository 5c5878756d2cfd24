"""Requirements and tests cover each other, or nothing is run."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from xinqiao_conformance.requirements import requirements

MARKED = """
from xinqiao_conformance.suite import requirement

@requirement("{id}")
def test_something():
    pass
"""


def collect(folder: Path, test: str, *further: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    configuration = str(files("xinqiao_conformance") / "suite" / "pytest.ini")
    names = ("target", "channel", "key", "sender", "receiver", "output")
    options = [f"--xinqiao-{name}={folder}" for name in names]
    line = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        configuration,
        "--rootdir",
        str(folder),
        *options,
        *further,
        str(folder),
    ]
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


EVERY = "\n".join(
    f"""
@requirement("{each.id}")
@pytest.mark.parametrize("number", [1, 2])
def test_{each.id.replace("-", "_")}(number):
    pass
"""
    for each in requirements(shown_by="suite")
)
HEAD = "import pytest\nfrom xinqiao_conformance.suite import requirement\n"


@pytest.mark.parametrize(
    ("deselected", "missing"),
    [("test_it.py::test_ENV_002", ["1", "2"]), ("test_it.py::test_ENV_002[2]", ["2"])],
    ids=["all", "some"],
)
def test_a_requirement_whose_tests_did_not_all_run_fails(tmp_path: Path, deselected: str, missing: list[str]) -> None:
    done = collect(tmp_path, HEAD + EVERY, "--deselect", deselected)
    results = {row["id"]: row for row in json.loads((tmp_path / "results.json").read_bytes())}
    assert results.keys() == {each.id for each in requirements(shown_by="suite")}
    assert [each for each, row in results.items() if row["result"] == "failed"] == ["ENV-002"]
    assert results["ENV-002"]["findings"] == [
        {
            "test": f"test_ENV_002[{each}]",
            "expected": "the test runs",
            "sent": None,
            "seen": {"error": "it did not run"},
        }
        for each in missing
    ]
    assert done.returncode == 1


def test_a_requirement_whose_test_is_skipped_fails(tmp_path: Path) -> None:
    done = collect(tmp_path, HEAD + EVERY.replace("    pass", "    pytest.skip('later')", 2))
    results = json.loads((tmp_path / "results.json").read_bytes())
    assert [row["id"] for row in results if row["result"] == "failed"] == ["ENV-001", "ENV-002"]
    assert done.returncode == 1
