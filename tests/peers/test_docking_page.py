"""The commands of docs/docking.md, and of the file that goes out in docs/delivery.md, do what the pages say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from generate import ROOT
from tests.acceptance.ports import free_port

BLOCK = re.compile(r"<!-- run -->\n```sh\n(.*?)```", re.DOTALL)


def blocks_of(page: str) -> list[str]:
    return BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", ["docking", "delivery"])
def test_both_languages_run_the_same(page: str) -> None:
    assert blocks_of(f"{page}.md") == blocks_of(f"{page}.zh-CN.md") != []


def test_each_package_is_tried_by_hand(tmp_path: Path) -> None:
    script = "\n".join(
        ["set -euo pipefail", "trap 'kill $(jobs -p); wait' EXIT", *blocks_of("docking.md"), *blocks_of("delivery.md")]
    )
    for port in ("8700", "8701", "8702"):
        script = script.replace(port, str(free_port()))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = next(line for line in done.stdout.splitlines() if '"batchResult"' in line)
    assert json.loads(result)["batchResult"]["acceptedCount"] == "1"
    assert len(re.findall(r"/h5/my-bank/launch\?token=", done.stdout)) == 2
    for case in ("CASE-1", "CASE-2", "CASE-3"):
        assert case in done.stdout
    (fetched,) = tmp_path.glob("messages_*.json")
    assert json.loads(fetched.read_text(encoding="utf-8"))["kycDecision"]["outcome"] == "APPROVED"
    out = tmp_path / "data" / "files" / "my-bank" / "out"
    assert [each.name for each in out.rglob("*") if each.is_file()] == [fetched.name]
