"""What is put back where files lie: results, and the files themselves once they are taken.

Every step may be done again after a crash: what is there already, byte for byte, is not written twice.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
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


def put_away(folder: Folder, files: Files, finished: Finished, settlements: Sequence[Settlement]) -> None:
    """Archive or remove files that are settled; refused ones go to the error folder where that may be.

    What came with them goes first: a file that is left behind without its mark is asked about at the next look, but a
    mark that is left behind would tell a file finished that only begins to come.
    """
    is_refused = "refused" in settlements
    if files.after == "leave" or (is_refused and not files.permissions.rename):
        return
    for each in finished.companions:
        _put_away(folder, files, each, refused=is_refused)
    for each, settlement in zip(finished.files, settlements, strict=True):
        _put_away(folder, files, each, refused=settlement == "refused")


def _put_away(folder: Folder, files: Files, entry: Entry, *, refused: bool) -> None:
    old = below(files.watched, entry.name)
    with suppress(FileNotFoundError):  # gone since: it was put away before a crash, or somebody did it
        if files.after == "remove" and not refused:
            folder.remove(old)
            return
        target = files.error if refused else files.archive
        folder.make_folder(target)
        for name in numbered(entry.name):
            with suppress(FileExistsError):
                folder.rename(old, below(target, name))
                return


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
