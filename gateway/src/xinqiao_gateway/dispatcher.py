"""The dispatcher: gets accepted messages to the channels that are pushed to.

Each channel has a loop and limits of its own, so one that is slow or down delays no other. Within a channel a
lane (one case) keeps its order; lanes go in parallel. What an attempt came to is a value, ``Settlement``.
"""

import asyncio
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass

import httpx
import structlog

from xinqiao.client import retry_after
from xinqiao.errors import DestinationDown, DestinationRefused, InternalError, Rejected
from xinqiao.seal import SigningKey
from xinqiao_adapters.security.sealer import Outgoing
from xinqiao_gateway.channels import Push, ServedChannel
from xinqiao_gateway.journal import Due, Journal, Settlement, refused
from xinqiao_gateway.settings import Retry

__all__ = ["Dispatcher"]

_LEASE = 120.0
_IDLE = 5.0
_LONGEST_REPLY = 1_048_576
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 507, *range(520, 530)})

_log = structlog.get_logger("dispatcher")


class Dispatcher:
    """Runs a loop for each pushed channel; ``start`` and ``stop`` belong to the process's life."""

    def __init__(
        self, journal: Journal, channels: Iterable[ServedChannel], key: SigningKey, retry: Retry, parallel: int
    ) -> None:
        self._loops = {
            channel.channel_id: _ChannelLoop(journal, channel, channel.push, key, retry, parallel)
            for channel in channels
            if channel.push
        }
        self._tasks: list[asyncio.Task[None]] = []
        journal.when_accepted(self._wake)

    def start(self) -> None:
        """Start delivering."""
        self._tasks = [
            asyncio.create_task(_keep_running(loop), name=f"deliver {name}") for name, loop in self._loops.items()
        ]

    async def stop(self) -> None:
        """Stop; what is under way is given back, and tried again later under the same id."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def _wake(self, channels: Iterable[str]) -> None:
        for channel in channels:
            if channel in self._loops:
                self._loops[channel].wake.set()


async def _keep_running(loop: "_ChannelLoop") -> None:
    """Run a channel's loop for the life of the process; a fault of ours is logged and the loop starts again."""
    while True:
        try:
            await loop.run()
        except Exception:  # noqa: BLE001 -- the top of the task; deliveries under way return when their lease ends
            _log.exception("delivery loop failed", channel=loop.name)
        await asyncio.sleep(_IDLE)


@dataclass(slots=True)
class _Attempt:
    """What the other side's answer comes to, before the schedule has its say."""

    outcome: str
    reason: str
    detail: str
    retry_in: float | None = None


class _ChannelLoop:
    """Leases a channel's due deliveries, attempts them side by side, settles each as it ends."""

    def __init__(
        self, journal: Journal, channel: ServedChannel, push: Push, key: SigningKey, retry: Retry, parallel: int
    ) -> None:
        self.name = channel.channel_id
        self.wake = asyncio.Event()
        self._journal = journal
        self._channel = channel
        self._push = push
        self._key = key
        self._retry = retry
        self._parallel = parallel

    async def run(self) -> None:
        """Deliver until cancelled; leases under way are given back."""
        limits = httpx.Limits(max_connections=self._parallel)
        running: dict[asyncio.Task[None], int] = {}
        async with httpx.AsyncClient(timeout=self._push.timeout, limits=limits, trust_env=False) as client:
            try:
                while True:
                    self.wake.clear()
                    free = self._parallel - len(running)
                    due = await self._journal.lease(self.name, free, _LEASE) if free else []
                    for each in due:
                        running[asyncio.create_task(self._deliver(client, each))] = each.delivery_id
                    if len(due) < free or not free:  # else perhaps more is due
                        await self._rest(running)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
                await self._journal.give_back(running.values())

    async def _rest(self, running: dict[asyncio.Task[None], int]) -> None:
        """Wait until there may be something to do: a commit, an attempt's end, or the next due time."""
        woken = asyncio.create_task(self.wake.wait())
        try:
            timeout = await self._until_due()
            await asyncio.wait({woken, *running}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        for task in [task for task in running if task.done()]:
            del running[task]
            task.result()

    async def _until_due(self) -> float:
        due_at = await self._journal.next_due_at(self.name)
        return _IDLE if due_at is None else min(max(due_at - time.time(), 0.05), _IDLE)

    async def _deliver(self, client: httpx.AsyncClient, due: Due) -> None:
        try:
            attempt = await self._attempt(client, due)
        except Exception as error:  # noqa: BLE001 -- one delivery's fault is its own; it is tried again
            _log.exception("attempt failed", channel=self.name, delivery=due.delivery_id)
            attempt = _Attempt("failed", InternalError.reason, type(error).__name__)
        settlement = self._settlement(due, attempt)
        await self._journal.settle(settlement)
        self.wake.set()  # the lane's next may be due
        _log.info(
            "delivery attempted",
            channel=self.name,
            delivery=due.delivery_id,
            position=due.position,
            attempt=due.attempts + 1,
            state=settlement.state,
            reason=attempt.reason,
        )

    async def _attempt(self, client: httpx.AsyncClient, due: Due) -> _Attempt:
        try:
            encoded = self._channel.encode(due.message, due.original)
            outgoing = self._channel.sealed(encoded, self._key)
        except Rejected as error:
            settled = refused(due.delivery_id, error)
            return _Attempt(settled.outcome, settled.reason, settled.detail)
        try:
            status, headers, content = await self._post(client, outgoing)
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError) as error:
            return _Attempt("failed", DestinationDown.reason, type(error).__name__)
        attempt = self._judged(due, encoded.interface, status, headers, content)
        attempt.retry_in = retry_after(headers.get("Retry-After"))
        return attempt

    def _judged(self, due: Due, interface: str, status: int, headers: httpx.Headers, content: bytes) -> _Attempt:
        if status in _TRY_AGAIN:
            return _Attempt("failed", DestinationDown.reason, f"HTTP {status}")
        try:
            opened = self._channel.opened_reply(content, headers)
        except Rejected as error:  # no evidence either way, as of an answer to something else
            return _Attempt("failed", DestinationDown.reason, f"HTTP {status}, answer: {error.reason}")
        reply = self._channel.adapter.read_reply(interface, status, opened, due.message)
        if reply.accepted is None:  # no evidence either way; under the same id a repeat does no harm
            return _Attempt("failed", DestinationDown.reason, f"HTTP {status}, not an answer to this message")
        if reply.accepted:
            return _Attempt("delivered", "", reply.code)
        return _Attempt("refused", DestinationRefused.reason, f"HTTP {status} {reply.code} {reply.text}".strip()[:1000])

    async def _post(self, client: httpx.AsyncClient, outgoing: Outgoing) -> tuple[int, httpx.Headers, bytes]:
        headers = {"Content-Type": outgoing.content_type, **outgoing.headers}
        async with (
            asyncio.timeout(self._push.timeout),
            client.stream("POST", self._push.url, content=outgoing.content, headers=headers) as response,
        ):
            content = b""
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _LONGEST_REPLY:
                    raise httpx.ReadError("the reply is longer than 1 MiB")
            return response.status_code, response.headers, content

    def _settlement(self, due: Due, attempt: _Attempt) -> Settlement:
        state, due_at = attempt.outcome, 0.0
        if attempt.outcome == "refused":
            state = "dead"
        elif attempt.outcome == "failed":
            state = "dead" if due.attempts + 1 >= self._retry.attempts else "pending"
            due_at = time.time() + self._wait(due.attempts, attempt.retry_in)
        return Settlement(due.delivery_id, state, attempt.outcome, attempt.reason, attempt.detail, due_at)

    def _wait(self, attempts: int, retry_in: float | None) -> float:
        """Return the seconds until the next attempt: doubling, capped, with jitter; never before Retry-After."""
        wait = min(self._retry.first * float(2**attempts), self._retry.cap)
        return max(wait * random.uniform(0.8, 1.2), retry_in or 0.0)  # noqa: S311 -- jitter, not a secret
