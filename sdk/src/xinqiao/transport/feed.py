"""The inputs of a stream: what is to be sent, and what was sent and has no answer yet."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from xinqiao.seal import Sealed
from xinqiao.transport import NoAnswer

__all__ = ["Feed", "Tagged"]


class Tagged(NamedTuple):
    """An input with the tag that its answer repeats, and when it was given to be sent."""

    tag: str
    sealed: Sealed
    at: float


class Feed:
    """Gives inputs to one stream after the other. gRPC takes them in a thread of its own.

    No answer waits for an input that its sender has yet to make: that may be made of the answer.
    """

    def __init__(self, inputs: Iterable[Sealed]) -> None:
        self._inputs = iter(inputs)
        self._unanswered: deque[Tagged] = deque()
        # Made, and not given to a stream yet, or for one that had ended by then.
        self._made: deque[Sealed] = deque()
        self._making, self._lock = threading.Lock(), threading.Lock()
        self._streams = self._sent = 0
        self._is_untouched = self._is_over = False
        self._fault: Exception | None = None
        self._waits_since: float | None = None

    def has_more(self) -> bool:
        """Wait for the next input, and say whether there is one: no stream is begun for nothing.

        Raises what the sender's own inputs raised.
        """
        with self._making:
            self._make()
        with self._lock:
            if self._fault is not None:
                raise self._fault
            return bool(self._made)

    def stream(self) -> Iterator[Tagged]:
        """Begin another stream; return its inputs until it breaks or there are no more."""
        with self._lock:
            self._streams += 1
            self._is_untouched = True
            return self._given(self._streams)

    def _given(self, stream: int) -> Iterator[Tagged]:
        while (found := self._next(stream)) is not None:
            yield found

    def wait(self) -> None:
        """Begin to wait for an answer."""
        self._waits_since = time.monotonic()

    def answered(self, tag: str) -> Sealed:
        """Return the input that an answer is for. Raises ``NoAnswer`` where it is not for the first that waits."""
        with self._lock:
            self._waits_since = None
            if not self._unanswered or self._unanswered[0].tag != tag:
                raise NoAnswer("an answer came that fits no input", was_connected=True)
            return self._unanswered.popleft().sealed

    def patience(self, seconds: float) -> float:
        """Return how much is left of the ``seconds`` that the first input without an answer may wait for it.

        All of them where none waits, or where its sender does not wait for the answer.
        """
        with self._lock:
            if self._waits_since is None or not self._unanswered:
                return seconds
            return max(self._waits_since, self._unanswered[0].at) + seconds - time.monotonic()

    def broken(self) -> list[Sealed]:
        """End the stream and return what it did not answer; of one that took nothing, what it was begun for."""
        with self._lock:
            self._streams += 1
            self._waits_since = None
            left = [each.sealed for each in self._unanswered]
            self._unanswered.clear()
            if self._is_untouched and self._made:
                left.append(self._made.popleft())
            return left

    def _next(self, stream: int) -> Tagged | None:
        with self._making:
            if stream == self._streams:
                self._make()
            with self._lock:
                if stream != self._streams or not self._made:
                    return None
                self._sent, self._is_untouched = self._sent + 1, False
                self._unanswered.append(Tagged(str(self._sent), self._made.popleft(), time.monotonic()))
                return self._unanswered[-1]

    def _make(self) -> None:
        """Make an input where there is none; it waits for as long as its sender takes."""
        if self._made or self._is_over:
            return
        try:
            self._made.append(next(self._inputs))
        except StopIteration:
            self._is_over = True
        except Exception as error:  # noqa: BLE001 -- the sender's own: it is raised where the sender is
            self._is_over, self._fault = True, error
