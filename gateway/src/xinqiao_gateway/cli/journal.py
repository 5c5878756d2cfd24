"""``journal verify``, ``journal deliveries``, ``journal exceptions``, ``journal case`` and ``replay``."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from xinqiao.errors import SettingsInvalid
from xinqiao.message import Json
from xinqiao.seal import KeyRing
from xinqiao_gateway.cli.terminal import table
from xinqiao_gateway.installation import Installation, read_installation
from xinqiao_gateway.journal import Journal

__all__ = ["app", "replay"]

app = typer.Typer(help="Read and verify the journal of an installation.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="The installation's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
# What fits a terminal; --json has everything.
_CASE = ("position", "accepted_at", "message_type", "sender", "case_state")
_DELIVERIES = ("delivery_id", "channel", "lane", "message_type", "state", "attempts")
_EXCEPTIONS = ("exception_id", "position", "case_id", "kind", "message_type", "expected")

DeliveryState = Literal["pending", "leased", "delivered", "dead", "parked", "waiting"]


@contextmanager
def _journal(data: Path) -> Iterator[tuple[Journal, Installation]]:
    """Open the journal beside a gateway that may be running. Raises ``SettingsInvalid`` where there is none."""
    installation = read_installation(data)
    if not installation.has_journal:
        raise SettingsInvalid(f"{data} holds no journal: no gateway was started on it yet")
    journal = Journal.open(installation.journal_url, installation.master_key, installation.key, alone=False)
    try:
        yield journal, installation
    finally:
        journal.close()


@app.command()
def verify(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Recompute all evidence; exit status 1 where a row was changed, removed or reordered."""
    with _journal(data) as (journal, installation):
        result = journal.verify(KeyRing([installation.key.public()]))
    if as_json:
        shown = asdict(result)
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        for breach in result.breaches:
            typer.echo(breach)
        verdict = "verified" if not result.breaches else f"{len(result.breaches)} breaches"
        typer.echo(f"{result.messages} messages in {result.batches} batches: {verdict}")
        typer.echo(f"last chain value: {result.chain}")
    raise typer.Exit(1 if result.breaches else 0)


@app.command()
def case(
    case_id: Annotated[str, typer.Argument(help="Id of the case.")],
    data: Data = Path("data"),
    institution: Annotated[
        str | None,
        typer.Option(help="Code of one of its institutions; without it, of several cases the one changed last."),
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="A case of test traffic.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a case: its state and its messages in order."""
    with _journal(data) as (journal, _):
        found = journal.reading.case(case_id, test, institution)
    _show(f"{case_id}: {found['state']}", _CASE, found["messages"], found if as_json else None)


@app.command()
def deliveries(
    data: Data = Path("data"),
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the 100 latest deliveries, latest first."""
    with _journal(data) as (journal, _):
        found = journal.reading.deliveries(state)
    _show("deliveries", _DELIVERIES, found, found if as_json else None)


@app.command()
def exceptions(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List what a person must resolve, oldest first, at most 100."""
    with _journal(data) as (journal, _):
        found = journal.reading.exceptions()
    _show("exceptions", _EXCEPTIONS, found, found if as_json else None)


def replay(
    delivery_id: Annotated[
        int, typer.Argument(help="Id of the delivery, as journal deliveries shows it.", min=1, max=2**63 - 1)
    ],
    data: Data = Path("data"),
) -> None:
    """Make a dead or parked delivery due now. A running gateway sends it within seconds."""
    with _journal(data) as (journal, installation):
        channel = asyncio.run(journal.replay(delivery_id, installation.channels.pushed))
        pushed = installation.channels.pushed(channel)
    typer.echo(f"delivery {delivery_id} to {channel} {'is due' if pushed else 'waits to be pulled'}")


def _show(title: str, columns: Sequence[str], rows: list[Json], as_json: Json | list[Json] | None) -> None:
    if as_json is not None:
        typer.echo(json.dumps(as_json, ensure_ascii=False))
        return
    if rows:
        table(title, columns, ([row[name] for name in columns] for row in rows))
    else:
        typer.echo(f"{title}: none")
