"""``backup``, ``restore``, ``retention``, and of ``journal``: archive, unarchive, search …

Each says on standard error how far it is, where a person looks, and exits with 1 where something is not whole.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from xinqiao.errors import MalformedQuery
from xinqiao.message import timestamp
from xinqiao.seal import KeyRing, read_verifying_key
from xinqiao_gateway.calendars import CHINA
from xinqiao_gateway.cli.opening import AsJson, Data, Since, Until, opened, show
from xinqiao_gateway.cli.terminal import china_time, console, counted, held_text, line
from xinqiao_gateway.installation import read_installation
from xinqiao_gateway.journal.search import Search, found
from xinqiao_gateway.resolution.desk import Desk
from xinqiao_gateway.upkeep.archive_file import check_archive
from xinqiao_gateway.upkeep.archiving import Archiving
from xinqiao_gateway.upkeep.backup import back_up
from xinqiao_gateway.upkeep.restore import Known, Restored
from xinqiao_gateway.upkeep.restore import restore as restore_backup
from xinqiao_gateway.upkeep.retention import Retention, Swept
from xinqiao_gateway.upkeep.rules import period, read_rules
from xinqiao_gateway.upkeep.space import compact as compact_journal
from xinqiao_gateway.upkeep.upgrade import planned
from xinqiao_gateway.upkeep.upgrade import upgrade as upgrade_journal

__all__ = ["archive", "backup", "compact", "restore", "retention", "search", "unarchive", "upgrade", "verify_archive"]

_FOUND = ("position", "accepted_at", "message_type", "channel", "case_id", "partner_serial", "message_id")


def backup(
    to: Annotated[Path, typer.Option(help="Folder for the backup, empty or missing, best on another disk.")],
    data: Data = Path("data"),
    with_master_key: Annotated[
        bool, typer.Option("--with-master-key", help="Put the master key in it: whoever has the backup reads it all.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """备份数据目录，网关可在运行中 / Back up an installation; its gateway may run."""
    with _progress("files") as told:
        installation = read_installation(data)
        said = back_up(installation, to, lambda _name, _size: told(1), with_master_key=with_master_key)
    size = sum(each["bytes"] for each in said["files"].values())
    shown = {"folder": str(to), "files": len(said["files"]), "bytes": size, **said["holds"]}
    until = _until(said["holds"].get("accepted_at"))
    text = f"{to}: {len(said['files'])} 个文件 {counted(len(said['files']), 'file')}, {size:,} bytes, {until}"
    _say(shown, text, as_json)
    if not as_json:
        line(f"最后的链值 last chain value: {said['holds'].get('chain', '无 none')}")
        line("  请另处保存，恢复时用 --expect-chain 给出；keep it elsewhere, for restore --expect-chain")
        if not with_master_key and isinstance(installation.master_key, Path):
            line(f"不含主密钥 without {data / 'keys' / 'master.key'}", "yellow")
            line("  请另处保存，没有它什么都无法读取；keep that elsewhere: nothing can be read without it", "yellow")


def _until(accepted_at: str | None) -> str:
    return f"流水库截至 journal up to {china_time(accepted_at) if accepted_at else '起点 its start'}"


def restore(
    backup_folder: Annotated[Path, typer.Argument(help="The folder of the backup.")],
    data: Annotated[Path, typer.Option(help="Where to, a folder that is empty or missing.")],
    master_key: Annotated[Path | None, typer.Option(help="The master key's file, where the backup has none.")] = None,
    key: Annotated[Path | None, typer.Option(help="The gateway's public key as kept elsewhere: shows forgery.")] = None,
    expect_chain: Annotated[str | None, typer.Option(help="A chain value known from elsewhere (hex).")] = None,
    journal_url: Annotated[str | None, typer.Option(help="An empty PostgreSQL database for the journal.")] = None,
    as_json: AsJson = False,
) -> None:
    """恢复备份并校验 /
    Restore a backup and verify it; exit status 1 where it is not whole or does not hold --expect-chain.
    """
    known = Known(master_key, key, expect_chain, journal_url)
    with _progress("files") as told:
        result = restore_backup(backup_folder, data, known, lambda _name, _size: told(1))
    unseen = not_looked_at_text(result.not_looked_at)
    text = f"{data}: {held_text(result.messages, result.batches)}, {_until(result.accepted_at)}{unseen}"
    _say(asdict(result) | {"whole": result.is_whole}, text, as_json)
    if not as_json:
        for breach in result.breaches:
            line(breach, "red")
        _say_chain(result)
        if key is None:
            line("用备份自带的公钥校验，能发现损坏，不能发现伪造；用 --key 两者都能发现", "yellow")
            line("checked with the backup's own key, which shows damage and no forgery; --key shows both", "yellow")
    raise typer.Exit(0 if result.is_whole else 1)


def not_looked_at_text(count: int) -> str:
    """Return what a verification did not prove: that the contents of so many messages are in their archives."""
    return f"; 归档内容未查看 contents of {counted(count, 'message')} in archives not looked at" if count else ""


def _say_chain(result: Restored) -> None:
    """Say whether a chain value known elsewhere is in what was restored, and what follows."""
    if result.knows_chain is False:
        at = china_time(result.accepted_at) if result.accepted_at else "起点 its start"
        line(f"不含该链值，此后受理的消息在此丢失：{at}", "red")
        line("  请各方重发此后的消息；此后已投递的可能再次投递", "red")
        line(f"it does not hold that chain value: what was accepted after {at} is lost here;", "red")
        line("  partners send again what came since then; what was delivered since may be delivered again", "red")
    elif result.since is not None:
        after = f"其后还有 {result.since} 批 and {counted(result.since, 'batch', 'batches')} after it"
        line(f"含该链值 it holds that chain value, {after}")


def archive(
    to: Annotated[Path, typer.Option(help="Folder of the archives.")],
    data: Data = Path("data"),
    before: Annotated[str | None, typer.Option(help="Archive what was accepted before this; China time.")] = None,
    keep: Annotated[str | None, typer.Option(help="Archive what is older than this period: P2Y, P180D.")] = None,
    as_json: AsJson = False,
) -> None:
    """把已了结批次的内容归档到文件，存证和检索不受影响 /
    Move contents of settled batches to files; evidence and search stay. The gateway may run.
    """
    instant = _instant(before, keep)
    with opened(data) as (journal, installation), _progress("batches") as told:
        archiving = Archiving(journal, installation.key, told, installation.former_keys)
        files = asyncio.run(archiving.archive(instant, to))
        blocked = archiving.eligible(instant).blocked_by
    shown = {"files": [str(file) for file in files], "blocked_by": blocked}
    _say(shown, "\n".join(map(str, files)) or "没有可归档的 nothing to archive", as_json)
    if blocked is not None and not as_json:
        line(f"停在 stops at position {blocked}: 其投递或异常尚未了结", "yellow")
        line("  a delivery or an exception of it is not settled yet", "yellow")


def unarchive(
    file: Annotated[Path, typer.Argument(help="An archive; its manifest stands beside it.")],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """校验归档文件后恢复其内容 / Put the contents of an archive back, after all of it was checked."""
    with opened(data) as (journal, installation), _progress("batches") as told:
        archiving = Archiving(journal, installation.key, told, installation.former_keys)
        span = asyncio.run(archiving.unarchive(file))
    said = f"位置 positions {span.first_position} – {span.last_position}: 已恢复 are here again"
    _say(asdict(span), said, as_json)


def verify_archive(
    file: Annotated[Path, typer.Argument(help="An archive; its manifest stands beside it.")],
    key: Annotated[
        list[Path] | None, typer.Option(help="The gateway's public key; several, where it changed; else those in DATA.")
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """单独校验归档文件，不需要流水库 / Check an archive alone: seal, digests, witnesses, chain. Needs no journal."""
    with _progress("batches") as told:
        keys = KeyRing(map(read_verifying_key, key)) if key else read_installation(data).verifying_keys
        said = check_archive(file, keys, told)
    _say(said, f"批次 batches {said['first_batch']} – {said['last_batch']}: 校验通过 verified", as_json)


def search(
    data: Data = Path("data"),
    case: Annotated[str | None, typer.Option(help="Id of a case.")] = None,
    message: Annotated[str | None, typer.Option(help="Id of a message.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Body of the message, such as kycApplication.")] = None,
    channel: Annotated[str | None, typer.Option(help="Channel that it came by.")] = None,
    serial: Annotated[str | None, typer.Option(help="The partner's own reference.")] = None,
    since: Since = None,
    until: Until = None,
    after: Annotated[int, typer.Option(help="Continue after this position.", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="At most this many.", min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """按消息头字段和时间检索消息 / Find messages by header fields and time, in the order of the journal."""
    first, end = (None if each is None else timestamp(each) for each in (since, until))
    asked = Search(case, message, type_, channel, serial, since=first, until=end, after=after)
    with opened(data) as (journal, _):
        rows = found(journal.reading, asked, limit)
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    show(f"{len(rows)} 条消息 {counted(len(rows), 'message')}", _FOUND, rows)
    if len(rows) == limit:
        line(f"可能还有 there may be more: --after {rows[-1]['position']}")


def upgrade(
    data: Data = Path("data"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """把流水库升级到本版本，请先备份 / Bring the journal's schema to this version's; back up first."""
    url = read_installation(data).journal_url
    done = planned(url) if dry_run else upgrade_journal(url)
    if done.is_needed:
        way = "将升级 would go" if dry_run else "已升级 went"
        said = f"流水库 the journal: {way} from {done.before or '无 nothing'} to {done.after}"
    else:
        said = f"流水库 the journal: 已是 is at {done.after} already"
    _say(asdict(done) | {"needed": done.is_needed}, said, as_json)


def compact(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """归还已归档内容占用的空间，须先停止网关 /
    Give the space of archived contents back (SQLite). The gateway must be stopped.
    """
    before, after = compact_journal(read_installation(data))
    _say({"before": before, "after": after}, f"journal.db: {before:,} → {after:,} bytes", as_json)


def retention(
    data: Data = Path("data"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """按 DATA/retention.yaml 清理一次，与网关每小时所做相同 /
    Apply DATA/retention.yaml once, as the gateway does every hour.
    """
    with opened(data) as (journal, installation):
        code, key = installation.settings.institution_code, installation.key
        desk = Desk(journal, installation.channels, code, key)
        turning = Retention(journal, desk, read_rules(data), code, key)
        swept = turning.foreseen() if dry_run else asyncio.run(turning.turn())
    if as_json:
        typer.echo(json.dumps(asdict(swept), ensure_ascii=False))
        return
    _show_swept(swept, dry_run)


def _show_swept(swept: Swept, dry_run: bool) -> None:
    if swept.is_nothing:
        line("没有到期的 nothing is over its time")
    would_zh, would = ("将", "would be ") if dry_run else ("已", "")
    for zh, what, cases in (("申请销毁", "proposed to be erased", swept.proposed), ("销毁", "erased", swept.erased)):
        if cases:
            columns = ("case_id", "parties", "process", "state", "changed_at")
            show(f"{would_zh}{zh} {would}{what}", columns, [asdict(each) for each in cases])
    for name, count in swept.forgotten.items():
        if count:
            line(f"{name}: {count} {would_zh}删除 {would}forgotten")


def _instant(before: str | None, keep: str | None) -> str:
    """Return the instant of ``--before`` or ``--keep``. Raises ``MalformedQuery``."""
    if (before is None) == (keep is None):
        raise MalformedQuery("say either --before DATE or --keep PERIOD")
    try:
        if keep is not None:
            return timestamp(datetime.now(UTC) - timedelta(seconds=period(keep)))
        asked = datetime.fromisoformat(str(before))
    except ValueError as error:
        raise MalformedQuery(str(error)) from error
    return timestamp(asked if asked.tzinfo else asked.replace(tzinfo=CHINA))


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    """Show on standard error how many there were, where a person looks."""
    shown = console(stderr=True)
    columns = (SpinnerColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda count: progress.advance(task, count)


def _say(found_: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found_, ensure_ascii=False))
    else:
        line(text)
