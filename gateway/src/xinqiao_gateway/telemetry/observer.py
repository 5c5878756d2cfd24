"""The observer's protocol: what intake, journal and delivery tell whoever looks on."""
# ruff: noqa: ARG002 -- by default nothing is done with what is told

from collections.abc import Iterable
from typing import NamedTuple, Protocol

__all__ = ["NOBODY", "Observer", "Taken"]


class Taken(NamedTuple):
    """What became of one message: ``kind`` is its type (body key), ``outcome`` accepted, repeated or refused."""

    kind: str
    outcome: str
    reason: str = ""


class Observer(Protocol):
    """Looks on, and by default does nothing about it.

    Called on the way of every message, from several threads: it must be quick and never raise.
    """

    def took(self, channel: str, messages: Iterable[Taken], seconds: float) -> None:
        """An input of a channel was answered after so many seconds."""
        return

    def committed(self, messages: int, seconds: float) -> None:
        """The journal committed a batch with so many messages."""
        return

    def judged(self, verdict: str) -> None:
        """The policy judged a message."""
        return

    def attempted(self, channel: str, outcome: str, seconds: float) -> None:
        """A delivery was attempted."""
        return

    def settled(self, channel: str, state: str) -> None:
        """A delivery came to an end, or to a person: delivered, dead, held."""
        return


class _Nobody(Observer):
    """Looks away."""


NOBODY: Observer = _Nobody()
