"""The partners of conformance/examples pass every kit that they declare, as the suite runs them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.example_partners import EXAMPLES, LANGUAGES

REPOSITORY = EXAMPLES.parents[1]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_suite_passes_it(language: str, tmp_path: Path) -> None:
    # The suite lays keys beside the declaration; the examples find the standard as they do in the repository.
    copied = tmp_path / EXAMPLES.relative_to(REPOSITORY)
    shutil.copytree(EXAMPLES, copied, ignore=shutil.ignore_patterns("build", "conformance-subject"))
    (tmp_path / "schemas").symlink_to(REPOSITORY / "schemas")
    command = [sys.executable, "-m", "xinqiao_conformance", "run", "--json", "--declaration"]
    declaration = copied / language / "declaration.yaml"
    ran = subprocess.run([*command, str(declaration)], capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    results = json.loads(ran.stdout)
    assert results["verdict"] == "passed"
    assert [(each["kit"], each["verdict"]) for each in results["kits"]] == [
        ("sender/family-trust/rest", "passed"),
        ("receiver/family-trust-trustee/rest", "passed"),
    ]
