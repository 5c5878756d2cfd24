"""What is put back where files lie: results, and the files themselves once they are taken.

Every step may be done again after a crash: what is there already, byte for byte, is not written twice.
"""

import errno
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Literal

from xinqiao.errors import FileRefused
from xinqiao_adapters.docking.files import Files
from xinqiao_gateway.fronts.sftp.folder import BLOCK, UNSURE, Entry, Folder
from xinqiao_gateway.fronts.sftp.marks import Finished
from xinqiao_gateway.fronts.sftp.names import numbered
from xinqiao_gateway.fronts.sftp.taking import Result, Settlement

__all__ = ["below", "put_away", "put_result"]

# While it grows a result has its digest and this for an ending: what is continued is the same.
_TEMPORARY = ".tmp"
# How often a result is tried to be named while others use its name.
_MOST_TRIES = 3


def below(path: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return f"{path}/{name}" if path else name


def put_result(folder: Folder, files: Files, result: Result) -> None:
    """Write a result under a temporary name, then give it its own; what has that, an earlier result, gets a number.

    So the plain name is always the last answer's. Where nothing may be renamed the new one gets the number.
    """
    folder.make_folder(files.results)
    if not files.permissions.rename:
        _put_in_place(folder, files, result)
        return
    path = below(files.results, result.name)
    if _compare(folder, path, result.content) == "same":
        return
    temporary = f"{path}.{_digest_of(result.content)[:8]}{_TEMPORARY}"
    _write(folder, temporary, result.content, _sure(folder, temporary) if files.permissions.resume else 0)
    try:
        _name(folder, files, temporary, result.name)
    except FileExistsError:
        folder.remove(temporary)
        raise


def _put_in_place(folder: Folder, files: Files, result: Result) -> None:
    """Write a result under the first name that no other one has."""
    for name in numbered(result.name):
        path = below(files.results, name)
        found = _compare(folder, path, result.content)
        if found in {"gone", "part"}:
            _write(folder, path, result.content, 0)
        if found != "other":
            return
    raise FileExistsError(errno.EEXIST, "no name is free for a result", result.name)


def _name(folder: Folder, files: Files, temporary: str, name: str) -> None:
    """Give a result its name, as soon as what has it is out of the way."""
    path = below(files.results, name)
    for _ in range(_MOST_TRIES):
        with suppress(FileExistsError):
            folder.rename(temporary, path)
            return
        with suppress(FileNotFoundError):  # whoever reads it took it away meanwhile
            _renamed(folder, path, (below(files.results, each) for each in islice(numbered(name), 1, None)))
    raise FileExistsError(errno.EEXIST, "no name is free for a result", name)


def put_away(folder: Folder, files: Files, finished: Finished, settlements: Sequence[Settlement]) -> bool:
    """Archive or remove files that are settled, and say so; refused ones go to the error folder where that may be.

    What came with them goes first: a file that is left behind without its mark is asked about at the next look, but a
    mark that is left behind would tell a file finished that only begins to come. A file that was put in the place of
    one that was taken stays, with what came with it: it is the next look's.
    """
    is_refused = "refused" in settlements
    if files.after == "leave" or (is_refused and not files.permissions.rename):
        return False
    is_replaced = any(_is_another(folder, below(files.watched, each.name), each) for each in finished.files)
    for each in finished.companions:
        if not (is_replaced and _is_another(folder, below(files.watched, each.name), each)):
            _put_away(folder, files, each, refused=is_refused)
    for each, settlement in zip(finished.files, settlements, strict=True):
        old = below(files.watched, each.name)
        if not _is_another(folder, old, each):
            new = _put_away(folder, files, each, refused=settlement == "refused")
            if new is not None and _is_another(folder, new, each):
                folder.rename(new, old)  # it came between the look and the rename
    return True


def _put_away(folder: Folder, files: Files, entry: Entry, *, refused: bool) -> str | None:
    """Return where it is now; None for what is no more."""
    old = below(files.watched, entry.name)
    with suppress(FileNotFoundError):  # gone since: it was put away before a crash, or somebody did it
        if files.after == "remove" and not refused:
            folder.remove(old)
            return None
        target = files.error if refused else files.archive
        folder.make_folder(target)
        return _renamed(folder, old, (below(target, each) for each in numbered(entry.name)))
    return None


def _renamed(folder: Folder, old: str, names: Iterator[str]) -> str:
    """Give a file the first name that is free, and return that."""
    for new in names:
        with suppress(FileExistsError):
            folder.rename(old, new)
            return new
    raise FileExistsError(errno.EEXIST, "no name is free", old)


def _is_another(folder: Folder, path: str, entry: Entry) -> bool:
    """Say whether another file lies where one was listed; what is gone, or may not be looked at, is none."""
    try:
        return replace(folder.stat(path), name=entry.name) != entry
    except (FileNotFoundError, PermissionError):
        return False


def _compare(folder: Folder, path: str, content: Path) -> Literal["gone", "same", "part", "other"]:
    """Say what lies under a name: nothing, the content, its beginning, or another file or one that may not be read."""
    try:
        size = folder.stat(path).size
    except (FileNotFoundError, PermissionError):
        return "gone"
    if size > content.stat().st_size:
        return "other"
    try:
        with folder.read(path) as there, content.open("rb") as ours:
            while data := there.read(BLOCK):
                if data != ours.read(len(data)):
                    return "other"
            return "part" if ours.read(1) else "same"
    except (FileRefused, PermissionError):
        return "other"


def _sure(folder: Folder, path: str) -> int:
    """Return how much of a write that broke is there for sure."""
    try:
        return max(folder.stat(path).size - UNSURE, 0)
    except FileNotFoundError:
        return 0


def _write(folder: Folder, path: str, content: Path, offset: int) -> None:
    with content.open("rb") as source:
        source.seek(offset)
        with folder.write(path, offset) as target:
            while data := source.read(BLOCK):
                target.write(data)


def _digest_of(content: Path) -> str:
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
