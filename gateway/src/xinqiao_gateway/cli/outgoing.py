"""``outgoing list``: the files that went out to partners, or are to."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from xinqiao_gateway.cli.opening import AsJson, Data, Limit, listed, opened
from xinqiao_gateway.journal.outgoing_listing import outgoing_list

__all__ = ["app"]

State = Literal["recorded", "sending", "arrived", "told", "ready", "delivered", "held", "dissolved"]

app = typer.Typer(help="发往合作方的文件 / Files that go out to partners.", no_args_is_help=True)

_COLUMNS = ("file_id", "channel", "name", "messages", "size", "state", "attempts", "created_at", "changed_at", "detail")


@app.callback()
def outgoing() -> None:
    """发往合作方的文件 / Files that go out to partners."""


@app.command("list")
def list_outgoing(
    data: Data = Path("data"),
    channel: Annotated[str | None, typer.Option(help="Only those of this channel.")] = None,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    before: Annotated[int, typer.Option(min=0, help="Only those before this id.")] = 0,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """列出发出和待发的文件、状态及最近一次失败的原因 /
    List the files that went out and are to, the last one first: state, messages, and why the last attempt failed.
    """
    with opened(data) as (journal, _):
        rows = outgoing_list(journal.reading, channel, state, before, limit)
    listed("文件 Files", _COLUMNS, rows, as_json=as_json)
