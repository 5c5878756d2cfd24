"""Which files of a listing are finished: the done marks of a profile, applied to what was seen.

A mark is a value of the profile (``docking.files.Done``); here each has its function. Nothing is read but index files,
and only our own clock counts: what a partner's server says of times is compared with what it said before, and no more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from xinqiao.errors import Rejected
from xinqiao_adapters.docking.files import Done, Files, Index, Marker, Stable, Temporary
from xinqiao_adapters.formats.ofd.index import read_index
from xinqiao_gateway.fronts.sftp.folder import Entry
from xinqiao_gateway.fronts.sftp.names import look_alikes, refusal

__all__ = ["Finished", "Look", "PassedOver", "Sightings", "look"]


@dataclass(frozen=True, slots=True)
class Finished:
    """Files that are finished together, in order, and what came with them: marker or index, and manifests.

    ``manifests`` are by the name of the file that they are for.
    """

    files: tuple[Entry, ...]
    marks: tuple[Entry, ...] = ()
    manifests: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def companions(self) -> tuple[Entry, ...]:
        """All that came with the files."""
        return (*self.marks, *self.manifests.values())


@dataclass(frozen=True, slots=True)
class PassedOver:
    """What is not taken, or not yet, and why, for people."""

    entry: Entry
    why: str


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a folder came to. ``refused`` never will be taken as it is, ``unfinished`` waits."""

    finished: tuple[Finished, ...]
    unfinished: tuple[PassedOver, ...]
    refused: tuple[PassedOver, ...]


class Sightings:
    """Since when each entry looks as it does, by our own clock (``now``, seconds that only go forward)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since: dict[Entry, float] = {}

    def look_at(self, entries: Iterable[Entry]) -> None:
        """Take note of a listing; what is not in it any more, or changed, begins anew when it is seen again."""
        now = self._now()
        self._since = {each: self._since.get(each, now) for each in entries}

    def unchanged(self, entry: Entry) -> float:
        """Return for how many seconds an entry of the last listing has looked as it does."""
        return self._now() - self._since[entry]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A listing, sorted out: what is data, and all files by name."""

    data: Sequence[Entry]
    files: Mapping[str, Entry]
    sightings: Sightings
    read: Callable[[str], bytes]


def look(files: Files, entries: Sequence[Entry], sightings: Sightings, read: Callable[[str], bytes]) -> Look:
    """Find what is finished in a listing, in order of names.

    ``read`` returns a small file by its name (an index). Folders, and names that begin with a dot, are not looked at.
    """
    sightings.look_at(entries)
    shown = [each for each in entries if each.kind != "folder" and not _is_hidden(each.name)]
    refused = _refused(files, shown)
    bad = {each.entry.name for each in refused}
    good = {each.name: each for each in shown if each.name not in bad}
    data = [each for each in good.values() if _is_data(files, each.name)]
    strangers = [PassedOver(each, "its name fits no pattern of files.names") for each in data if not _fits(files, each)]
    seen = _Seen([each for each in data if _fits(files, each)], good, sightings, read)
    finished, unfinished = _MARKS[type(files.done)](files.done, seen)
    whole, waiting = _with_manifests(files, finished, seen)
    return Look(tuple(whole), (*unfinished, *waiting), (*refused, *strangers))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") and refusal(name) is None


def _refused(files: Files, shown: Sequence[Entry]) -> list[PassedOver]:
    alike = look_alikes(each.name for each in shown)
    found = []
    for each in shown:
        why = refusal(each.name)
        if why is None and each.kind != "file":
            why = "it is a link" if each.kind == "link" else "it is no regular file"
        if why is None and each.name in alike:
            why = "another name differs from it in case or form of characters alone"
        if why is None and each.size > files.largest:
            why = f"it has {each.size} bytes, and files.largest is {files.largest}"
        if why is not None:
            found.append(PassedOver(each, why))
    return found


def _is_data(files: Files, name: str) -> bool:
    if files.manifest.presence != "none" and name.endswith(files.manifest.suffix):
        return False
    match files.done:
        case Marker(marker=suffix):
            return not name.endswith(suffix)
        case Index(index=pattern):
            return not fnmatchcase(name, pattern)
        case Temporary(temporary=patterns):
            return not any(fnmatchcase(name, each) for each in patterns)
    return True


def _fits(files: Files, entry: Entry) -> bool:
    return files.interface_of(entry.name) is not None


_Sorted = tuple[list[Finished], list[PassedOver]]


def _marked(done: Marker, seen: _Seen) -> _Sorted:
    unfinished = []
    marked: dict[str, list[Entry]] = {}  # one marker may be that of several: a.csv and a.txt with a.ok
    for each in seen.data:
        name = done.name(each.name)
        if name in seen.files:
            marked.setdefault(name, []).append(each)
        else:
            unfinished.append(PassedOver(each, f"its marker {name} is not there"))
    return [Finished(tuple(found), (seen.files[name],)) for name, found in marked.items()], unfinished


def _renamed(_: Temporary, seen: _Seen) -> _Sorted:
    return [Finished((each,)) for each in seen.data], []


def _stable(done: Stable, seen: _Seen) -> _Sorted:
    finished, unfinished = [], []
    for each in seen.data:
        if seen.sightings.unchanged(each) >= done.stable:
            finished.append(Finished((each,)))
        else:
            unfinished.append(PassedOver(each, f"it has not been the same for {done.stable} seconds"))
    return finished, unfinished


def _indexed(done: Index, seen: _Seen) -> _Sorted:
    finished, unfinished = [], []
    named: set[str] = set()
    for each in seen.files.values():
        if not fnmatchcase(each.name, done.index):
            continue
        try:
            names = dict.fromkeys(read_index(seen.read(each.name)).names)
        except Rejected as error:  # the end is missing while it grows
            unfinished.append(PassedOver(each, f"the index cannot be read: {error}"))
            continue
        known = {entry.name: entry for entry in seen.data}
        named |= names.keys()
        missing = [name for name in names if name not in known]
        if missing:
            unfinished.append(
                PassedOver(each, f"it lists {len(missing)} files that are not there: {missing[0][:100]!r}")
            )
        else:
            finished.append(Finished(tuple(known[name] for name in names), (each,)))
    unfinished += [PassedOver(each, "no index lists it") for each in seen.data if each.name not in named]
    return finished, unfinished


_MARKS: Mapping[type[Done], Callable[..., _Sorted]] = {
    Marker: _marked,
    Temporary: _renamed,
    Stable: _stable,
    Index: _indexed,
}


def _with_manifests(files: Files, finished: Sequence[Finished], seen: _Seen) -> _Sorted:
    """Add the manifests; files wait for those that are required, and where stability tells, for the manifest's."""
    if files.manifest.presence == "none":
        return list(finished), []
    whole, waiting = [], []
    for each in finished:
        names = {entry.name: entry.name + files.manifest.suffix for entry in each.files}
        found = {name: seen.files[manifest] for name, manifest in names.items() if manifest in seen.files}
        missing = [names[name] for name in names if name not in found and files.manifest.presence == "required"]
        fresh = isinstance(files.done, Stable) and any(
            seen.sightings.unchanged(manifest) < files.done.stable for manifest in found.values()
        )
        if missing or fresh:
            why = f"its manifest {missing[0]} is not there" if missing else "its manifest is not stable yet"
            waiting += [PassedOver(entry, why) for entry in each.files]
        else:
            whole.append(Finished(each.files, each.marks, found))
    return whole, waiting
