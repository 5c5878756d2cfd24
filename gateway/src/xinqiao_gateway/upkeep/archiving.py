"""Archiving: contents of settled batches move to files, and back.

The order makes a crash harmless: the file is written, synced, read back and checked; then one commit says that it
holds these batches; only then do contents go, some batches in each commit. What a crash left is finished by the next
run. Intake waits for one such commit at most, some milliseconds.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, select

from xinqiao.errors import SettingsInvalid
from xinqiao.evidence import CHAIN_START
from xinqiao.message import Json
from xinqiao.seal import KeyRing, SigningKey, VerifyingKey
from xinqiao_gateway.journal import Journal, archive, tables
from xinqiao_gateway.journal.archive import Eligible, Span
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.upkeep.archive_file import Batch, Told, batches_of, check_archive, write_archive
from xinqiao_gateway.upkeep.manifest import digest_of_file

__all__ = ["Archiving", "silent"]

# What one file holds, and what one commit of the writer moves.
_LARGEST_FILE = 100_000
_LARGEST_COMMIT = 500
# Pages of SQLite given back in one commit, where the file was made for it (see ``space.py``).
_PAGES = 1000

_SPAN = tuple(each.name for each in fields(Span))

T = TypeVar("T")


def silent(_count: int) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True, slots=True)
class Archiving:
    """Archives of one journal; ``key`` seals manifests, ``told`` hears of each batch that is written, read, moved.

    ``former`` are public keys of before, which signed what is older.
    """

    journal: Journal
    key: SigningKey
    told: Told = silent
    former: tuple[VerifyingKey, ...] = ()

    @property
    def _keys(self) -> KeyRing:
        return KeyRing([self.key.public(), *self.former])

    def eligible(self, before: str) -> Eligible:
        """Return what the next file would hold: batches accepted before an instant (ISO 8601)."""
        return self._read(lambda c: archive.eligible(c, before, _LARGEST_FILE))

    async def archive(self, before: str, folder: Path) -> list[Path]:
        """Archive all that may go, in files of about 100,000 messages, and return them, oldest first.

        Raises ``SealInvalid`` where what was written reads back wrong (nothing has left the journal then),
        ``Conflict`` where another process archives, ``SettingsInvalid`` where the folder cannot be used.
        """
        _check_folder(folder)
        await self.finish(folder)
        files = []
        while (span := self.eligible(before).span) is not None:
            file = self._write(folder, span)
            check_archive(file, self._keys, self.told)
            digest, at = digest_of_file(file), written(self.journal.now())
            await self.journal.run(lambda c: archive.register(c, span, file.name, digest, at, self.key))  # noqa: B023 -- awaited
            await self._clear(span)
            files.append(file)
        return files

    async def finish(self, folder: Path) -> list[Path]:
        """Let contents go that a run before this one had archived and not removed; return their files.

        Archives from before the gateway signed for them are signed for, where their files are in the folder. Raises
        ``SettingsInvalid`` where a file to be finished is not there, or is not the one that the journal knows,
        ``SealInvalid`` where one is damaged.
        """
        await self._sign(folder)
        left = self._read(archive.unfinished)
        for name, digest, span in left:
            file = folder / name
            if not file.exists():
                raise SettingsInvalid(f"{file} is missing: the archive begun there is to be finished first")
            manifest = check_archive(file, self._keys, self.told)
            if manifest["sha256"] != digest:
                raise SettingsInvalid(f"{file} is another file than the one that the journal knows")
            await self._clear(span)
        return [folder / name for name, _, _ in left]

    async def _sign(self, folder: Path) -> None:
        """Sign for what the sealed manifest of a file proves."""
        for row in self._read(archive.unsigned):
            file, span = folder / row["file"], Span(**{name: row[name] for name in _SPAN})
            if not file.is_file():
                continue  # in another folder: journal verify names it until then
            manifest = check_archive(file, self._keys, self.told)
            before, after = (each.hex() for each in self._read(lambda c: _chains(c, span)))  # noqa: B023 -- at once
            known = asdict(span) | {"sha256": row["digest"], "before": before, "after": after}
            if any(manifest[name] != value for name, value in known.items()):
                raise SettingsInvalid(f"{file} is another file than the one that the journal knows")
            await self.journal.run(lambda c: archive.sign(c, row, self.key))  # noqa: B023 -- awaited

    async def unarchive(self, file: Path) -> Span:
        """Put the contents of an archive back and return what it holds.

        Raises ``SealInvalid`` for a file that is damaged or forged, ``Conflict`` for one of another journal.
        """
        manifest = check_archive(file, self._keys, self.told)
        span = Span(**{name: manifest[name] for name in _SPAN})
        page: list[Batch] = []
        for batch in batches_of(file, self._keys, self.told):
            page.append(batch)
            if sum(len(each.messages) for each in page) >= _LARGEST_COMMIT:
                await self._put_back(page)
                page = []
        await self._put_back(page)
        await self.journal.run(lambda c: archive.forget_archive(c, span))
        return span

    def archives(self) -> list[Json]:
        """Return what is known of all archives, oldest first."""
        query = select(tables.archives).order_by(tables.archives.c.first_batch)
        return self._read(lambda c: [dict(row) for row in c.execute(query).mappings()])

    def _write(self, folder: Path, span: Span) -> Path:
        with self.journal.reading.engine.begin() as connection:
            rows = archive.rows_of(connection, span)
            chains, at = _chains(connection, span), written(self.journal.now())
            return write_archive(folder, span, chains, rows, at, self.key, self.told)

    async def _clear(self, span: Span) -> None:
        """Let contents go, batch after batch, as many in a commit as hold about 500 messages."""
        b, sizes = tables.batches.c, tables.batches
        within = b.batch.between(span.first_batch, span.last_batch)
        batches = self._read(lambda c: c.execute(select(b.batch, sizes.c.size).where(within).order_by(b.batch)).all())
        first, messages = span.first_batch, 0
        for row in batches:
            messages += row.size
            if messages >= _LARGEST_COMMIT or row.batch == span.last_batch:
                await self.journal.run(lambda c: archive.clear(c, first, row.batch))  # noqa: B023 -- awaited
                self.told(row.batch - first + 1)
                first, messages = row.batch + 1, 0
        while await self.journal.run(_give_back):
            pass

    async def _put_back(self, page: list[Batch]) -> None:
        raws = [row for batch in page for row in batch.raws]
        messages = [row for batch in page for row in batch.messages]
        await self.journal.run(lambda c: archive.put_back(c, raws, messages))

    def _read(self, act: Callable[[Connection], T]) -> T:
        with self.journal.reading.engine.begin() as connection:
            return act(connection)


def _chains(connection: Connection, span: Span) -> tuple[bytes, bytes]:
    b = tables.batches.c
    chain = {number: connection.execute(select(b.chain).where(b.batch == number)).scalar() for number in
             (span.first_batch - 1, span.last_batch)}  # fmt: skip
    return chain[span.first_batch - 1] or CHAIN_START, chain[span.last_batch] or CHAIN_START


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsInvalid(f"{folder}: {error.strerror}") from error


def _give_back(connection: Connection) -> bool:
    """Give some of SQLite's empty pages back to the disk; say whether there are more."""
    if connection.dialect.name != "sqlite" or connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() != _INCREMENTAL:
        return False
    empty = int(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one())
    for _ in range(min(empty, _PAGES)):
        connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")  # sqlite3 takes one step, which is one page
    return empty > _PAGES


_INCREMENTAL = 2
