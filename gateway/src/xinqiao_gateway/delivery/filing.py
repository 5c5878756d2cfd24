"""Filing: what is due is put into files, each of one interface, lanes in their order. No I/O.

A file holds the beginning of each of its lanes: what follows in another file waits until this one is decided. A
message that the partner's format cannot hold becomes a dead letter by itself, and the file goes without it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xinqiao.adapter import Encoded
from xinqiao.errors import DestinationDown, Rejected
from xinqiao.message import Json, message_type, write_json
from xinqiao.seal import SigningKey
from xinqiao_adapters.interface import CompiledInterface
from xinqiao_gateway.batches.reading import LINES, LINES_TYPE
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.journal import Due, Settlement, refused

__all__ = ["Bundle", "Filed", "ending_of", "filed", "label"]

# How names of files end by what is in them, where the profile does not say; what is none of these is text.
_ENDINGS = {
    "": "",
    "application/json": ".json",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/xml": ".xml",
    "text/csv": ".csv",
    LINES_TYPE: ".jsonl",
}
_TEXT = ".txt"
_NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z._+-]")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The content of a file and the messages in it; ``kind`` stands in its name."""

    interface: str
    kind: str
    content: bytes
    content_type: str
    dues: tuple[Due, ...]

    @property
    def heads(self) -> list[int]:
        """The first delivery of each lane."""
        return [due.delivery_id for due in _firsts(self.dues)]


@dataclass(slots=True)
class Filed:
    """What becomes of what is due: files, and settlements of what goes into none."""

    bundles: list[Bundle] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)


@dataclass(slots=True)
class _Slot:
    """Messages of an interface that may stand in one file, and how they are written: by what is compiled, or as lines.

    With neither, each is a file of its own.
    """

    interface: str
    compiled: CompiledInterface | None
    lines: bool
    dues: list[Due] = field(default_factory=list)

    @property
    def holds_several(self) -> bool:
        return self.lines or self.compiled is not None


def label(said: str) -> str:
    """Return a text as it can stand in the name of a file."""
    return _NOT_IN_NAMES.sub("-", said)[:60]


def ending_of(content_type: str) -> str:
    """Return how the name of a file of a content type ends; nothing for one that has no content."""
    return _ENDINGS.get(content_type.partition(";")[0], _TEXT)


def filed(channel: ServedChannel, name: str, dues: Sequence[Due], key: SigningKey) -> Filed:
    """Put deliveries into files; ``dues`` are the beginnings of lanes.

    ``name`` is that of the channel's files: the standard's own messages stand in lines where it ends as such files do.
    """
    done = Filed()
    lines = channel.speaks_canonical and name.endswith(LINES)
    slots: dict[object, _Slot] = {}
    lanes: dict[str, list[Due]] = {}
    for due in sorted(dues, key=lambda each: each.position):
        lanes.setdefault(due.lane, []).append(due)
    for lane in lanes.values():
        _put(channel, lane, slots, done, lines=lines)
    for slot in slots.values():
        _bundle(channel, slot, key, done)
    return done


def _put(channel: ServedChannel, lane: Sequence[Due], slots: dict[object, _Slot], done: Filed, *, lines: bool) -> None:
    """Put the beginning of a lane into the slot of its first message."""
    first: object = None
    for due in lane:
        try:
            slot, outside = _slot(channel, due.message, lines=lines)
        except Rejected as error:
            if first is None:
                done.settlements.append(refused(due.delivery_id, error))
            return
        if due.unknown and channel.channel.when_unknown(slot.interface) != "repeat":
            if first is None:
                detail = "not sent again: a person finds out"
                done.settlements.append(Settlement(due.delivery_id, "held", "unknown", DestinationDown.reason, detail))
            return
        here = (slot.interface, outside, None if slot.holds_several else due.delivery_id)
        if first not in (None, here):
            return
        first = here
        slots.setdefault(here, slot).dues.append(due)


def _slot(channel: ServedChannel, message: Json, *, lines: bool) -> tuple[_Slot, str]:
    """Return a slot for a message, still empty, and what the file would say of all its messages.

    Raises a ``Rejected`` where the partner's format cannot hold it.
    """
    compiled = _interface(channel, message)
    if compiled is None or not compiled.writes_files:
        (encoded,) = channel.adapter.encode([message])
        return _Slot(encoded.interface, None, lines), ""
    outside = compiled.mapping.encode(message).get("File", {})
    return _Slot(compiled.name, compiled, lines=False), repr(sorted(outside.items()))


def _interface(channel: ServedChannel, message: Json) -> CompiledInterface | None:
    """Return the interface as the channel's adapter chooses it; None for an adapter that has no mappings."""
    body = message_type(message).body
    compiled = channel.channel.compiled.values()
    candidates = (each for each in compiled if each.spec.goes_out and each.spec.message == body)
    return next((each for each in candidates if each.sends(message)), None)


def _bundle(channel: ServedChannel, slot: _Slot, key: SigningKey, done: Filed) -> None:
    dues = sorted(slot.dues, key=lambda due: due.position)
    while dues:
        try:
            encoded = _encoded(channel, slot, dues)
            outgoing = channel.sealed(encoded, key)
        except Rejected as error:
            kept = list(_without_unfit(channel, slot, dues, key, done))
            if len(kept) == len(dues):  # each fits, and all together do not
                done.settlements += [refused(due.delivery_id, error) for due in _firsts(dues)]
                return
            dues = kept
            continue
        kind = getattr(slot.compiled.spec.format, "file", None) if slot.compiled is not None else None
        named = label(str(kind or encoded.interface))
        done.bundles.append(Bundle(encoded.interface, named, outgoing.content, outgoing.content_type, tuple(dues)))
        return


def _encoded(channel: ServedChannel, slot: _Slot, dues: Sequence[Due]) -> Encoded:
    if slot.compiled is not None:
        return slot.compiled.encode(*(due.message for due in dues))
    if slot.lines:
        return Encoded(slot.interface, b"".join(write_json(due.message) + b"\n" for due in dues), LINES_TYPE)
    (due,) = dues
    return channel.encode(due.message, due.original)


def _without_unfit(
    channel: ServedChannel, slot: _Slot, dues: Sequence[Due], key: SigningKey, done: Filed
) -> Iterator[Due]:
    """Yield what fits by itself, of each lane up to the first that does not; that one is settled where it is first."""
    ended: set[str] = set()
    firsts = {due.delivery_id for due in _firsts(dues)}
    for due in dues:
        if due.lane in ended:
            continue
        try:
            channel.sealed(_encoded(channel, slot, [due]), key)
        except Rejected as error:
            ended.add(due.lane)
            if due.delivery_id in firsts:
                done.settlements.append(refused(due.delivery_id, error))
            continue
        yield due


def _firsts(dues: Sequence[Due]) -> list[Due]:
    return list({due.lane: due for due in reversed(dues)}.values())
