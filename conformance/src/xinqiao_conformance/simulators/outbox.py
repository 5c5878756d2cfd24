"""A bounded queue and one worker: what a simulator sends leaves in order, off the request handler."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from xinqiao.errors import Overloaded

__all__ = ["Outbox"]

_LOGGER = logging.getLogger(__name__)

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class _Posted(Generic[Item, Outcome]):
    item: Item
    outcome: "Future[Outcome]"


class Outbox(Generic[Item, Outcome]):
    """Hands items one by one to ``send``, which retries as it sees fit and returns what became of the item."""

    def __init__(self, send: Callable[[Item], Outcome], limit: int = 1_000) -> None:
        self._send = send
        self._limit = limit
        self._queue: queue.Queue[_Posted[Item, Outcome] | None] = queue.Queue()
        self._lock = threading.Condition()
        self._waiting = 0
        self._worker = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Start the worker."""
        self._worker.start()

    def stop(self, timeout: float) -> bool:
        """Let the worker finish what is queued, at most ``timeout`` seconds; say whether it did."""
        self._queue.put(None)
        self._worker.join(timeout)
        return not self._worker.is_alive()

    def settled(self, timeout: float) -> bool:
        """Wait until nothing is left to be sent, at most ``timeout`` seconds; say whether that is so."""
        with self._lock:
            return self._lock.wait_for(lambda: self._waiting == 0, timeout)

    def require_room(self, count: int) -> None:
        """Raise ``Overloaded`` unless ``count`` more items fit."""
        with self._lock:
            if self._waiting + count > self._limit:
                raise Overloaded(f"{self._waiting} messages wait to be sent")

    def post(self, items: Sequence[Item]) -> "list[Future[Outcome]]":
        """Queue items together, in order; raises ``Overloaded`` and queues none where they do not all fit."""
        with self._lock:
            if self._waiting + len(items) > self._limit:
                raise Overloaded(f"{self._waiting} messages wait to be sent")
            self._waiting += len(items)
            posted: list[_Posted[Item, Outcome]] = [_Posted(item, Future()) for item in items]
            for each in posted:
                self._queue.put(each)
        return [each.outcome for each in posted]

    def _run(self) -> None:
        while (posted := self._queue.get()) is not None:
            try:
                outcome = self._send(posted.item)
            except Exception as error:
                # The top of a thread: perhaps nobody waits for the outcome, and the next item is still to be sent.
                _LOGGER.exception("an item could not be sent")
                self._leave()
                posted.outcome.set_exception(error)
            else:
                self._leave()
                posted.outcome.set_result(outcome)

    def _leave(self) -> None:
        with self._lock:
            self._waiting -= 1
            self._lock.notify_all()
