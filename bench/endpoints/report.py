"""Print what was measured, and what of the aims was reached."""

from typing import Any

from rich.console import Console
from rich.table import Table

from bench.endpoints.contenders import CONTENDERS

__all__ = ["report"]

_TITLES = {each.name: each.title for each in CONTENDERS}


def report(console: Console, result: dict[str, Any]) -> None:
    """Print all tables."""
    rounds, seconds = result["effort"]
    console.print(
        f"\n[bold]gateway[/bold]: medians of {rounds} interleaved rounds of {seconds} s; a commit each on disk"
    )
    for name, why in result["skipped"].items():
        console.print(f"left out: {_TITLES[name]}: {why}")
    _closed(console, result)
    _open(console, result)
    for database, found in result["delivery"].items():
        console.print(
            f"delivery, {database}: {found['messages']} messages accepted and delivered at "
            f"{found['drained_per_second']:.0f}/s; at {found['rate']:.0f}/s from answer to arrival "
            f"p50 {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms"
        )
    disk = ", ".join(f"{rate:.0f} rows/s in batches of {batch}" for batch, rate in result["disk"].items())
    console.print(f"disk, 2 KB rows with fdatasync: {disk}")
    backlog = result["backlog"]
    said = f"{backlog['messages']:,} messages in the journal: cost of one more, full / empty"
    console.print(f"{said}: [bold]{backlog['ratio']:.3f}[/bold] (aim: at most 1.10)")


def _closed(console: Console, result: dict[str, Any]) -> None:
    table = Table("connections", "what", "messages/s", "p50 ms", "p99 ms", "gateway ×", "aim")
    for count, found in result["closed"].items():
        for name, each in found.items():
            ratio, aim = result["ratios"][count].get(name), result["aims"].get(name)
            figures = [f"{each['per_second']:.0f}", f"{each['p50_ms']:.1f}", f"{each['p99_ms']:.1f}"]
            table.add_row(count, _TITLES[name], *figures, f"{ratio:.2f}" if ratio else "", f"{aim}" if aim else "")
    console.print(table)


def _open(console: Console, result: dict[str, Any]) -> None:
    table = Table("open loop", "of capacity", "messages/s", "p50 ms", "p99 ms", "p99.9 ms")
    for name, loads in result["open"].items():
        for each in loads:
            figures = (f"{each[figure]:.1f}" for figure in ("p50_ms", "p99_ms", "p999_ms"))
            table.add_row(_TITLES[name], f"{each['load']:.0%}", f"{each['per_second']:.0f}", *figures)
    console.print(table)
