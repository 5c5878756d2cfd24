"""From a channel's profile to the document that its partner receives, as data. What it looks like is the page's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from xinqiao.finding import Text
from xinqiao.standard import STANDARD_VERSION, field_at, message_types
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.check import sample_files
from xinqiao_adapters.fingerprint import profile_fingerprint
from xinqiao_adapters.interface_document.codes import CodeList, code_lists_of
from xinqiao_adapters.interface_document.fields import FieldLine, agreed_values, field_lines
from xinqiao_adapters.interface_document.layout import LAID_OUT, LayoutTable, layout_of
from xinqiao_adapters.interface_document.replies import ErrorLine, Reply, error_lines, replies_of
from xinqiao_adapters.interface_document.samples import Sample, examples_from, read_sample
from xinqiao_adapters.interface_document.words import Fact, facts_of, security_words, settings_of
from xinqiao_adapters.listing import listed_rows
from xinqiao_adapters.loader import LoadedProfile, load_profile
from xinqiao_adapters.profile import Drop, Interface, Profile, Proposal, QueryReply

__all__ = ["InterfaceDocument", "InterfacePart", "document_of"]

_EVERY = Text("标准的全部消息", "every message of the standard")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A field that our messages lose on the way to the partner, why, and the values that may be lost (none: all)."""

    path: str
    title: Text
    reason: str
    only: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InterfacePart:
    """One interface: what it is for, its format, its fields, its samples; ``drafts`` are rows nobody confirmed.

    ``begins`` is what tells its documents from others, for the overview.
    """

    name: str
    title: Text
    message: Text
    purpose: Text
    direction: str
    settings: Sequence[Fact]
    layout: Sequence[LayoutTable]
    fields: Sequence[FieldLine]
    agreed: Sequence[tuple[Text, str]]
    samples: Sequence[Sample]
    dropped: Sequence[Dropped]
    begins: str
    drafts: int


@dataclass(frozen=True, slots=True)
class InterfaceDocument:
    """The whole document. ``version`` is the digest of the profile: it changes with everything the profile says."""

    profile: Profile
    version: str
    standard: str
    made_on: date
    content_types: Sequence[str]
    encodings: Sequence[str]
    security: Sequence[Fact]
    interfaces: Sequence[InterfacePart]
    replies: Sequence[Reply]
    errors: Sequence[ErrorLine]
    codes: Sequence[CodeList]
    dropped: Sequence[Dropped]


def document_of(channel_id: str, directories: Sequence[Path], made_on: date) -> InterfaceDocument:
    """Return the interface document of a channel.

    Raises ``UnknownChannel`` and ``ProfileInvalid`` as loading a channel does.
    """
    channel = load_channel(channel_id, directories)
    loaded = load_profile(channel_id, directories)
    profile = loaded.profile
    codes: dict[str, CodeList] = {}
    files = sample_files(channel)
    interfaces = [_interface(loaded, name, files, codes) for name in profile.interfaces]
    return InterfaceDocument(
        profile=profile,
        version=profile_fingerprint(profile),
        standard=STANDARD_VERSION,
        made_on=made_on,
        content_types=_content_types(channel),
        encodings=list(dict.fromkeys(_encoding(each) for each in profile.interfaces.values())),
        security=security_words(profile.security),
        interfaces=interfaces,
        replies=replies_of(profile),
        errors=error_lines(profile),
        codes=list(codes.values()),
        dropped=_dropped("", profile.dropped),
    )


def _content_types(channel: Channel) -> list[str]:
    found = [each.format.content_type for each in channel.compiled.values()]
    return list(dict.fromkeys(found or ["application/json"] * channel.speaks_canonical))


def _encoding(interface: Interface) -> str:
    return getattr(interface.format, "encoding", "UTF-8")


def _interface(loaded: LoadedProfile, name: str, files: Sequence[Path], codes: dict[str, CodeList]) -> InterfacePart:
    interface = loaded.profile.interfaces[name]
    body = interface.message
    rows = listed_rows(loaded, name)
    encoding = _encoding(interface)
    own = sorted((path for path in files if path.stem.partition("-")[0] == name), key=lambda path: path.stem != name)
    samples = [read_sample(path, encoding) for path in own]
    code_lists_of(loaded, body, rows, codes)
    kind = message_types().get(body)
    return InterfacePart(
        name=name,
        title=_title(interface) or (kind.title if kind else Text(name, name)),
        message=kind.title if kind else _EVERY,
        purpose=_purpose(body),
        direction=interface.direction,
        settings=_settings(interface),
        layout=layout_of(interface.format),
        fields=field_lines(loaded, interface, rows, examples_from(rows, samples)),
        agreed=agreed_values(body, rows),
        samples=samples,
        dropped=_dropped(body, interface.dropped) if interface.goes_out else [],
        begins=_begins(interface),
        drafts=sum(_is_draft(each) for each in (interface.proposed, *(row.said.proposed for row in rows if row.said))),
    )


def _begins(interface: Interface) -> str:
    """Return what documents of an interface begin with or are called, else the name of their format."""
    names = (getattr(interface.format, name, None) for name in ("root", "file", "sheet"))
    return next((name for name in names if name), interface.format.kind)


def _is_draft(proposed: Proposal | None) -> bool:
    return proposed is not None and proposed.confirmed is None


def _title(interface: Interface) -> Text | None:
    return Text(interface.title.zh, interface.title.en) if interface.title else None


def _purpose(body: str) -> Text:
    field = field_at(body, body) if body in message_types() else None
    if field is None:
        return Text("", "")
    return Text(field.schema["x-xinqiao"].get("descriptionZh", ""), field.schema.get("description", ""))


def _settings(interface: Interface) -> list[Fact]:
    """Return the format's settings, and how the interface and its messages are told."""
    said = settings_of(interface.format, LAID_OUT | ({"header"} if interface.format.kind == "fixed" else frozenset()))
    if "xsd" in said:
        name = Path(said.pop("xsd")).name
        facts = [
            *facts_of(said),
            (Text("XSD", "XSD"), Text(f"{name}（随本文档另附）", f"{name}, handed over beside this")),
        ]
    else:
        facts = list(facts_of(said))
    if interface.match:
        match = "; ".join(f"{path} = {' / '.join(map(str, values))}" for path, values in interface.match.items())
        facts.append((Text("识别依据", "Told by"), Text(match, match)))
    if interface.records:
        facts.append((Text("记录位置", "Records stand at"), Text(interface.records, interface.records)))
        facts.append((Text("批次处理", "Batches"), _BATCHES[interface.atomic]))
    if interface.key and interface.direction != "out":
        key = " + ".join(interface.key)
        facts.append((Text("唯一标识（防重）", "Identity, by which repeats are told"), Text(key, key)))
        if interface.changed == "correct":
            facts.append((Text("标识相同、内容不同", "The same identity, other content"), _CORRECTED))
    if interface.reply is not None:
        facts += _query_answers(interface.reply)
    return facts


def _query_answers(reply: QueryReply) -> Iterator[Fact]:
    for title, codes in zip(_ANSWERS, (reply.accepted, reply.rejected, reply.missing), strict=True):
        if codes:
            said = "; ".join(f"{path} = {' / '.join(values)}" for path, values in codes.items())
            yield title, Text(f"{reply.root}: {said}", f"{reply.root}: {said}")


_ANSWERS = (
    Text("查询应答：已受理", "Answer: it was accepted"),
    Text("查询应答：已拒绝", "Answer: it was refused"),
    Text("查询应答：查无此报文", "Answer: there is no such message"),
)
_CORRECTED = Text("视为更正，经人工批准后生效", "a correction: it counts once a person has approved it")


_BATCHES = {
    True: Text("整批受理或整批拒绝", "all records are accepted, or none"),
    False: Text("逐条受理", "each record for itself"),
}


def _dropped(body: str, dropped: dict[str, Drop]) -> list[Dropped]:
    return [_drop(body, path, each) for path, each in dropped.items()]


def _drop(body: str, path: str, drop: Drop) -> Dropped:
    whole = path if path.startswith("header.") else f"{body}.{path}"
    field = field_at(body or next(iter(message_types())), whole)
    title = field.title if field else Text(path, path)
    return Dropped(path, title, drop.reason, tuple(map(str, drop.only)))
