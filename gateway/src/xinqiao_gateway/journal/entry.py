"""What goes into the journal and what comes back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from xinqiao.errors import Rejected, XinqiaoError
from xinqiao.message import Header, Json
from xinqiao.standard import MessageType

__all__ = [
    "Accepted",
    "Due",
    "Effect",
    "Entry",
    "Follow",
    "Hold",
    "Outcome",
    "Refused",
    "Settlement",
    "Submission",
    "refused",
]

# Something that happens with a message or not at all: a function of the transaction and of the message's position.
Effect = Callable[[Connection, int], None]


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an accepted message waits for a person: the kind of its exception, and a detail without personal data."""

    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One checked message on its way into the journal.

    ``destinations`` are the channels it goes out to and whether they are pushed to (else they pull).
    ``canonical`` is the message as it is kept, or None where the raw input is just that. ``hold`` says why it is to
    wait for a person; ``corrects``: a known key with another body is a correction, which waits for a person too,
    and no conflict. ``effect`` happens in the same commit, for an entry that is accepted and no repeat.
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
    hold: Hold | None = None
    corrects: bool = False
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """The messages of one raw input. ``atomic``: all are accepted or none.

    ``scope`` names the data key that protects the raw input where it is a piece of something larger, which has one
    already. ``follow`` happens in the same commit, with the outcome of each entry; an error of it undoes them all.
    """

    entries: tuple[Entry, ...]
    content: bytes
    content_type: str
    signature: str
    atomic: bool
    scope: str | None = None
    follow: "Follow | None" = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Durable acceptance: ``receipt`` is the body of the Receipt message; ``repeat``: it was so before.

    ``held``: it is accepted now and waits for a person before it goes on.
    """

    receipt: dict[str, Any]
    repeat: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was stored, and why."""

    error: XinqiaoError


Outcome = Accepted | Refused
# What happens in the commit that decided on messages, whatever became of each.
Follow = Callable[[Connection, Sequence[Outcome]], None]


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is leased and waits to be attempted.

    ``original`` are the exact bytes of a canonical input, to be carried on as they are. ``lease`` is what a settlement
    shows; ``since`` is when the delivery came to be, or was replayed last (Unix seconds). ``unknown``: nobody knows
    whether what was sent before has arrived.
    """

    delivery_id: int
    position: int
    channel: str
    lane: str
    attempts: int
    message: Json
    original: bytes | None
    lease: str = ""
    since: float = 0.0
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an attempt came to.

    ``state`` is delivered, pending (again at ``due_at``, Unix seconds), dead, or held (a person finds out). ``outcome``
    is delivered, refused, failed (it did not arrive), unknown (whether it did) or missing (the partner, asked, has it
    not). ``lease`` is that of the delivery; None for one that the partner pulls.
    """

    delivery_id: int
    state: str
    outcome: str
    reason: str
    detail: str
    due_at: float = 0.0
    lease: str | None = None


def refused(delivery_id: int, error: Rejected, lease: str | None = None) -> Settlement:
    """Return the settlement of a message that its destination's format cannot hold."""
    places = ", ".join(finding.partner_path or finding.path for finding in error.findings[:5])
    detail = f"{error.detail} {places}".strip()[:1000]
    return Settlement(delivery_id, "dead", "refused", error.reason, detail, lease=lease)
