"""Surveillance: what the journal is looked at for in regular rounds, beside the work.

How many deliveries wait for each channel; which cases have expired; that this node is alive, and fit to take messages;
that the clock is not behind what the journal has dated.
"""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from xinqiao.errors import XinqiaoError
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.figures import Figures, figures
from xinqiao_gateway.journal.fitness import schema_fits
from xinqiao_gateway.journal.visits import let_go
from xinqiao_gateway.rounds import again_and_again

__all__ = ["Readiness", "Surveillance"]

_ROUND = 5.0
# Three rounds: one that is late is no reason to take a node away.
_LONGEST_SILENCE = 15.0
_FIGURES_OLD = 5.0
# Seconds: more than the clocks of nodes differ.
_MOST_AHEAD = 60.0

_log = structlog.get_logger("surveillance")


@dataclass(frozen=True, slots=True)
class Readiness:
    """Each condition of readiness, and whether it holds; ready is who fulfils all."""

    writing: bool
    beating: bool
    space: bool
    schema: bool
    serving: bool

    def __bool__(self) -> bool:
        return self.writing and self.beating and self.space and self.schema and self.serving


class Surveillance:
    """Looks every five seconds. ``turn`` is one look. ``draining``: whether the gateway is about to stop.

    ``channels`` returns the channels that are served, and whether each is pushed to.
    """

    def __init__(
        self,
        journal: Journal,
        data: Path,
        channels: Callable[[], Mapping[str, bool]] = dict,
        least_space: Callable[[], int] = lambda: 0,
    ) -> None:
        self.draining = False
        self.figures: Figures | None = None
        self._journal = journal
        self._data = data
        self._channels = channels
        self._least_space = least_space
        self._backlogs: dict[str, int] = {}
        self._beaten_at: float | None = None
        self._has_space = True
        self._has_schema = True
        self._is_ahead = False

    def backlog(self, channel: str) -> int:
        """Return how many deliveries waited for a channel at the last look."""
        return self._backlogs.get(channel, 0)

    def readiness(self) -> Readiness:
        """Say whether messages can be taken, as of the last look; quick."""
        silence = None if self._beaten_at is None else abs(self._journal.now() - self._beaten_at)
        return Readiness(
            writing=self._journal.healthy(),
            beating=silence is not None and silence <= _LONGEST_SILENCE,
            space=self._has_space,
            schema=self._has_schema,
            serving=not self.draining,
        )

    async def count(self) -> None:
        """Count what waits, for whoever asks: at most every five seconds. What cannot be counted is not shown."""
        now = self._journal.now()
        if self.figures is not None and abs(now - self.figures.at) < _FIGURES_OLD:
            return
        try:
            self.figures = await self._journal.read(figures, self._journal.reading.engine, now)
        except XinqiaoError as error:
            self.figures = None
            _log.warning("figures failed", reason=error.reason)

    async def turn(self) -> None:
        """Look once; let go cases and visits whose time is over; fit deliveries to how their channels are reached now.

        An input or an attempt that began before a reload may end after it, and leave a delivery as it was before.
        """
        has_space = await asyncio.to_thread(self._free_space) >= self._least_space()
        if has_space != self._has_space:
            self._has_space = has_space
            _log.warning("disk space is back" if has_space else "disk space is low")
        await self._journal.beat()
        self._beaten_at = self._journal.now()
        self._has_schema = await self._journal.read(schema_fits, self._journal.reading.engine)
        await self._compare_clock()
        channels = self._channels()
        await self._journal.rearrange_all(channels)
        self._backlogs = await self._journal.read(self._journal.reading.backlogs, channels)
        for case_id in await self._journal.expire_cases():
            _log.info("case expired", case=case_id)
        await self._journal.run(partial(let_go, now=self._journal.now()))

    async def run(self) -> None:
        """Look until cancelled."""
        await again_and_again(self.turn, _ROUND, _log, "look")

    async def _compare_clock(self) -> None:
        """Say once that the journal is dated ahead of the clock, and once that this is over."""
        seconds = await self._journal.ahead()
        is_ahead = seconds > _MOST_AHEAD
        if is_ahead != self._is_ahead:
            self._is_ahead = is_ahead
            said = "journal is ahead of the clock" if is_ahead else "clock has caught up with the journal"
            _log.warning(said, seconds=round(seconds))

    def _free_space(self) -> int:
        return shutil.disk_usage(self._data).free
