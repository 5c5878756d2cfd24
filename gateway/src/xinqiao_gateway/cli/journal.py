"""``journal verify``, ``journal deliveries``, ``journal exceptions``, ``journal case`` and ``replay``."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from xinqiao.message import Json
from xinqiao.seal import KeyRing
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.journal import Journal

__all__ = ["app", "replay"]

app = typer.Typer(help="Read and verify the journal of an installation.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="The installation's folder.", exists=True, file_okay=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@contextmanager
def _journal(data: Path) -> Iterator[tuple[Journal, KeyRing]]:
    installation = open_installation(data)
    journal = Journal.open(installation.journal_url, installation.master_key, installation.key, alone=False)
    try:
        yield journal, KeyRing([installation.key.public()])
    finally:
        journal.close()


@app.command()
def verify(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Recompute all evidence; exit 1 if a row was changed, removed or reordered."""
    with _journal(data) as (journal, keys):
        result = journal.verify(keys)
    if as_json:
        shown = {"batches": result.batches, "messages": result.messages, "breaches": result.breaches}
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        for breach in result.breaches:
            typer.echo(breach)
        verdict = "verified" if not result.breaches else f"{len(result.breaches)} breaches"
        typer.echo(f"{result.messages} messages in {result.batches} batches: {verdict}")
    raise typer.Exit(1 if result.breaches else 0)


@app.command()
def case(case_id: str, data: Data = Path("data"), test: bool = False, as_json: AsJson = False) -> None:
    """Show a case: its state and its messages in order."""
    with _journal(data) as (journal, _):
        found = journal.reading.case(case_id, test)
    _show(f"{case_id}: {found['state']}", found["messages"], found if as_json else None)


@app.command()
def deliveries(
    data: Data = Path("data"),
    state: Annotated[str | None, typer.Option(help="Only those in this state, e.g. dead.")] = None,
    as_json: AsJson = False,
) -> None:
    """List deliveries, latest first."""
    with _journal(data) as (journal, _):
        found = journal.reading.deliveries(state)
    _show("deliveries", found, found if as_json else None)


@app.command()
def exceptions(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List what a person must resolve."""
    with _journal(data) as (journal, _):
        found = journal.reading.exceptions()
    _show("exceptions", found, found if as_json else None)


def replay(delivery_id: int, data: Data = Path("data")) -> None:
    """Make a dead or parked delivery due now. A running gateway sends it within seconds."""
    with _journal(data) as (journal, _):
        channel = asyncio.run(journal.replay(delivery_id))
    typer.echo(f"delivery {delivery_id} to {channel} is due")


def _show(title: str, rows: list[Json], as_json: Json | list[Json] | None) -> None:
    if as_json is not None:
        typer.echo(json.dumps(as_json, ensure_ascii=False))
        return
    table = Table(title=title)
    columns = [name for name in (rows[0] if rows else {}) if name not in {"tried", "memory"}]
    for name in columns:
        table.add_column(name)
    for row in rows:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in columns))
    Console().print(table)
