"""The port between a simulated institution and the HTTP side that it shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from xinqiao_conformance.simulators.events import EventLog

__all__ = ["Answer", "Institution", "Unable"]


class Unable(Exception):
    """A step that the institution does not know (404) or cannot take now (409, 503), with what is missing."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an institution answers to a push."""

    status: int
    content: bytes
    content_type: str


class Institution(Protocol):
    """What is served: it takes sealed messages and takes steps of its own."""

    events: EventLog

    def start(self) -> None:
        """Begin to send."""
        ...

    def stop(self) -> None:
        """Finish what is under way, within a few seconds."""
        ...

    def receive(self, content: bytes, content_type: str, signature: str, next_signature: str) -> Answer:
        """Take one sealed message from the gateway, which seals twice while it changes its key."""
        ...

    def do(self, step: str, options: Mapping[str, str]) -> dict[str, Any]:
        """Take a step and return what the gateway answered; raises ``Unable``."""
        ...
