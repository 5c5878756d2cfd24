"""Gathering of one channel: what is due becomes files that the journal holds."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import structlog

from xinqiao.manifest import Contents
from xinqiao.message import new_message_id
from xinqiao.seal import SigningKey
from xinqiao_adapters.docking.push import OutgoingFiles, OutgoingIndex
from xinqiao_adapters.formats.ofd.index import Index, write_index
from xinqiao_gateway.batches.totals import Totals
from xinqiao_gateway.calendars import CHINA, china_day
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.delivery.filing import Bundle, ending_of, filed, label
from xinqiao_gateway.delivery.manifests import Manifests
from xinqiao_gateway.journal import Due, Journal, Settlement, gathering, leases, outgoing
from xinqiao_gateway.journal.gathering import Found, Place
from xinqiao_gateway.journal.indexing import has_index, record_index
from xinqiao_gateway.journal.outgoing import NewFile
from xinqiao_gateway.journal.outgoing_contents import sealed_parts
from xinqiao_gateway.journal.vault import DataKey

__all__ = ["Gathering"]

# Lanes that one search looks through.
_LANES = 500

T = TypeVar("T")

_log = structlog.get_logger("delivery")


@dataclass(frozen=True, slots=True)
class Gathering:
    """Gathers for one channel."""

    journal: Journal
    channel: ServedChannel
    files: OutgoingFiles
    manifests: Manifests
    key: SigningKey
    now: Callable[[], float]

    async def turn(self, cutoff: float) -> bool:
        """Write down what came until a time as files; say whether anything was done."""
        if self.files.index is not None:
            closed = await self._run(partial(has_index, channel=self.channel.channel_id, cutoff=cutoff))
            if closed:
                return False
        found = await self._found(cutoff)
        if not found:
            return self.files.empty and await self._say_empty(cutoff)
        dues, unreadable = await self._read(found)
        done = await asyncio.to_thread(filed, self.channel, self.files.name, dues, self.key)
        settlements = [*done.settlements, *unreadable]
        changed = await self._run(partial(outgoing.set_aside, settlements=settlements, now=self.now()))
        for bundle in done.bundles:
            changed += await self._record(bundle, cutoff)
        return changed > 0

    async def index(self) -> bool:
        """Write down the index of files that are all there; say whether there was one."""
        index, now = self.files.index, self.now()
        if index is None:
            return False
        made = partial(self._index, index, self.journal.reading.vault.new_key(f"outgoing:{new_message_id()}"))
        name = await self._run(partial(record_index, channel=self.channel.channel_id, made=made, now=now))
        if name is not None:
            _log.info("file recorded", channel=self.channel.channel_id, file=name)
        return name is not None

    def _index(self, index: OutgoingIndex, key: DataKey, cutoff: float, names: Sequence[str]) -> NewFile:
        day = china_day(cutoff)
        content = write_index(Index(index.version, index.creator, index.receiver, f"{day:%Y%m%d}", tuple(names)))
        return NewFile(
            channel=self.channel.channel_id,
            interface="",
            kind=outgoing.INDEX,
            digest=hashlib.sha256(content).hexdigest(),
            size=len(content),
            key=key,
            parts=sealed_parts(key, content),
            deliveries=(),
            heads=(),
            day=day.isoformat(),
            cutoff=cutoff,
            name=lambda _, number: index.named(**self._named(cutoff), number=number),
            manifest=lambda _name, _sequence: None,
        )

    async def _found(self, cutoff: float) -> list[Found]:
        """Return what is due, lane by lane, as many as one file holds."""
        heads: list[Found] = []
        place: Place | None = Place()
        while place is not None and len(heads) < self.files.most:
            search = partial(gathering.heads, channel=self.channel.channel_id, at=cutoff, after=place)
            more, place = await self._run(search)
            heads += more
        found: list[Found] = []
        for at in range(0, len(heads), _LANES):
            room = self.files.most - len(found)
            if room > 0:
                lanes = [each.lane for each in heads[at : at + _LANES]]
                follow = partial(gathering.followers, channel=self.channel.channel_id, lanes=lanes)
                found += await self._run(partial(follow, at=cutoff, limit=room))
        return found

    async def _read(self, found: Sequence[Found]) -> tuple[list[Due], list[Settlement]]:
        """Return the messages that can be read, and the settlements of those first in their lanes that cannot."""
        leased = [leases.Leased(each.delivery_id, 0.0, each.unknown) for each in found]
        dues, unreadable = await self.journal.read(leases.read, self.journal.reading, leased, "")
        gone = {each.delivery_id for each in unreadable}
        ends = {each.lane: each.position for each in reversed(found) if each.delivery_id in gone}
        firsts = {each.lane: each.delivery_id for each in reversed(found)}.values()
        kept = [each for each in dues if each.position < ends.get(each.lane, each.position + 1)]
        return kept, [each for each in unreadable if each.delivery_id in firsts]

    async def _record(self, bundle: Bundle, cutoff: float) -> bool:
        key = self.journal.reading.vault.new_key(f"outgoing:{new_message_id()}")
        contents = await asyncio.to_thread(_contents, bundle)
        day, now = china_day(cutoff), self.now()
        new = NewFile(
            channel=self.channel.channel_id,
            interface=bundle.interface[:60],
            kind=bundle.kind,
            digest=contents.digest,
            size=contents.size,
            key=key,
            parts=await asyncio.to_thread(sealed_parts, key, bundle.content),
            deliveries=[each.delivery_id for each in bundle.dues],
            heads=bundle.heads,
            day=day.isoformat(),
            cutoff=cutoff,
            name=partial(self._name, bundle, cutoff),
            manifest=partial(self._manifest, contents, cutoff, now),
        )
        name = await self._run(partial(outgoing.record, new=new, now=now))
        if name is None:
            return False
        _log.info("file recorded", channel=new.channel, file=name, messages=len(bundle.dues), size=new.size)
        return True

    async def _say_empty(self, cutoff: float) -> bool:
        """Write down, once for a time of the day, that there was nothing."""
        last = await self._run(partial(outgoing.last_cutoff, channel=self.channel.channel_id))
        return (last is None or last < cutoff) and await self._record(Bundle("", "empty", b"", "", ()), cutoff)

    def _name(self, bundle: Bundle, cutoff: float, sequence: int, number: int) -> str:
        interface = label(bundle.interface or bundle.kind)
        own = {"interface": interface, "type": bundle.kind, "sequence": sequence, "number": number}
        name = self.files.named(**self._named(cutoff), **own)
        return name if "name" in self.files.model_fields_set else name + ending_of(bundle.content_type)

    def _named(self, cutoff: float) -> dict[str, Any]:
        """Return what stands in the names of all files of a time of the day."""
        return {
            "channel": self.channel.channel_id,
            "sender": self.manifests.sender,
            "receiver": self.manifests.receiver,
            "date": china_day(cutoff),
            "time": datetime.fromtimestamp(cutoff, CHINA),
        }

    def _manifest(self, contents: Contents, cutoff: float, now: float, name: str, sequence: int) -> bytes | None:
        return self.manifests.of(name, sequence, contents, cutoff, now) if self.files.manifest else None

    async def _run(self, act: Callable[[Any], T]) -> T:
        return await self.journal.run(act, f"deliver {self.channel.channel_id}")


def _contents(bundle: Bundle) -> Contents:
    """Return what is in a file; its name is known in the commit that records it."""
    totals = Totals()
    for due in bundle.dues:
        totals.add(due.message)
    digest = hashlib.sha256(bundle.content).hexdigest()
    size, controls = len(bundle.content), tuple(totals.controls())
    return Contents("", bundle.content_type, digest, size, len(bundle.dues), controls)
