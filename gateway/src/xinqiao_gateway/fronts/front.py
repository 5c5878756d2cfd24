"""What every front beside REST is to whoever runs it."""

from typing import Protocol

__all__ = ["Front"]


class Front(Protocol):
    """A way in, or in and out, that runs beside the others on one gateway and its event loop."""

    @property
    def name(self) -> str:
        """What it is called in logs: the name of its transport."""
        ...

    async def start(self) -> None:
        """Begin: bind what it listens on, poll what it polls. Raises ``SettingsInvalid`` where it cannot."""
        ...

    async def reload(self, changed: frozenset[str]) -> None:
        """Serve the gateway's new channels; ``changed`` are the ids of those that are new, gone or different."""
        ...

    async def stop(self) -> None:
        """Take nothing new, and let what is under way end, for a bounded time."""
        ...
