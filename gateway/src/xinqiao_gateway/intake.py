"""The one way in: every front hands its raw input to ``Intake.accept``.

open (verify the seal) → decode (the channel's adapter) → check (schema, rules, sender, route) → journal.
What needs state (seen before? expected now?) is decided inside the journal's commit, not here.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import (
    BatchRefused,
    ContentRefused,
    NotValid,
    RateLimited,
    Retryable,
    SenderMismatch,
    TestMismatch,
    TooManyMessages,
    XinqiaoError,
)
from xinqiao.finding import Finding, errors_in
from xinqiao.message import Header, Json, content_digest, message_type, write_json
from xinqiao.standard import message_types
from xinqiao.validation import check
from xinqiao_gateway.admission import Admission
from xinqiao_gateway.channels import Channels, ServedChannel
from xinqiao_gateway.journal import Accepted, Entry, Follow, Journal, Outcome, Refused, Submission
from xinqiao_gateway.telemetry.observer import NOBODY, Observer, Taken
from xinqiao_gateway.telemetry.traces import span

__all__ = ["Acceptance", "Intake", "Raw", "Records"]

# With room for what a correction adds to it.
_LONGEST_KEY = 360
_LONGEST_CONTENT_TYPE = 120
# Larger inputs are read beside the event loop, and checked a piece at a time, so that nobody waits for all of one.
_LARGE = 65_536
_PIECE = 4
# Stands for a channel or a type that nobody knows: a name that anybody may invent must not become a label.
_UNKNOWN = "unknown"
# Seconds that a piece of a file waits, in all, for its channel's rate.
_PATIENCE = 60.0


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


@dataclass(frozen=True, slots=True)
class Records:
    """A piece of a file: records in their order, and what leads from each message to the file.

    ``raw`` is that evidence, with the seal or what the front verified of the whole. ``scope`` names the key that
    protects the file. ``follow`` happens in the commit, with the outcome of every record; an error of it undoes the
    piece. ``corrects``: a known key with another body is a correction, whatever its interface says.
    """

    raw: Raw
    decoded: tuple[Decoded | Undecoded, ...]
    scope: str
    follow: Follow
    atomic: bool = False
    corrects: bool = False


@dataclass(frozen=True, slots=True)
class _Checked:
    """A decoded message with its findings, and either its entry or why it is refused."""

    findings: tuple[Finding, ...]
    entry: Entry | None = None
    error: XinqiaoError | None = None


class Intake:
    """Accepts raw input for all fronts."""

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
        self._seal_max_age = seal_max_age
        self._messages_limit = messages_limit
        self._observer = observer

    async def accept(self, raw: Raw) -> Acceptance:
        """Take one raw input through all stations and return what became of each message.

        Raises a ``Rejected`` where the input as a whole cannot be read or trusted, ``Overloaded`` or
        ``JournalUnavailable`` where nothing could be promised. What it returns as accepted is durable.
        """
        began, known = time.perf_counter(), _UNKNOWN
        with span("intake.accept", **{"xinqiao.channel": raw.channel_id}) as shown:
            try:
                channel = self._channels.find(raw.channel_id)
                known = channel.channel_id
                async with self.admission.entered(known):
                    acceptance = await self._accept(channel, raw)
            except XinqiaoError as error:
                self._observer.took(known, (Taken(_UNKNOWN, "refused", error.reason),), time.perf_counter() - began)
                raise
            if shown is not None:
                shown.set_attributes(_ids(acceptance.outcomes))
        taken = map(_taken, acceptance.decoded, acceptance.outcomes)
        self._observer.took(known, taken, time.perf_counter() - began)
        return acceptance

    async def accept_records(self, channel: ServedChannel, records: Records) -> tuple[Outcome, ...]:
        """Take a piece of a file that was opened and decoded already; return what became of each record, in order.

        It waits for the channel's turn and rate, for a minute at the most. Raises a ``Retryable`` where nothing of it
        was taken, or nobody knows: ``follow`` tells when it is tried again.
        """
        began = time.perf_counter()
        async with AsyncExitStack() as stack:
            await self._enter(stack, channel.channel_id)
            await self.admission.turn(channel.channel_id)
            self.admission.count(channel.channel_id, len(records.decoded))
            checked = await asyncio.to_thread(self._check_all, channel, records)
            outcomes = await self._submit_records(records, checked)
        taken = map(_taken, records.decoded, outcomes)
        self._observer.took(channel.channel_id, taken, time.perf_counter() - began)
        return outcomes

    async def check_records(
        self, channel: ServedChannel, decoded: Sequence[Decoded | Undecoded]
    ) -> list[XinqiaoError | None]:
        """Return why each record would be refused before the journal decides; None for one that would not be."""
        await self.admission.turn(channel.channel_id)

        def check_all() -> list[XinqiaoError | None]:
            return [self._check(channel, each, False).error for each in decoded]

        return await asyncio.to_thread(check_all)

    async def _enter(self, stack: AsyncExitStack, channel_id: str) -> None:
        """Enter, once the channel's rate allows; a file has time."""
        ends = time.monotonic() + _PATIENCE
        while True:
            try:
                await stack.enter_async_context(self.admission.entered(channel_id))
                return
            except RateLimited as error:
                if time.monotonic() > ends:
                    raise
                await asyncio.sleep(min(error.retry_in or 1.0, 5.0))

    def _check_all(self, channel: ServedChannel, records: Records) -> list[_Checked]:
        checked = [self._check(channel, each, False) for each in records.decoded]
        # A queue that is full is no fault of a record: all of them wait.
        for each in checked:
            if isinstance(each.error, Retryable):
                raise each.error
        if not records.corrects:
            return checked
        return [replace(each, entry=replace(each.entry, corrects=True)) if each.entry else each for each in checked]

    async def _submit_records(self, records: Records, checked: Sequence[_Checked]) -> tuple[Outcome, ...]:
        entries = tuple(each.entry for each in checked if each.entry)
        if not entries or (records.atomic and len(entries) < len(checked)):
            found = _in_order(checked, (_refused_together() for _ in entries))
            await self._journal.run(lambda c: records.follow(c, found))
            return found
        submission = Submission(
            entries=entries,
            content=records.raw.content,
            content_type=records.raw.content_type,
            signature=records.raw.evidence,
            atomic=records.atomic,
            scope=records.scope,
            follow=lambda c, stored: records.follow(c, _in_order(checked, stored)),
        )
        return _in_order(checked, await self._journal.submit(submission))

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
        checked: list[_Checked] = []
        for each in decoded:
            if checked and len(checked) % _PIECE == 0:
                await self.admission.turn(channel.channel_id)
                await asyncio.sleep(0)
            checked.append(self._check(channel, each, is_raw))
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

    def _check(self, channel: ServedChannel, decoded: Decoded | Undecoded, is_raw: bool) -> _Checked:
        if isinstance(decoded, Undecoded):
            error = ContentRefused(_count(len(decoded.findings)), findings=decoded.findings)
            return _Checked(tuple(decoded.findings), error=error)
        message = channel.channel.completed(decoded.message)
        findings: tuple[Finding, ...] = ()
        try:
            kind = message_type(message)
            findings = tuple(_located(each, decoded) for each in check(message))
            if errors := errors_in(findings):
                raise NotValid(_count(len(errors)), findings=findings)
            header = Header.of(message)
            check_origin(channel, header)
            if len(decoded.key) > _LONGEST_KEY or not decoded.key.isprintable():
                said = f"is longer than {_LONGEST_KEY} characters, or holds some that are not for print"
                raise ContentRefused(f"the key that tells repeats apart {said}")
            destinations = self._channels.route(header, kind)
            for destination, _ in destinations:
                self.admission.check_queue(destination)
        except XinqiaoError as error:
            return _Checked(findings, error=error)
        entry = Entry(
            header=header,
            message_type=kind,
            message=message,
            channel=channel.channel_id,
            interface=decoded.interface,
            key=decoded.key,
            digest=content_digest(message),
            canonical=None if is_raw else write_json(message),
            destinations=destinations,
            corrects=channel.corrects(decoded.interface),
        )
        return _Checked(findings, entry)

    async def _submit(self, raw: Raw, checked: Sequence[_Checked], atomic: bool) -> tuple[Outcome, ...]:
        entries = tuple(each.entry for each in checked if each.entry)
        if not entries or (atomic and len(entries) < len(checked)):
            return _in_order(checked, (_refused_together() for _ in entries))
        submission = Submission(
            entries=entries,
            content=raw.content,
            content_type=raw.content_type,
            signature=raw.evidence,
            atomic=atomic,
        )
        return _in_order(checked, await self._journal.submit(submission))


def _refused_together() -> Refused:
    return Refused(BatchRefused("correct the refused messages and send the input again"))


def _in_order(checked: Sequence[_Checked], stored: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Return an outcome for each that was checked: ``stored`` are those of the entries among them."""
    found = iter(stored)
    return tuple(next(found) if each.entry else Refused(each.error or NotValid()) for each in checked)


def _located(finding: Finding, decoded: Decoded) -> Finding:
    place = decoded.place(finding.path)
    return replace(finding, partner_path=place) if place else finding


def _taken(decoded: Decoded | Undecoded, outcome: Outcome) -> Taken:
    kind = _kind(decoded.message) if isinstance(decoded, Decoded) else _UNKNOWN
    if isinstance(outcome, Accepted):
        return Taken(kind, "repeated" if outcome.repeat else "accepted")
    return Taken(kind, "refused", outcome.error.reason)


def _kind(message: Json) -> str:
    known = message_types()
    for name in message:
        if name in known:
            return name
    return _UNKNOWN


def _ids(outcomes: Sequence[Outcome]) -> dict[str, list[str]]:
    receipts = [each.receipt for each in outcomes if isinstance(each, Accepted)]
    return {
        "xinqiao.message_ids": [str(each["acceptedMessageId"]) for each in receipts],
        "xinqiao.positions": [str(each["position"]) for each in receipts],
    }


def _count(number: int) -> str:
    return f"{number} finding{'s' if number > 1 else ''}"


def check_origin(channel: ServedChannel, header: Header) -> None:
    if header.sender != channel.institution_code:
        raise SenderMismatch(f"header.sender is {header.sender}, channel {channel.channel_id} is another institution's")
    if header.channel_id not in {None, channel.channel_id}:
        raise SenderMismatch(f"header.channelId is {header.channel_id}, this is channel {channel.channel_id}")
    if header.test != channel.test:
        is_test = {True: "test", False: "production"}
        raise TestMismatch(f"a {is_test[header.test]} message on {is_test[channel.test]} channel {channel.channel_id}")
