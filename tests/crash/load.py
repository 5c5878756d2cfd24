"""The load of a run: senders in threads, bounded by the time of the test and by what the receivers keep up with."""

import random
import threading
import time
from collections.abc import Sequence
from itertools import product

from tests.crash.receiver import Receivers
from tests.crash.sender import ROUTES, Post, Route, Sender, letters
from tests.crash.site import Node, Site
from tests.crash.verdict import Acknowledged

__all__ = ["Load"]

# Messages accepted and not yet applied, above which senders pause: the last drain stays short.
_BACKLOG = 300
_WORKERS = 2
_PATIENCE = 180.0
# How long nothing may move before what is missing counts as lost.
_STANDSTILL = 30.0


class Load:
    """All senders of a run, to the gateways of ``nodes``; what any of them does ends after ``seconds``."""

    def __init__(self, site: Site, nodes: Sequence[Node], receivers: Receivers, seed: int, seconds: float) -> None:
        self.post = Post([node.port for node in nodes], site.key)
        self._receivers, self._stopping = receivers, threading.Event()
        self._until = time.monotonic() + seconds
        workers = product(range(_WORKERS), enumerate(ROUTES))
        self.senders = [self._sender(route, f"C{seed}-{index}{worker}", seed) for worker, (index, route) in workers]
        self.prober = self._sender(ROUTES[0], f"C{seed}-P", seed)
        self._threads = [threading.Thread(target=each.run, name="sender", daemon=True) for each in self.senders]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Stop after what is under way is acknowledged. Raises ``AssertionError`` where that takes for ever."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(_PATIENCE)
            assert not thread.is_alive(), "a sender hangs"

    @property
    def everybody(self) -> list[Sender]:
        """The senders and the prober."""
        return [*self.senders, self.prober]

    @property
    def acknowledged(self) -> list[Acknowledged]:
        """Everything that a sender holds a receipt for."""
        return [held for each in self.everybody for held in each.acknowledged]

    def progress(self) -> tuple[int, int]:
        """Return how many messages are acknowledged, and how many applied."""
        return sum(len(each.acknowledged) for each in self.everybody), len(self._receivers.applied)

    def wait_for_progress(self, accepted: int, applied: int, seconds: float) -> None:
        """Wait until so many more messages are acknowledged and applied, at most ``seconds``."""
        before, deadline = self.progress(), time.monotonic() + seconds
        while time.monotonic() < deadline:
            now = self.progress()
            if now[0] - before[0] >= accepted and now[1] - before[1] >= applied:
                return
            time.sleep(0.01)

    def wait_until_applied(self) -> None:
        """Wait until every acknowledged message is applied, or nothing moves any more; the verdict counts the rest."""
        accepted = {each.serial for each in self.acknowledged}
        moved, before = time.monotonic(), -1
        while time.monotonic() - moved < _STANDSTILL and time.monotonic() < self._until:
            missing = len(accepted - {each.serial for each in list(self._receivers.applied)})
            if not missing:
                return
            if missing != before:
                moved, before = time.monotonic(), missing
            time.sleep(0.05)

    def _sender(self, route: Route, name: str, seed: int) -> Sender:
        chance = random.Random(f"{seed} {name}")  # noqa: S311 -- repeatable, no secret
        return Sender(self.post, letters(route, name), chance, self._stopping, self._may_go_on, self._until)

    def _may_go_on(self) -> bool:
        accepted, applied = self.progress()
        return accepted - applied < _BACKLOG
