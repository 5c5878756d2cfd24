"""The laws of a mapping on what a sample holds: read as expected, written as it was, nothing passed over in silence."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import Rejected
from xinqiao.message import Json
from xinqiao_adapters.check.samples import Readers, SampleRecord, refusal, said
from xinqiao_adapters.check.spelling import differences, without_names
from xinqiao_adapters.interface import CompiledInterface, Traced
from xinqiao_adapters.lineage import unmapped_leaves
from xinqiao_adapters.mapping.access import Access, text_at
from xinqiao_adapters.mapping.compiled import Record
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.plan import Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.marked import Mark
from xinqiao_adapters.plan_leaves import PlanLeaves

__all__ = ["SampleLaws", "Unmapped", "batch_problems"]

# What the profile, and not the document, says of a header.
_PROFILE_SAYS = frozenset({"standardVersion", "sender", "receiver", "channelId", "test"})
_PLACE = re.compile(r"\[[0-9]+\]")
# Whether the cases beside the profile give a reason why nobody reads a partner's path.
Unmapped = Callable[[str], bool]


@dataclass
class SampleLaws:
    """One interface held against records of samples.

    ``found`` gets every reading that says something and ``written`` the rows that only write and whose text is there:
    what the samples exercise. ``unexplained`` gets the partner's paths that no row reads or writes, and of which nobody
    says why.
    """

    interface: CompiledInterface
    readers: Readers
    explained: Unmapped
    found: list[tuple[Record, Reading]] = field(default_factory=list)
    written: set[Mark] = field(default_factory=set)
    unexplained: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plan = self.interface.mapping.plan
        self.leaves = PlanLeaves(plan)
        self._of_access: dict[int, CompiledInterface] = {id(self.interface.mapping.access): self.interface}
        access = self.interface.mapping.access
        mapped = {access.shown(source) for each in self.leaves.leaves for source in each.sources}
        asked = [(each.inner, each.path) for each in self.interface.match] + list(self.interface.key)
        self.known = mapped | {access.shown((*plan.records, *path) if inner else path) for inner, path in asked}

    def problems(self, sample: SampleRecord) -> Iterator[str]:
        """Yield what is wrong with one record of a sample."""
        record = sample.traced.record
        interface = self._for(sample.traced.mapping.access)
        decoded = self._decoded(interface, record)
        yield from _other_than_expected(decoded, sample.expected)
        if not isinstance(decoded, Traced):
            return
        readings = [each for each in interface.mapping.readings(record) if _value(each) is not None]
        self.found += [(record, each) for each in readings]
        self.unexplained |= dict.fromkeys(self._unexplained(interface, record))
        try:
            yield from self._way_back(record, interface.mapping.access, readings, decoded.message)
        except Rejected as error:
            yield f"cannot be written again: {said(error.findings) or error}"
        except AssertionError as error:
            yield f"cannot be written again, and no finding says why: {error}"

    def misreads(self, sample: SampleRecord) -> bool:
        """Whether a record of a sample is not read as expected: the quickest of the laws."""
        decoded = self._decoded(self._for(sample.traced.mapping.access), sample.traced.record)
        return any(True for _ in _other_than_expected(decoded, sample.expected))

    def _decoded(self, interface: CompiledInterface, record: Record) -> Decoded | Undecoded:
        try:
            return interface.decode_record(record, interface.mapping.outer(record.root))
        except Unfit:
            return Undecoded(interface.name, interface.findings(record))

    def _for(self, access: Access) -> CompiledInterface:
        """Return the interface for a file of another layout than the one that it writes."""
        if id(access) not in self._of_access:
            self._of_access[id(access)] = self.interface.with_access(access)
        return self._of_access[id(access)]

    def _unexplained(self, interface: CompiledInterface, record: Record) -> Iterator[str]:
        """Yield the leaves that no row reads or writes, and of which nobody says why."""
        prefix = f"{interface.mapping.access.shown(interface.mapping.plan.records)}/" if record.of_file else ""
        for path, _ in unmapped_leaves(interface.mapping, record):
            whole = prefix + _PLACE.sub("", path)
            if whole not in self.known and not self.explained(whole):
                yield whole

    def _way_back(self, record: Record, access: Access, readings: Sequence[Reading], message: Json) -> Iterator[str]:
        sent = without_names(message, self.leaves.unwritten)
        content = self.interface.encode(sent).content
        (back,) = self.readers.alone(self.interface.name).decode(content, "")
        if not isinstance(back, Traced):
            yield f"what was written cannot be read: {refusal(back)}"
            return
        different = differences(without_names(back.message, self.leaves.unwritten), sent)
        if different:
            yield f"decoding what was encoded differs: {', '.join(different)}"
        different = self._other_texts(record, access, readings, back)
        if different:
            yield f"encoding what was decoded differs at {', '.join(different)}"
        elif self._is_ordered(record) and self._order(back.record) != self._order(record):
            yield "encoding what was decoded puts elements in another order"

    def _other_texts(self, record: Record, access: Access, readings: Sequence[Reading], back: Traced) -> list[str]:
        """Return the partner's paths whose texts are not those of the sample, in the format's own spelling."""
        again = [each for each in back.mapping.readings(back.record) if _value(each) is not None]
        found = {_key(each, back.record): _own_text(each) for each in again if each.leaf.writes}
        wanted = {_key(each, record): _canonical_text(each) for each in readings if each.leaf.writes}
        paths = {path for path, _ in {key for key, text in found.items() ^ wanted.items()}}
        for each in self.leaves.leaves:
            if each.leaf.reads or each.leaf.source is None or each.leaf.conditions:
                continue
            own = [_text(record, access, self.leaves, source) for source in each.sources]
            if not any(own):
                continue
            self.written.add(each.leaf.mark)
            if own != [_text(back.record, back.mapping.access, self.leaves, source) for source in each.sources]:
                paths.add(access.shown(each.sources[0]))
        told = self._told_by() if self.interface.spec.direction != "in" else ()
        for source in told:  # what is written has to be told from other documents, too
            own_text = _text(record, access, self.leaves, source)
            if own_text != _text(back.record, back.mapping.access, self.leaves, source):
                paths.add(access.shown(source))
        return sorted(paths)

    def _told_by(self) -> Iterator[Source]:
        """Yield the places, from the root, that tell the interface's input from that of others."""
        for match in self.interface.match:
            yield (*self.leaves.plan.records, *match.path) if match.inner else match.path

    def _is_ordered(self, record: Record) -> bool:
        """Whether the order of leaves says something: in one message of a document, in each record of XML."""
        return record.place is None or (self.interface.format.kind == "xml" and not record.of_file)

    def _order(self, record: Record) -> list[tuple[str, ...]]:
        """Return the mapped leaves in their order; those of a record from its own node."""
        mapping = self.interface.mapping
        base = () if record.place is None else mapping.plan.records
        leaves = mapping.access.leaves(record.root if record.place is None else record.node)
        trails = ((*base, *(step for step, _ in trail)) for trail, _ in leaves)
        return [trail for trail in trails if trail in mapping.partner_paths]


def _other_than_expected(decoded: Decoded | Undecoded, expected: Json) -> Iterator[str]:
    if isinstance(decoded, Undecoded):
        yield f"cannot be read: {refusal(decoded)}"
        return
    different = differences(_without_profile(decoded.message), _without_profile(expected))
    if different:
        yield f"decoded other than expected: {', '.join(different)}"


def _text(record: Record, access: Access, leaves: PlanLeaves, source: tuple[str, ...]) -> str | None:
    records = leaves.plan.records
    inner = bool(records) and source[: len(records)] == records
    return text_at(access, record.node if inner else record.root, source[len(records) :] if inner else source)


def _value(reading: Reading) -> object:
    try:
        return reading.value
    except Unfit:
        return None


def _key(reading: Reading, record: Record) -> tuple[str, int]:
    """Return a reading's path as if its record were the only one: a message is written to a document of its own."""
    path = reading.partner_path
    if record.place and not record.of_file:
        path = path.replace(f"[{record.place + 1}]", "[1]", 1)
    return path, id(reading.leaf)


def _own_text(reading: Reading) -> str:
    """Return the text as it stands there; that of a shared place in the spelling of its own row."""
    return _canonical_text(reading) if reading.leaf.share is not None else (reading.text or "").strip()


def _canonical_text(reading: Reading) -> str:
    value = reading.value
    return "" if value is None else reading.leaf.converter.write(value).strip()


def _without_profile(message: Json) -> Json:
    header = {name: part for name, part in message.get("header", {}).items() if name not in _PROFILE_SAYS}
    return {**message, "header": header}


def batch_problems(interface: CompiledInterface, readers: Readers, messages: Sequence[Json]) -> Iterator[str]:
    """Yield what is wrong with messages written to one file: all of them come back, in their order."""
    unwritten = PlanLeaves(interface.mapping.plan).unwritten
    sent = [without_names(each, unwritten) for each in messages]
    try:
        content = interface.encode(*sent).content
        back = list(readers.alone(interface.name).decode(content, ""))
    except (Rejected, AssertionError) as error:
        why = said(error.findings) if isinstance(error, Rejected) else ""
        yield f"{len(sent)} records cannot be written to one file: {why or error}"
        return
    refused = [refusal(each) for each in back if not isinstance(each, Traced)]
    found = [without_names(each.message, unwritten) for each in back if isinstance(each, Traced)]
    if refused or found != sent:
        different = ", ".join(refused or differences(found, sent))
        yield f"{len(sent)} records written to one file are read otherwise: {different}"
