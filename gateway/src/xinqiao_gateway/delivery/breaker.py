"""The breaker of a channel: one that is down is left alone, and asked now and then by a single delivery.

Closed, all goes out. After some failures in a row it opens: nothing is leased, so waiting costs no attempts. After a
pause it is half open: one delivery goes out, whose success closes it and whose failure opens it for twice as long.
"""

import random
from dataclasses import dataclass, field
from typing import Literal

from xinqiao_gateway.delivery.schedule import Chance, spread
from xinqiao_gateway.settings import Retry

__all__ = ["Breaker", "BreakerState"]

BreakerState = Literal["closed", "open", "half_open"]


@dataclass(slots=True)
class Breaker:
    """Counts what one channel's attempts came to. Times are Unix seconds and come from the caller.

    ``failures`` are those in a row; ``opened_at`` is None while it is closed, and ``until`` is when an open one is half
    open.
    """

    retry: Retry
    chance: Chance = random.uniform
    failures: int = 0
    opened_at: float | None = None
    until: float = 0.0
    _pause: float = field(default=0.0, repr=False)

    def state(self, now: float) -> BreakerState:
        """Return whether it is closed, open, or half open."""
        if self.opened_at is None:
            return "closed"
        return "open" if self.left(now) > 0 else "half_open"

    def left(self, now: float) -> float:
        """Return the seconds until one that is open lets a delivery out; 0 where that is now."""
        left = self.until - now
        if self.opened_at is None or left > self.retry.longest_pause * 1.2:  # else a clock set back would hold it open
            return 0.0
        return max(left, 0.0)

    def allows(self, now: float, running: int, parallel: int) -> int:
        """Return how many deliveries may be started, where ``running`` of at most ``parallel`` are under way."""
        state = self.state(now)
        if state == "closed":
            return max(parallel - running, 0)
        return 1 if state == "half_open" and running == 0 else 0

    def succeeded(self) -> None:
        """Take note that the channel answered as it should; a refusal is an answer, too."""
        self.failures, self.opened_at, self._pause = 0, None, 0.0

    def failed(self, now: float) -> None:
        """Take note of a failure that says that the channel is down."""
        self.failures += 1
        if self.failures < self.retry.failures or self.state(now) == "open":
            return
        self._pause = min(self._pause * 2 or self.retry.pause, self.retry.longest_pause)
        self.opened_at = now if self.opened_at is None else self.opened_at
        self.until = now + spread(self._pause, self.chance)
