"""``document list``, ``put``, ``get``, ``remove`` and ``verify``: an installation's documents, for its operators."""

import json
import mimetypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.errors import ContentGone, InternalError, SettingsInvalid, UnknownChannel
from xinqiao.message import Json, timestamp
from xinqiao_gateway.cli.case import Institution, Test
from xinqiao_gateway.cli.opening import AsJson, Data, Reason, Token, documents_of, opened, show
from xinqiao_gateway.cli.resolution import proposed
from xinqiao_gateway.cli.terminal import china_time, counted, line
from xinqiao_gateway.documents import Announced, DocumentDigest, Documents, Opened
from xinqiao_gateway.documents.digests import Hashing
from xinqiao_gateway.documents.references import mentioned
from xinqiao_gateway.installation import Installation, read_installation
from xinqiao_gateway.journal.timeline import case_contents
from xinqiao_gateway.journal.vault import open_vault
from xinqiao_gateway.resolution import Wish

__all__ = ["app"]

app = typer.Typer(
    help="消息引用的文档 / Put in, take out and verify the documents that messages refer to.", no_args_is_help=True
)

Digest = Annotated[str, typer.Argument(help="sha256:… or sm3:… of the document; SHA-256 where neither is said.")]
_COLUMNS = ("sha256", "media_type", "size", "stored_at", "holders")
_PIECE = 1_048_576
_TYPES = {".ofd": "application/ofd", ".wav": "audio/wav"}


@contextmanager
def _documents(data: Path) -> Iterator[tuple[Documents, Installation]]:
    """Open the documents beside a gateway that may be running. Raises ``SettingsInvalid`` where there are none."""
    installation = read_installation(data)
    if not installation.has_journal:
        raise SettingsInvalid(f"{data} holds no documents: no gateway was started on it yet; start one: serve")
    vault = open_vault(installation.master_key, is_new=False)
    yield documents_of(installation, vault), installation


@app.command("list")
def list_documents(
    data: Data = Path("data"),
    case: Annotated[str | None, typer.Option(help="Only those that messages of this case name.")] = None,
    institution: Institution = None,
    test: Test = False,
    as_json: AsJson = False,
) -> None:
    """列出文档、持有的渠道和已销毁的文档；业务有消息无法读取时退出状态为 1 /
    List the documents that are here, with the channels that have them, and those that were removed.
    Exit status 1 where a message of the case cannot be read.
    """
    unread: list[Json] = []
    with _documents(data) as (documents, _):
        if case is None:
            digests, removed = list(documents.digests()), [asdict(each) for each in documents.removed()]
        else:
            named, unread = _named_in(data, case, institution, test=test)
            digests, removed = sorted({kept for each in named if (kept := documents.kept_as(each))}, key=str), []
        rows = [_row(documents, digest) for digest in digests]
    if as_json:
        typer.echo(json.dumps({"documents": rows, "removed": removed, "unread": unread}, ensure_ascii=False))
    else:
        _print(rows, removed)
    if unread:
        said = f"{counted(len(unread), 'message')} cannot be read, and may name more:"
        line(f"{len(unread)} 条消息无法读取，清单可能不完整；{said}", "red", stderr=True)
        for each in unread:
            line(f"  {each['message_id']}: {each['why']}", "red", stderr=True)
        raise typer.Exit(1)


def _print(rows: list[Json], removed: list[Json]) -> None:
    if rows:
        show("文档 documents", _COLUMNS, rows)
    for each in removed:
        at = china_time(timestamp(datetime.fromtimestamp(each["removed_at"], UTC)))
        line(f"已销毁 removed {at} by {each['by']}: {each['sha256']} ({each['reason']})")
    line(f"{len(rows)} 份文档，{len(removed)} 份已销毁；{counted(len(rows), 'document')}, {len(removed)} removed")


def _named_in(data: Path, case: str, institution: str | None, *, test: bool) -> tuple[set[DocumentDigest], list[Json]]:
    """Return every digest in the messages of a case, and the messages that cannot be read, with why."""
    named: set[DocumentDigest] = set()
    unread = []
    with opened(data) as (journal, _):
        for message_id, content in case_contents(journal.reading, case, test, institution):
            if isinstance(content, ContentGone):
                unread.append({"message_id": message_id, "why": content.detail})
            else:
                named |= mentioned(content)
    return named, unread


@app.command()
def put(
    file: Annotated[Path, typer.Argument(help="The file to put in.", exists=True, dir_okay=False)],
    channel: Annotated[str, typer.Option(help="Id of the channel that has it from now on and may refer to it.")],
    media_type: Annotated[
        str | None, typer.Option("--type", help="Media type; by default what the file's name ends in says.")
    ] = None,
    data: Data = Path("data"),
) -> None:
    """代渠道存入文档，检查与渠道上传时相同 /
    Put a document in for a channel, checked as if it had sent it; print its digests. Brings back a removed one.
    """
    with _documents(data) as (documents, installation):
        channel_id = _known(installation, channel)
        kind = media_type or _TYPES.get(file.suffix.lower()) or mimetypes.guess_type(file.name)[0] or ""
        announced = Announced(channel_id, _digest(file), kind, file.stat().st_size)
        with documents.transfer(channel_id), documents.begin(announced, restore=True) as upload:
            for piece in _pieces(file):
                upload.write(piece)
            stored = upload.finish()
    line(f"sha256:{stored.facts.sha256}")
    line(f"sm3:{stored.facts.sm3}")
    was = "已存入 stored" if stored.new else "原已在库 was there"
    line(f"{stored.facts.size} bytes, {stored.facts.media_type}: {was}")


def _known(installation: Installation, channel: str) -> str:
    """Return the id of a channel. Raises ``UnknownChannel`` with those that there are."""
    known = [each.channel_id for each in installation.channels]
    if channel not in known:
        raise UnknownChannel(f"{channel[:60]}: 已有渠道 the channels are {', '.join(known) or '无 none'}")
    return channel


@app.command()
def get(
    digest: Digest,
    out: Annotated[Path, typer.Option(help="File to write; - for standard output. It must not exist.")],
    data: Data = Path("data"),
) -> None:
    """取出文档内容，逐块校验 / Write a document's content, every chunk verified."""
    with _documents(data) as (documents, _), documents.open(DocumentDigest.parse(digest)) as opened:
        if str(out) == "-":
            for piece in opened.pieces():
                sys.stdout.buffer.write(piece)
            return
        _write(opened, out)
    line(f"{opened.facts.size} bytes, {opened.facts.media_type}: {out}")


@app.command()
def verify(
    digest: Annotated[str | None, typer.Argument(help="One document only.", show_default=False)] = None,
    data: Data = Path("data"),
) -> None:
    """全部读取并校验 /
    Read documents to their end; exit status 1 where one is not, to the bit, what its digest says.
    """
    count, breaches = 0, 0
    with _documents(data) as (documents, _):
        for each in [DocumentDigest.parse(digest)] if digest else documents.digests():
            count += 1
            try:
                documents.verify(each)
            except InternalError as error:
                breaches += 1
                line(error.detail, "red")
    damaged = f"{breaches} 份已损坏，请从备份恢复 {breaches} damaged; restore them from a backup"
    line(f"{count} 份文档 {counted(count, 'document')}: {damaged if breaches else '校验通过 verified'}")
    raise typer.Exit(1 if breaches else 0)


@app.command()
def remove(
    digest: Digest, reason: Reason, token: Token = None, data: Data = Path("data"), as_json: AsJson = False
) -> None:
    """申请销毁文档，由另一名操作员复核，不可恢复 /
    Propose to destroy a document for good. Nothing happens before another operator approves it with proposal approve.
    """
    proposed(Wish("remove", reason, document=digest), token, data, as_json=as_json)


def _row(documents: Documents, digest: DocumentDigest) -> Json:
    holders = " ".join(documents.holders(digest))
    try:
        with documents.open(digest) as opened:
            facts = asdict(opened.facts)
    except InternalError:
        return {"sha256": digest.value, "media_type": "?", "size": None, "stored_at": None, "holders": holders}
    return facts | {"stored_at": timestamp(datetime.fromtimestamp(facts["stored_at"], UTC)), "holders": holders}


def _write(opened: Opened, path: Path) -> None:
    """Write a new file; none is left of a document that turns out to be damaged."""
    with path.open("xb") as file:
        try:
            for piece in opened.pieces():
                file.write(piece)
        except InternalError:
            path.unlink()
            raise


def _digest(file: Path) -> DocumentDigest:
    hashing = Hashing()
    for piece in _pieces(file):
        hashing.update(piece)
    return DocumentDigest("SHA256", hashing.result().sha256)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece
