"""A channel that is reached by files, on a virtual clock: its folder, its loop, and what the partner finds."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from tests.gateway.conftest import CORE, TRUST
from tests.gateway.delivery.conftest import Desk, open_desk
from xinqiao.manifest import split_seal
from xinqiao.seal import KeyRing, Sealed, open_stored, write_key
from xinqiao.testing import example
from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.delivery.file_loop import FileLoop
from xinqiao_gateway.delivery.gathering_times import GatheringTimes
from xinqiao_gateway.delivery.places import outgoing_files, writing_to
from xinqiao_gateway.fronts.sftp.folder import Entry, Folder, Sink, Source
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.journal.leases import release_leases
from xinqiao_gateway.journal.outgoing_tables import outgoing_files as files_table
from xinqiao_gateway.settings import Retry

RETRY = Retry(first=1, cap=60, failures=3, pause=1, longest_pause=60)

_SERVED: dict[str, ServedChannel] = {}
_LEFT_OUT = ("partnerSerial", "businessDate", "branch", "operator", "correlationId", "revision", "replaces")


def profile(**push: Any) -> dict[str, Any]:
    """Return a channel of CSV files: a line for each application, with a name of at most 12 characters."""
    body = example("kycApplication")["kycApplication"]
    dropped = {name: "not in this file" for name in body if name != "applicationNo"}
    applications = {
        "message": "kycApplication",
        "direction": "out",
        "records": "Record",
        "key": ["./no"],
        "map": {
            "header.caseId": {"from": "./case"},
            "applicationNo": {"from": "./no", "length": 12},
        },
        "dropped": dropped,
    }
    decisions = {
        "message": "kycDecision",
        "direction": "out",
        "records": "Record",
        "format": {"columns": {"case": {}, "no": {}}},
        "key": ["./case"],
        "map": {"header.caseId": {"from": "./case"}, "applicationNo": {"from": "./no"}},
        "dropped": {
            name: "not in this file" for name in example("kycDecision")["kycDecision"] if name != "applicationNo"
        },
    }
    return {
        "channel": "core",
        "title": {"zh": "核心", "en": "core"},
        "institution": CORE,
        "push": {"url": "folder:out", **push},
        "format": {"kind": "csv", "encoding": "UTF-8", "columns": {"no": {}, "case": {}}},
        "dropped": {f"header.{name}": "not in this file" for name in _LEFT_OUT},
        "interfaces": {"applications": applications, "decisions": decisions},
    }


def canonical(**push: Any) -> dict[str, Any]:
    """Return a channel that speaks the standard."""
    return {"channel": "core", "extends": "canonical", "institution": CORE, "push": {"url": "folder:out", **push}}


@dataclass
class Watched:
    """A folder that tells of each call before and after it is done; a test raises there what it likes."""

    inner: Folder
    before: Callable[[str, str], None] = lambda _call, _name: None
    after: Callable[[str, str], None] = lambda _call, _name: None
    calls: list[str] = field(default_factory=list)

    def _told(self, call: str, name: str, act: Callable[[], Any]) -> Any:
        self.calls.append(f"{call} {name}")
        self.before(call, name)
        done = act()
        self.after(call, name)
        return done

    @property
    def origin(self) -> str:
        return self.inner.origin

    def entries(self, path: str = "") -> list[Entry]:
        return self.inner.entries(path)

    def stat(self, name: str) -> Entry:
        found: Entry = self._told("stat", name, lambda: self.inner.stat(name))
        return found

    def read(self, name: str, offset: int = 0) -> AbstractContextManager[Source]:
        found: AbstractContextManager[Source] = self._told("read", name, lambda: self.inner.read(name, offset))
        return found

    @contextmanager
    def write(self, name: str, offset: int = 0) -> Iterator[Sink]:
        self.calls.append(f"write {name}")
        self.before("write", name)
        with self.inner.write(name, offset) as sink:
            yield _Halves(sink, lambda: self.before("half", name))
        self.after("write", name)

    def rename(self, old: str, new: str) -> None:
        self._told("rename", new, lambda: self.inner.rename(old, new))

    def remove(self, name: str) -> None:
        self._told("remove", name, lambda: self.inner.remove(name))

    def make_folder(self, path: str) -> None:
        self._told("make", path, lambda: self.inner.make_folder(path))

    def close(self) -> None:
        self.inner.close()


@dataclass
class _Halves:
    sink: Sink
    between: Callable[[], None]

    def write(self, data: bytes, /) -> None:
        middle = len(data) // 2
        self.sink.write(data[:middle])
        self.between()
        self.sink.write(data[middle:])


@dataclass
class Outbox:
    """The loop of ``core`` with its journal, and the folder that the partner looks into."""

    desk: Desk
    channel: ServedChannel
    data: Path
    loop: FileLoop
    watched: Watched

    @property
    def folder(self) -> Path:
        return self.data / "files" / "core" / "out"

    def names(self) -> list[str]:
        """Return what the partner sees."""
        return sorted(path.name for path in self.folder.glob("*"))

    def texts(self) -> dict[str, str]:
        """Return the data files with what is in them."""
        own = (path for path in self.folder.glob("*") if path.suffix not in (".ok", ".manifest", ".part"))
        return {path.name: path.read_text() for path in sorted(own)}

    def manifest(self, name: str) -> bytes:
        """Return a file's manifest, of which the seal was verified."""
        content, signature = split_seal((self.folder / f"{name}.manifest").read_bytes())
        open_stored(Sealed(content, "application/json", signature), KeyRing([self.desk.key.public()]))
        return content

    async def work(self, seconds: float = 600.0, most: int = 500) -> None:
        """Let virtual time pass, until nothing more happens by itself or so many turns are over."""
        end = self.desk.clock.time + seconds
        for _ in range(most):
            rest = await self.loop.turn()
            self.desk.clock.time += rest
            if self.desk.clock.time >= end:
                return

    def rows(self) -> list[dict[str, Any]]:
        """Return the files as the journal has them."""
        with self.desk.journal.reading.engine.begin() as connection:
            rows = connection.execute(files_table.select().order_by(files_table.c.file_id)).mappings()
            return [dict(row) for row in rows]

    async def settled(self, seconds: float = 600.0) -> None:
        """Let virtual time pass until everything was delivered, or it is over."""
        end = self.desk.clock.time + seconds
        while self.desk.count().keys() - {"delivered"} and self.desk.clock.time < end:
            self.desk.clock.time += await self.loop.turn()

    async def again(self, **changes: Any) -> "Outbox":
        """Return what a new process finds: the journal and the folder as they are, nothing in memory."""
        await self.desk.journal.run(lambda c: release_leases(c, self.desk.clock.time))
        return boxed(self.desk, self.channel, self.data, **changes)

    def reopened(self, **changes: Any) -> "Outbox":
        """Do as ``again`` with the journal opened anew."""
        self.desk.journal.close()
        return boxed(open_desk(self.data.parent, clock=self.desk.clock), self.channel, self.data, **changes)


def channel_of(data: Path, said: dict[str, Any], desk: Desk) -> ServedChannel:
    """Install a channel and return it as it is served; what is compiled of a profile serves all tests."""
    folder, text = data / "channels" / "core", yaml.safe_dump(said, allow_unicode=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "channel.yaml").write_text(text)
    if not (folder / "keys").exists():
        (folder / "keys").mkdir()
        write_key(desk.key.public(), folder / "keys" / "1.jwk")
    if text not in _SERVED:
        _SERVED[text] = open_installation(data).channels.find("core")
    return _SERVED[text]


def boxed(
    desk: Desk, channel: ServedChannel, data: Path, calendars: Calendars | None = None, own: Folder | None = None
) -> Outbox:
    """Return the loop of a channel over a folder that is watched."""
    assert channel.push is not None
    writing = writing_to(channel, channel.push, data)
    watched = Watched(own or writing.folder)
    known = calendars or Calendars()
    loop = FileLoop(
        desk.journal,
        channel,
        replace(writing, folder=watched),
        GatheringTimes(outgoing_files(channel), lambda: known),
        desk.key,
        RETRY,
        institution=TRUST,
        now=desk.clock,
    )
    return Outbox(desk, channel, data, loop, watched)


def open_outbox(desk: Desk, folder: Path, said: dict[str, Any] | None = None, **more: Any) -> Outbox:
    """Return a channel of CSV files, or another one, that is reached by files."""
    data = folder / "data"
    return boxed(desk, channel_of(data, said or profile(), desk), data, **more)
