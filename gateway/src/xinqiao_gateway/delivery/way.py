"""The port for a way out: sends what is sealed, and says what came back. It knows nothing of messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from xinqiao_adapters.security.sealer import Outgoing

__all__ = ["Exchange", "Way"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What sending came to: an answer, or ``fault``, the kind of its failure; ``sent``: something may have arrived.

    ``status`` is that of HTTP; a way without one says 200 where an answer came. ``headers`` are found by their name in
    any case.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    fault: str = ""
    sent: bool = True


class Way(Protocol):
    """How one channel is reached. Several may be sent at once; each within the time that its push may take."""

    async def send(self, outgoing: Outgoing) -> Exchange:
        """Send once, and read a bounded answer.

        Raises a ``Rejected`` for what can never be sent so (too long for a frame), else nothing but its cancellation.
        """
        ...

    async def close(self) -> None:
        """Close what is not in use."""
        ...
