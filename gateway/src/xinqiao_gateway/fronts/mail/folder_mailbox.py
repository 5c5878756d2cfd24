"""Mails as ``.eml`` files in a folder of the channel's own, below DATA/files/<channel>.

A file is finished once it has had the same size and time for a while; write it under another name, then rename it.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from xinqiao_adapters.docking import Mail
from xinqiao_gateway.fronts.mail.mailbox import MOST_AT_ONCE, Item, Verdict
from xinqiao_gateway.fronts.sftp.folder import Entry, Folder
from xinqiao_gateway.fronts.sftp.marks import Sightings
from xinqiao_gateway.fronts.sftp.names import numbered, refusal

__all__ = ["FolderMailbox"]

_ENDING = ".eml"
# Seconds; looks follow each other at once while many mails wait.
_STABLE = 0.5

_log = structlog.get_logger("mail")


class FolderMailbox:
    """One folder; ``folder`` is the channel's."""

    def __init__(self, mail: Mail, folder: Folder, now: Callable[[], float] = time.monotonic) -> None:
        self._mail = mail
        self._folder = folder
        self._sightings = Sightings(now)
        self._strange: frozenset[str] = frozenset()

    def open(self) -> None:
        """Make the folders that are missing."""
        for each in (self._mail.folder, self._mail.done, self._mail.exceptions):
            self._folder.make_folder(each)

    def waiting(self) -> Sequence[Item]:
        """Return the files that have not changed for a while."""
        found = [each for each in self._folder.entries(self._mail.folder) if each.name.lower().endswith(_ENDING)]
        self._sightings.look_at(found)
        self._tell_strange([each for each in found if not _is_mail(each)])
        finished = [each for each in found if _is_mail(each) and self._sightings.unchanged(each) >= _STABLE]
        oldest = sorted(finished, key=lambda each: (each.modified, each.name))
        return [Item(each.name, each.size) for each in oldest[:MOST_AT_ONCE]]

    def _tell_strange(self, strange: Sequence[Entry]) -> None:
        """Say once what has the name of a mail, and is none; its name may be anything."""
        for each in strange:
            if each.name not in self._strange:
                _log.warning("file is no mail", folder=self._mail.folder, kind=each.kind)
        self._strange = frozenset(each.name for each in strange)

    def head(self, name: str, most: int) -> bytes | None:
        """Return how a file begins."""
        return self.content(name, most)

    def content(self, name: str, most: int) -> bytes | None:
        """Return a file."""
        pieces: list[bytes] = []
        left = most
        try:
            with self._folder.read(self._path(name)) as source:
                while left > 0 and (piece := source.read(left)):
                    pieces.append(piece)
                    left -= len(piece)
        except FileNotFoundError:
            return None
        return b"".join(pieces)

    def settle(self, name: str, verdict: Verdict) -> None:
        """Move a file; one that has the name of an earlier one gets a number."""
        target = self._mail.done if verdict == "done" else self._mail.exceptions
        stem = name[: -len(_ENDING)]
        for each in numbered(stem):
            with suppress(FileExistsError):
                with suppress(FileNotFoundError):
                    self._folder.rename(self._path(name), f"{target}/{each}{_ENDING}")
                return

    def abort(self) -> None:
        """Do nothing: a folder of this machine does not wait."""

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def _path(self, name: str) -> str:
        return f"{self._mail.folder}/{name}"


def _is_mail(entry: Entry) -> bool:
    return entry.kind == "file" and refusal(entry.name) is None
