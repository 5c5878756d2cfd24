"""``journal reconcile``: a partner's statement against the journal, the result and the proposed repairs as files."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import typer

from xinqiao.errors import ContentRefused
from xinqiao.masking import mask
from xinqiao.message import Json, new_message_id, read_json, timestamp, write_json
from xinqiao_gateway.calendars import read_calendars
from xinqiao_gateway.cli.files import reading, replacing
from xinqiao_gateway.cli.terminal import line, printable, table
from xinqiao_gateway.installation import Installation, read_installation
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.journal.search import Search, contents
from xinqiao_gateway.reconciliation import (
    Answering,
    Difference,
    Result,
    Terms,
    Window,
    messages_of,
    reconcile,
    repairs,
    result_messages,
    terms_of,
    window_of,
)

__all__ = ["Opened", "Ours", "Request", "messages_in", "reconcile_command", "run"]

# The journal's messages in a window, each once, in any order.
Ours = Callable[[Window], Iterable[Json]]
# What opens the journal of an installation's folder.
Opened = Callable[[Path], AbstractContextManager[tuple[Journal, Installation]]]

# Differences that a terminal shows; the files have all.
_SHOWN = 50
_COLUMNS = ("outcome", "key", "here", "there", "cause", "repair")


@dataclass(frozen=True, slots=True)
class Request:
    """What an operator asks for: a statement's file of a channel, and what the file does not say itself."""

    statement: Path
    channel_id: str
    kind: str | None = None
    since: date | None = None
    until: date | None = None
    cut_off: time | None = None
    content_type: str = ""


Statement = Annotated[
    Path, typer.Option(help="The partner's file, in the channel's format.", exists=True, dir_okay=False)
]


def messages_in(window: Window, reading: Reading) -> Iterator[Json]:
    """Yield the journal's messages of a window, as a stream; one that was accepted late has its own business date."""
    for body in sorted(window.bodies):
        search = Search(message_type=body, test=window.test)
        for _, message in contents(reading, search):
            if window.holds(message):
                yield message


def reconcile_command(opened: Opened) -> Callable[..., None]:
    """Return the command; ``opened`` opens the journal of an installation's folder."""

    def command(
        statement: Statement,
        channel: Annotated[str, typer.Option(help="Id of the channel that the statement comes from.")],
        kind: Annotated[
            str | None, typer.Option(help="Kind of statement, e.g. CASH, where the file does not say it.")
        ] = None,
        since: Annotated[
            datetime | None, typer.Option("--from", help="First day; by default as the statement says.", formats=_DAY)
        ] = None,
        until: Annotated[
            datetime | None, typer.Option("--to", help="Last day; by default as the statement says.", formats=_DAY)
        ] = None,
        cut_off: Annotated[
            datetime | None,
            typer.Option(help="After this time of day (China) the partner books on the next.", formats=["%H:%M"]),
        ] = None,
        ours: Annotated[
            Path | None,
            typer.Option(help="Canonical JSON lines instead of the journal, e.g. an archive's.", exists=True),
        ] = None,
        out: Annotated[
            Path | None, typer.Option(help="Folder for results.jsonl and repairs.jsonl; made where it is missing.")
        ] = None,
        checked_by: Annotated[str | None, typer.Option(help="Who stands for the result, as it will say.")] = None,
        content_type: Annotated[str, typer.Option(help="Content type; by default the channel's.")] = "",
        data: Annotated[Path, typer.Option(help="The installation's folder.")] = Path("data"),
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    ) -> None:
        """用对方的对账单核对流水库，列出差异、原因和修复建议 /
        Compare a partner's statement with the journal: what matched, what did not, why, and what would mend it.

        Nothing is booked or sent: repairs are proposals. Exit status 1 where the two sides do not agree.
        """
        request = Request(
            statement,
            channel,
            kind,
            since.date() if since else None,
            until.date() if until else None,
            cut_off.time() if cut_off else None,
            content_type,
        )
        with ExitStack() as held:
            if ours:
                installation, source = read_installation(data), lambda _: _lines(ours)
            else:
                journal, installation = held.enter_context(opened(data))
                source = lambda window: messages_in(window, journal.reading)  # noqa: E731 -- one of two
            agreed = run(installation, request, source, out=out, checked_by=checked_by, as_json=as_json)
        raise typer.Exit(0 if agreed else 1)

    return command


_DAY = ["%Y-%m-%d"]


def _lines(path: Path) -> Iterator[Json]:
    with path.open("rb") as file:
        yield from (read_json(each) for each in file if each.strip())


def run(
    installation: Installation,
    request: Request,
    ours: Ours,
    *,
    out: Path | None = None,
    checked_by: str | None = None,
    as_json: bool = False,
) -> bool:
    """Reconcile, print and write; return whether the two sides agree. Raises a ``Rejected`` for a bad statement."""
    served = installation.channels.find(request.channel_id)
    at = timestamp()
    answering = Answering(f"DZJG-{new_message_id()[:23]}", served.institution_code, at, checked_by)
    with request.statement.open("rb") as raw, reading(raw, request.statement) as file, ExitStack() as held:
        theirs = messages_of(served.channel, file, request.content_type)
        terms, theirs = _terms(theirs, installation, request)
        window = window_of(terms, served.institution_code, test=served.test)
        result = held.enter_context(reconcile(terms, theirs, ours(window)))
        if out:
            _write(result, answering, out)
        _print_json(result) if as_json else _print(result, out)
        return result.agreed


def _terms(theirs: Iterator[Json], installation: Installation, request: Request) -> tuple[Terms, Iterator[Json]]:
    first = list(islice(theirs, 1))
    if not first:
        raise ContentRefused("the statement's file holds no message; an empty statement is a message with no items")
    terms = terms_of(
        first[0],
        installation.settings.institution_code,
        read_calendars(installation.data),
        kind=request.kind,
        period=(request.since, request.until),
        cut_off=request.cut_off,
    )
    return terms, chain(first, theirs)


def _write(result: Result, answering: Answering, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    with replacing(out / "results.jsonl") as file:
        for message in result_messages(result, answering):
            file.write(write_json(message) + b"\n")
    with replacing(out / "repairs.jsonl") as file:
        for each in repairs(result, answering.at):
            file.write(write_json(each.as_json()) + b"\n")


def _summary(result: Result) -> dict[str, Any]:
    sides = {"here": result.here, "there": result.there}
    return {
        "kind": result.terms.name,
        "period": [result.terms.period_start.isoformat(), result.terms.period_end.isoformat()],
        "agreed": result.agreed,
        "adds_up": result.adds_up,
        "outcomes": dict(sorted(result.counts.items())),
        "causes": dict(sorted(result.causes.items())),
        "totals": {name: side.counted.as_json() for name, side in sides.items()},
        "left_out": {name: side.left_out.number for name, side in sides.items()},
    }


def _print_json(result: Result) -> None:
    shown = [_row(each) for each in islice(result.differences(), _SHOWN)]
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in shown]
    typer.echo(json.dumps(_summary(result) | {"differences": rows}, ensure_ascii=False))


def _print(result: Result, out: Path | None) -> None:
    if rows := [_row(each) for each in islice(result.differences(), _SHOWN)]:
        table("差异 differences", _COLUMNS, rows)
    found = _summary(result)
    line("  ".join(f"{name} {number}" for name, number in found["outcomes"].items()) or "没有明细 no items")
    if found["causes"]:
        line("原因 causes: " + ", ".join(f"{name} {number}" for name, number in found["causes"].items()))
    for name, totals in found["totals"].items():
        for each in totals:
            line(f"合计 total {name}: {each['itemCount']} items, {each['amount']} {each['currency']}")
    if out:
        line(f"{out / 'results.jsonl'}, {out / 'repairs.jsonl'}")
    line("双方一致 agreed" if result.agreed else "双方不一致 not agreed", "green" if result.agreed else "yellow")


def _row(each: Difference) -> list[str]:
    pair, row = each.pair, each.row
    sides = [_shown(pair.here.item) if pair.here else "", _shown(pair.there.item) if pair.there else ""]
    # A key may be an account's number, or a name where a partner has no better one.
    key = printable(mask(pair.either.item["key"], "C2"))
    return [each.outcome, key, *sides, row.cause, row.repair or ""]


def _shown(item: Json) -> str:
    """Return what a person compares; account numbers stay in the files."""
    money = f"{item['amount']['value']} {item['amount']['currency']}" if "amount" in item else ""
    return " ".join(filter(None, (item.get("date"), money, item.get("units"), item.get("state"))))
