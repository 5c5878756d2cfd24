"""A batch file of 100,000 orders (JR/T 0017, type 03), from the file to its result file, beside a plain loader.

The gateway verifies the manifest's seal, reads all, compares count, totals and digest, keeps the file encrypted, then
decodes, checks, encrypts, journals and proves each order, and writes the result. The plain peer slices the fields and
inserts each order as JSON into SQLite, as durable, 256 to a commit; it checks nothing and tells nothing apart.
"""

import asyncio
import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.files import ofd_orders
from xinqiao.manifest import Batch, Contents, manifest_of, sealed_manifest
from xinqiao.seal import SigningKey, new_key, write_key
from xinqiao_adapters.formats.ofd.dictionary import dictionary
from xinqiao_gateway.batches.batches import Batches
from xinqiao_gateway.batches.came import Came
from xinqiao_gateway.calendars import china_day
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

__all__ = ["measure", "report"]

ORDERS = 100_000
TRUST = "913100001000100012"
CORE = {"name": "信托核心", "type": "trust-company", "code": TRUST}
_PIECE = 256


def measure(orders: int = ORDERS) -> list[dict[str, Any]]:
    """Run each contender in a process of its own; return seconds, also of a processor, and peak memory (MB)."""
    with TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        path = Path(folder) / "OFD_306_98_20260302_03.TXT"
        ofd_orders(path, orders)
        return [_run(name, path, orders) for name in _CONTENDERS]


def _run(name: str, path: Path, orders: int) -> dict[str, Any]:
    line = [sys.executable, "-m", "bench.batches", name, str(path), str(orders)]
    found: dict[str, Any] = json.loads(subprocess.run(line, capture_output=True, check=True).stdout.splitlines()[-1])
    return {"contender": name, "orders": orders, "megabytes": round(path.stat().st_size / 1e6)} | found


def report(console: Console, result: list[dict[str, Any]]) -> None:
    """Print the figures."""
    table = Table(title=f"Batch of {result[0]['orders']:,} orders, {result[0]['megabytes']} MB: file to result file")
    for name in ("contender", "seconds", "of a processor", "orders/s", "peak memory MB"):
        table.add_column(name, justify="left" if name == "contender" else "right")
    for row in result:
        rate = f"{row['orders'] / row['seconds']:,.0f}"
        table.add_row(row["contender"], f"{row['seconds']:.1f}", f"{row['processor']:.1f}", rate, f"{row['peak']:,.0f}")
    console.print(table)


def _gateway(path: Path, orders: int, *, atomic: bool) -> float:
    folder = path.parent / f"gateway-{atomic}"
    folder.mkdir()
    key = new_key("wealth-1")
    write_key(key.public(), folder / "wealth.pub.jwk")
    add_channel(folder / "data", "wealth", extends="wealth-ofd", keys=[folder / "wealth.pub.jwk"])
    keys = [folder / "wealth.pub.jwk"]
    add_channel(folder / "data", "core", extends="canonical", keys=keys, institution=CORE)
    gateway = Gateway(open_installation(folder / "data"))
    manifest = _manifest(path, orders, key, atomic=atomic)
    came = Came("wealth", path.name, path, manifest, "bench")
    began = time.perf_counter()
    answer = asyncio.run(Batches(gateway).take(came))
    seconds = time.perf_counter() - began
    body = json.loads(answer.result.splitlines()[0])["batchResult"]
    assert int(body["acceptedCount"]) == orders, body
    gateway.journal.close()
    return seconds


def _manifest(path: Path, orders: int, key: SigningKey, *, atomic: bool) -> bytes:
    batch = Batch("91310000100000306T", TRUST, china_day(time.time()), 1, all_or_nothing=atomic)
    return sealed_manifest(manifest_of(batch, Contents.of(path, "text/plain", orders)), key)


def _plain(path: Path, orders: int) -> float:
    began = time.perf_counter()
    database = sqlite3.connect(path.parent / "plain.db", isolation_level=None)
    database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE orders (said TEXT)")
    fields = dictionary()
    with path.open(encoding="gb18030", newline="") as file:
        names = [file.readline().strip() for _ in range(int([file.readline() for _ in range(10)][9]))]
        ends = [0]
        for name in names:
            ends.append(ends[-1] + fields.fields[name].width)
        places = list(zip(names, ends, ends[1:], strict=False))
        lines = islice(file, 1, orders + 1)
        while piece := list(islice(lines, _PIECE)):
            rows = [(_sliced(line.encode("gb18030"), places),) for line in piece]
            database.execute("BEGIN")
            database.executemany("INSERT INTO orders VALUES (?)", rows)
            database.execute("COMMIT")
    assert database.execute("SELECT count(*) FROM orders").fetchone() == (orders,)
    database.close()
    return time.perf_counter() - began


def _sliced(record: bytes, places: list[tuple[str, int, int]]) -> str:
    return json.dumps({name: record[start:end].decode("gb18030").strip() for name, start, end in places})


_CONTENDERS: dict[str, Callable[[Path, int], float]] = {
    "Xinqiao, record by record": lambda path, orders: _gateway(path, orders, atomic=False),
    "Xinqiao, all or nothing": lambda path, orders: _gateway(path, orders, atomic=True),
    "slices into SQLite, no checks": _plain,
}


def _main(name: str, path: str, orders: str) -> None:
    before = time.process_time()
    seconds = _CONTENDERS[name](Path(path), int(orders))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "processor": time.process_time() - before, "peak": peak}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
