"""The one way in: every front hands its raw input to ``Intake.accept``.

open (verify the seal) → decode (the channel's adapter) → check (schema, rules, sender, route) → journal.
What needs state (seen before? expected now?) is decided inside the journal's commit, not here.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import ContentRefused, TooManyMessages, XinqiaoError
from xinqiao.finding import Finding
from xinqiao_gateway.admission import Admission
from xinqiao_gateway.channels import Channels, ServedChannel
from xinqiao_gateway.checking import UNKNOWN, Checked, Checker, in_order, refused_together, taken_as
from xinqiao_gateway.intake_records import RecordIntake
from xinqiao_gateway.journal import Accepted, Journal, Outcome, Submission
from xinqiao_gateway.telemetry.observer import NOBODY, Observer, Taken
from xinqiao_gateway.telemetry.traces import span

__all__ = ["Acceptance", "Intake", "Raw"]

_LONGEST_CONTENT_TYPE = 120
# Larger inputs are read beside the event loop, and checked a piece at a time, so that nobody waits for all of one.
_LARGE = 65_536
_PIECE = 4


@dataclass(frozen=True, slots=True)
class Raw:
    """What a front received: bytes, their content type and the signature that came with them.

    The signature is the value of the header that the channel names; it is empty where the bytes carry their own.
    All three are the evidence that the journal keeps, as they came.

    ``attested`` is what the front itself verified, where the channel's profile lets it stand in place of a signature:
    a line such as ``tcp certificate SHA256:…``, without personal data. It is kept in the signature's place.
    ``atomic``: its messages are all or nothing, whatever their interface says.
    """

    channel_id: str
    content: bytes
    content_type: str
    signature: str
    attested: str = ""
    atomic: bool = False

    @property
    def evidence(self) -> str:
        """What says from whom it is: the partner's signature, or what the front verified."""
        return self.signature or self.attested


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of one raw input: an outcome for each of its messages, in order.

    ``notes`` are findings that did not stop a message; ``atomic`` says whether it was all or nothing.
    """

    channel: ServedChannel
    decoded: tuple[Decoded | Undecoded, ...]
    outcomes: tuple[Outcome, ...]
    notes: tuple[tuple[Finding, ...], ...]
    atomic: bool


class Intake:
    """Accepts raw input for all fronts; ``records`` takes those of files."""

    def __init__(
        self,
        channels: Channels,
        journal: Journal,
        admission: Admission,
        *,
        seal_max_age: timedelta,
        messages_limit: int,
        observer: Observer = NOBODY,
    ) -> None:
        self._channels = channels
        self._journal = journal
        self.admission = admission
        self._checker = Checker(channels, admission)
        self.records = RecordIntake(self._checker, journal, admission, observer)
        self._seal_max_age = seal_max_age
        self._messages_limit = messages_limit
        self._observer = observer

    async def accept(self, raw: Raw) -> Acceptance:
        """Take one raw input through all stations and return what became of each message.

        Raises a ``Rejected`` where the input as a whole cannot be read or trusted, ``Overloaded`` or
        ``JournalUnavailable`` where nothing could be promised. What it returns as accepted is durable.
        """
        began, known = time.perf_counter(), UNKNOWN
        with span("intake.accept", **{"xinqiao.channel": raw.channel_id}) as shown:
            try:
                channel = self._channels.find(raw.channel_id)
                known = channel.channel_id
                async with self.admission.entered(known):
                    acceptance = await self._accept(channel, raw)
            except XinqiaoError as error:
                self._observer.took(known, (Taken(UNKNOWN, "refused", error.reason),), time.perf_counter() - began)
                raise
            if shown is not None:
                shown.set_attributes(_ids(acceptance.outcomes))
        taken = map(taken_as, acceptance.decoded, acceptance.outcomes)
        self._observer.took(known, taken, time.perf_counter() - began)
        return acceptance

    async def _accept(self, channel: ServedChannel, raw: Raw) -> Acceptance:
        await self.admission.turn(channel.channel_id)
        is_large = len(raw.content) > _LARGE
        try:
            content, decoded = (
                await asyncio.to_thread(self._read, channel, raw) if is_large else self._read(channel, raw)
            )
        except XinqiaoError:
            self.admission.count(channel.channel_id, 0)  # perhaps not of the partner: it must not use up its rate
            raise
        self.admission.count(channel.channel_id, len(decoded))
        # The bytes of a single canonical message are kept, and carried on, as they are.
        is_bare = channel.seals is None and content.lstrip()[:1] == b"{"
        is_raw = channel.speaks_canonical and len(decoded) == 1 and is_bare
        checked: list[Checked] = []
        for each in decoded:
            if checked and len(checked) % _PIECE == 0:
                await self.admission.turn(channel.channel_id)
                await asyncio.sleep(0)
            checked.append(self._checker.check(channel, each, is_raw=is_raw))
        together = raw.atomic or all(channel.atomic(each.interface) for each in decoded if each.interface)
        atomic = len(decoded) > 1 and together
        outcomes = await self._submit(raw, checked, atomic)
        notes = tuple(each.findings for each in checked)
        return Acceptance(channel, decoded, outcomes, notes, atomic)

    def _read(self, channel: ServedChannel, raw: Raw) -> tuple[bytes, tuple[Decoded | Undecoded, ...]]:
        """Open and decode an input; return its content in the partner's format and what it holds."""
        if len(raw.content_type) > _LONGEST_CONTENT_TYPE:
            raise ContentRefused(f"the content type is longer than {_LONGEST_CONTENT_TYPE} characters")
        content, content_type = self._opened(channel, raw)
        decoded = tuple(islice(channel.adapter.decode(content, content_type), self._messages_limit + 1))
        if not decoded:
            raise ContentRefused("the input holds no message")
        if len(decoded) > self._messages_limit:
            raise TooManyMessages(f"at most {self._messages_limit} messages are taken in one input")
        return content, decoded

    def _opened(self, channel: ServedChannel, raw: Raw) -> tuple[bytes, str]:
        if raw.attested:
            return raw.content, raw.content_type
        return channel.opened(raw.content, raw.content_type, raw.signature, max_age=self._seal_max_age)

    async def _submit(self, raw: Raw, checked: Sequence[Checked], atomic: bool) -> tuple[Outcome, ...]:
        entries = tuple(each.entry for each in checked if each.entry)
        if not entries or (atomic and len(entries) < len(checked)):
            return in_order(checked, (refused_together() for _ in entries))
        submission = Submission(
            entries=entries,
            content=raw.content,
            content_type=raw.content_type,
            signature=raw.evidence,
            atomic=atomic,
        )
        return in_order(checked, await self._journal.submit(submission))


def _ids(outcomes: Sequence[Outcome]) -> dict[str, list[str]]:
    receipts = [each.receipt for each in outcomes if isinstance(each, Accepted)]
    return {
        "xinqiao.message_ids": [str(each["acceptedMessageId"]) for each in receipts],
        "xinqiao.positions": [str(each["position"]) for each in receipts],
    }
