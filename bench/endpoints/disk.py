"""The disk's own limit: rows of 2 KB appended to a file with ``fdatasync``, one by one and 32 at once."""

import os
import time
from pathlib import Path

__all__ = ["appended_per_second"]

_ROW = b"x" * 2048


def appended_per_second(folder: Path, batch: int, seconds: float) -> float:
    """Return how many rows a second reach the disk where so many share one ``fdatasync``."""
    descriptor = os.open(folder / "rows", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    rows, count, started = _ROW * batch, 0, time.perf_counter()
    try:
        while (spent := time.perf_counter() - started) < seconds:
            os.write(descriptor, rows)
            os.fdatasync(descriptor)
            count += batch
    finally:
        os.close(descriptor)
        (folder / "rows").unlink()
    return count / spent
