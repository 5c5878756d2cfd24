"""What is put back where files lie: results, and the files themselves once they are taken.

Every step may be done again after a crash: what is there already, byte for byte, is not written twice.
"""

import errno
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
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


def below(path: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return f"{path}/{name}" if path else name


def put_result(folder: Folder, files: Files, result: Result) -> None:
    """Write a result under a temporary name, then rename it; a name that another file has gets a number."""
    folder.make_folder(files.results)
    for name in numbered(result.name):
        path = below(files.results, name)
        found = _compare(folder, path, result.content)
        if found == "same":
            return
        if not files.permissions.rename and found in {"gone", "part"}:
            _write(folder, path, result.content, 0)
            return
        if found == "gone" and _put(folder, files, path, result.content):
            return
    raise FileExistsError(errno.EEXIST, "no name is free for a result", result.name)


def _put(folder: Folder, files: Files, path: str, content: Path) -> bool:
    """Write a file, going on with what a broken line left of it, and rename it; False where its name is taken now."""
    temporary = f"{path}.{_digest_of(content)[:8]}{_TEMPORARY}"
    _write(folder, temporary, content, _sure(folder, temporary) if files.permissions.resume else 0)
    try:
        folder.rename(temporary, path)
    except FileExistsError:
        folder.remove(temporary)
        return False
    return True


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
