"""One interface of a channel, compiled: parsed documents and records to decoded messages, messages to bytes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from xinqiao.adapter import Decoded, Encoded, Undecoded, Unmapped
from xinqiao.errors import ContentRefused
from xinqiao.expectation import shown
from xinqiao.finding import Finding, Text
from xinqiao.masking import mask
from xinqiao.message import Json
from xinqiao_adapters.formats.format import DocumentFormat, Format, RecordFormat
from xinqiao_adapters.formats.spec import JsonSpec, XmlSpec
from xinqiao_adapters.formats.totals import Tally
from xinqiao_adapters.lineage import Lineage, unmapped_leaves
from xinqiao_adapters.mapping.access import Access, Node, text_at, trimmed, walk
from xinqiao_adapters.mapping.compiled import Mapping, Record, texts_reader
from xinqiao_adapters.mapping.converters import Misshapen, Unfit
from xinqiao_adapters.mapping.encoder import value_at
from xinqiao_adapters.mapping.plan import Condition, Source
from xinqiao_adapters.mapping.sound import rule_findings
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import Interface

__all__ = ["CompiledInterface", "Match", "Traced", "no_interface"]

# As many as a rejection holds.
_MOST_FINDINGS = 1000
# Codes of partners are short; what is longer may be a name or a number of a person.
_LONGEST_CODE = 8
_NOTHING = Text("该报文在合作方的文件中没有任何内容", "nothing of the message stands in the partner's file")
_NO_RECORD = Text("报文中没有记录", "the document holds no record")


@dataclass(frozen=True, slots=True)
class Match:
    """What tells an interface's input: a text of the root, or (``inner``) of the record, is one of several."""

    inner: bool
    path: Source
    values: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced(Decoded):
    """A decoded message that knows the record it was read from, and by which mapping."""

    mapping: Mapping
    record: Record


@dataclass(frozen=True)
class CompiledInterface:
    """An interface, ready to run. Holds no state.

    ``key`` are the partner's paths that make up the idempotency key, each from the root or (True) from the record;
    ``totals`` are the paths of control totals and of what they sum up, as the access wants them.
    """

    name: str
    spec: Interface
    format: Format
    mapping: Mapping
    header: Json
    key: tuple[tuple[bool, Source], ...]
    match: tuple[Match, ...]
    totals: dict[str, Source] = field(default_factory=dict)
    when: tuple[Condition, ...] = ()
    _read_key: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_read_key", texts_reader(self.mapping.access, self.key))

    @property
    def reads_files(self) -> bool:
        """Whether the interface's input is a file of records, each a message."""
        return bool(self.spec.records) and isinstance(self.format, RecordFormat)

    @property
    def writes_files(self) -> bool:
        """Whether several messages are written to one file."""
        return self.reads_files and self.format.kind != "xml"

    @property
    def document(self) -> DocumentFormat:
        """The format, of which documents are parsed whole."""
        if not isinstance(self.format, DocumentFormat):
            raise TypeError(f"{self.name}: {self.format.kind} is read record by record")
        return self.format

    def with_access(self, access: Access) -> "CompiledInterface":
        """Return the interface compiled for files of another layout."""
        return replace(self, mapping=Mapping(f"{self.name}@file", self.mapping.plan, access))

    def takes(self, root: Node) -> bool:
        """Whether a parsed document is of this interface: its root, its match, and the node that holds records.

        The last tells documents apart that differ by a namespace inside one envelope.
        """
        if not self.document.is_root(root) or not self.takes_outside(root):
            return False
        try:
            return walk(self.format.access, root, self.mapping.plan.records[:-1]) is not None
        except Unfit:
            return True  # it is, and decoding says what is wrong with it

    def takes_outside(self, root: Node) -> bool:
        """Whether what stands outside the records is of this interface."""
        access = self.mapping.access
        return all(text_at(access, root, each.path) in each.values for each in self.match if not each.inner)

    def takes_record(self, record: Node) -> bool:
        """Whether a record is of this interface."""
        access = self.mapping.access
        return all(text_at(access, record, each.path) in each.values for each in self.match if each.inner)

    def sends(self, message: Json) -> bool:
        """Whether a message of this interface's type goes out by it."""
        return all(value_at(message, each.path) in each.values for each in self.when)

    def tally(self) -> Tally | None:
        """Return what counts records for the control totals of a document; formats of files count by themselves."""
        spec = self.spec.format
        if not isinstance(spec, (XmlSpec, JsonSpec)) or not self.totals:
            return None
        access = self.mapping.access
        return Tally(spec.totals, lambda record, path: text_at(access, record, self.totals[path]))

    def check_totals(self, tally: Tally | None, root: Node) -> None:
        """Raise ``ContentRefused`` where a document says other totals than those of its records."""
        if tally is not None:
            tally.check(lambda path: text_at(self.mapping.access, root, self.totals[path]))

    def decode(self, root: Node, others: Sequence["CompiledInterface"] = ()) -> list[Decoded | Undecoded]:
        """Return the messages of a parsed document; one of several records that cannot be read does not stop the rest.

        ``others`` are interfaces that take the same document: a record is of the first whose ``match`` it fits.
        Raises ``ContentRefused`` with what the format's rules find, and with what the converters find in the only
        record or in what the records share.
        """
        sharing = [self, *(each for each in others if each.mapping.plan.records == self.mapping.plan.records)]
        records = [(_taking(sharing, record.node), record) for record in self._records(root)]
        findings = self.document.findings(root, lambda: self._readings([record for _, record in records]))
        if findings:
            raise _refusal(self._besides(findings, [record for _, record in records]))
        tally, decoded = self.tally(), []
        for interface, record in records:
            unsummed = tally.add(record.node) if tally is not None else None
            decoded.append(
                no_interface(sharing, record)
                if interface is None
                else interface.unsummed(record, unsummed)
                if unsummed is not None
                else interface.decode_record(record, interface.outer(record, [each for _, each in records]))
            )
        self.check_totals(tally, root)
        if len(decoded) == 1 and isinstance(decoded[0], Undecoded):
            raise _refusal(decoded[0].findings)
        return decoded

    def outer(self, record: Record, records: Sequence[Record]) -> tuple[Any, ...]:
        """Return what the mapping reads outside a record.

        Raises ``ContentRefused`` where it cannot be read, with the findings of all ``records``: they share it.
        """
        try:
            return self.mapping.outer(record.root)
        except Unfit:
            raise _refusal([found for each in records for found in self.findings(each)]) from None

    def _records(self, root: Node) -> list[Record]:
        said = _NO_RECORD
        try:
            records = self.mapping.records(root)
            if records:
                return records
        except Unfit as error:
            said = error.said if isinstance(error, Misshapen) else said
        path = self.format.access.shown(self.mapping.plan.records)
        raise _refusal([Finding("mapping.no_record", path, said, partner_path=path)])

    def _besides(self, findings: list[Finding], records: Sequence[Record]) -> list[Finding]:
        """Return findings of the format with what converters and rules find besides: validators skip what follows."""
        for record in records:
            if len(findings) >= _MOST_FINDINGS:
                break
            said = {finding.partner_path for finding in findings}
            findings = findings + [each for each in self.findings(record) if each.partner_path not in said]
        return findings

    def findings(self, record: Record) -> list[Finding]:
        """Return what the converters find in a record, and the rules in the values that could be read."""
        found = self.mapping.findings(record)
        said = {finding.partner_path for finding in found}
        ruled = rule_findings(self.spec.message, self.header, self.mapping.readings(record))
        return found + [each for each in ruled if each.partner_path not in said]

    def _readings(self, records: Sequence[Record]) -> list[Reading]:
        return [reading for record in records for reading in self.mapping.readings(record)]

    def decode_record(self, record: Record, outer: tuple[Any, ...]) -> Decoded | Undecoded:
        """Return the message of one record; ``outer`` is what the mapping read outside the records."""
        try:
            message = self.mapping.decode(record, outer, self.header)
        except Unfit:
            found = self.findings(record)
            if not found:
                raise AssertionError("the compiled mapping refuses what its rows accept") from None
            return Undecoded(self.name, found)
        key = self._key(record)
        if isinstance(key, Finding):
            return Undecoded(self.name, [key])
        return Traced(
            interface=self.name,
            message=message,
            key=key,
            place=Lineage(self.mapping, record).place,
            unmapped=lambda: [Unmapped(path, text) for path, text in self._unread(record)],
            mapping=self.mapping,
            record=record,
        )

    def _unread(self, record: Record) -> Iterator[tuple[str, str]]:
        """Yield what no row reads and nothing else needs: the paths of match and totals are read as well."""
        access, records = self.mapping.access, self.mapping.plan.records
        asked = {
            access.shown(each.path if record.of_file else (*records * each.inner, *each.path)) for each in self.match
        }
        asked |= {access.shown(path) for path in self.totals.values()}
        for path, text in unmapped_leaves(self.mapping, record):
            if re.sub(r"\[[0-9]+\]", "", path) not in asked:
                yield path, text

    def unsummed(self, record: Record, path: str) -> Undecoded:
        """Return what is said of a record that holds no number where its control total wants one."""
        said = Text("此处参与合计，值却不是数字", "this is summed up, and the value is no number")
        place = path if record.at is None else f"{path}, {record.at}"
        return Undecoded(self.name, [Finding("format.total", path, said, partner_path=place)])

    def _key(self, record: Record) -> str | Finding:
        try:
            texts = self._read_key(record.root, record.node)
        except Unfit:
            texts = tuple(text_at(self.mapping.access, _start(record, inner), path) for inner, path in self.key)
        parts = [trimmed(text) for text in texts]
        if None in parts:
            path = self.mapping.access.shown(self.key[parts.index(None)][1])
            return _keyless(path, path if record.at is None else f"{path}, {record.at}")
        return "|".join(part.replace("|", "%7C") for part in parts if part is not None)

    def encode(self, *messages: Json) -> Encoded:
        """Return the bytes of messages in the partner's format: of one, or of several where it writes files.

        Raises ``ContentRefused`` where mapping or format (an XSD) cannot hold a value, and where a message lacks what
        the partner tells repeats by.
        """
        return self._encoded([self.mapping.encode(message) for message in messages])

    def files(self, messages: Sequence[Json]) -> Iterator[Encoded]:
        """Yield the fewest files that hold messages in their order: one says the same of all its records."""
        nodes = [self.mapping.encode(message) for message in messages]
        if not self.writes_files:
            yield from (self._encoded([node]) for node in nodes)
            return
        for _, group in groupby(nodes, key=lambda node: node.get("File", {})):
            yield self._encoded(list(group))

    def _encoded(self, nodes: Sequence[Node]) -> Encoded:
        if self.writes_files:
            return Encoded(self.name, b"".join(self._file(nodes)), self.format.content_type)
        (node,) = nodes
        content = self.document.write(node)
        root = self.document.parse(content)
        records = self.mapping.records(root)
        findings = self.document.findings(root, lambda: self._readings(records)) or self._untold(records)
        if findings:
            raise _refusal(findings)
        return Encoded(self.name, content, self.format.content_type)

    def _file(self, nodes: Sequence[Node]) -> Sequence[bytes]:
        form = self.format
        assert isinstance(form, RecordFormat)  # noqa: S101 -- asked by the caller
        name = self.spec.records or ""
        if any(name not in node for node in nodes):
            raise _refusal([Finding("mapping.no_record", name, _NOTHING, partner_path=name)])
        missing = [each for node in nodes for each in self._untold([Record(node, node[name], None)])]
        if missing:
            raise _refusal(missing)
        return list(form.write_file({"File": self._outside(nodes)}, [node[name] for node in nodes]))

    def _outside(self, nodes: Sequence[Node]) -> dict[str, Any]:
        """Return what several messages say of their file. Raises ``ContentRefused`` where they say different things."""
        outside: dict[str, Any] = nodes[0].get("File", {})
        others = [each for node in nodes for each in node.get("File", {}).items() ^ outside.items()]
        if others:
            path = f"File/{others[0][0]}"
            said = Text("同一文件中的报文在此处的值不同", "messages of one file say different things here")
            fix = Text("分成几个文件发送", "send them in several files")
            raise _refusal([Finding("mapping.share", path, said, fix=fix, partner_path=path)])
        return outside

    def _untold(self, records: Sequence[Record]) -> list[Finding]:
        """Return a finding for what a written document lacks of that by which the partner tells it from others."""
        found = self._keyless(records)
        for match in self.match if records and self.spec.direction != "in" else ():
            text = text_at(self.mapping.access, _start(records[0], match.inner), match.path)
            if text not in match.values:
                whole = (*self.mapping.plan.records, *match.path) if match.inner else match.path
                found.append(_unmatched(self.mapping.access.shown(whole), text, match.values))
        return found

    def _keyless(self, records: Sequence[Record]) -> list[Finding]:
        """Return a finding for each part of the key that a written document lacks, by its canonical path."""
        access, plan = self.mapping.access, self.mapping.plan
        targets = {source: path for path, source in self.mapping.targets.items()}
        findings = []
        for inner, path in self.key:
            if records and text_at(access, _start(records[0], inner), path) is None:
                whole = (*plan.records, *path) if inner else path
                findings.append(_keyless(targets.get(whole, access.shown(whole)), access.shown(whole)))
        return findings


def _taking(interfaces: Sequence[CompiledInterface], record: Node) -> CompiledInterface | None:
    return next((each for each in interfaces if each.takes_record(record)), None)


def no_interface(interfaces: Sequence[CompiledInterface], record: Record) -> Undecoded:
    """Return what is said of a record that no interface of the channel takes."""
    access = interfaces[0].mapping.access
    matches = [match for each in interfaces for match in each.match if match.inner]
    path = matches[0].path if matches else ()
    shown = access.shown(path) or "."
    values = sorted({value for match in matches for value in match.values})
    finding = Finding(
        rule="mapping.no_interface",
        path=shown,
        text=Text("该记录不属于任何已配置的接口", "no interface of the channel takes this record"),
        value=_masked(text_at(access, record.node, path)) if matches else None,
        expected="、".join(values[:20]) or None,
        fix=Text("为该业务配置接口，或不发送此类记录", "add an interface for it, or do not send such records"),
        partner_path=shown if record.at is None else f"{shown}, {record.at}",
    )
    return Undecoded(None, [finding])


def _masked(text: str | None) -> str | None:
    """Return what may be shown of a text that should be a code and may be anything."""
    return None if text is None else shown(text if len(text) <= _LONGEST_CODE else str(mask(text, "C2")))


def _start(record: Record, inner: bool) -> Node:
    return record.node if inner else record.root


def _keyless(path: str, partner_path: str) -> Finding:
    said = Text("缺少唯一标识，无法识别重复报文", "part of the key is missing, repeats could not be told")
    return Finding("mapping.key", path, said, partner_path=partner_path)


def _unmatched(path: str, text: str | None, values: frozenset[str]) -> Finding:
    return Finding(
        rule="mapping.match",
        path=path,
        text=Text(
            "写出的报文无法识别为本接口的报文", "what would be written could not be told to be of this interface"
        ),
        value=_masked(text),
        expected="、".join(sorted(values)),
        fix=Text("补齐报文中决定该值的字段", "give the fields that this value goes with"),
        partner_path=path,
    )


def _refusal(findings: Sequence[Finding]) -> ContentRefused:
    count = len(findings)
    return ContentRefused(f"{count} finding{'s' if count > 1 else ''}", findings=findings[:_MOST_FINDINGS])
