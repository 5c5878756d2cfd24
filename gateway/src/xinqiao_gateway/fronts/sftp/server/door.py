"""Who may enter the SFTP server, and how many at once."""

import time
from collections import Counter, OrderedDict
from dataclasses import dataclass

from xinqiao_gateway.fronts.sftp.server.home import Home
from xinqiao_gateway.fronts.sftp.server.keys import LoginKey
from xinqiao_gateway.fronts.sftp.server.layout import Layout
from xinqiao_gateway.fronts.sftp.server.limits import SftpSettings

__all__ = ["Door", "Resident"]

_MINUTE = 60.0
# Addresses that are remembered; the one that failed longest ago is forgotten first.
_REMEMBERED = 4096
# Connections from one address that are logging in at once; more of them would keep others out.
_ARRIVING = 16


@dataclass(frozen=True, slots=True)
class Resident:
    """A channel whose partner may log in: with which keys, and what it sees then."""

    channel_id: str
    keys: tuple[LoginKey, ...]
    layout: Layout
    home: Home
    limits: SftpSettings

    def is_as(self, other: "Resident | None") -> bool:
        """Whether nothing changed for who is logged in."""
        return other is not None and (self.keys, self.layout, self.limits) == (other.keys, other.layout, other.limits)


class Door:
    """Counts who is there, and who failed to log in. It is used inside one event loop."""

    def __init__(self, limits: SftpSettings) -> None:
        self._limits = limits
        self.residents: dict[str, Resident] = {}
        self._guests = 0
        self._of_channel: Counter[str] = Counter()
        self._arriving: Counter[str] = Counter()
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def refusal(self, address: str) -> str | None:
        """Return why nobody is let in from an address now; None where one may try."""
        if self._guests >= self._limits.guests:
            return "too many connections"
        if self._arriving[address] >= _ARRIVING:
            return "too many connections that are not logged in"
        if len(self._recent(address)) >= self._limits.failures:
            return "too many failed logins"
        return None

    def enter(self, address: str) -> None:
        """Count a connection that is not logged in yet."""
        self._guests += 1
        self._arriving[address] += 1

    def arrived(self, address: str) -> None:
        """Count it as logged in."""
        self._arriving[address] -= 1
        self._arriving += Counter()  # drops addresses that nobody arrives from

    def leave(self, address: str, *, has_arrived: bool) -> None:
        """Count one less."""
        self._guests -= 1
        if not has_arrived:
            self.arrived(address)

    def log_in(self, channel_id: str) -> bool:
        """Count a login of a channel; False where it has as many as it may."""
        if self._of_channel[channel_id] >= self._limits.connections:
            return False
        self._of_channel[channel_id] += 1
        return True

    def log_out(self, channel_id: str) -> None:
        """Count one less."""
        self._of_channel[channel_id] -= 1

    def failed(self, address: str) -> None:
        """Remember that a login failed."""
        recent = [*self._recent(address), time.monotonic()]
        self._failures[address] = recent[-self._limits.failures :]
        self._failures.move_to_end(address)
        if len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = time.monotonic() - _MINUTE
        return [each for each in self._failures.get(address, ()) if each > since]
