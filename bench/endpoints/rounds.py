"""One round: requests sent by the load generator, in a process of its own, and what came of them."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.load import write_requests

__all__ = ["send"]


def send(
    folder: Path, port: int, requests: Sequence[bytes], connections: int, seconds: float, rate: float = 0.0
) -> dict[str, Any]:
    """Send for so many seconds, or until there are no more; ``rate`` 0 is a closed loop. See ``bench.load.run``.

    Raises ``RuntimeError`` where anything was not accepted.
    """
    path = folder / "requests"
    write_requests(path, requests)
    arguments = (str(each) for each in (port, path, connections, seconds, rate))
    done = subprocess.run([sys.executable, "-m", "bench.load", *arguments], check=True, capture_output=True)
    result: dict[str, Any] = json.loads(done.stdout)
    if set(result["statuses"]) != {"202"}:
        raise RuntimeError(f"not everything was accepted: {result['statuses']}")
    return result
