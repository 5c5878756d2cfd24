"""Reading a file's records beside the event loop, a piece at a time, and what a first reading says of all of them."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile, ZipFile, is_zipfile

from xinqiao.adapter import Decoded, FileAdapter, Undecoded
from xinqiao.errors import BodyTooLarge, ContentRefused, TooManyMessages
from xinqiao_gateway.batches.totals import Totals
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.intake import Intake

__all__ = ["LINES", "LINES_TYPE", "MOST_RECORDS", "PIECE", "Survey", "pieces", "records", "survey"]

# What one commit takes of a file: as much as the journal's writer takes together.
PIECE = 256
# As many as the standard numbers in a result.
MOST_RECORDS = 1_000_000
# What a packed file may unpack to: bytes in any case, and times its size; workbooks have 5 to 20.
_UNPACKED, _RATIO, _BLOCK = 64 << 20, 100, 1 << 20
# How files are named whose lines are messages of the standard.
LINES = (".jsonl", ".ndjson")
LINES_TYPE = "application/x-ndjson"

T = TypeVar("T")
P = TypeVar("P")


def records(channel: ServedChannel, path: Path, name: str) -> Generator[Decoded | Undecoded]:
    """Yield the records of a file; an empty one has none. The file is closed at the end, or with the iterator.

    Of the standard's own files ``name`` tells lines from an array. Raises a ``Rejected`` where the file as a whole
    cannot be read, perhaps after its last record.
    """
    adapter, size = channel.adapter, path.stat().st_size
    if not isinstance(adapter, FileAdapter):
        raise ContentRefused(f"the adapter of channel {channel.channel_id} reads no files")
    are_lines = channel.speaks_canonical and name.lower().endswith(LINES)
    is_packed = is_zipfile(path)
    if (is_packed or not (are_lines or _streams(channel))) and size > channel.body_limit:
        raise BodyTooLarge(f"the file has {size} bytes; one that is read whole may have {channel.body_limit}")
    if not size:
        return
    if is_packed:
        _check_packing(path)
    with path.open("rb") as file:
        yield from adapter.decode_file(file, LINES_TYPE if are_lines else "")


def _check_packing(path: Path) -> None:
    """Refuse a workbook that is small and unpacks to what no sheet of that size holds. Raises ``ContentRefused``."""
    most = max(_UNPACKED, path.stat().st_size * _RATIO)
    try:
        with ZipFile(path) as packed:
            for name in packed.namelist():
                with packed.open(name) as part:
                    while block := part.read(_BLOCK):
                        most -= len(block)
                        if most < 0:
                            raise ContentRefused(f"the file unpacks to more than {_RATIO} times its size")
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise ContentRefused(f"the packed file cannot be unpacked: {type(error).__name__}") from error


def _streams(channel: ServedChannel) -> bool:
    """Say whether files of a channel are read record by record."""
    return any(each.reads_files and each.spec.comes_in for each in channel.channel.compiled.values())


async def pieces(
    source: Generator[T],
    size: int,
    prepare: Callable[[list[T]], P],
    turn: Callable[[], Awaitable[None]],
    skip: int = 0,
) -> AsyncGenerator[P]:
    """Yield what ``prepare`` makes of a generator's items, ``size`` at a time, after the first ``skip``.

    Reading and preparing happen in a thread, each time after a ``turn``; the next piece comes to be meanwhile. The
    generator is closed in any case, once this one is.
    """
    is_over = False

    def passed(count: int) -> int:
        return sum(1 for _ in islice(source, count))

    def following() -> P | None:
        piece = list(islice(source, size))
        return prepare(piece) if piece else None

    async def read(left: int = 0) -> P | None:
        while left and not is_over:
            await turn()
            left = left - PIECE if await asyncio.to_thread(passed, min(left, PIECE)) == PIECE else 0
        await turn()
        return await asyncio.to_thread(following)

    ahead = asyncio.create_task(read(skip))
    try:
        # A thread cannot be cut off, so neither is who waits for it.
        while (piece := await asyncio.shield(ahead)) is not None:
            ahead = asyncio.create_task(read())
            yield piece
    finally:
        is_over = True
        await asyncio.gather(ahead, return_exceptions=True)
        source.close()


@dataclass(slots=True)
class Survey:
    """What a first reading says: how many records, what they sum up to, by which interfaces they come.

    ``totals`` are None where nobody asks, and once a record could not be read. ``atomic``: every record's interface is
    all or nothing. ``refused``: one of them would be refused, whatever the journal says.
    """

    totals: Totals | None
    count: int = 0
    interfaces: set[str] = field(default_factory=set)
    atomic: bool = True
    refused: bool = False

    def add(self, channel: ServedChannel, record: Decoded | Undecoded) -> None:
        """Count a record."""
        self.count += 1
        if record.interface is not None and record.interface not in self.interfaces:
            self.interfaces.add(record.interface)
            self.atomic = self.atomic and channel.atomic(record.interface)
        if isinstance(record, Undecoded):
            self.refused, self.totals = True, None
        elif self.totals is not None:
            self.totals.add(record.message)


async def survey(
    intake: Intake, channel: ServedChannel, path: Path, name: str, *, atomic: bool | None, summed: bool
) -> Survey:
    """Read a file to its end before anything of it is accepted; ``summed``: somebody says what it sums up to.

    Where it may be all or nothing (``atomic``: as its manifest says, None where that says nothing), every record is
    checked, too. Raises a ``Rejected`` where the file as a whole cannot be read, a ``Retryable`` where a receiver's
    queue is full.
    """
    found = Survey(Totals() if summed else None)

    def count(piece: list[Decoded | Undecoded]) -> int:
        for each in piece:
            found.add(channel, each)
        if not found.refused and (atomic or (atomic is None and found.atomic)):
            found.refused = any(intake.records.refusals(channel, piece))
        return found.count

    source, turn = records(channel, path, name), partial(intake.records.turn, channel)
    async with aclosing(pieces(source, PIECE, count, turn)) as read:
        async for number in read:
            if number > MOST_RECORDS:
                raise TooManyMessages(f"a batch holds at most {MOST_RECORDS} records; send several")
    return found
