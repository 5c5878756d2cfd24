"""The poller of one channel: looks at its mailbox again and again, in a thread of its own.

A mailbox that hangs or is away delays nobody else: each has one thread, each call a bound, and a mailbox that fails is
left alone for longer each time.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

import structlog

from xinqiao.errors import DestinationDown, InternalError, JournalUnavailable, Overloaded, RateLimited, XinqiaoError
from xinqiao_adapters.docking import Mail
from xinqiao_gateway.fronts.mail.look import Look
from xinqiao_gateway.fronts.mail.mailbox import MOST_AT_ONCE, Mailbox
from xinqiao_gateway.fronts.pauses import pause_after
from xinqiao_gateway.gateway import Gateway

__all__ = ["Poller"]

P = ParamSpec("P")
T = TypeVar("T")

# Seconds that one call may take, a mail of the largest size included; and that a look has to end once it should.
_LONGEST_CALL = 300.0
_LONGEST_END = 3.0

_log = structlog.get_logger("mail")


class Poller:
    """Polls one mailbox between ``start`` and ``stop``."""

    def __init__(self, gateway: Gateway, channel_id: str, mail: Mail, mailbox: Mailbox) -> None:
        self._channel_id = channel_id
        self._every = float(mail.every)
        self._mailbox = mailbox
        self._threads = ThreadPoolExecutor(1, thread_name_prefix=f"mail-{channel_id}")
        self._stopping = asyncio.Event()
        self._look = Look(gateway, channel_id, mail, mailbox, self._call, self._stopping.is_set)
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._is_cut_off = False

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name=f"mail {self._channel_id}")

    async def stop(self) -> None:
        """Begin no other mail; let the one under way end, or cut it off: nothing is lost, it is found again."""
        self._stopping.set()
        if self._task is not None:
            done, _ = await asyncio.wait([self._task], timeout=_LONGEST_END)
            if not done:
                self._is_cut_off = True
                self._mailbox.abort()
                self._task.cancel()
                # What would come after a call that hangs is not begun.
                self._threads.shutdown(wait=False, cancel_futures=True)
                await asyncio.wait([self._task], timeout=_LONGEST_END)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            wait = self._every
            try:
                settled = await self._look.turn()
                self._went_well()
                wait = 0.0 if settled == MOST_AT_ONCE else wait
            except (RateLimited, Overloaded, JournalUnavailable) as error:
                _log.info("mails wait", channel=self._channel_id, reason=error.reason)
            except XinqiaoError as error:
                wait = self._went_wrong(error, error.reason, error.detail)
            except Exception as error:  # noqa: BLE001 -- the top of the task
                _log.exception("look failed", channel=self._channel_id)
                wait = self._went_wrong(error, InternalError.reason, type(error).__name__)
            await self._pause(wait)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _went_well(self) -> None:
        if self._failures:
            _log.info("mailbox is back", channel=self._channel_id)
        self._failures = 0

    def _went_wrong(self, error: Exception, reason: str, why: str) -> float:
        """Say it, once for a row of failures; return the seconds to wait."""
        if not self._failures:
            _log.warning("mailbox cannot be looked at", channel=self._channel_id, reason=reason, why=why)
        self._failures += 1
        return pause_after(error, self._every, self._failures)

    async def _call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if self._is_cut_off:  # nobody waits for what a look does at its end
            raise asyncio.CancelledError
        loop = asyncio.get_running_loop()
        under_way = loop.run_in_executor(self._threads, partial(function, *args, **kwargs))
        # Where nobody waits any more, its fault is of no interest.
        under_way.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        done, _ = await asyncio.wait([under_way], timeout=_LONGEST_CALL)
        if not done:
            self._mailbox.abort()
            raise DestinationDown(f"a call took longer than {_LONGEST_CALL:.0f} s")
        return under_way.result()
