"""The journal's one writer: a thread that commits what waits, a batch at a time.

Callers wait for their commit; while one runs, the next gathers. Measured: 20,000 rows/s with 32 waiting callers
on SQLite against 4,000 commits/s one by one.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine

from xinqiao.errors import JournalUnavailable, Overloaded, XinqiaoError
from xinqiao.seal import SigningKey
from xinqiao_gateway.journal.commit import Committed, commit_batch
from xinqiao_gateway.journal.entry import Outcome, Submission
from xinqiao_gateway.journal.vault import Vault

__all__ = ["Writer"]

_LARGEST_BATCH = 256
_LONGEST_QUEUE = 4096
_MOMENT = 0.002

T = TypeVar("T")

_log = structlog.get_logger("journal")


@dataclass(frozen=True, slots=True)
class _Work:
    """A submission, or a function of the connection, and the future that waits for it."""

    what: Submission | Callable[[Connection], Any]
    future: asyncio.Future[Any]


@dataclass(slots=True)
class Writer:
    """Owns the writing connection. ``start`` before use, ``stop`` to finish what waits."""

    engine: Engine
    vault: Vault
    key: SigningKey
    _queue: queue.SimpleQueue[_Work | None] = field(default_factory=queue.SimpleQueue)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Commit what waits and end the thread."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()

    @property
    def running(self) -> bool:
        """Whether the thread is there to commit what is handed over."""
        return self._thread is not None and self._thread.is_alive()

    async def submit(self, submission: Submission) -> list[Outcome]:
        """Store a submission durably and return the outcome of each of its messages.

        Raises ``Overloaded`` where too much waits, ``JournalUnavailable`` where the commit failed.
        """
        if self._queue.qsize() >= _LONGEST_QUEUE:
            raise Overloaded(f"{_LONGEST_QUEUE} submissions wait for the journal")
        outcomes: list[Outcome] = await self._wait_for(submission)
        return outcomes

    async def run(self, act: Callable[[Connection], T]) -> T:
        """Run a function inside the writer's next transaction and return its result once that is durable.

        Never refused for overload: what was attempted must be recorded. Callers bound themselves.
        """
        result: T = await self._wait_for(act)
        return result

    async def _wait_for(self, what: Submission | Callable[[Connection], Any]) -> Any:  # noqa: ANN401
        if not self.running:
            raise JournalUnavailable("the writer has ended")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put(_Work(what, future))
        return await future

    def _run(self) -> None:
        works: list[_Work] = []
        stopping = False
        while not stopping:
            # Callers came together last time: wait a moment, so that one commit serves more of them.
            works, stopping = self._gather(_MOMENT if len(works) > 1 else 0.0)
            if works:
                self._commit(works)

    def _gather(self, moment: float) -> tuple[list[_Work], bool]:
        """Return the works of the next commit, and whether it is the last."""
        works: list[_Work] = []
        work = self._queue.get()
        time.sleep(moment)  # once, and not a wait for each: a thread that wakes costs more than what it takes
        while work is not None:
            works.append(work)
            if len(works) == _LARGEST_BATCH or self._queue.empty():
                return works, False
            work = self._queue.get()
        return works, True

    def _commit(self, works: Sequence[_Work]) -> None:
        """Commit works together; where that fails, each by itself, so that one cannot fail the others."""
        try:
            results = self._transaction(works)
        except Exception as error:  # noqa: BLE001 -- the top of this thread; nobody may wait for ever
            if len(works) > 1:
                for work in works:
                    self._commit([work])
                return
            _log.exception("commit failed")
            failure = JournalUnavailable(type(error).__name__)
            failure.__cause__ = error
            results = [failure]
        _resolve(works, results)

    def _transaction(self, works: Sequence[_Work]) -> list[Any]:
        submissions = [work.what for work in works if isinstance(work.what, Submission)]
        committed = Committed([], [])
        with self.engine.begin() as connection:
            if submissions:
                committed = commit_batch(connection, self.vault, self.key, submissions)
            acts = [None if isinstance(work.what, Submission) else _attempt(connection, work.what) for work in works]
        # Only now are new keys stored for good.
        self.vault.keep(committed.data_keys)
        outcomes = iter(committed.outcomes)
        return [
            next(outcomes) if isinstance(work.what, Submission) else act for work, act in zip(works, acts, strict=True)
        ]


def _attempt(connection: Connection, act: Callable[[Connection], Any]) -> Any:  # noqa: ANN401
    """Run one act; its error is its result and does not fail the batch around it."""
    try:
        with connection.begin_nested():
            return act(connection)
    except XinqiaoError as error:
        return error
    except Exception as error:  # noqa: BLE001 -- as above
        _log.exception("act failed")
        failure = JournalUnavailable(type(error).__name__)
        failure.__cause__ = error
        return failure


def _resolve(works: Sequence[_Work], results: Sequence[Any]) -> None:
    """Hand the results back to the event loops that wait for them, one wake-up for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for work, result in zip(works, results, strict=True):
        by_loop.setdefault(work.future.get_loop(), []).append((work.future, result))
    for loop, pairs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_set_results, pairs)
        except RuntimeError:
            _log.warning("nobody waits any more", works=len(pairs))  # the loop is closed; what was stored stays


def _set_results(pairs: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in pairs:
        if future.done():  # its caller has gone; what was committed stays committed
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
