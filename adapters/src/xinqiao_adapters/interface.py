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
from xinqiao_adapters.mapping.access import Node
from xinqiao_adapters.mapping.compiled import Mapping, Record
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.plan import Source
from xinqiao_adapters.mapping.rows import plan_of
from xinqiao_adapters.mapping.sound import rule_findings
from xinqiao_adapters.mapping.trace import Reading, decode_findings
from xinqiao_adapters.profile import Interface

__all__ = ["CompiledInterface", "compile_interface"]

_FORMATS: dict[str, FormatMaker] = {"xml": xml_format, "json": json_format}
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
        return (
            self.format.is_root(root)
            and all(self._text(root, path) == value for path, value in self.match)
            and self._node(root, self.mapping.plan.records[:-1]) is not None
        )

    def decode(self, root: Node) -> list[Decoded]:
        """Return the messages of a parsed document.

        Raises ``ContentRefused`` with what the format's rules and the converters find.
        """
        records = self.mapping.records(root)
        findings = self.format.findings(root, lambda: self._readings(records))
        if findings:
            raise self._refusal(findings + _others(findings, records, self.mapping), records)
        if not records:
            path = "/".join(self.mapping.plan.records)
            raise _refusal([Finding("mapping.no_record", path, _NO_RECORD, partner_path=path)])
        try:
            messages = self.mapping.decode(records, self.header)
        except ContentRefused as refused:
            raise self._refusal(list(refused.findings), records) from None
        return [self._decoded(record, message) for record, message in zip(records, messages, strict=True)]

    def _refusal(self, findings: list[Finding], records: Sequence[Record]) -> ContentRefused:
        """Refuse with what was found, and with what the rules find in the values that could be read."""
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
            said = Text("缺少唯一标识，无法识别重复报文", "part of the key is missing, repeats could not be told")
            raise _refusal([Finding("mapping.key", shown, said, partner_path=shown)])
        return text.replace("|", "%7C") if "|" in text else text

    def _text(self, node: Node, path: Source) -> str | None:
        access = self.format.access
        attribute = path[-1][1:] if path and path[-1].startswith("@") else None
        found = self._node(node, path[:-1] if attribute else path)
        try:
            if found is None:
                return None
            return access.node_attribute(found, attribute) if attribute else access.node_text(found)
        except Unfit:
            return None

    def _node(self, node: Node, path: Source) -> Node:
        try:
            for step in path:
                children = self.format.access.node_children(node, step)
                if not children:
                    return None
                node = children[0]
        except Unfit:
            return None
        return node

    def encode(self, message: Json) -> Encoded:
        """Return a message's bytes in the partner's format.

        Raises ``ContentRefused`` where mapping or format (an XSD) cannot hold a value.
        """
        content = self.format.write(self.mapping.encode(message))
        root = self.format.parse(content)
        findings = self.format.findings(root, lambda: self._readings(self.mapping.records(root)))
        if findings:
            raise _refusal(findings)
        return Encoded(self.name, content, self.format.content_type)


def _others(findings: Sequence[Finding], records: Sequence[Record], mapping: Mapping) -> list[Finding]:
    """Return what the converters find besides: validators skip what follows an element out of place."""
    said = {finding.partner_path for finding in findings}
    found = (each for record in records for each in decode_findings(mapping.readings(record)))
    return [each for each in found if each.partner_path not in said]


def _refusal(findings: Sequence[Finding]) -> ContentRefused:
    count = len(findings)
    return ContentRefused(f"{count} finding{'s' if count > 1 else ''}", findings=findings)


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
