"""One poller for each channel with files: it fetches what is finished in a folder, and puts back what came of it.

list → finished files, in order of names → spool → ``Taker`` → results written → archive or error folder. Whatever ends
on the way, the next look goes on from what lies there: nothing is lost, and the taker sees to it that nothing is twice.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog

from xinqiao.errors import FileRefused, InternalError, Rejected, XinqiaoError
from xinqiao_adapters.docking.files import Files
from xinqiao_gateway.fronts.pauses import pause_after
from xinqiao_gateway.fronts.sftp.folder import Entry, Folder
from xinqiao_gateway.fronts.sftp.marks import Finished, Look, Sightings, look
from xinqiao_gateway.fronts.sftp.putting import below, put_away, put_result
from xinqiao_gateway.fronts.sftp.spool import Spool, Stopped, read_small
from xinqiao_gateway.fronts.sftp.taking import Arrived, Facts, Result, Settlement, Taken, Taker
from xinqiao_gateway.fronts.sftp.telling import Teller, Watched

__all__ = ["Arrived", "Facts", "Poller", "Result", "Settlement", "Taken", "Taker", "Watched", "Watching"]

# Seconds until it is asked again whether a folder that another process watches is ours.
_AGAIN = 5.0
# Seconds that what is under way has to end when the gateway stops, and then again once its connection is cut.
_GRACE = 10.0

P = ParamSpec("P")
T = TypeVar("T")

_log = structlog.get_logger("files")


async def _alone() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Watching:
    """What a poller watches: a channel's section ``files``, the folder, and where it may keep bytes meanwhile.

    ``least_free`` bytes of that disk are never used. ``is_ours``: whether it is this process that watches.
    """

    channel_id: str
    files: Files
    folder: Folder
    spool: Path
    least_free: Callable[[], int] = lambda: 0
    is_ours: Callable[[], Awaitable[bool]] = _alone


class Poller:
    """Watches one folder. ``look`` is one round; ``run`` makes them until ``stop``."""

    def __init__(self, watching: Watching, taker: Taker, now: Callable[[], float] = time.monotonic) -> None:
        self._watching = watching
        self._taker = taker
        self._sightings = Sightings(now)
        self._teller = Teller(watching.channel_id, self._sightings)
        self._stopping = threading.Event()
        self._spool = Spool(watching.spool, watching.least_free, self._stopping)
        self._is_clean = False
        # What is known of files that still lie there.
        self._settled: dict[Facts, Settlement] = {}
        # What lay there at the first look and has not been put away since: of that alone the journal may know more than
        # we do. A file that came later is a new one, even where it has the name, size and time of one before.
        self._found: set[Facts] | None = None
        self._soon = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # One thread of its own: a server that is slow keeps no other channel waiting.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"files-{watching.channel_id}")

    @property
    def watched(self) -> Watched:
        """How the folder stands."""
        return self._teller.watched

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self.run(), name=f"files-{self._watching.channel_id}")

    def wake(self) -> None:
        """Look now, and not at the end of the pause."""
        self._soon.set()

    async def stop(self) -> None:
        """End: a fetch is broken off where it is, and what is being taken may end, for a bounded time."""
        self._stopping.set()
        self._soon.set()
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=_GRACE)
            if late:
                await asyncio.to_thread(self._watching.folder.close)
                await asyncio.wait(late, timeout=_GRACE)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._watching.folder.close)

    async def run(self) -> None:
        """Look, and look again."""
        while not self._stopping.is_set():
            self._soon.clear()
            pause = await self._attempt()
            if self._stopping.is_set():
                return
            try:
                async with asyncio.timeout(pause):
                    await self._soon.wait()
            except TimeoutError:
                continue

    async def _attempt(self) -> float:
        """Look once, and return for how long to wait then."""
        try:
            if not await self._is_ours():
                return min(_AGAIN, float(self._watching.files.every))
            await self.look()
        except Stopped:
            return 0.0
        except (XinqiaoError, OSError) as error:
            return self._pause(error)
        except Exception as error:  # noqa: BLE001 -- the top of the task
            _log.exception("look failed", channel=self._watching.channel_id)
            return self._pause(error)
        return float(self._watching.files.every)

    def _pause(self, error: Exception) -> float:
        self._teller.failed(error)
        return pause_after(error, float(self._watching.files.every), self.watched.failures)

    async def _is_ours(self) -> bool:
        """Say whether this process is to look; what another one did meanwhile, the journal knows."""
        is_ours = await self._watching.is_ours()
        if not is_ours:
            self._found = None
            self._settled.clear()
        self._teller.watched_elsewhere(not is_ours)
        return is_ours

    async def look(self) -> Look:
        """Look once, and take what is finished; a file that has a problem keeps none after it waiting.

        Raises what ended the look: the server is away or refuses us, nothing can be accepted now.
        """
        found = await self._in_thread(self._listed)
        if self._found is None:
            self._found = self._there(found)
        problem: Exception | None = None
        taken = 0
        for each in (*await self._left_behind(found), *found.finished):
            try:
                taken += await self._take(each)
            except (OSError, Rejected, InternalError) as error:  # of this file alone
                problem = problem or error
        await self._in_thread(self._spool.sweep, [self._facts(e) for each in found.finished for e in each.files])
        self._forget(found)
        self._teller.looked(found, taken, problem)
        return found

    def _listed(self) -> Look:
        files, folder = self._watching.files, self._watching.folder
        if not self._is_clean:  # of bytes from before a crash nobody knows whether they are whole
            self._spool.sweep(())
            self._is_clean = True
        if files.source is None:
            for path in (files.watched, files.results, files.archive, files.error):
                folder.make_folder(path)
        entries = folder.entries(files.watched)
        return look(files, entries, self._sightings, lambda name: read_small(folder, below(files.watched, name)))

    async def _left_behind(self, found: Look) -> list[Finished]:
        """Return files without their mark that are settled: the gateway ended while it put them away."""
        left = []
        for each in found.unfinished if self._watching.files.after != "leave" else ():
            facts = self._facts(each.entry)
            if await self._is_settled(facts):
                left.append(Finished((each.entry,)))
            elif self._found:
                self._found.discard(facts)
        return left

    async def _is_settled(self, facts: Facts) -> Settlement | None:
        known = self._settled.get(facts)
        if known is None and (self._watching.files.after == "leave" or facts in (self._found or ())):
            known = await self._taker.settled(facts)
            if known is not None:
                self._settled[facts] = known
        return known

    async def _take(self, finished: Finished) -> int:
        """Take files that belong together, put them away, and return how many were new."""
        settlements, new = [], 0
        for entry in finished.files:
            facts = self._facts(entry)
            settlement = await self._is_settled(facts)
            if settlement is None:
                settlement = self._settled[facts] = await self._take_one(entry, facts, finished)
                new += 1
            settlements.append(settlement)
        if await self._in_thread(put_away, self._watching.folder, self._watching.files, finished, settlements):
            for entry in finished.files:
                self._settled.pop(self._facts(entry), None)
                (self._found or set()).discard(self._facts(entry))
        return new

    async def _take_one(self, entry: Entry, facts: Facts, finished: Finished) -> Settlement:
        arrived = await self._in_thread(self._fetch, entry, facts, finished)
        try:
            taken = await self._taker.take(arrived)
        except Rejected as error:
            _log.warning("file refused", channel=facts.channel_id, sha256=arrived.sha256, reason=error.reason)
            taken = Taken("refused")
        for result in taken.results:
            await self._in_thread(put_result, self._watching.folder, self._watching.files, result)
        await self._taker.settle(arrived)
        self._spool.discard(facts)
        _log.info("file taken", channel=facts.channel_id, sha256=arrived.sha256, outcome=taken.settlement)
        return taken.settlement

    def _fetch(self, entry: Entry, facts: Facts, finished: Finished) -> Arrived:
        files, folder = self._watching.files, self._watching.folder
        sha256 = self._spool.fetch(folder, below(files.watched, entry.name), facts)
        if sha256 is None:
            raise FileRefused("a file changed while it was fetched, although it was marked as finished")
        manifest = finished.manifests.get(entry.name)
        return Arrived(
            facts=facts,
            spool=self._spool.path(facts),
            sha256=sha256,
            interface=files.interface_of(entry.name) or "",
            manifest=read_small(folder, below(files.watched, manifest.name)) if manifest else None,
            origin=folder.origin,
        )

    def _facts(self, entry: Entry) -> Facts:
        return Facts(self._watching.channel_id, entry.name, entry.size, entry.modified)

    def _forget(self, found: Look) -> None:
        """Forget what does not lie there any more."""
        there = self._there(found)
        self._settled = {facts: said for facts, said in self._settled.items() if facts in there}

    def _there(self, found: Look) -> set[Facts]:
        there = {self._facts(each) for finished in found.finished for each in finished.files}
        return there | {self._facts(each.entry) for each in found.unfinished}

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))
