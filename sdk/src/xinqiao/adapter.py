"""The adapter port: what turns one kind of partner format into canonical messages and back, without I/O.

A profile compiled by ``xinqiao-adapters`` implements it; so may a Python adapter of a third party, found by the
entry-point group ``xinqiao.adapters``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, runtime_checkable

from xinqiao.finding import Finding
from xinqiao.message import Json

__all__ = [
    "Adapter",
    "Answer",
    "Decoded",
    "Encoded",
    "FileAdapter",
    "QueryingAdapter",
    "Reply",
    "Undecoded",
    "Unmapped",
]


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A leaf of the partner's input that no row of the mapping reads."""

    path: str
    value: str


def _nowhere(path: str) -> str | None:  # noqa: ARG001 -- the port's shape
    return None


def _nothing() -> Sequence[Unmapped]:
    return ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """One message read from a partner's input.

    ``message`` is canonical JSON; the intake adds ``messageId`` and ``createdAt`` where the partner has none.
    ``key`` is the partner's own idempotency key. ``place`` turns a canonical path into the partner's own
    (``Body/CertNo, line 14``); ``unmapped`` lists the leaves that were not read. Both are worked out on demand.
    """

    interface: str
    message: Json
    key: str
    place: Callable[[str], str | None] = field(default=_nowhere)
    unmapped: Callable[[], Sequence[Unmapped]] = field(default=_nothing)


@dataclass(frozen=True, slots=True)
class Undecoded:
    """One record of an input that could not be read: why, in the partner's own terms. It does not stop the others.

    ``interface`` is None where not even the interface could be told.
    """

    interface: str | None
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Bytes in the partner's format and their content type."""

    interface: str
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the partner gets back for one raw input, in its own reply format."""

    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a partner answered to something sent: accepted or not, with its own code.

    ``accepted`` is None where the answer proves neither – it is of no known format, speaks of another message, or
    asks to try again – so that the same bytes are sent again. ``code`` is no text: what a partner writes in its own
    words may hold personal data. ``missing`` says that the partner, asked about a message, has none such; ``accepted``
    is None then.
    """

    accepted: bool | None
    code: str = ""
    missing: bool = field(default=False, kw_only=True)


class Adapter(Protocol):
    """Two pure functions and their answers. Implementations hold no state and do no I/O."""

    def decode(self, raw: bytes, content_type: str) -> Iterable[Decoded | Undecoded]:
        """Yield the messages of one raw input, in order, and the records that could not be read.

        Raises a ``Rejected`` (``MalformedXml``, ``ForbiddenXml``, ``WrongEncoding``, ``InterfaceUnknown``,
        ``ContentRefused`` with findings, …) where the input as a whole cannot be read, perhaps after its last
        record (a total that is wrong): nothing of it counts before the iteration has ended.
        """
        ...

    def encode(self, messages: Iterable[Json]) -> Iterable[Encoded]:
        """Yield the messages in the partner's format.

        Raises ``ContentRefused`` with findings where the format cannot hold a value (never cut or rounded),
        ``InterfaceUnknown`` where no outward interface takes the message.
        """
        ...

    def answer(
        self, interface: str | None, outcomes: Sequence[Json], request: Sequence[Decoded | Undecoded]
    ) -> Answer | None:
        """Return the partner's own reply to an input, or None where it takes the standard's outcomes.

        ``outcomes`` are canonical messages (``receipt`` or ``rejection``), one for each message of the input, or
        one for the whole of an input that could not be read. ``request`` is what was decoded, perhaps empty.
        """
        ...

    def read_reply(self, interface: str, status: int, content: bytes, sent: Json) -> Reply:
        """Read what the partner answered over HTTP to ``sent``, a canonical message that went out by ``interface``."""
        ...


@runtime_checkable
class FileAdapter(Adapter, Protocol):
    """An adapter that reads files as streams, in constant memory."""

    def decode_file(self, file: BinaryIO, content_type: str) -> Iterable[Decoded | Undecoded]:
        """Do as ``decode`` with a seekable file of any size; its position says how far the reading is."""
        ...


@runtime_checkable
class QueryingAdapter(Adapter, Protocol):
    """An adapter that can ask the partner what became of a message, where nobody knows whether it has arrived.

    ``read_reply`` reads the answer by the interface of the query, and may say ``missing``.
    """

    def query(self, interface: str, sent: Json) -> Encoded:
        """Return what asks about ``sent``, a canonical message; ``interface`` is the profile's for queries.

        Raises ``ContentRefused`` where the message lacks what the partner tells messages by.
        """
        ...
