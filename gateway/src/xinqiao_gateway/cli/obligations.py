"""``obligation list`` and ``waive``: messages that must arrive by a time."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from xinqiao.errors import NotFound
from xinqiao_gateway.cli.opening import After, AsJson, Data, Limit, Reason, Token, listed, opened
from xinqiao_gateway.cli.resolution import proposed
from xinqiao_gateway.journal.listing import overdue_exception
from xinqiao_gateway.resolution import Wish
from xinqiao_gateway.views import obligations_view

__all__ = ["app"]

app = typer.Typer(
    help="义务：须按时到达的消息 / Obligations: messages that must arrive by a time.", no_args_is_help=True
)

_COLUMNS = ("obligation_id", "rule", "subject", "day", "expects", "channel", "due_at", "state", "level")


@app.command("list")
def list_obligations(
    data: Data = Path("data"),
    state: Annotated[
        Literal["open", "met", "met_late", "waived"], typer.Option(help="Only obligations in this state.")
    ] = "open",
    after: After = 0,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """列出义务，最早的在前 / List obligations, oldest first, with where their alarms stand."""
    with opened(data) as (journal, _):
        found = obligations_view(journal.reading, state, after, limit)
    listed("义务 obligations", _COLUMNS, found, as_json=as_json)


@app.command()
def waive(
    obligation_id: Annotated[int, typer.Argument(help="Number of an overdue obligation.", min=1)],
    reason: Reason,
    token: Token = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """申请豁免逾期的义务，由另一名操作员复核 /
    Propose that an overdue message need not come any more; another operator approves it.
    """
    with opened(data) as (journal, _):
        exception_id = overdue_exception(journal.reading, obligation_id)
    if exception_id is None:
        raise NotFound(f"obligation {obligation_id} is not overdue; what is met, waived or not yet due needs no waiver")
    proposed(Wish("waive", reason, exception_id), token, data, as_json=as_json)
