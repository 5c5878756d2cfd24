"""One interface of a channel, compiled: parsed documents to decoded messages, messages to bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

from xinqiao.adapter import Decoded, Encoded, Unmapped
from xinqiao.errors import ContentRefused
from xinqiao.finding import Finding, Text
from xinqiao.message import Json
from xinqiao.standard import STANDARD_VERSION, message_types
from xinqiao_adapters.formats.format import Format, FormatMaker
from xinqiao_adapters.formats.json import json_format
from xinqiao_adapters.formats.xml_format import xml_format
from xinqiao_adapters.lineage import Lineage, unmapped_leaves
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Node, trimmed
from xinqiao_adapters.mapping.compiled import Mapping, Record
from xinqiao_adapters.mapping.converters import Misshapen, Unfit
from xinqiao_adapters.mapping.plan import Source
from xinqiao_adapters.mapping.rows import plan_of
from xinqiao_adapters.mapping.sound import rule_findings
from xinqiao_adapters.mapping.trace import Reading, decode_findings, walk
from xinqiao_adapters.profile import Interface

__all__ = ["CompiledInterface", "compile_interface"]

_FORMATS: dict[str, FormatMaker] = {"xml": xml_format, "json": json_format}
# As many as a rejection holds.
_MOST_FINDINGS = 1000
_NO_RECORD = Text("报文中没有记录", "the document holds no record")


@dataclass(frozen=True)
class CompiledInterface:
    """An interface, ready to run. Holds no state."""

    name: str
    spec: Interface
    format: Format
    mapping: Mapping
    header: Json
    key: tuple[tuple[bool, Source], ...]
    match: tuple[tuple[Source, str], ...]

    def takes(self, root: Node) -> bool:
        """Whether a parsed document is of this interface: its root, its match, and the node that holds records.

        The last tells documents apart that differ by a namespace inside one envelope.
        """
        if not self.format.is_root(root) or any(self._text(root, path) != value for path, value in self.match):
            return False
        try:
            return walk(self.format.access, root, self.mapping.plan.records[:-1]) is not None
        except Unfit:
            return True  # it is, and decoding says what is wrong with it

    def decode(self, root: Node) -> list[Decoded]:
        """Return the messages of a parsed document.

        Raises ``ContentRefused`` with what the format's rules and the converters find.
        """
        records = self._records(root)
        findings = self.format.findings(root, lambda: self._readings(records))
        if findings:
            raise self._refusal(findings + _others(findings, records, self.mapping), records)
        try:
            messages = self.mapping.decode(records, self.header)
        except ContentRefused as refused:
            raise self._refusal(list(refused.findings), records) from None
        return [self._decoded(record, message) for record, message in zip(records, messages, strict=True)]

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

    def _refusal(self, findings: list[Finding], records: Sequence[Record]) -> ContentRefused:
        """Refuse with what was found, and with what the rules find in the values that could be read."""
        if len(findings) >= _MOST_FINDINGS:
            return _refusal(findings)
        said = {finding.partner_path for finding in findings}
        ruled = (rule_findings(self.spec.message, self.header, self.mapping.readings(record)) for record in records)
        return _refusal(findings + [each for found in ruled for each in found if each.partner_path not in said])

    def _readings(self, records: Sequence[Record]) -> list[Reading]:
        return [reading for record in records for reading in self.mapping.readings(record)]

    def _decoded(self, record: Record, message: Json) -> Decoded:
        lineage = Lineage(self.mapping, record)
        return Decoded(
            interface=self.name,
            message=message,
            key="|".join(self._key_part(record, inner, path) for inner, path in self.key),
            place=lineage.place,
            unmapped=lambda: [Unmapped(path, text) for path, text in unmapped_leaves(self.mapping, record)],
        )

    def _key_part(self, record: Record, inner: bool, path: Source) -> str:
        text = self._text(record.node if inner else record.root, path)
        if text is None:
            shown = self.format.access.shown(path)
            raise _refusal([_keyless(shown, shown)])
        return text.replace("|", "%7C") if "|" in text else text

    def _text(self, node: Node, path: Source) -> str | None:
        """Return the text at a path without blanks around it, None where there is none."""
        access = self.format.access
        attribute = path[-1][1:] if path and path[-1].startswith("@") else None
        try:
            found = walk(access, node, path[:-1] if attribute else path)
            if found is None:
                return None
            return trimmed(access.node_attribute(found, attribute) if attribute else access.node_text(found))
        except Unfit:
            return None

    def encode(self, message: Json) -> Encoded:
        """Return a message's bytes in the partner's format.

        Raises ``ContentRefused`` where mapping or format (an XSD) cannot hold a value, and where the message lacks
        what the partner tells repeats by.
        """
        content = self.format.write(self.mapping.encode(message))
        root = self.format.parse(content)
        records = self.mapping.records(root)
        findings = self.format.findings(root, lambda: self._readings(records)) or self._keyless(root, records)
        if findings:
            raise _refusal(findings)
        return Encoded(self.name, content, self.format.content_type)

    def _keyless(self, root: Node, records: Sequence[Record]) -> list[Finding]:
        """Return a finding for each part of the key that a written document lacks, by its canonical path."""
        access, plan = self.format.access, self.mapping.plan
        targets = {source: path for path, source in self.mapping.targets.items()}
        findings = []
        for inner, path in self.key:
            start = records[0].node if inner and records else root
            if self._text(start, path) is None:
                whole = (*plan.records, *path) if inner else path
                findings.append(_keyless(targets.get(whole, access.shown(whole)), access.shown(whole)))
        return findings


def _keyless(path: str, partner_path: str) -> Finding:
    said = Text("缺少唯一标识，无法识别重复报文", "part of the key is missing, repeats could not be told")
    return Finding("mapping.key", path, said, partner_path=partner_path)


def _others(findings: Sequence[Finding], records: Sequence[Record], mapping: Mapping) -> list[Finding]:
    """Return what the converters find besides: validators skip what follows an element out of place."""
    if len(findings) >= _MOST_FINDINGS:
        return []
    said = {finding.partner_path for finding in findings}
    found = (each for record in records for each in decode_findings(mapping.readings(record)))
    return [each for each in found if each.partner_path not in said]


def _refusal(findings: Sequence[Finding]) -> ContentRefused:
    count = len(findings)
    return ContentRefused(f"{count} finding{'s' if count > 1 else ''}", findings=findings[:_MOST_FINDINGS])


def compile_interface(loaded: LoadedProfile, name: str) -> CompiledInterface:
    """Compile one interface of a profile.

    Raises ``ProfileInvalid`` with file and line.
    """
    interface = loaded.profile.interfaces[name]
    where = ("interfaces", name)
    if interface.message not in message_types():
        known = ", ".join(message_types())
        loaded.fail((*where, "message"), f"unknown message type {interface.message!r}; known: {known}")
    if not interface.map:
        loaded.fail(where, "a mapping is needed: map")
    if interface.direction != "out" and not interface.key:
        loaded.fail(where, "incoming messages need a key: the partner's own, so that repeats are recognised")
    form = _FORMATS[interface.format.kind](loaded, name, interface)
    plan = plan_of(loaded, name, interface)
    try:
        plan = form.located(plan)
        key = tuple(_key_path(path, form, plan.records) for path in interface.key)
        match = tuple((form.path(_steps(path)), value) for path, value in interface.match.items())
    except KeyError as error:
        loaded.fail((*where, "format"), f"the prefix {error.args[0]!r} is not declared under namespaces")
    except ValueError as error:
        loaded.fail((*where, "map"), str(error))
    mapping = Mapping(f"{loaded.profile.channel}.{name}", plan, form.access)
    return CompiledInterface(name, interface, form, mapping, _header(loaded, name, interface), key, match)


def _steps(path: str) -> Source:
    return tuple(step for step in path.split("/") if step not in ("", "."))


def _key_path(path: str, form: Format, records: Source) -> tuple[bool, Source]:
    """Return whether a key path starts at the record (``./``), and the path."""
    inner = path.startswith("./") and bool(records)
    return inner, form.path(_steps(path), records if inner else ())


def _header(loaded: LoadedProfile, name: str, interface: Interface) -> Json:
    """Return what the profile knows of a message's header."""
    profile = loaded.profile
    mapped = {key.removeprefix("header.") for key in interface.map if key.startswith("header.")}
    if profile.receiver is None and "receiver" not in mapped and interface.direction != "out":
        loaded.fail(("interfaces", name), "who receives? say receiver in the profile, or map header.receiver")
    ends = (profile.institution.code, profile.receiver)
    sender, receiver = reversed(ends) if interface.direction == "out" else ends
    header = {
        "standardVersion": STANDARD_VERSION,
        "sender": sender,
        "receiver": receiver,
        "channelId": profile.channel,
        "test": True if profile.test else None,
    }
    return {key: part for key, part in header.items() if part is not None}
