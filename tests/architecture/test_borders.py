"""The borders between the parts hold (import-linter), and no module has a name that says nothing."""

import subprocess
import sys
from pathlib import Path

from generate import ROOT

NAMELESS = {"utils", "helpers", "common", "manager", "base"}


def test_the_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_module_has_a_name_that_says_nothing() -> None:
    modules = [path for part in ("sdk", "adapters", "gateway", "conformance") for path in (ROOT / part).rglob("*.py")]
    assert modules
    assert [path for path in modules if path.stem in NAMELESS] == []
