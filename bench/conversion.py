"""Files of partners to canonical JSON Lines: decoded, checked with all rules, written; beside it a reader of the same
file that checks nothing. Each runs in a process of its own, one core, and tells its peak memory.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import peers_of_files as peers
from bench.files import ofd_orders
from bench.tables import csv_rows, excel_rows
from bench.xml_files import repayments
from xinqiao_adapters.channel import load_channel
from xinqiao_adapters.trial import Trial, try_file

__all__ = ["measure", "report"]

_CHANNELS = Path(__file__).parent / "channels"
_OURS = "xinqiao"


@dataclass(frozen=True)
class _Case:
    """A file: how it is made, how many records, the channel that reads it, and what reads it without checking."""

    make: Callable[[Path, int], None]
    count: int
    channel: str
    peers: dict[str, Callable[[Path], int]]


_CASES = {
    "OFD 03": _Case(ofd_orders, 1_000_000, "wealth-ofd", {"slicing, no checks": peers.sliced}),
    "XML": _Case(repayments, 100_000, "bench-xml", {"lxml iterparse, no checks": peers.iterparse}),
    "Excel": _Case(excel_rows, 100_000, "bench-table", {"calamine, no checks": peers.calamine}),
    "CSV": _Case(csv_rows, 100_000, "bench-table", {"csv.DictReader, no checks": peers.dict_reader}),
}


def measure() -> dict[str, Any]:
    """Return records per second, seconds and peak memory (MB) of each reader of each file."""
    results: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        for name, case in _CASES.items():
            path = Path(folder, "file")
            case.make(path, case.count)
            figures = {each: _apart(name, each, path) for each in (_OURS, *case.peers)}
            results[name] = {"records": case.count, "megabytes": path.stat().st_size / 1e6, "readers": figures}
            path.unlink()
    return results


def _apart(case: str, reader: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.conversion", case, reader, str(path)]
    run = subprocess.run(command, capture_output=True, check=True, text=True)
    figures: dict[str, float] = json.loads(run.stdout)
    return figures


def _run(case: _Case, reader: str, path: Path) -> dict[str, float]:
    """Read the file once and return the figures; raises ``AssertionError`` where not every record is valid."""
    read = case.peers.get(reader) or (lambda file: _converted(case.channel, file))
    started = time.perf_counter()
    count = read(path)
    seconds = time.perf_counter() - started
    assert count == case.count, f"{count} of {case.count} records"
    return {"seconds": seconds, "records_per_second": count / seconds, "peak": _peak()}


def _converted(channel_id: str, path: Path) -> int:
    channel = load_channel(channel_id, [_CHANNELS])
    with path.open("rb") as file, path.with_suffix(".jsonl").open("wb") as out:
        trial: Trial = try_file(channel, file, keep=0, write=out.write)
    path.with_suffix(".jsonl").unlink()
    assert trial.passed, trial.findings[:3]
    return trial.valid


def _peak() -> float:
    """Return the peak memory of this process in MB; that of its parent does not count."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def report(console: Console, result: dict[str, Any]) -> None:
    """Print the figures."""
    for name, case in result.items():
        title = f"{name}: {case['records']:,} records, {case['megabytes']:,.0f} MB, to canonical JSON Lines"
        table = Table(title=title, title_justify="left")
        for column in ("reader", "records/s", "seconds", "peak MB", "× xinqiao"):
            table.add_column(column, justify="left" if column == "reader" else "right")
        own = case["readers"][_OURS]["records_per_second"]
        for reader, each in case["readers"].items():
            speed = each["records_per_second"]
            cells = (f"{speed:,.0f}", f"{each['seconds']:.1f}", f"{each['peak']:.0f}", f"{speed / own:.2f}")
            table.add_row(reader, *cells)
        console.print(table)


if __name__ == "__main__":
    print(json.dumps(_run(_CASES[sys.argv[1]], sys.argv[2], Path(sys.argv[3]))))
