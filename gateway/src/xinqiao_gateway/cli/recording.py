"""``recording export``: a case, or a channel's traffic, as a masked recording that anybody can judge again."""

import errno
import json
import os
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import typer

from xinqiao.errors import NotFound
from xinqiao.message import timestamp
from xinqiao.recording import Recording
from xinqiao_gateway.certification.traffic import Traffic
from xinqiao_gateway.cli.opening import AsJson, Data, Since, Until, opened
from xinqiao_gateway.cli.terminal import line
from xinqiao_gateway.installation import Installation
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.exchanges import Span, channels_of_case, exchanges

__all__ = ["app"]

app = typer.Typer(help="实际报文的脱敏记录 / Masked recordings of live traffic.", no_args_is_help=True)
_MOST = 100_000


class _Exported(NamedTuple):
    """What an export came to; ``gone``: exchanges without content; ``whole``: none was left out for its number."""

    root: str
    exchanges: int
    gone: int
    whole: bool


@app.callback()
def recording() -> None:
    """实际报文的脱敏记录 / Masked recordings of live traffic."""


@app.command("export")
def export(
    to: Annotated[Path, typer.Option(help="File of the recording; it must not be there.", dir_okay=False)],
    case: Annotated[str | None, typer.Option(help="Id of a case: its exchanges with one partner.")] = None,
    channel: Annotated[str | None, typer.Option(help="Id of a channel: its exchanges.")] = None,
    since: Since = None,
    until: Until = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """导出一笔业务或一个渠道某段时间的脱敏记录，可用 xinqiao recording check 重新检查 /
    Export a case, or a channel's traffic of a time, masked: a regression case for `xinqiao recording check`.

    The partner is the subject. Contents that were erased or archived are left out, and counted.
    """
    if case is None and channel is None:
        raise typer.BadParameter("say which: --case, or --channel with --since")
    with opened(data) as (journal, installation):
        wanted = channel or _channel_of(journal, installation, case or "")
        done = _exported(journal, installation, to, Span(wanted, case, _iso(since), _iso(until)))
    if as_json:
        said = {"recording": str(to), "channel": wanted} | done._asdict()
        typer.echo(json.dumps(said, ensure_ascii=False))
        return
    line(f"{to}: {done.exchanges} 次往来 exchanges of {wanted}  {done.root}", "green")
    if done.gone:
        line(f"{done.gone} 次的内容已销毁或归档，未导出 contents were erased or archived, and are not in it", "yellow")
    if not done.whole:
        line(f"只导出最近 {_MOST} 次 only the latest {_MOST} are in it", "yellow")


def _iso(at: datetime | None) -> str | None:
    return timestamp(at) if at else None


def _channel_of(journal: Journal, installation: Installation, case: str) -> str:
    """Return the one channel of a partner that carried a case. Raises ``NotFound``."""
    own = installation.settings.institution_code
    known = {each.channel_id for each in installation.channels if each.institution_code != own}
    carried = [each for each in channels_of_case(journal.reading, case) if each in known]
    if not carried:
        raise NotFound(f"no channel of a partner carried a case {case[:60]}; name the channel: --channel")
    if len(carried) > 1:
        raise typer.BadParameter(f"several channels carried it: {', '.join(carried)}; say which: --channel")
    return carried[0]


def _exported(journal: Journal, installation: Installation, to: Path, span: Span) -> _Exported:
    """Write the recording beside its place, and put it there whole or not at all.

    Raises ``FileExistsError``, and ``NotFound`` where there is nothing to write.
    """
    channel = installation.channels.find(span.channel)
    _require_free(to)
    found = exchanges(journal.reading, span, _MOST)
    if not found.exchanges:
        raise NotFound(f"{span.channel} exchanged nothing of that kind; see: journal search")
    traffic = Traffic(journal.reading, channel, installation.settings.institution_code)
    count = 0
    with TemporaryDirectory(dir=to.parent, prefix=f".{to.name}-") as beside:
        made = Path(beside) / to.name
        with Recording.create(made, traffic.head) as recording:
            for page in traffic.pages(found.exchanges):
                for _, each in traffic.page(page):
                    count = recording.append(each)
        if not count:
            raise NotFound(
                f"{span.channel}: the contents of all {len(found.exchanges)} exchanges were erased or archived"
            )
        _require_free(to)
        made.rename(to)
    return _Exported(recording.root, count, len(found.exchanges) - count, found.whole)


def _require_free(to: Path) -> None:
    if to.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(to))
