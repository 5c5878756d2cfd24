"""Running the rest front: a listening socket, TLS where settings name it, the server, its signals and its end."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any

import structlog
import uvicorn

from xinqiao.errors import SettingsInvalid, XinqiaoError
from xinqiao_gateway.fronts.beside import Fronts
from xinqiao_gateway.fronts.listening import listen
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.fronts.rest.operation import metrics_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.processes import processes

__all__ = ["listen", "run"]

# Longer than an input may wait for its commit: whoever is let in gets an answer.
_LONGEST_END = 40
_SCRAPE = 5
# Seconds between two looks whether a second signal has come.
_LOOK = 0.1

_log = structlog.get_logger("serving")


def run(gateway: Gateway, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``announce`` is called when all fronts are there.

    Raises ``SettingsInvalid`` where the TLS files, the port for metrics or what another front needs cannot be used,
    ``KeyUnusable`` where a former key cannot be read; the journal is closed either way.
    """
    settings = gateway.installation.settings
    with contextlib.ExitStack() as held:
        try:
            config = _loaded(gateway)
            port = settings.metrics_port
            beside = held.enter_context(listen(settings.metrics_host, port)) if port else None
            fronts = Fronts(gateway)
        except XinqiaoError:
            gateway.journal.close()
            raise
        processes()  # half a second: not for the first message to wait for
        server = _Server(config, gateway, beside, fronts, announce)
        server.run(sockets=[listener])
        if server.failure is not None:
            raise server.failure


def _loaded(gateway: Gateway) -> uvicorn.Config:
    """Return the server's configuration, the application built and the TLS files read."""
    settings = gateway.installation.settings
    config = uvicorn.Config(
        build_app(gateway),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_LONGEST_END,
        limit_concurrency=settings.connections,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:
        files = f"{settings.tls_certificate}, {settings.tls_key}"
        raise SettingsInvalid(f"tls_certificate, tls_key: {files}: {error.strerror or error}") from error
    return config


class _Server(uvicorn.Server):
    """Ends in steps: not ready, for the time that load balancers need; no new inputs; those under way; the journal.

    A second signal ends at once. SIGHUP reads the configuration again.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        gateway: Gateway,
        beside: socket.socket | None,
        fronts: Fronts,
        announce: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self.failure: XinqiaoError | None = None
        self._fronts, self._announce = fronts, announce
        self._gateway = gateway
        self._beside = _Beside(gateway, beside) if beside else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, also by the other fronts, for SIGHUP and for whoever collects metrics."""
        await super().startup(sockets)
        if self.should_exit:
            return
        try:
            await self._fronts.start()
        except XinqiaoError as error:
            self.failure, self.should_exit = error, True
            return
        self._announce()
        _spare_the_collector()
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGHUP, lambda: self._spawn(self._reload()))
        if self._beside is not None:
            self._spawn(self._beside.serve(sockets=[self._beside.listener]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop taking inputs and let those under way end."""
        _log.info("stopping", under_way=len(self.server_state.tasks))
        await self._stop_fronts()
        await super().shutdown(sockets)
        if self._beside is not None:
            self._beside.should_exit, self._beside.force_exit = True, self.force_exit
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stop_fronts(self) -> None:
        """Let the other fronts end; a second signal waits for none of them."""
        stopping = asyncio.create_task(self._fronts.stop())
        while not stopping.done() and not self.force_exit:
            await asyncio.wait([stopping], timeout=_LOOK)
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- its parent's
        """Begin to end; again: end at once."""
        surveillance = self._gateway.surveillance
        if surveillance.draining or self.should_exit:
            self.force_exit = self.should_exit = True
            return
        self._captured_signals.append(sig)
        surveillance.draining = True
        drain = self._gateway.installation.settings.drain
        if self._loop is None or not drain:
            self.should_exit = True
        else:
            # A signal's handler runs between any two instructions: the loop takes it up at its own time.
            self._loop.call_soon_threadsafe(self._loop.call_later, drain, self._end)

    def _end(self) -> None:
        self.should_exit = True

    async def _reload(self) -> None:
        # What it refuses, it has logged.
        with contextlib.suppress(XinqiaoError):
            await self._gateway.reload()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Beside(uvicorn.Server):
    """The server for metrics, which leaves signals to the other one."""

    def __init__(self, gateway: Gateway, listener: socket.socket) -> None:
        app = metrics_app(gateway)
        super().__init__(
            uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=_SCRAPE)
        )
        self.listener = listener

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _spare_the_collector() -> None:
    """Take what lives as long as the process out of every garbage collection.

    Each full one would stop all callers for the time of looking through it again.
    """
    gc.collect()
    gc.freeze()
