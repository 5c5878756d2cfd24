"""The fronts that run beside REST: which there are, and their life together."""

import asyncio
from collections.abc import Iterator

import structlog

from xinqiao.errors import XinqiaoError
from xinqiao_gateway.fronts.front import Front
from xinqiao_gateway.fronts.h5.payment.port import NO_PAYMENT
from xinqiao_gateway.fronts.mail.mail_front import MailFront
from xinqiao_gateway.fronts.sftp.file_front import FileFront
from xinqiao_gateway.fronts.tcp.front import TcpFront
from xinqiao_gateway.gateway import Gateway

__all__ = ["Fronts"]

_log = structlog.get_logger("fronts")


class Fronts:
    """All fronts but REST; they start after the gateway and stop before it."""

    def __init__(self, gateway: Gateway) -> None:
        self._fronts = list(_made(gateway))
        self._started: list[Front] = []
        # What a reload began would go on after a stop between its steps.
        self._changing = asyncio.Lock()
        gateway.when_reloaded(self._reload)

    async def start(self) -> None:
        """Start them all, or none. Raises ``SettingsInvalid`` where one cannot."""
        try:
            for front in self._fronts:
                await front.start()
                self._started.append(front)
        except XinqiaoError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop them, the last first; the fault of one keeps no other from its end."""
        async with self._changing:
            while self._started:
                front = self._started.pop()
                try:
                    await front.stop()
                except Exception:  # noqa: BLE001 -- each has an end of its own
                    _log.exception("front did not stop", front=front.name)

    async def _reload(self, changed: frozenset[str]) -> None:
        async with self._changing:
            for front in self._started:
                try:
                    await front.reload(changed)
                except Exception:  # noqa: BLE001 -- what is served is decided; one front's fault is its own
                    _log.exception("front did not reload", front=front.name)


def _made(gateway: Gateway) -> Iterator[Front]:
    """Yield the fronts; what needs a port of its own is loaded where the settings name one."""
    settings, files = gateway.installation.settings, FileFront(gateway)
    gateway.folders = lambda: {each.channel_id: (each.failures, len(each.unfinished)) for each in files.watched()}
    yield from (files, TcpFront(gateway), MailFront(gateway))
    if settings.payment != NO_PAYMENT:
        from xinqiao_gateway.fronts.h5.payment.rounds import CashierFront  # noqa: PLC0415 -- the pages with it

        yield CashierFront(gateway)
    if settings.sftp_port is not None:
        from xinqiao_gateway.fronts.sftp.server.front import SftpServer  # noqa: PLC0415 -- a third of a second

        yield SftpServer(gateway, files.wake)
    if settings.grpc_port is not None:
        from xinqiao_gateway.fronts.grpc.front import GrpcFront  # noqa: PLC0415 -- all typed messages: 2 s, 165 MB

        yield GrpcFront(gateway)
