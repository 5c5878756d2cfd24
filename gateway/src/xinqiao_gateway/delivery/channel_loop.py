"""The loop of one channel: leases what is due, attempts it side by side, settles each as it ends."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import structlog

from xinqiao.errors import DestinationDown, JournalUnavailable
from xinqiao.seal import SigningKey
from xinqiao_gateway.channels import Push, ServedChannel
from xinqiao_gateway.delivery.attempt import Attempt, Destination, may_be_repeated
from xinqiao_gateway.delivery.breaker import Breaker
from xinqiao_gateway.delivery.schedule import Schedule
from xinqiao_gateway.delivery.ways import way_to
from xinqiao_gateway.journal import Due, Journal, Settlement
from xinqiao_gateway.rotation import Overlap
from xinqiao_gateway.settings import Retry
from xinqiao_gateway.telemetry.observer import NOBODY, Observer

__all__ = ["IDLE", "ChannelLoop"]

# The longest rest (seconds): another node, or a person, may have made something due without a word.
IDLE = 5.0
# A clock that goes back by less is being adjusted; the schedule stands.
_SET_BACK = 1.0
# How many times as many are leased as may be under way.
_AHEAD = 4
_SETTLE_AGAIN = (0.1, 0.5, 2.0, 5.0)

_log = structlog.get_logger("delivery")


class ChannelLoop:
    """One channel's own way out, limits and breaker. ``run`` it, or drive ``turn`` and ``drain``; ``close`` it."""

    def __init__(
        self,
        journal: Journal,
        channel: ServedChannel,
        push: Push,
        key: SigningKey,
        retry: Retry,
        *,
        parallel: int = 8,
        lease: float = 60.0,
        now: Callable[[], float] = time.time,
        observer: Observer = NOBODY,
        overlap: Overlap | None = None,
    ) -> None:
        self.name = channel.channel_id
        self.wake = asyncio.Event()
        self.breaker = Breaker(retry)
        self._journal = journal
        self._schedule = Schedule(retry)
        self._parallel = channel.channel.profile.limits.parallel or parallel
        self._lease = lease
        self._now = now
        self._observer = observer
        self._last_turn = now()
        self._running: dict[asyncio.Task[None], Due] = {}
        # Leased ahead, so that one commit serves many attempts, and when that was.
        self._ahead: deque[tuple[float, Due]] = deque()
        # A lease that runs out unsent would else be held for a person.
        self._most_ahead = _AHEAD * self._parallel if may_be_repeated(channel) else 0
        # What attempts came to while the journal was away.
        self._unrecorded: list[Settlement] = []
        self._stopping = False
        self._way = way_to(channel, push)
        self._destination = Destination(channel, key, self._way, observer, overlap)

    async def close(self) -> None:
        """Cut off what is under way: whether it arrived is unknown, and recorded as that."""
        try:
            await self._record_late()
            await self._give_back()
        except JournalUnavailable:
            _log.warning("leases not given back", channel=self.name)  # they run out
        cut, self._running = self._running, {}
        for task in cut:
            task.cancel()
        await asyncio.gather(*cut, return_exceptions=True)
        for due in [due for task, due in cut.items() if task.cancelled()]:
            attempt = Attempt("unknown", DestinationDown.reason, "stopped before there was an answer")
            await self._settle(self._settlement(due, attempt), waits=())
        await self._way.close()

    async def run(self) -> None:
        """Deliver until ``stop``, then let what is under way end."""
        while not self._stopping:
            self.wake.clear()
            try:
                rest = await self.turn()
            except JournalUnavailable:
                rest = IDLE  # the writer has said so
            except Exception:  # noqa: BLE001 -- the top of the task; what was leased returns when its lease ends
                _log.exception("delivery loop failed", channel=self.name)
                rest = IDLE
            if rest > 0:
                await self._rest(rest)
        await self.drain()

    def stop(self) -> None:
        """Start nothing more."""
        self._stopping = True
        self.wake.set()

    async def turn(self) -> float:
        """Record what could not be, then start what may be attempted; return the seconds until there may be more."""
        self._reap()
        await self._record_late()
        now = self._now()
        if now < self._last_turn - _SET_BACK:
            await self._journal.hasten(self.name)
        self._last_turn = now
        await self._give_back(before=now - self._lease / 2)
        free = self.breaker.allows(now, len(self._running), self._parallel)
        if not free:
            return min(self.breaker.left(now) or IDLE, IDLE)
        if len(self._ahead) >= free:
            self._start(free)
            return 0.0
        rest = await self._lease_more(free, now)
        self._start(free)
        return rest

    async def _record_late(self) -> None:
        """Record what attempts came to while the journal was away: before any of it can be leased again."""
        while self._unrecorded:
            try:
                await self._journal.settle(self._unrecorded[0])
            except JournalUnavailable:
                if not self._journal.healthy():
                    raise  # else it is this one's fault, which runs out and must not hold up the channel
            self._unrecorded.pop(0)

    async def _lease_more(self, free: int, now: float) -> float:
        """Lease what may be attempted now and some ahead; return the seconds until there may be more."""
        ahead = self._most_ahead if self.breaker.opened_at is None else 0
        wanted = max(free + ahead - len(self._ahead), 1)
        busy = [due.delivery_id for due in (*self._running.values(), *(due for _, due in self._ahead))]
        leased = await self._journal.lease(self.name, wanted, self._lease, busy=busy, longest=self._schedule.longest)
        self._ahead.extend((now, due) for due in leased)
        if len(leased) == wanted:
            return 0.0
        due_at = await self._journal.next_due_at(self.name)
        return IDLE if due_at is None else min(max(due_at - now, 0.0), IDLE)

    def _start(self, free: int) -> None:
        for _ in range(min(free, len(self._ahead))):
            _, due = self._ahead.popleft()
            task = asyncio.create_task(self._deliver(due))
            task.add_done_callback(lambda _: self.wake.set())  # the lane's next may be due
            self._running[task] = due

    async def _give_back(self, *, before: float = math.inf) -> None:
        """Give back what was leased ahead before some time, and not sent."""
        old = [due.delivery_id for at, due in self._ahead if at < before]
        if old:
            self._ahead = deque((at, due) for at, due in self._ahead if at >= before)
            await self._journal.give_back(old)

    async def drain(self) -> None:
        """Wait until everything under way has ended."""
        while self._running:
            await asyncio.wait(self._running)
            self._reap()

    def _reap(self) -> None:
        for task in [task for task in self._running if task.done()]:
            del self._running[task]
            task.result()

    async def _rest(self, seconds: float) -> None:
        """Wait until there may be something to do: a commit, an attempt's end, or the time is over."""
        with suppress(TimeoutError):
            # Not wait_for: before Python 3.12 that takes an end that comes as it wakes for no end.
            async with asyncio.timeout(seconds):
                await self.wake.wait()

    async def _deliver(self, due: Due) -> None:
        attempt = await self._destination.attempt(due)
        if attempt.channel_up is not None:
            self._tell_breaker(up=attempt.channel_up)
        state = await self._settle(self._settlement(due, attempt), waits=_SETTLE_AGAIN)
        _log.info(
            "delivery attempted",
            channel=self.name,
            delivery=due.delivery_id,
            position=due.position,
            attempt=due.attempts + 1,
            outcome=attempt.outcome,
            state=state,
            reason=attempt.reason,
        )

    def _tell_breaker(self, *, up: bool) -> None:
        before = self.breaker.opened_at
        if up:
            self.breaker.succeeded()
        else:
            self.breaker.failed(self._now())
        if (before is None) != (self.breaker.opened_at is None):
            _log.warning("breaker closed" if up else "breaker opened", channel=self.name)

    async def _settle(self, settlement: Settlement, waits: tuple[float, ...]) -> str | None:
        """Record what an attempt came to, again where the journal is away; None where it stays away.

        A repeat changes nothing. What cannot be recorded is tried again at the next turn, and is unknown once its lease
        has run out.
        """
        if settlement.state != "pending":
            self._observer.settled(self.name, settlement.state)
        for wait in (*waits, None):
            try:
                return await self._journal.settle(settlement)
            except JournalUnavailable:
                if wait is not None:
                    await asyncio.sleep(wait)
        self._unrecorded.append(settlement)
        _log.error("attempt not recorded", channel=self.name, delivery=settlement.delivery_id)
        return None

    def _settlement(self, due: Due, attempt: Attempt) -> Settlement:
        now, said = self._now(), (attempt.outcome, attempt.reason, attempt.detail)
        match attempt.outcome:
            case "delivered":
                state, due_at = "delivered", now
            case "refused":
                state, due_at = "dead", now
            case "missing":  # it may be sent, at once
                state, due_at = "pending", now
            case "unknown" if attempt.when_unknown == "hold":
                state, due_at = "held", now
            case _ if self._schedule.gives_up(due, now):
                # Where the query found no answer a person asks: to call it lost would be a guess.
                state = "held" if attempt.outcome == "unknown" and attempt.when_unknown == "query" else "dead"
                due_at = now
            case _:
                state, due_at = "pending", now + self._schedule.wait(due.attempts, attempt.retry_in)
        return Settlement(due.delivery_id, state, *said, due_at=due_at, lease=due.lease)
