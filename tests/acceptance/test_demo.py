"""The demo shows what it says, in bounded time, and leaves nothing running, however it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def demo(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the demo in a process group of its own and prove that the group is gone afterwards."""
    command = [sys.executable, "-m", "xinqiao_gateway", "demo", *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        start_new_session=True,
    )
    said, logged = process.communicate(timeout=300)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    return subprocess.CompletedProcess(command, process.returncode, said, logged)


def test_the_demo_plays_the_whole_story_and_says_so(tmp_path: Path) -> None:
    done = demo("--keep", str(tmp_path / "kept"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().splitlines()[-1] == "demo: OK"
    packages = ("gRPC", "SFTP", "H5", "App", "客户经理")
    for shown in ("KycApplication", "ContractEffective", "资金挂账", "NavReport", "DisclosureReceipt", *packages):
        assert shown in done.stdout
    again = demo("--keep", str(tmp_path / "kept"))
    assert (again.returncode, again.stderr) == (1, "")
    assert "is not empty" in again.stdout
    assert again.stdout.rstrip().splitlines()[-1] == "demo: FAILED"


def test_a_gateway_that_does_not_start_is_said_with_its_own_words_and_nothing_is_left_running() -> None:
    done = demo(XINQIAO_TLS_CERTIFICATE="/nowhere/c.pem", XINQIAO_TLS_KEY="/nowhere/k.pem")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.rstrip().splitlines()
    assert "the gateway ended with status 1 before it answered" in lines
    assert any(line.startswith("  | settings_invalid: tls_certificate, tls_key: /nowhere/c.pem") for line in lines)
    assert lines[-1] == "demo: FAILED"
