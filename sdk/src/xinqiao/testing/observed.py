"""What the contract of adapters observes: an adapter's calls run to their end, and messages compared."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from xinqiao.adapter import Adapter, Decoded, Encoded, Undecoded
from xinqiao.errors import ContentRefused, Rejected
from xinqiao.finding import Finding
from xinqiao.message import ROUTING, Json, new_message_id, timestamp
from xinqiao.testing.examples import example
from xinqiao.testing.samples import Sample
from xinqiao.violations import canonical_path

__all__ = [
    "During",
    "Reading",
    "body_of",
    "completed",
    "decode",
    "differences",
    "encode",
    "encode_or_findings",
    "is_below",
    "leaves",
    "read",
    "receipt",
    "rejection",
    "require",
    "substance",
    "told",
]

# What carries a message: written anew at each border, so no partner's format has to hold it.


def require(holds: bool, said: str) -> None:
    """Raise ``AssertionError`` with what is said where something does not hold."""
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(said)


class During:
    """Notes on whatever is raised within what was going on."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Note it, and let it go on."""
        if error is not None:
            error.add_note(f"with {self._what}")


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a call gave, and the ``Rejected`` that ended it."""

    items: Sequence[Any]
    error: Rejected | None

    @property
    def told(self) -> list[object]:
        """What was decoded, without the records that could not be."""
        return [told(each) for each in self.items if isinstance(each, Decoded)]

    @property
    def reason(self) -> str | None:
        """Why the input as a whole was refused."""
        return self.error.reason if self.error is not None else None

    @property
    def refused(self) -> bool:
        """Whether the input, or a record of it, could not be read."""
        return self.error is not None or any(isinstance(each, Undecoded) for each in self.items)


def read(call: Callable[[], Iterable[Decoded | Undecoded] | Iterable[Encoded]]) -> Reading:
    """Run a call to its end. Raises ``AssertionError`` where something is refused without a finding."""
    items: list[Decoded | Undecoded | Encoded] = []
    error: Rejected | None = None
    try:
        items.extend(call())
    except Rejected as rejected:
        error = rejected
        require(bool(error.findings) or not isinstance(error, ContentRefused), f"a finding says what is wrong: {error}")
    for each in items:
        require(not isinstance(each, Undecoded) or bool(each.findings), "a record that is not read has a finding")
    return Reading(items, error)


def told(decoded: Decoded) -> tuple[str, Json, str]:
    """Return what can be compared of a decoded message."""
    return decoded.interface, decoded.message, decoded.key


def decode(adapter: Adapter, sample: Sample) -> list[Decoded]:
    """Return the messages of a sample. Raises ``AssertionError`` where a record of it is not read."""
    found = []
    for each in adapter.decode(sample.content, sample.content_type):
        require(isinstance(each, Decoded), f"{sample.name} holds a record that is not read: {each}")
        found += [each] if isinstance(each, Decoded) else []
    return found


def encode(adapter: Adapter, message: Json) -> Encoded:
    """Return one message as it goes out. Raises ``AssertionError`` unless there is exactly one, with content."""
    found = list(adapter.encode([message]))
    require(len(found) == 1, f"one message goes out as {len(found)}; expected one Encoded for each message")
    require(bool(found[0].content and found[0].content_type), "what goes out has content and a content type")
    return found[0]


def encode_or_findings(adapter: Adapter, message: Json) -> Encoded | Sequence[Finding]:
    """Return a message as it goes out, or the findings that refuse it. Raises ``AssertionError`` without either."""
    try:
        return encode(adapter, message)
    except ContentRefused as error:
        require(bool(error.findings), f"ContentRefused has no findings: {error}")
        return error.findings


def completed(message: Json) -> Json:
    """Return a message with the id and time that the gateway adds where the partner has none."""
    header = message.get("header")
    known = header if isinstance(header, dict) else {}
    return {**message, "header": {"messageId": new_message_id(), "createdAt": timestamp(), **known}}


def body_of(message: Json) -> str:
    """Return the key of a message's body."""
    return next(name for name in message if name != "header")


def substance(message: Json) -> Json:
    """Return a message without what only carries it."""
    header = {name: part for name, part in message["header"].items() if name not in ROUTING}
    return {**message, "header": header}


def leaves(message: Json) -> dict[str, object]:
    """Return the values of a message by their canonical paths."""
    return {canonical_path(path): value for path, value in _leaves(message, ())}


def _leaves(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _leaves(part, (*path, index))
    else:
        yield path, value


def differences(found: Json, expected: Json) -> list[str]:
    """Return the canonical paths where two messages differ."""
    left, right = leaves(found), leaves(expected)
    return [path for path in {**right, **left} if path not in left or path not in right or left[path] != right[path]]


def is_below(path: str, other: str) -> bool:
    """Say whether a canonical path is another, or leads below it."""
    return path == other or path.startswith((f"{other}.", f"{other}["))


def receipt(message_id: str) -> Json:
    """Return a receipt of a message."""
    message = example("receipt", correlation_id=message_id)
    message["receipt"]["acceptedMessageId"] = message_id
    return message


def rejection(message_id: str | None) -> Json:
    """Return a rejection of a message, or of an input that could not be read."""
    message = example("rejection", correlation_id=message_id)
    message["rejection"] |= {"reason": "not_valid", "retryable": False}
    message["rejection"].pop("expected", None)
    message["rejection"].pop("rejectedMessageId", None)
    return message if message_id is None else _naming(message, message_id)


def _naming(message: Json, message_id: str) -> Json:
    return {**message, "rejection": {**message["rejection"], "rejectedMessageId": message_id}}
