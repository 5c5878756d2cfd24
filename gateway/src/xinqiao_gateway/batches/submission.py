"""Taking a batch's records: the file is kept, then piece after piece goes to the intake, each one commit.

What leads from each message to the file is the piece's reference: a small document with the digests of file and
manifest and the numbers of its records, kept as the raw input, with the manifest's seal or the file's origin.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import orjson

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import BatchRefused
from xinqiao_gateway.batches.accounting import account
from xinqiao_gateway.batches.came import Came, Content
from xinqiao_gateway.batches.kept import Kept
from xinqiao_gateway.batches.manifest import Manifest
from xinqiao_gateway.batches.reading import PIECE, pieces, records
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.checking import Checked
from xinqiao_gateway.intake import Intake
from xinqiao_gateway.intake_records import Records
from xinqiao_gateway.journal import Follow, Journal, Outcome
from xinqiao_gateway.journal.file_reading import FileBatch, key_of
from xinqiao_gateway.journal.files import Piece, accounted, piece_type
from xinqiao_gateway.journal.vault import DataKey

__all__ = ["Submitting", "take_records"]


@dataclass(frozen=True, slots=True)
class _Read:
    """A piece of the file, read and checked."""

    decoded: Sequence[Decoded | Undecoded]
    checked: Sequence[Checked]


@dataclass(frozen=True, slots=True)
class Submitting:
    """A batch that is open, with what it is taken from. ``together``: as many records as one commit may hold."""

    channel: ServedChannel
    came: Came
    content: Content
    manifest: Manifest | None
    stored: FileBatch
    together: int

    @property
    def is_whole(self) -> bool:
        """Whether all of it is one commit: all or nothing, and small enough for that."""
        return self.stored.mode == "all" and self.stored.records <= self.together

    @property
    def corrects(self) -> bool:
        """Whether a known key with another body is a correction: the batch replaces another."""
        return self.manifest is not None and "replacesBatchNo" in self.manifest.body

    def records(self, first: int, read: _Read, follow: Follow) -> Records:
        """Return a piece as the intake wants it, with its evidence; its records are counted from 0."""
        manifest, stored = self.manifest, self.stored
        reference = {
            "batchNo": stored.batch_no,
            "digest": {"algorithm": "SHA256", "value": self.content.sha256},
            "size": str(self.content.size),
            "manifest": manifest and hashlib.sha256(manifest.content).hexdigest(),
            "firstRecord": first + 1,
            "lastRecord": first + len(read.decoded),
        }
        return Records(
            decoded=read.decoded,
            checked=read.checked,
            content=orjson.dumps(reference),
            content_type=piece_type(stored.scope),
            evidence=(manifest.signature if manifest else "") or self.came.origin,
            scope=stored.scope,
            follow=follow,
            atomic=self.is_whole,
        )


async def take_records(batch: Submitting, kept: Kept, intake: Intake, journal: Journal) -> None:
    """Take what is not accounted for yet. Raises a ``Retryable`` where it cannot go on; what was taken stays."""
    stored = batch.stored
    key = await journal.read(key_of, journal.reading, stored)
    await _keep(batch, kept, key)
    first, size = stored.done, max(stored.records, 1) if batch.is_whole else PIECE
    source = records(batch.channel, batch.came.path, batch.came.name)
    turn = partial(intake.records.turn, batch.channel)
    async with aclosing(pieces(source, size, partial(_checked, batch, intake), turn, skip=first)) as read:
        async for piece in read:
            follow = accounted(key, stored.file_id, partial(_account, batch, first, piece))
            await intake.records.take(batch.channel, batch.records(first, piece, follow))
            first += len(piece.decoded)


def _checked(batch: Submitting, intake: Intake, piece: Sequence[Decoded | Undecoded]) -> _Read:
    if batch.stored.mode != "none":
        return _Read(piece, intake.records.checked(batch.channel, piece, corrects=batch.corrects))
    together = BatchRefused("the batch is all or nothing, and another record of it is refused")
    refusals = intake.records.refusals(batch.channel, piece)
    return _Read(piece, [Checked((), error=each or together) for each in refusals])


def _account(batch: Submitting, first: int, piece: _Read, outcomes: Sequence[Outcome]) -> Piece:
    return account(batch.came.name, first, piece.decoded, outcomes)


async def _keep(batch: Submitting, kept: Kept, key: DataKey) -> None:
    def keep() -> None:
        with batch.came.path.open("rb") as file:
            kept.keep(key, file, batch.content.size)

    if batch.stored.mode != "none":  # of what is refused whole nothing is kept
        await asyncio.to_thread(keep)
