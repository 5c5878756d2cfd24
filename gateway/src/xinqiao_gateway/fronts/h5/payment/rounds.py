"""The round of the cashier: asks after payments whose customers have gone, so that what is paid ends in a message."""

import asyncio

import structlog

from xinqiao.errors import XinqiaoError
from xinqiao_gateway.fronts.h5.payment.paying import Cashier
from xinqiao_gateway.gateway import Gateway

__all__ = ["CashierFront"]

_log = structlog.get_logger("h5")
_PAUSE = 5.0


class CashierFront:
    """A task beside the pages; a round ends by itself, since each question does."""

    name = "h5"

    def __init__(self, gateway: Gateway) -> None:
        self._cashier = Cashier(gateway)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin. Raises ``SettingsInvalid`` where the provider that the settings name is not there."""
        self._cashier.provider()
        self._task = asyncio.create_task(self._run(), name="cashier")

    async def reload(self, changed: frozenset[str]) -> None:
        """Nothing is kept of channels."""

    async def stop(self) -> None:
        """End; a payment that is being asked after is asked after again at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._cashier.round()
            except XinqiaoError as error:
                _log.warning("round of payments failed", reason=error.reason, why=error.detail)
            except Exception:  # noqa: BLE001 -- the top of the task
                _log.exception("round of payments failed")
            await asyncio.sleep(_PAUSE)
