"""The demo shows what it says, in bounded time, and leaves nothing running."""

import subprocess
import sys


def test_the_demo_plays_the_whole_story_and_says_so() -> None:
    command = [sys.executable, "-m", "xinqiao_gateway", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().splitlines()[-1] == "demo: OK"
    for shown in ("KycApplication", "ContractEffective", "资金挂账", "NavReport", "DisclosureReceipt"):
        assert shown in done.stdout
