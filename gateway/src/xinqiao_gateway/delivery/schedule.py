"""When a delivery is attempted again, and when it is given up. Pure: clock and chance come from outside."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from xinqiao_gateway.journal import Due
from xinqiao_gateway.settings import Retry

__all__ = ["DAY", "Chance", "Schedule", "spread"]

DAY = 86_400.0
# Age alone gives nothing up: an outage that the breaker sat out, or a clock that jumped, makes a delivery old at once.
_LEAST_ATTEMPTS = 3
# 2 to this power times the shortest wait there is exceeds the longest.
_LAST_DOUBLING = 40

Chance = Callable[[float, float], float]


def spread(seconds: float, chance: Chance = random.uniform) -> float:
    """Return a wait with a jitter of a fifth to either side, so that what failed together does not return together."""
    return seconds * chance(0.8, 1.2)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The waits of one channel, in seconds."""

    retry: Retry
    chance: Chance = random.uniform

    @property
    def longest(self) -> float:
        """The longest wait that it can have set; a due time further ahead comes from a clock that jumped."""
        return max(self.retry.cap * 1.2, DAY)

    def wait(self, attempts: int, retry_in: float | None) -> float:
        """Return the seconds until the next attempt after ``attempts`` that failed, this one not counted.

        Never before ``retry_in``, what the partner asked for, of which a day counts.
        """
        doubled = self.retry.first * float(2 ** min(attempts, _LAST_DOUBLING))
        return max(spread(min(doubled, self.retry.cap), self.chance), min(retry_in or 0.0, DAY))

    def gives_up(self, due: Due, now: float) -> bool:
        """Say whether a delivery whose attempt just failed is given up: old enough, and tried a few times."""
        return now - due.since >= self.retry.give_up_after and due.attempts + 1 >= _LEAST_ATTEMPTS
