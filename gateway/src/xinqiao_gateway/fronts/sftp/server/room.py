"""How much a channel may still upload: counted when an upload begins, and with each byte that it grows."""

import threading
from collections.abc import Callable, Iterable

from xinqiao_gateway.fronts.sftp.server.limits import SftpSettings
from xinqiao_gateway.fronts.sftp.server.wire import Fault, Status

__all__ = ["Room"]

# Bytes after which the disk is asked again: others write to it too.
_AGAIN = 16 * 1024 * 1024


class Room:
    """What lies in a channel's inbox, its unfinished uploads with it; ``free`` asks the disk. Safe in threads."""

    def __init__(self, limits: SftpSettings, free: Callable[[], int]) -> None:
        self.limits = limits
        self._ask_disk = free
        self._used = self._free = self._since = 0
        self._lock = threading.Lock()

    def measure(self, sizes: Iterable[int], *, is_new: bool) -> None:
        """Count what is there, and look whether one more file may come. Raises ``Fault``."""
        there = list(sizes)
        if is_new and len(there) >= self.limits.files:
            raise Fault(Status.FAILURE, f"{len(there)} files lie here, the most there may be; the gateway takes them")
        with self._lock:
            self._used = sum(there)
            self._look()
            if self._free <= 0:
                raise Fault(Status.FAILURE, "the disk has no room now; try again later")

    def grow(self, size: int, added: int) -> None:
        """Count that a file grows to a size. Raises ``Fault`` where it may not."""
        if size > self.limits.largest:
            raise Fault(Status.FAILURE, f"a file has at most {self.limits.largest} bytes")
        with self._lock:
            if self._since > _AGAIN:
                self._look()
            if self._used + added > self.limits.bytes:
                raise Fault(Status.FAILURE, f"the inbox holds at most {self.limits.bytes} bytes")
            if added > self._free:
                raise Fault(Status.FAILURE, "the disk has no room now; try again later")
            self._used += added
            self._free -= added
            self._since += added

    def _look(self) -> None:
        self._free, self._since = self._ask_disk() - self.limits.spare, 0
