"""Batches as the poller of folders wants them: it knows files where they lie, and gets files to write back."""

import asyncio
from pathlib import Path

from xinqiao_gateway.batches.batches import Batches
from xinqiao_gateway.batches.came import Came
from xinqiao_gateway.fronts.sftp.taking import Arrived, Facts, Result, Settlement, Taken
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.journal.file_reading import settled_file
from xinqiao_gateway.journal.files import settle_file

__all__ = ["Taking"]


class Taking:
    """Implements ``Taker``; results lie in ``DATA/spool/results`` until they are written back."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._batches = Batches(gateway)
        self._folder = gateway.installation.data / "spool" / "results"
        # What files were answered that are not settled yet.
        self._said: dict[str, Settlement] = {}

    async def settled(self, facts: Facts) -> Settlement | None:
        """Say what became of a file that was settled before; None where it was not."""
        journal = self._gateway.journal
        found = await journal.read(settled_file, journal.reading, facts.channel_id, self._digest(facts))
        return None if found is None else "refused" if found == "refused" else "accepted"

    async def take(self, arrived: Arrived) -> Taken:
        """Take a file; see ``Batches.take``."""
        facts = arrived.facts
        section = self._gateway.channels.find(facts.channel_id).channel.profile.files
        came = Came(
            channel_id=facts.channel_id,
            name=facts.name.rpartition("/")[2],
            path=arrived.spool,
            manifest=arrived.manifest,
            origin=arrived.origin,
            sealed=section is None or section.seal == "required",
            interface=arrived.interface,
        )
        answer = await self._batches.take(came)
        path = self._path(facts)
        await asyncio.to_thread(_write, path, answer.result)
        said: Settlement = "refused" if answer.refused else "accepted"
        self._said[self._digest(facts)] = said
        name = section.result_name(came.name) if section else f"{came.name}.result"
        return Taken(said, (Result(name, path),))

    async def settle(self, arrived: Arrived) -> None:
        """Record that the results are written, and forget them here."""
        journal, channel, digest = self._gateway.journal, arrived.facts.channel_id, self._digest(arrived.facts)
        said = self._said.get(digest, "refused")
        await journal.run(lambda c: settle_file(c, channel, digest, said, journal.now()))
        self._said.pop(digest, None)
        self._path(arrived.facts).unlink(missing_ok=True)

    def _digest(self, facts: Facts) -> str:
        known = f"file at {facts.channel_id}\n{facts.name}\n{facts.size}\n{facts.modified}"
        return self._gateway.journal.reading.vault.keyed_digest(known)

    def _path(self, facts: Facts) -> Path:
        return self._folder / self._digest(facts)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
