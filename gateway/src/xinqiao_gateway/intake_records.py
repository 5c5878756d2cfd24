"""The way in for records of a file, which is opened and read by others: they come in pieces, each of them one commit.

They are checked and stored as any input is. ``Intake.records`` is where they go in.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import RateLimited, Retryable, XinqiaoError
from xinqiao_gateway.admission import Admission
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.checking import Checked, Checker, in_order, refused_together, taken_as
from xinqiao_gateway.journal import Follow, Journal, Outcome, Submission
from xinqiao_gateway.telemetry.observer import Observer

__all__ = ["RecordIntake", "Records"]

# Seconds that a piece of a file waits, in all, for its channel's rate.
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Records:
    """A piece of a file: records in their order, as they were checked, and what leads from each message to the file.

    ``content`` and ``content_type`` are that, ``evidence`` is the seal or what the front verified of the whole.
    ``scope`` names the key that protects the file. ``follow`` happens in the commit, with the outcome of every record;
    an error of it undoes the piece.
    """

    decoded: Sequence[Decoded | Undecoded]
    checked: Sequence[Checked]
    content: bytes
    content_type: str
    evidence: str
    scope: str
    follow: Follow
    atomic: bool = False


class RecordIntake:
    """Takes records of files. Checking blocks, and is for a thread."""

    def __init__(self, checker: Checker, journal: Journal, admission: Admission, observer: Observer) -> None:
        self._checker = checker
        self._journal = journal
        self._admission = admission
        self._observer = observer

    def checked(
        self, channel: ServedChannel, decoded: Sequence[Decoded | Undecoded], *, corrects: bool = False
    ) -> list[Checked]:
        """Check records; ``corrects``: a known key with another body is a correction, whatever its interface says.

        Raises a ``Retryable`` where they cannot be taken now: a queue that is full is no fault of a record.
        """
        checked = [self._checker.check(channel, each) for each in decoded]
        for each in checked:
            _require_now(each.error)
        if not corrects:
            return checked
        return [replace(each, entry=replace(each.entry, corrects=True)) if each.entry else each for each in checked]

    def refusals(self, channel: ServedChannel, decoded: Sequence[Decoded | Undecoded]) -> list[XinqiaoError | None]:
        """Return why each record would be refused before the journal decides; None for one that would not be.

        Raises a ``Retryable`` as ``checked`` does.
        """
        found = [self._checker.refusal(channel, each) for each in decoded]
        for each in found:
            _require_now(each)
        return found

    async def turn(self, channel: ServedChannel) -> None:
        """Wait for the channel's turn, where others have work too."""
        await self._admission.turn(channel.channel_id)

    async def take(self, channel: ServedChannel, records: Records) -> tuple[Outcome, ...]:
        """Take a piece of a file; return what became of each record, in order.

        It waits for the channel's rate, for a minute at the most. Raises a ``Retryable`` where nothing of it was taken,
        or nobody knows: ``follow`` tells when it is tried again.
        """
        began = time.perf_counter()
        async with AsyncExitStack() as stack:
            await self._enter(stack, channel.channel_id)
            self._admission.count(channel.channel_id, len(records.decoded))
            outcomes = await self._submit(records)
        taken = map(taken_as, records.decoded, outcomes)
        self._observer.took(channel.channel_id, taken, time.perf_counter() - began)
        return outcomes

    async def _enter(self, stack: AsyncExitStack, channel_id: str) -> None:
        """Enter, once the channel's rate allows; a file has time."""
        ends = time.monotonic() + _PATIENCE
        while True:
            try:
                await stack.enter_async_context(self._admission.entered(channel_id))
                return
            except RateLimited as error:
                if time.monotonic() > ends:
                    raise
                await asyncio.sleep(min(error.retry_in or 1.0, 5.0))

    async def _submit(self, records: Records) -> tuple[Outcome, ...]:
        checked = records.checked
        entries = tuple(each.entry for each in checked if each.entry)
        if not entries or (records.atomic and len(entries) < len(checked)):
            found = in_order(checked, (refused_together() for _ in entries))
            await self._journal.run(lambda c: records.follow(c, found))
            return found
        submission = Submission(
            entries=entries,
            content=records.content,
            content_type=records.content_type,
            signature=records.evidence,
            atomic=records.atomic,
            scope=records.scope,
            follow=lambda c, stored: records.follow(c, in_order(checked, stored)),
        )
        return in_order(checked, await self._journal.submit(submission))


def _require_now(error: XinqiaoError | None) -> None:
    if isinstance(error, Retryable):
        raise error
