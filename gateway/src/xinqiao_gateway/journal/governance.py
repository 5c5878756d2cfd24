"""What the trust company has laid down for messages: policy, obligations, cut-offs. Replaced whole when they change."""

from dataclasses import dataclass, field
from datetime import datetime

from xinqiao.message import Json
from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.obligations import Batch, Book, Terms
from xinqiao_gateway.policy import Policy

__all__ = ["Governance"]


def _no_obligations() -> Book:
    return Book(Terms(), Calendars(), lambda value: value)


@dataclass(frozen=True, slots=True)
class Governance:
    """The rules that a commit applies; without them everything passes."""

    policy: Policy = field(default_factory=Policy)
    book: Book = field(default_factory=_no_obligations)

    def batch_for(self, channel: str, interface: str, body: Json, now: float) -> Batch | None:
        """Return the named batch of a row; the time that it was ordered at decides its trade day."""
        ordered_at = body.get("orderedAt")
        traded_at = datetime.fromisoformat(ordered_at).timestamp() if ordered_at else None
        return self.book.cutoffs.batch_for(channel, interface, now, traded_at)
