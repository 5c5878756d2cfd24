"""How a watched folder stands, for people: what views and metrics show, and the alarms of the log.

Logs hold counts and reasons; names of files, which may be people's, are for who asks with a right to it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from xinqiao.errors import ConfigurationError
from xinqiao_gateway.fronts.sftp.folder import Entry
from xinqiao_gateway.fronts.sftp.marks import Look, PassedOver, Sightings

__all__ = ["Teller", "Watched"]

# Looks in a row with a problem until somebody is told.
_FAILURES = 3
# Seconds that something may lie there unfinished before somebody is told.
_UNFINISHED = 3600.0

_log = structlog.get_logger("files")


@dataclass(frozen=True, slots=True)
class Watched:
    """How a channel's folder stands. ``looked_at``: Unix seconds of the last listing, None before the first.

    ``failures`` are the looks in a row that had a problem, ``why`` the last one's. ``taken`` counts since the start.
    ``elsewhere``: another process watches it, and this one does not look.
    """

    channel_id: str
    looked_at: float | None = None
    failures: int = 0
    why: str = ""
    taken: int = 0
    unfinished: tuple[PassedOver, ...] = ()
    refused: tuple[PassedOver, ...] = ()
    elsewhere: bool = False


class Teller:
    """Keeps how one channel's folder stands, and tells of each trouble once."""

    def __init__(self, channel_id: str, sightings: Sightings) -> None:
        self.watched = Watched(channel_id)
        self._sightings = sightings
        self._told: set[Entry] = set()

    def failed(self, error: Exception) -> None:
        """Take note of a look that had a problem; one that a person must solve is told at once."""
        failures = self.watched.failures + 1
        why = str(error)[:300] or type(error).__name__
        self.watched = replace(self.watched, failures=failures, why=why)
        reason = getattr(error, "reason", type(error).__name__)
        _log.warning("look failed", channel=self.watched.channel_id, reason=reason, failures=failures)
        if failures == _FAILURES or (failures == 1 and isinstance(error, ConfigurationError)):
            _log.error("alarm", kind="files", channel=self.watched.channel_id, reason=reason, failures=failures)

    def watched_elsewhere(self, elsewhere: bool) -> None:
        """Take note of who watches it."""
        if elsewhere != self.watched.elsewhere:
            self.watched = replace(self.watched, elsewhere=elsewhere)
            said = "folder is watched elsewhere" if elsewhere else "folder is watched here"
            _log.info(said, channel=self.watched.channel_id)

    def looked(self, found: Look, taken: int, problem: Exception | None) -> None:
        """Take note of a look, and of the first file that had a problem."""
        self.watched = replace(
            self.watched,
            looked_at=time.time(),
            taken=self.watched.taken + taken,
            unfinished=found.unfinished,
            refused=found.refused,
        )
        self._tell("files_refused", found.refused)
        old = [each for each in found.unfinished if self._sightings.unchanged(each.entry) > _UNFINISHED]
        self._tell("files_unfinished", old)
        self._told &= {each.entry for each in (*found.refused, *found.unfinished)}
        if problem is not None:
            self.failed(problem)
            return
        if self.watched.failures >= _FAILURES:
            _log.info("files are taken again", channel=self.watched.channel_id)
        self.watched = replace(self.watched, failures=0, why="")

    def _tell(self, kind: str, passed: Sequence[PassedOver]) -> None:
        fresh = {each.entry for each in passed} - self._told
        if fresh:
            _log.error("alarm", kind=kind, channel=self.watched.channel_id, files=len(fresh))
        self._told |= fresh
