"""Carrying: one file at a time gets across to a partner's folder, and each step is in the journal before the next.

``recorded``: nothing of it is under its name. ``sending``: it may be. ``arrived``: it was read back. ``told``: so was
what says that it is finished. Whoever takes a file up, also after a crash, looks first what is there.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import structlog

from xinqiao.errors import (
    ConfigurationError,
    Conflict,
    DestinationDown,
    InProgress,
    JournalUnavailable,
    Rejected,
    Retryable,
    XinqiaoError,
)
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.delivery.breaker import Breaker
from xinqiao_gateway.delivery.file_writing import FileWriting
from xinqiao_gateway.delivery.schedule import Schedule
from xinqiao_gateway.journal import Journal, outgoing
from xinqiao_gateway.journal.indexing import ready_files
from xinqiao_gateway.journal.outgoing import OutgoingFile
from xinqiao_gateway.journal.outgoing_contents import content_of, manifest_of
from xinqiao_gateway.journal.raised import raise_once
from xinqiao_gateway.settings import Retry
from xinqiao_gateway.telemetry.observer import Observer

__all__ = ["Carrying"]

# A server that shows nothing of what arrived would get the same file for ever.
_MOST_DOUBTS = 3
_LEAST_ATTEMPTS = 3
# The longest lease that is looked for; see ``outgoing.take``.
_LONGEST_LEASE = 3600.0

T = TypeVar("T")

_log = structlog.get_logger("delivery")


class _Unknown(Exception):
    """The file was given its name, and nothing is there."""


class Carrying:
    """Carries the files of one channel."""

    def __init__(
        self,
        journal: Journal,
        channel: ServedChannel,
        writing: FileWriting,
        retry: Retry,
        breaker: Breaker,
        lease: float,
        now: Callable[[], float],
        observer: Observer,
    ) -> None:
        self._journal, self._channel, self._writing = journal, channel, writing
        self._retry, self._schedule, self._breaker = retry, Schedule(retry), breaker
        self._seconds, self._now, self._observer = lease, now, observer
        self._lease = f"carry:{secrets.token_hex(8)}"

    async def turn(self) -> bool:
        """Carry the next file that is due; say whether there was one."""
        # Where the profile has no index any more, none is waited for.
        states = outgoing.OPEN if self._writing.files.index is None else outgoing.UNDECIDED
        taking = partial(outgoing.take, channel=self._channel.channel_id, lease=self._lease, seconds=self._lasts)
        file = await self._run(partial(taking, states=states, now=self._now(), longest=self._schedule.longest))
        if file is None:
            return False
        began = time.perf_counter()
        outcome = await self._attempt(file)
        self._observer.attempted(file.channel, outcome, time.perf_counter() - began)
        return True

    async def next_at(self) -> float | None:
        """Return when the next file is due; None where all are decided."""
        return await self._run(partial(outgoing.next_file_at, channel=self._channel.channel_id))

    async def close(self) -> None:
        """End the connection; a step that waits in its thread ends with it."""
        await asyncio.to_thread(self._writing.folder.close)

    async def _attempt(self, file: OutgoingFile) -> str:
        """Try once; return what it came to, as of a message."""
        try:
            await self._get_across(file)
            await self._tell(file)
        except _Unknown:
            return await self._doubt(file)
        except JournalUnavailable:
            raise  # which says nothing of the partner
        except InProgress:
            _log.warning("file is with another node", channel=file.channel, file=file.name)
            return "failed"
        except (OSError, Rejected, Retryable, ConfigurationError) as error:
            return await self._fail(file, error)
        self._tell_breaker(up=True)
        _log.info("file delivered", channel=file.channel, file=file.name, messages=file.messages, size=file.size)
        if self._is_listed(file):
            return "arrived"
        await self._settle(file, "delivered")
        return "delivered"

    def _is_listed(self, file: OutgoingFile) -> bool:
        """Say whether a file waits for the index that lists it before its messages count as delivered."""
        return self._writing.files.index is not None and file.kind != outgoing.INDEX and file.state != "told"

    async def _get_across(self, file: OutgoingFile) -> None:
        """See to it that the file is there, and that this stands in the journal."""
        if file.state in {"arrived", "ready", "told"}:
            return
        if file.has_content:
            seen = await asyncio.to_thread(self._writing.look, file)
            if file.state == "sending" and seen == "gone" and not file.doubts:
                raise _Unknown
            if seen == "other" and not (self._writing.in_place and file.state == "sending"):
                raise Conflict(f"there is another {file.name}")
            if seen != "there":
                await self._send(file)
        await self._go_on(file, "arrived")

    async def _send(self, file: OutgoingFile) -> None:
        """Write, name, read back."""
        parts = await self._journal.read(content_of, self._journal.reading, file.file_id, file.scope)
        if self._writing.in_place:
            await self._go_on(file, "sending")
            await asyncio.to_thread(self._writing.write, file, parts)
        else:
            await asyncio.to_thread(self._writing.write, file, parts)
            await self._go_on(file, "sending")
            await asyncio.to_thread(self._writing.name, file)
        seen = await asyncio.to_thread(self._writing.look, file)
        if seen == "gone":
            raise _Unknown
        if seen != "there":
            raise DestinationDown(f"{file.name} is not there as it was written")

    async def _tell(self, file: OutgoingFile) -> None:
        """Say beside the file what is in it and that it is finished, unless it was taken before that could be."""
        if file.state == "told":
            return
        if not file.has_content or not await asyncio.to_thread(self._writing.is_gone, file):
            manifest = await self._journal.read(manifest_of, self._journal.reading, file.file_id, file.scope)
            await asyncio.to_thread(self._writing.tell, file, manifest)
        await self._go_on(file, "ready" if self._is_listed(file) else "told")

    async def _go_on(self, file: OutgoingFile, state: str) -> None:
        seconds = self._lasts(file.size)
        await self._run(partial(outgoing.go_on, file=file, state=state, seconds=seconds, now=self._now()))

    def _lasts(self, size: int) -> float:
        """Return how long a lease is that no step with a file of a size outlasts."""
        return min(max(self._seconds, 3 * self._writing.allowed(size)), _LONGEST_LEASE)

    async def _fail(self, file: OutgoingFile, error: Exception) -> str:
        """Put a file off that did not come through; it is never given up, since its number would be missing."""
        reason, detail = _said(error)
        if isinstance(error, OSError | Retryable | ConfigurationError):
            self._tell_breaker(up=False)
        now = self._now()
        old = now - file.created_at >= self._retry.give_up_after and file.attempts + 1 >= _LEAST_ATTEMPTS
        if old or isinstance(error, Rejected | ConfigurationError):
            said = f"file {file.name}: {reason}"
            await self._run(partial(raise_once, channel=file.channel, kind="batch", detail=said, now=now))
        await self._postpone(file, reason, detail, doubted=False)
        _log.warning("file not delivered", channel=file.channel, file=file.name, reason=reason, said=detail[:200])
        return "failed"

    async def _doubt(self, file: OutgoingFile) -> str:
        """Do what the profile says where the file has its name, and nobody knows whether the partner has the file."""
        way, detail = self._channel.channel.when_unknown(file.interface), "it was named, and is not there"
        _log.warning("file unknown", channel=file.channel, file=file.name, way=way)
        if way == "repeat" and file.doubts + 1 < _MOST_DOUBTS:
            await self._postpone(file, DestinationDown.reason, detail, doubted=True)
        else:
            await self._settle(file, "held", DestinationDown.reason, detail)
        return "unknown"

    async def _postpone(self, file: OutgoingFile, reason: str, detail: str, *, doubted: bool) -> None:
        now = self._now()
        due_at = now + self._schedule.wait(file.attempts, None)
        put_off = partial(outgoing.postpone, file=file, reason=reason, detail=detail, doubted=doubted)
        await self._run(partial(put_off, due_at=due_at, now=now))

    async def _settle(self, file: OutgoingFile, state: str, reason: str = "", detail: str = "") -> None:
        """Settle what is in a file, or in those that an index lists, and end it."""
        if file.kind == outgoing.INDEX:
            for each in await self._run(partial(ready_files, channel=file.channel, cutoff=file.cutoff)):
                await self._settle(each, state, reason, detail)
        settling = partial(outgoing.settle_some, file=file, state=state, reason=reason)
        while settled := await self._run(partial(settling, now=self._now())):
            for _ in range(settled):
                self._observer.settled(file.channel, state)
        await self._run(partial(outgoing.end, file=file, state=state, now=self._now(), reason=reason, detail=detail))

    def _tell_breaker(self, *, up: bool) -> None:
        before = self._breaker.opened_at
        if up:
            self._breaker.succeeded()
        else:
            self._breaker.failed(self._now())
        if (before is None) != (self._breaker.opened_at is None):
            _log.warning("breaker closed" if up else "breaker opened", channel=self._channel.channel_id)

    async def _run(self, act: Callable[[Any], T]) -> T:
        return await self._journal.run(act, f"deliver {self._channel.channel_id}")


def _said(error: Exception) -> tuple[str, str]:
    """Return the reason of a failure, and a detail for people."""
    if isinstance(error, XinqiaoError):
        return error.reason, error.detail
    said = error.strerror if isinstance(error, OSError) else None
    return DestinationDown.reason, f"{type(error).__name__}: {said or error}"
