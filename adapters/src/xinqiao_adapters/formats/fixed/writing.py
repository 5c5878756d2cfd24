"""Records on their way out, kept aside until they are counted: headers say how many there are."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO

__all__ = ["spooled"]

_IN_MEMORY = 8 << 20
_CHUNK = 1 << 16


@contextmanager
def spooled(
    records: Iterable[str], end: bytes, seen: Callable[[str], object] = str
) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Write records aside and give their number and bytes: what a header says of them stands before them.

    More than 8 MiB go to a temporary file that has no name and is gone with its process.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as aside:
        count = 0
        for count, record in enumerate(records, start=1):  # noqa: B007 -- asked for after the loop
            aside.write(record.encode("latin-1") + end)
            seen(record)
        aside.seek(0)
        yield count, _chunks(aside)


def _chunks(file: "IO[bytes] | tempfile.SpooledTemporaryFile[bytes]") -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
