"""Restoring a backup into an empty folder, and saying what it is worth: every digest, the chain, and where it ends."""

import asyncio
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, make_url, select, update

from xinqiao.errors import KeyUnusable, SealInvalid, SettingsInvalid
from xinqiao.keys import read_key_file
from xinqiao.message import Json
from xinqiao.seal import KeyRing, read_verifying_key
from xinqiao_gateway.installation import Installation, read_installation
from xinqiao_gateway.journal import Journal, tables
from xinqiao_gateway.journal.database import is_shared
from xinqiao_gateway.settings import read_settings
from xinqiao_gateway.upkeep.backup import FILES, MANIFEST, MASTER_KEY, Step, make_empty
from xinqiao_gateway.upkeep.database_copy import SQLITE_COPY, restore_database
from xinqiao_gateway.upkeep.manifest import digest_of_file, open_manifest, sync_folder

__all__ = ["Known", "Restored", "restore"]

# More than any gateway gives out between two backups.
_CURSORS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """What is known from elsewhere: the master key's file, the gateway's public key, a chain value (hex).

    Without ``key`` the backup's own is taken: that shows damage, and no forgery. ``journal_url``: an empty PostgreSQL
    database, where it is not that of the settings.
    """

    master_key: Path | None = None
    key: Path | None = None
    chain: str | None = None
    journal_url: str | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What is there again. ``accepted_at``: of its last message; whatever was accepted later is not in it.

    ``knows_chain``: whether the chain value known elsewhere is in it (None where none was given), and then ``since``
    is how many batches came after that one. ``breaches`` and ``not_looked_at`` are those of ``journal verify``: the
    files of archives are no part of a backup.
    """

    batches: int
    messages: int
    accepted_at: str
    chain: str
    breaches: tuple[str, ...]
    knows_chain: bool | None
    since: int | None
    not_looked_at: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found to be missing or changed."""
        return not self.breaches and self.knows_chain is not False


def restore(backup: Path, data: Path, known: Known, step: Step) -> Restored:
    """Restore a backup into DATA, which must be empty or missing, and verify it.

    DATA appears once all files are proved. ``step`` hears each file's name and size. Raises ``SealInvalid`` for a file
    or manifest that is not what was backed up, ``KeyUnusable`` without the master key, ``SettingsInvalid``.
    """
    manifest = _manifest(backup, known)
    _check_files(backup, manifest, step)
    # Where a package keeps the master key, the backup's settings name it, and there is no file.
    in_file = read_settings(backup / FILES).master_key == "file"
    if in_file and not manifest["master_key"] and known.master_key is None:
        raise KeyUnusable("the backup is without the master key: fetch it where it is kept, --master-key FILE")
    make_empty(data)
    with tempfile.TemporaryDirectory(prefix=".restoring-", dir=data.absolute().parent) as beside:
        made = Path(beside) / "data"
        shutil.copytree(backup / FILES, made)
        _place_master_key(made, known.master_key)
        _secure(made, manifest)
        _place_database(backup / manifest["database"], made, known.journal_url)
        data.rmdir()
        made.rename(data)
        sync_folder(data.absolute().parent)
    return _proved(read_installation(data), manifest, known)


def _manifest(backup: Path, known: Known) -> Json:
    key = known.key or backup / FILES / "keys" / "gateway.pub.jwk"
    manifest = open_manifest(backup / MANIFEST, KeyRing([read_verifying_key(key)]))
    if manifest.get("kind") != "backup" or manifest.get("version") != 1:
        raise SettingsInvalid(f"{backup / MANIFEST} is no manifest of a backup of version 1")
    return manifest


def _check_files(backup: Path, manifest: Json, step: Step) -> None:
    found = {str(path.relative_to(backup)) for path in backup.rglob("*") if path.is_file()} - {MANIFEST}
    if missing := sorted(manifest["files"].keys() - found):
        raise SealInvalid(f"{backup} lacks {len(missing)} files of its manifest, first {missing[0]}")
    if added := sorted(found - manifest["files"].keys()):
        raise SealInvalid(f"{backup} holds {len(added)} files that its manifest does not know, first {added[0]}")
    for name, said in manifest["files"].items():
        if digest_of_file(backup / name) != said["sha256"]:
            raise SealInvalid(f"{backup / name} is not the file that was backed up: its SHA-256 differs")
        step(name, said["bytes"])


def _place_master_key(data: Path, given: Path | None) -> None:
    if given is not None:
        target = data / MASTER_KEY
        target.unlink(missing_ok=True)
        target.write_bytes(read_key_file(given, secret=True))
        target.chmod(0o600)


def _secure(data: Path, manifest: Json) -> None:
    """Give files and folders the rights that they had, and make them durable."""
    for name, said in manifest["files"].items():
        path = data / Path(name).relative_to(FILES) if name.startswith(f"{FILES}/") else None
        if path is not None:
            path.chmod(said["mode"])
            with path.open("rb") as stored:
                os.fsync(stored.fileno())
    for folder in (data, *(path for path in data.rglob("*") if path.is_dir())):
        folder.chmod(0o700)
        sync_folder(folder)


def _place_database(file: Path, data: Path, journal_url: str | None) -> None:
    configured = journal_url or read_settings(data).journal_url
    if file.name != SQLITE_COPY:
        if configured is None or not is_shared(configured):
            raise SettingsInvalid("the backup is of a PostgreSQL journal: name an empty database, --journal-url URL")
        restore_database(file, configured)
        return
    if configured is not None and is_shared(configured):
        raise SettingsInvalid("the backup is of a SQLite journal; journal_url names PostgreSQL")
    path = make_url(configured).database if configured else None
    target = Path(path) if path else data / SQLITE_COPY
    if target.exists():
        raise SettingsInvalid(f"{target} exists already; move it away first")
    shutil.copyfile(file, target)
    target.chmod(0o600)
    with target.open("rb") as stored:
        os.fsync(stored.fileno())
    sync_folder(target.parent)


def _proved(installation: Installation, manifest: Json, known: Known) -> Restored:
    url = known.journal_url or installation.journal_url
    journal = Journal.open(url, installation.master_key, installation.key)
    try:
        found = journal.verify(installation.verifying_keys)
        with journal.reading.engine.begin() as connection:
            held, last, accepted_at = _ends(connection, manifest["holds"].get("chain"))
            expected = known.chain.lower() if known.chain else None
            batch = _batch_of(connection, expected)
        asyncio.run(journal.run(_pass_over_cursors))
    finally:
        journal.close()
    breaches = found.breaches if held else [*found.breaches, "the copy ends before the backup began"]
    return Restored(
        batches=found.batches,
        messages=found.messages,
        accepted_at=accepted_at,
        chain=found.chain,
        breaches=tuple(breaches),
        knows_chain=None if expected is None else batch is not None,
        since=None if batch is None else last - batch,
        not_looked_at=found.not_looked_at,
    )


def _pass_over_cursors(connection: Connection) -> None:
    """Let new deliveries begin after every cursor that was given out since the backup.

    A partner that pulls with such a cursor would otherwise acknowledge messages that it never read.
    """
    d = tables.deliveries.c
    last = select(func.max(d.sequence)).group_by(d.channel)
    connection.execute(update(tables.deliveries).where(d.sequence.in_(last)).values(sequence=d.sequence + _CURSORS))


def _ends(connection: Connection, held: str | None) -> tuple[bool, int, str]:
    """Return whether a chain value is there, and the journal's last batch with its time."""
    b = tables.batches.c
    last, accepted_at = connection.execute(select(func.max(b.batch), func.max(b.accepted_at))).one()
    return held is None or _batch_of(connection, held) is not None, last or 0, accepted_at or ""


def _batch_of(connection: Connection, chain: str | None) -> int | None:
    if chain is None:
        return None
    try:
        value = bytes.fromhex(chain)
    except ValueError as error:
        raise SettingsInvalid(f"{chain[:80]!r} is no chain value: 64 hex digits, as journal verify shows") from error
    b = tables.batches.c
    return connection.execute(select(b.batch).where(b.chain == value)).scalar()
