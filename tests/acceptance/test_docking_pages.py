"""The commands of docs/tcp.md and docs/h5.md do what the pages say, in both languages the same."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from generate import ROOT
from tests.acceptance.ports import free_port
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.installation import add_channel

BLOCK = re.compile(r"<!-- run -->\n```sh\n(.*?)```", re.DOTALL)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["tcp", "h5"])
def test_both_pages_run_the_same(name: str) -> None:
    assert BLOCK.findall(page(f"{name}.md")) == BLOCK.findall(page(f"{name}.zh-CN.md"))


def test_a_frame_is_answered_and_an_entry_is_taken_as_the_pages_say(tmp_path: Path) -> None:
    """One gateway serves both: the channel of docs/h5.md stands there as the page writes it."""
    key = new_key("my-bank-1")
    write_key(key, tmp_path / "my-bank.jwk")
    write_key(key.public(), tmp_path / "my-bank.pub.jwk")
    profile = add_channel(tmp_path / "data", "my-bank", extends="demo-partner", keys=[tmp_path / "my-bank.pub.jwk"])
    (said,) = re.findall(r"```yaml\n(channel: my-bank\n.*?)```", page("h5.md"), re.DOTALL)
    profile.write_text(said, encoding="utf-8")
    blocks = [*BLOCK.findall(page("tcp.md")), *BLOCK.findall(page("h5.md"))]
    script = "\n".join(["set -euo pipefail", "trap 'kill $(jobs -p); wait' EXIT", *blocks])
    for port in ("7301", "8700"):
        script = script.replace(port, str(free_port()))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("<Flag>0</Flag>" in done.stdout, '"state":"open"' in done.stdout) == (True, True), done.stdout
