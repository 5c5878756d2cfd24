"""One running gateway: an installation with all that works on its journal, started and stopped together."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog

from xinqiao.errors import Conflict, SettingsInvalid, XinqiaoError
from xinqiao_gateway.certification.watch import LiveWatch
from xinqiao_gateway.channels import Channels, ServedChannel
from xinqiao_gateway.configuration import inspect_installation
from xinqiao_gateway.delivery import Dispatcher
from xinqiao_gateway.documents import Directory, Documents
from xinqiao_gateway.fingerprints import compared
from xinqiao_gateway.installation import Installation, read_installation
from xinqiao_gateway.intake import Intake
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.files import raise_stalled
from xinqiao_gateway.obligations.watch import Watch
from xinqiao_gateway.operators import Operators
from xinqiao_gateway.reload import Reloaded, kept, loops_to_renew, needs_restart, settings_changed
from xinqiao_gateway.resolution import Desk
from xinqiao_gateway.rotation import drop_ended
from xinqiao_gateway.rounds import again_and_again
from xinqiao_gateway.service import Service, governance_of
from xinqiao_gateway.surveillance import Surveillance
from xinqiao_gateway.telemetry.metrics import Metrics
from xinqiao_gateway.telemetry.standing import Standing
from xinqiao_gateway.upkeep.retention import Retention
from xinqiao_gateway.upkeep.rules import read_rules

__all__ = ["Gateway", "governance_of"]

_HOUR = 3600.0

_log = structlog.get_logger("gateway")


class Gateway:
    """What the fronts are given. ``start`` and ``stop`` run inside the event loop that serves them.

    ``now`` is the clock (Unix seconds). What can be reloaded is in ``service``.
    """

    def __init__(self, installation: Installation, now: Callable[[], float] = time.time) -> None:
        self.code = installation.settings.institution_code
        self.metrics = Metrics(self._standing)
        self.journal = Journal.open(
            installation.journal_url, installation.master_key, installation.key, now=now, observer=self.metrics
        )
        self.surveillance = Surveillance(
            self.journal,
            installation.data,
            lambda: _reached(self.channels),
            lambda: self.service.settings.least_space,
        )
        try:
            self.service = self._built(installation)
            self.documents = self._new_documents(installation, now)
        except XinqiaoError:
            self.journal.close()
            raise
        self.journal.govern(self.service.governance)
        self.dispatcher = Dispatcher(
            self.journal,
            self.channels,
            installation.key,
            installation.settings,
            now,
            self.metrics,
            data=installation.data,
            calendars=lambda: self.service.governance.book.calendars,
            overlap=installation.overlap,
        )
        self.watch = self._new_watch()
        self.live_watch = LiveWatch(self.journal, lambda: self.installation)
        self._reloading = asyncio.Lock()
        # How watched folders stand; whoever watches them says so.
        self.folders: Callable[[], dict[str, tuple[int, int]]] = dict
        self._reload_listeners: list[Callable[[frozenset[str]], Awaitable[None]]] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def installation(self) -> Installation:
        """What it is served from now."""
        return self.service.installation

    @property
    def channels(self) -> Channels:
        """The channels that are served now."""
        return self.service.channels

    @property
    def operators(self) -> Operators:
        """Who may propose and check."""
        return self.service.operators

    @property
    def intake(self) -> Intake:
        """The one way in."""
        return self.service.intake

    @property
    def desk(self) -> Desk:
        """Where operators resolve exceptions."""
        return self.service.desk

    async def start(self) -> None:
        """Start delivering, after what was under way is fitted to how its channel is reached now."""
        await self.journal.rearrange_all(_reached(self.channels))
        # Before anybody asks who leads: what is looked at once an hour would wait for the next one.
        await self.journal.beat()
        self.dispatcher.start()
        self._run("surveillance", self.surveillance.run())
        self._run("watch", self.watch.run())
        self._run("live watch", self.live_watch.run())
        self._run("retention", again_and_again(self._retain, _HOUR, _log, "retention"))

    async def stop(self) -> None:
        """Stop delivering, commit what waits, close the journal."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.dispatcher.stop()
        await asyncio.to_thread(self.journal.close)

    def when_reloaded(self, listener: Callable[[frozenset[str]], Awaitable[None]]) -> None:
        """Call a function with the ids of the channels that a reload has changed, once they are served."""
        self._reload_listeners.append(listener)

    async def reload(self) -> Reloaded:
        """Read the installation again, check all of it, and serve it from one moment on.

        Raises ``SettingsInvalid`` that says every problem, one a line; then nothing has changed. ``Conflict`` where a
        reload is under way.
        """
        if self._reloading.locked():
            raise Conflict("a reload is under way")
        async with self._reloading:
            try:
                new = await asyncio.to_thread(self._read_again)
            except XinqiaoError as error:
                problems = await asyncio.to_thread(inspect_installation, self.installation.data)
                said = "\n".join(map(str, problems)) or error.detail
                _log.error("reload refused", problems=said.splitlines())
                raise SettingsInvalid(said) from error
            return await self._swap(new)

    def _read_again(self) -> tuple[Service, tuple[str, ...]]:
        found = read_installation(self.installation.data)
        restart = needs_restart(self.installation, found)
        return self._built(kept(self.installation, found)), restart

    async def _swap(self, found: tuple[Service, tuple[str, ...]]) -> Reloaded:
        old, (new, restart) = self.service, found
        reloaded = Reloaded(
            channels=compared(old.fingerprints, new.fingerprints),
            files=compared(old.files, new.files),
            settings=settings_changed(old.settings, new.settings),
            restart=restart,
        )
        renewed = loops_to_renew(reloaded, old, new)
        # From here to the next await is one step of the event loop: no input sees a half of it.
        self.service = new
        self.journal.govern(new.governance)
        self.dispatcher.replace(new.channels, new.settings, renewed)
        await self._renew_watch(old, new)
        await self.journal.rearrange_all(_reached(each for each in new.channels if each.channel_id in renewed))
        self.journal.look_again(renewed)
        for listener in self._reload_listeners:
            await listener(reloaded.channels.names)
        _log.info("reloaded", **reloaded.as_json())
        return reloaded

    async def _renew_watch(self, old: Service, new: Service) -> None:
        """Give the watch its new terms; with other webhooks it begins anew, and what it was at stays due."""
        if old.webhooks == new.webhooks:
            self.watch.replace(new.governance.book)
            return
        self.watch = self._new_watch()
        task = self._tasks["watch"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._run("watch", self.watch.run())

    async def _retain(self) -> None:
        """Apply the rules of retention, and tell of batches that stand still; what fails is tried again."""
        service = self.service
        data, key = service.installation.data, service.installation.key
        drop_ended(data, self.journal.now())
        await self.journal.run(lambda c: raise_stalled(c, self.journal.now()))
        await Retention(self.journal, service.desk, read_rules(data), self.code, key, self.journal.now).turn()

    def _built(self, installation: Installation) -> Service:
        return Service.build(
            installation, self.journal, self.surveillance.backlog, lambda: self.documents, self.metrics
        )

    def _new_documents(self, installation: Installation, now: Callable[[], float]) -> Documents:
        return Documents(
            Directory(installation.data / "documents"),
            self.journal.reading.vault,
            installation.settings.documents,
            lambda each: self.channels.find(each).channel.profile.limits.documents,
            now,
        )

    def _new_watch(self) -> Watch:
        service = self.service
        return Watch(
            self.journal,
            service.governance.book,
            service.webhooks,
            service.installation.key,
            self.journal.now,
            service.installation.overlap,
        )

    def _run(self, name: str, work: Any) -> None:  # noqa: ANN401 -- a coroutine
        self._tasks[name] = asyncio.create_task(work, name=name)

    def _standing(self) -> Standing:
        now = self.journal.now()
        return Standing(
            now=now,
            available=self.journal.healthy(),
            ready=bool(self.surveillance.readiness()),
            figures=self.surveillance.figures,
            breakers={name: each.state(now) for name, each in self.dispatcher.breakers().items()},
            unknown_years=len(self.service.governance.book.calendars.unknown),
            folders=self.folders(),
            live=self.live_watch.found,
        )


def _reached(channels: Iterable[ServedChannel]) -> dict[str, bool]:
    """Return of each channel whether it is pushed to."""
    return {each.channel_id: each.push is not None for each in channels}
