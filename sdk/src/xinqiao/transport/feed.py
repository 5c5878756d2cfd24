"""The inputs of a stream: what is to be sent, and what was sent and has no answer yet."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator

from xinqiao.seal import Sealed
from xinqiao.transport import NoAnswer

__all__ = ["Feed"]


class Feed:
    """Gives inputs to one stream after the other. gRPC takes them in a thread of its own.

    No answer waits for an input that its sender has yet to make: that may be made of the answer.
    """

    def __init__(self, inputs: Iterable[Sealed]) -> None:
        self._inputs = iter(inputs)
        self._unanswered: deque[tuple[str, Sealed]] = deque()
        # Made for a stream that had ended by then.
        self._returned: deque[Sealed] = deque()
        self._making, self._lock = threading.Lock(), threading.Lock()
        self._streams = self._sent = 0
        self._is_over = False
        self._fault: Exception | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing more to send."""
        with self._lock:
            return self._is_over and not self._returned

    def stream(self) -> Iterator[tuple[str, Sealed]]:
        """Begin another stream; yield its inputs, each with a tag, until it breaks or there are no more."""
        with self._lock:
            self._streams += 1
            own = self._streams
        while (found := self._next(own)) is not None:
            yield found

    def answered(self, tag: str) -> Sealed:
        """Return the input that an answer is for. Raises ``NoAnswer`` where it is not for the first that waits."""
        with self._lock:
            if not self._unanswered or self._unanswered[0][0] != tag:
                raise NoAnswer("an answer came that fits no input", was_connected=True)
            return self._unanswered.popleft()[1]

    def broken(self) -> list[Sealed]:
        """End the stream and return what it did not answer. Raises what the sender's own inputs raised."""
        with self._lock:
            self._streams += 1
            left = [sealed for _, sealed in self._unanswered]
            self._unanswered.clear()
            if self._fault is not None:
                raise self._fault
            return left

    def _next(self, stream: int) -> tuple[str, Sealed] | None:
        with self._making:
            with self._lock:
                if stream != self._streams:
                    return None
                sealed = self._returned.popleft() if self._returned else None
            if sealed is None:
                sealed = self._made()
            with self._lock:
                if sealed is None:
                    self._is_over = True
                    return None
                if stream != self._streams:
                    self._returned.append(sealed)
                    return None
                self._sent += 1
                self._unanswered.append((str(self._sent), sealed))
                return self._unanswered[-1]

    def _made(self) -> Sealed | None:
        try:
            return next(self._inputs, None)
        except Exception as error:  # noqa: BLE001 -- the sender's own: it is raised where the sender is
            self._fault = error
            return None
