"""How much may be stored, and how many bodies at once: asked before a body is taken, so that none is taken in vain."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.errors import Overloaded
from xinqiao_gateway.documents.kinds import Sizes

__all__ = ["DocumentSettings", "Room"]


class DocumentSettings(BaseModel):
    """The limits of an installation. Sizes are bytes, times seconds.

    ``quota``: all documents together. ``spare``: what is left free on the disk for others, the journal first of all.
    ``parallel``: transfers of one channel at once. ``patience``: how long nothing may come or be taken.
    ``least_rate``: bytes a second that a body has to keep, on the whole. ``largest``: see ``Kinds.with_sizes``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    quota: int = Field(1_099_511_627_776, ge=0)
    spare: int = Field(2_147_483_648, ge=0)
    parallel: int = Field(4, ge=1, le=1000)
    patience: float = Field(30.0, gt=0, le=3600)
    least_rate: int = Field(16_384, ge=1)
    largest: Sizes = {}


class Room:
    """What is stored and what is promised to bodies under way. Safe in threads."""

    def __init__(self, settings: DocumentSettings, used: int, free: Callable[[], int]) -> None:
        self._settings = settings
        self._used = used
        self._free = free
        self._promised = 0
        self._transfers: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def transfer(self, channel_id: str) -> Iterator[None]:
        """Count a transfer of a channel. Raises ``Overloaded`` where it has too many under way."""
        with self._lock:
            if self._transfers[channel_id] >= self._settings.parallel:
                raise Overloaded(f"the channel has {self._settings.parallel} documents under way, the most it may")
            self._transfers[channel_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._transfers[channel_id] -= 1

    def promise(self, size: int) -> None:
        """Keep room for a body of at most this size. Raises ``Overloaded`` where there is none."""
        with self._lock:
            wanted = self._promised + size
            if self._used + wanted > self._settings.quota:
                raise Overloaded("the documents' quota has no room for it now")
            if self._free() - wanted < self._settings.spare:
                raise Overloaded("the disk has no room for it now")
            self._promised = wanted

    def release(self, size: int, kept: int = 0) -> None:
        """Give a promise back; ``kept`` is what was stored of it, less than 0 for what was removed."""
        with self._lock:
            self._promised -= size
            self._used = max(self._used + kept, 0)
