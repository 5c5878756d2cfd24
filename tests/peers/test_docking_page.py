"""The commands of docs/docking.md do what the page says, in both languages the same."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from generate import ROOT
from tests.acceptance.ports import free_port

BLOCK = re.compile(r"<!-- run -->\n```sh\n(.*?)```", re.DOTALL)


def blocks_of(page: str) -> list[str]:
    return BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


def test_both_pages_run_the_same() -> None:
    assert blocks_of("docking.md") == blocks_of("docking.zh-CN.md")


def test_each_package_is_tried_by_hand(tmp_path: Path) -> None:
    script = "\n".join(["set -euo pipefail", "trap 'kill $(jobs -p); wait' EXIT", *blocks_of("docking.md")])
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
