"""What tests of pollers share: folders that are watched, and a taker that writes down what it was given."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gateway.sftp.partner_server import PartnerServer
from xinqiao_adapters.docking.files import Files
from xinqiao_gateway.fronts.sftp.folder import Folder
from xinqiao_gateway.fronts.sftp.local_folder import LocalFolder
from xinqiao_gateway.fronts.sftp.polling import Arrived, Facts, Poller, Result, Settlement, Taken, Watching

BIG = os.urandom(4_000_000)


@dataclass
class Ledger:
    """A taker that writes down what it was given, and gives the same answer to the same content."""

    folder: Path
    outcome: Settlement = "accepted"
    fault: Exception | None = None
    fault_at_settling: Exception | None = None
    more: bytes = b""
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    done: dict[Facts, Settlement] = field(default_factory=dict)

    async def settled(self, facts: Facts) -> Settlement | None:
        return self.done.get(facts)

    async def take(self, arrived: Arrived) -> Taken:
        if self.fault is not None:
            raise self.fault
        self.arrived.append(arrived)
        self.seen.append((arrived.facts.name, arrived.spool.read_bytes()))
        result = self.folder / f"result-{arrived.sha256[:8]}"
        result.write_bytes(b"result of " + arrived.sha256.encode() + self.more)
        return Taken(self.outcome, (Result(f"{arrived.facts.name}.result", result),))

    async def settle(self, arrived: Arrived) -> None:
        if self.fault_at_settling is not None:
            raise self.fault_at_settling
        self.done[arrived.facts] = self.outcome

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.seen]


@dataclass
class Place:
    """A watched folder: ``root`` is where it really is, ``inbox`` where partners put files."""

    folder: Folder
    root: Path
    inbox: Path
    files: Files
    ledger: Ledger
    spool: Path
    least_free: int = 0

    def put(self, name: str, content: bytes = b"content", *, marker: bool = True) -> None:
        (self.inbox / name).write_bytes(content)
        if marker:
            (self.inbox / f"{name}.ok").touch()

    def tree(self) -> dict[str, list[str]]:
        """Return the files of each folder that has any."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.root.rglob("*")):
            if not path.is_dir():
                found.setdefault(str(path.parent.relative_to(self.root)), []).append(path.name)
        return found

    def watching(self) -> Watching:
        return Watching("bank", self.files, self.folder, self.spool, lambda: self.least_free)

    @asynccontextmanager
    async def polled(self) -> AsyncIterator[Poller]:
        poller = Poller(self.watching(), self.ledger)
        try:
            yield poller
        finally:
            await poller.stop()

    def look(self, times: int = 1) -> Poller:
        """Look some times with a new poller, as after a start of the gateway; raise what the last look raises."""

        async def looked() -> Poller:
            async with self.polled() as poller:
                for _ in range(times):
                    await poller.look()
                return poller

        return asyncio.run(looked())


def local(tmp_path: Path, **section: Any) -> Place:
    root = tmp_path / "own"
    (root / "in").mkdir(parents=True)
    files = Files.model_validate({"manifest": "none", "seal": "none"} | section)
    return Place(LocalFolder(root), root, root / "in", files, Ledger(tmp_path), tmp_path / "spool")


def remote(server: PartnerServer, tmp_path: Path, *, login: dict[str, Any] | None = None, **section: Any) -> Place:
    said = {"from": f"sftp://bank@127.0.0.1:{server.port}/", "manifest": "none", "seal": "none"} | section
    known = {"host_keys": [server.fingerprint], "password_file": "password", "timeout": 5} | (login or {})
    files = Files.model_validate(said | {"login": known})
    assert files.address is not None
    folder = server.folder("/", **(login or {}))
    return Place(folder, server.root, server.root, files, Ledger(tmp_path), tmp_path / "spool")


def result_of(place: Place, number: int = 0) -> bytes:
    return b"result of " + place.ledger.arrived[number].sha256.encode()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)
