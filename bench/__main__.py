"""``make bench``: run every benchmark, print a table, write ``build/bench.json``."""

import json
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import acceptance


def main() -> None:
    """Run and report."""
    console = Console(width=110, highlight=False)
    console.print(
        f"{acceptance.CONNECTIONS} connections, {acceptance.REQUESTS} requests a round, {acceptance.ROUNDS} rounds; "
        f"SQLite, fsync on every commit; Python {platform.python_version()}"
    )
    result = acceptance.measure()
    table = Table("round", "what", "messages/s", "p50 ms", "p99 ms")
    names = {
        "gateway": "gateway: signed, validated, encrypted, in a proven batch",
        "peer": "peer: FastAPI + pydantic + SQLAlchemy, one row",
    }
    for number, each in enumerate(result["rounds"], 1):
        for name, title in names.items():
            found = each[name]
            figures = (f"{found['per_second']:.0f}", f"{found['p50_ms']:.1f}", f"{found['p99_ms']:.1f}")
            table.add_row(str(number), title, *figures)
    console.print(table)
    console.print(f"ratio gateway / peer, median of {acceptance.ROUNDS}: [bold]{result['ratio']:.2f}[/bold]")
    Path("build").mkdir(exist_ok=True)
    Path("build/bench.json").write_text(json.dumps(result, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
