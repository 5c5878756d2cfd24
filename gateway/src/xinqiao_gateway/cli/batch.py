"""``batch list``, ``show`` and ``fetch``: batches of files, what became of them, and the files that are kept."""

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from xinqiao.errors import XinqiaoError
from xinqiao.message import Json
from xinqiao_gateway.batches.batches import kept_in
from xinqiao_gateway.batches.views import batch_view, batches_view
from xinqiao_gateway.cli.opening import AsJson, Data, Limit, listed, opened, show
from xinqiao_gateway.cli.terminal import line
from xinqiao_gateway.journal.file_reading import file_batch, key_of

__all__ = ["app"]

app = typer.Typer(
    help="批次：收到的文件、逐笔结果与留存 / Batches: files that came, what became of each record, what is kept.",
    no_args_is_help=True,
)

BatchId = Annotated[int, typer.Argument(help="Id of the batch, as batch list shows it.", min=1, max=2**63 - 1)]

_COLUMNS = (
    "file_id", "channel", "batch_no", "file", "business_date", "state", "reason", "records", "accepted", "ignored",
    "refused", "held", "received_at",
)  # fmt: skip
_RECORDS = ("lineNo", "outcome", "reason", "partnerSerial", "messageId")


@app.command("list")
def list_batches(
    data: Data = Path("data"),
    channel: Annotated[str | None, typer.Option(help="Only those of this channel.")] = None,
    state: Annotated[
        Literal["open", "taken", "refused"] | None, typer.Option(help="Only batches in this state.")
    ] = None,
    before: Annotated[int, typer.Option(min=0, help="Only those before this id.")] = 0,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """列出批次，最近的在前 / List batches, the last one first, with their counts."""
    with opened(data) as (journal, _):
        found = batches_view(journal.reading, channel, state, before, limit)
    listed("批次 batches", _COLUMNS, found, as_json=as_json)


@app.command("show")
def show_batch(file_id: BatchId, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """查看批次：清单、结果与未受理的记录 / Show a batch and the records of it that were not simply accepted."""
    with opened(data) as (journal, _):
        found = batch_view(journal.reading, file_id)
    typer.echo(json.dumps(found, ensure_ascii=False)) if as_json else _print(found)


def _print(found: Json) -> None:
    for name, value in found.items():
        if name not in ("listed", "refusal") and value not in (None, ""):
            line(f"{name}: {value}")
    if found["refusal"] is not None:
        line(f"refusal: {found['refusal']['reason']}: {found['refusal']['detail']}", "red")
        for each in found["refusal"]["findings"]:
            line(_said(each))
    rows = [{name: each.get(name) for name in _RECORDS} for each in found["listed"]]
    show("未受理的记录 records not simply accepted", _RECORDS, rows)


def _said(finding: Json) -> str:
    values = [
        f"{word} {finding[name]}" for word, name in (("is", "value"), ("expected", "expected")) if name in finding
    ]
    return "  ".join([f"  {finding['path']}: {finding['text']['zh']} / {finding['text']['en']}", *values])


@app.command()
def fetch(
    file_id: BatchId,
    to: Annotated[Path, typer.Argument(help="File to write; it must not exist.")],
    data: Data = Path("data"),
) -> None:
    """取出留存的原始文件 / Write the file as it came, for evidence; only you can read it."""
    with opened(data) as (journal, installation):
        key = key_of(journal.reading, file_batch(journal.reading, file_id))
        content = kept_in(installation).content(key)
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in content:
                    file.write(piece)
        except (XinqiaoError, OSError):
            to.unlink()  # a part of a file is no evidence
            raise
    line(f"{to}: {to.stat().st_size} bytes", "green")
