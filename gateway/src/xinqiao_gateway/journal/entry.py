"""What goes into the journal and what comes back."""

from dataclasses import dataclass
from typing import Any

from xinqiao.errors import Rejected, XinqiaoError
from xinqiao.message import Header, Json
from xinqiao.standard import MessageType

__all__ = ["Accepted", "Due", "Entry", "Outcome", "Refused", "Settlement", "Submission", "refused"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One checked message on its way into the journal.

    ``destinations`` are the channels it goes out to and whether they are pushed to (else they pull).
    ``canonical`` is the message as it is kept, or None where the raw input is just that.
    """

    header: Header
    message_type: MessageType
    message: Json
    channel: str
    interface: str
    key: str
    digest: str
    canonical: bytes | None
    destinations: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Submission:
    """The messages of one raw input. ``atomic``: all are accepted or none."""

    entries: tuple[Entry, ...]
    content: bytes
    content_type: str
    signature: str
    atomic: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """Durable acceptance: ``receipt`` is the body of the Receipt message; ``repeat``: it was so before."""

    receipt: dict[str, Any]
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was stored, and why."""

    error: XinqiaoError


Outcome = Accepted | Refused


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is leased and waits to be attempted.

    ``original`` are the exact bytes of a canonical input, to be carried on as they are.
    """

    delivery_id: int
    position: int
    channel: str
    lane: str
    attempts: int
    message: Json
    original: bytes | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an attempt came to. ``state`` is delivered, pending (try again at ``due_at``) or dead."""

    delivery_id: int
    state: str
    outcome: str
    reason: str
    detail: str
    due_at: float = 0.0


def refused(delivery_id: int, error: Rejected) -> Settlement:
    """Return the settlement of a message that its destination's format cannot hold."""
    places = ", ".join(finding.partner_path or finding.path for finding in error.findings[:5])
    return Settlement(delivery_id, "dead", "refused", error.reason, f"{error.detail} {places}".strip()[:1000])
