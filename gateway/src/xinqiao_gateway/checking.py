"""Checking: whether a decoded message may go into the journal, as far as that can be told without the journal.

Schema, rules, sender, key, route and the room in the receiver's queue; of a message that passes, its entry.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import BatchRefused, ContentRefused, NotValid, SenderMismatch, TestMismatch, XinqiaoError
from xinqiao.finding import Finding, errors_in
from xinqiao.message import Header, Json, content_digest, message_type, write_json
from xinqiao.standard import MessageType, message_types
from xinqiao.validation import check
from xinqiao_gateway.admission import Admission
from xinqiao_gateway.channels import Channels, ServedChannel
from xinqiao_gateway.journal import Accepted, Entry, Outcome, Refused
from xinqiao_gateway.telemetry.observer import Taken

__all__ = ["UNKNOWN", "Checked", "Checker", "check_origin", "in_order", "refused_together", "taken_as"]

# Stands for a channel or a type that nobody knows: a name that anybody may invent must not become a label.
UNKNOWN = "unknown"
# With room for what a correction adds to it.
_LONGEST_KEY = 360


@dataclass(frozen=True, slots=True)
class Checked:
    """A decoded message with its findings, and either its entry or why it is refused."""

    findings: tuple[Finding, ...]
    entry: Entry | None = None
    error: XinqiaoError | None = None


class _Sound(NamedTuple):
    """A message that passed, with what was found on the way."""

    message: Json
    kind: MessageType
    header: Header
    destinations: tuple[tuple[str, bool], ...]


class Checker:
    """Checks messages for all ways in; runs in any thread."""

    def __init__(self, channels: Channels, admission: Admission) -> None:
        self._channels = channels
        self._admission = admission

    def check(self, channel: ServedChannel, decoded: Decoded | Undecoded, *, is_raw: bool = False) -> Checked:
        """Check one message; ``is_raw``: the input's own bytes are kept, and no others beside them."""
        findings: list[Finding] = []
        try:
            sound = self._passed(channel, decoded, findings)
        except XinqiaoError as error:
            return Checked(tuple(findings), error=error)
        assert isinstance(decoded, Decoded)  # noqa: S101 -- the other did not pass
        entry = Entry(
            header=sound.header,
            message_type=sound.kind,
            message=sound.message,
            channel=channel.channel_id,
            interface=decoded.interface,
            key=decoded.key,
            digest=content_digest(sound.message),
            canonical=None if is_raw else write_json(sound.message),
            destinations=sound.destinations,
            corrects=channel.corrects(decoded.interface),
        )
        return Checked(tuple(findings), entry)

    def refusal(self, channel: ServedChannel, decoded: Decoded | Undecoded) -> XinqiaoError | None:
        """Return why a message would be refused, or could not be taken now; None for one that passes."""
        try:
            self._passed(channel, decoded, [])
        except XinqiaoError as error:
            return error
        return None

    def _passed(self, channel: ServedChannel, decoded: Decoded | Undecoded, findings: list[Finding]) -> _Sound:
        if isinstance(decoded, Undecoded):
            findings += decoded.findings
            raise ContentRefused(_count(len(findings)), findings=findings)
        message = channel.channel.completed(decoded.message)
        kind = message_type(message)
        findings += [_located(each, decoded) for each in check(message)]
        if errors := errors_in(findings):
            raise NotValid(_count(len(errors)), findings=findings)
        header = Header.of(message)
        check_origin(channel, header)
        if len(decoded.key) > _LONGEST_KEY or not decoded.key.isprintable():
            said = f"is longer than {_LONGEST_KEY} characters, or holds some that are not for print"
            raise ContentRefused(f"the key that tells repeats apart {said}")
        destinations = self._channels.route(header, kind)
        for destination, _ in destinations:
            self._admission.check_queue(destination)
        return _Sound(message, kind, header, destinations)


def check_origin(channel: ServedChannel, header: Header) -> None:
    """Compare a message's header with the channel that it came by. Raises ``SenderMismatch``, ``TestMismatch``."""
    if header.sender != channel.institution_code:
        raise SenderMismatch(f"header.sender is {header.sender}, channel {channel.channel_id} is another institution's")
    if header.channel_id not in {None, channel.channel_id}:
        raise SenderMismatch(f"header.channelId is {header.channel_id}, this is channel {channel.channel_id}")
    if header.test != channel.test:
        is_test = {True: "test", False: "production"}
        raise TestMismatch(f"a {is_test[header.test]} message on {is_test[channel.test]} channel {channel.channel_id}")


def refused_together() -> Refused:
    """Return what becomes of a sound message where another one of all or nothing is refused."""
    return Refused(BatchRefused("correct the refused messages and send the input again"))


def in_order(checked: Sequence[Checked], stored: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Return an outcome for each that was checked: ``stored`` are those of the entries among them."""
    found = iter(stored)
    return tuple(next(found) if each.entry else Refused(each.error or NotValid()) for each in checked)


def taken_as(decoded: Decoded | Undecoded, outcome: Outcome) -> Taken:
    """Return what an observer is told of a message."""
    kind = _kind(decoded.message) if isinstance(decoded, Decoded) else UNKNOWN
    if isinstance(outcome, Accepted):
        return Taken(kind, "repeated" if outcome.repeat else "accepted")
    return Taken(kind, "refused", outcome.error.reason)


def _kind(message: Json) -> str:
    known = message_types()
    for name in message:
        if name in known:
            return name
    return UNKNOWN


def _located(finding: Finding, decoded: Decoded) -> Finding:
    place = decoded.place(finding.path)
    return replace(finding, partner_path=place) if place else finding


def _count(number: int) -> str:
    return f"{number} finding{'s' if number > 1 else ''}"
