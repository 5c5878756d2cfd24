"""Text messages (短信) to people's mobiles: the port for whoever sends them, and a simulator for test channels.

A provider is an installed package; the setting ``sms`` names it. What is sent is a one-time code (C3): nobody keeps or
logs it, but the simulator, in memory, since it has to show it.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Literal, Protocol, runtime_checkable

from xinqiao.errors import SettingsInvalid

__all__ = ["CodeMessage", "SimulatedSms", "SmsSender", "sms_sender"]

_PORT = "xinqiao.sms"
_MOST = 1000


@dataclass(frozen=True, slots=True, repr=False)
class CodeMessage:
    """A one-time code for a mobile; ``seconds`` is how long it holds. Providers put it into a template of theirs."""

    mobile: str
    code: str
    seconds: int
    language: Literal["zh", "en"]
    channel: str


@runtime_checkable
class SmsSender(Protocol):
    """The port for whoever sends text messages. Called in a thread, several at once; waits seconds at the most.

    An implementation raises ``DestinationRefused`` where a number takes no messages, ``DestinationDown`` where it may
    work later, and logs neither mobile nor code.
    """

    def send(self, message: CodeMessage) -> None:
        """Send a code; once it returns, the provider has taken it."""
        ...


class SimulatedSms:
    """Sends nothing: keeps the last code of each mobile in memory, so that a page of a test channel can show it."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def send(self, message: CodeMessage) -> None:
        """Keep a code, and let the oldest go where there are many."""
        with self._lock:
            self._last[message.mobile] = message.code
            self._last.move_to_end(message.mobile)
            while len(self._last) > _MOST:
                self._last.popitem(last=False)

    def last(self, mobile: str) -> str:
        """Return the last code that was sent to a mobile; empty where there is none."""
        with self._lock:
            return self._last.get(mobile, "")


@cache
def sms_sender(name: str) -> SmsSender | None:
    """Return the sender of a name: None for ``none``, the simulator, or what an installed package offers.

    A package offers a function of no arguments under the entry-point group ``xinqiao.sms``. Raises ``SettingsInvalid``
    where there is none of that name, or more than one.
    """
    if name == "none":
        return None
    if name == "simulator":
        return SimulatedSms()
    offered = [each for each in entry_points(group=_PORT) if each.name == name]
    if len(offered) != 1:
        known = ", ".join(sorted({each.name for each in entry_points(group=_PORT)})) or "none"
        raise SettingsInvalid(f"sms: {len(offered)} packages offer {name!r} as {_PORT}; offered: {known}")
    made = offered[0].load()()
    if not isinstance(made, SmsSender):
        raise SettingsInvalid(f"sms: what {name!r} offers has no send")
    return made
