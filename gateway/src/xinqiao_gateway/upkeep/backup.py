"""Backup of an installation that runs: one folder with a consistent journal, all files of DATA and a sealed manifest.

The master key opens everything and is kept elsewhere, unless it is asked for. Documents are copied after the journal:
whatever that speaks of was stored before. A backup is secret all the same: it holds the gateway's signing key.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from xinqiao.errors import SettingsInvalid
from xinqiao.message import Json, timestamp
from xinqiao_gateway.installation import Installation
from xinqiao_gateway.journal.last_batch import last_batch
from xinqiao_gateway.upkeep.database_copy import copy_database
from xinqiao_gateway.upkeep.manifest import digest_of_file, sync_folder, write_manifest

__all__ = ["FILES", "MANIFEST", "MASTER_KEY", "back_up", "make_empty"]

MANIFEST = "manifest.json"
FILES = "data"
MASTER_KEY = "keys/master.key"
_VERSION = 1
# Not of the installation but of the process that serves it, or copied in another way; the spool comes to be again.
_LEFT_OUT = frozenset({"lock", "journal.db", "journal.db-wal", "journal.db-shm", "journal.db-journal", "spool"})
# Content-addressed, so never written again: a second name costs nothing.
_IMMUTABLE = "documents"
# Where files come and go all the time: documents that end, files that partners and the gateway put and take.
_MOVING = (_IMMUTABLE, "files")

Step = Callable[[str, int], None]


def back_up(installation: Installation, to: Path, step: Step, *, with_master_key: bool = False) -> Json:
    """Back an installation up into a folder that is empty or missing; return the manifest.

    ``step`` hears the name of each file and its size in bytes. Raises ``SettingsInvalid`` for a folder that cannot be
    used, and where the database cannot be copied.
    """
    data = installation.data
    if to.resolve().is_relative_to(data.resolve()):
        raise SettingsInvalid(f"{to} is inside the installation itself; a backup belongs on another disk")
    if not installation.has_journal:
        raise SettingsInvalid(f"{data} holds no journal: no gateway was started on it yet")
    if with_master_key and installation.settings.master_key != "file":
        raise SettingsInvalid(f"master_key: {installation.settings.master_key} keeps it, and gives it to nobody")
    make_empty(to)
    holds = _end(installation.journal_url)
    database = copy_database(installation.journal_url, to)
    step(database.name, database.stat().st_size)
    for name in _files(data, with_master_key=with_master_key):
        if _copied(data / name, to / FILES / name, top=name.partition("/")[0]):
            step(name, (to / FILES / name).stat().st_size)
    manifest = {
        "kind": "backup",
        "version": _VERSION,
        "institution": installation.settings.institution_code,
        "created_at": timestamp(),
        "database": database.name,
        "master_key": with_master_key,
        "holds": holds,
        "files": {name: _described(to / name) for name in _relative(to)},
    }
    write_manifest(to / MANIFEST, manifest, installation.key)
    return manifest


def make_empty(folder: Path) -> None:
    """Make a folder (0700), or check that it is there and empty. Raises ``SettingsInvalid``."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SettingsInvalid(f"{folder} is not empty")
        folder.chmod(0o700)
    except OSError as error:
        raise SettingsInvalid(f"{folder}: {error.strerror}") from error


def _files(data: Path, *, with_master_key: bool) -> Iterator[str]:
    """Yield the names of an installation's files; those with a dot before are being written."""
    for name in _relative(data):
        parts = Path(name).parts
        hidden = any(part.startswith(".") for part in parts)
        if not hidden and parts[0] not in _LEFT_OUT and (with_master_key or name != MASTER_KEY):
            yield name


def _relative(folder: Path) -> list[str]:
    """Return the names of all files below; a folder that vanishes meanwhile has none."""
    found: list[str] = []
    for above, _, names in os.walk(folder, onerror=_unless_vanished):
        paths = (Path(above, name) for name in names)
        found += [str(path.relative_to(folder)) for path in paths if path.is_file()]
    return sorted(found)


def _unless_vanished(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _copied(source: Path, target: Path, *, top: str) -> bool:
    """Copy a file below the folder ``top``; return False for one that was taken away since it was listed."""
    try:
        _copy(source, target, link=top == _IMMUTABLE)
    except FileNotFoundError:
        if top in _MOVING and not source.exists():
            target.unlink(missing_ok=True)
            return False
        raise
    return True


def _copy(source: Path, target: Path, *, link: bool) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if link:
        try:
            target.hardlink_to(source)
        except OSError:  # another disk, or a file system without links
            link = False
    if not link:
        shutil.copy2(source, target)
        with target.open("rb") as stored:
            os.fsync(stored.fileno())
    sync_folder(target.parent)


def _described(path: Path) -> Json:
    return {"sha256": digest_of_file(path), "bytes": path.stat().st_size, "mode": path.stat().st_mode & 0o777}


def _end(url: str) -> Json:
    """Return where the journal stands now: a copy that is begun later holds at least this much."""
    row = last_batch(url)
    return {"batch": row.batch, "chain": row.chain.hex(), "accepted_at": row.accepted_at} if row else {}
