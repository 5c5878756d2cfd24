"""The round of the cashier: asks after payments whose customers have gone, so that what is paid ends in a message."""

import asyncio

import structlog

from xinqiao_gateway.fronts.h5.payment.paying import Cashier
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.rounds import again_and_again

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
        rounds = again_and_again(self._cashier.round, _PAUSE, _log, "round of payments")
        self._task = asyncio.create_task(rounds, name="cashier")

    async def reload(self, changed: frozenset[str]) -> None:
        """Nothing is kept of channels."""

    async def stop(self) -> None:
        """End; a payment that is being asked after is asked after again at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
