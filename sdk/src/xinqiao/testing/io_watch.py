"""Notices and stops input and output while a pure function runs, by the audit events of Python (PEP 578)."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["FILES", "NETWORK", "watched"]

# Beginnings of the names of audit events.
NETWORK = ("socket.", "subprocess.", "sqlite3.", "os.system", "os.exec", "os.fork", "os.posix_spawn")
FILES = ("open", "os.", "shutil.", "tempfile.")


class _Watch:
    """An audit hook cannot be taken away again, so there is one, which sleeps."""

    def __init__(self) -> None:
        self.installed = False
        self.kinds: tuple[str, ...] = ()
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.kinds and event.startswith(self.kinds):
            said = f"{event} {arguments[0]!r}" if arguments else event
            self.seen.append(said[:200])
            raise PermissionError(f"an adapter does no I/O: {said[:200]}")


_watch = _Watch()


@contextmanager
def watched(kinds: tuple[str, ...]) -> Iterator[list[str]]:
    """Give the list of what is attempted meanwhile; each attempt raises ``PermissionError`` where it is made."""
    if not _watch.installed:
        sys.addaudithook(_watch)
        _watch.installed = True
    _watch.kinds, _watch.seen = kinds, []
    try:
        yield _watch.seen
    finally:
        _watch.kinds = ()
