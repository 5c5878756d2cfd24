"""The fronts that run beside REST: which there are, and their life together."""

from collections.abc import Callable, Sequence

import structlog

from xinqiao.errors import XinqiaoError
from xinqiao_gateway.fronts.front import Front
from xinqiao_gateway.gateway import Gateway

__all__ = ["Fronts"]

# Each is made of a gateway; one that has nothing to do (no port, no channel with its section) starts and does nothing.
_KINDS: tuple[Callable[[Gateway], Front], ...] = ()

_log = structlog.get_logger("fronts")


class Fronts:
    """All fronts but REST; they start after the gateway and stop before it."""

    def __init__(self, gateway: Gateway, kinds: Sequence[Callable[[Gateway], Front]] = _KINDS) -> None:
        self._fronts = [kind(gateway) for kind in kinds]
        self._started: list[Front] = []
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
        while self._started:
            front = self._started.pop()
            try:
                await front.stop()
            except Exception:  # noqa: BLE001 -- each has an end of its own
                _log.exception("front did not stop", front=front.name)

    async def _reload(self, changed: frozenset[str]) -> None:
        for front in self._started:
            try:
                await front.reload(changed)
            except Exception:  # noqa: BLE001 -- what is served is decided; one front's fault is its own
                _log.exception("front did not reload", front=front.name)
