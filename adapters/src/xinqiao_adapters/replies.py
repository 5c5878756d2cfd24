"""What a partner replies, read: the texts at places of a reply, and what it says of a message it is asked about."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from xinqiao.adapter import Reply
from xinqiao.errors import Rejected
from xinqiao_adapters.formats.encoding import NO_CHARACTERS, Characters, Charset, charset_for
from xinqiao_adapters.formats.form import FormFormat
from xinqiao_adapters.formats.json.strict import read_value, scalar_text
from xinqiao_adapters.formats.spec import FormatSpec, FormSpec, JsonSpec, XmlSpec
from xinqiao_adapters.formats.xml.document import parse_xml
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import trimmed
from xinqiao_adapters.marked import Where
from xinqiao_adapters.profile import QueryReply

__all__ = ["REPLIES", "QueryReplies", "ReplyForm", "compile_query_reply"]

# The formats of documents, which replies are written in.
REPLIES = (XmlSpec, JsonSpec, FormSpec)
_LONGEST_CODE = 64
_NOT_FOUND = 404
# Gives the text at a place of a reply, None where it has none.
Text = Callable[[str], str | None]


@dataclass(frozen=True)
class ReplyForm:
    """The format of a partner's replies; ``root`` is the key or element around the values (``.`` in JSON: none)."""

    root: str
    format: FormatSpec
    characters: Characters = NO_CHARACTERS

    @property
    def is_bare(self) -> bool:
        """Whether the values of a reply in JSON stand at its top, under no key of their own."""
        return self.root == "."

    @property
    def form(self) -> FormFormat | None:
        """The format where replies are forms."""
        spec = self.format
        return FormFormat(spec.root, Charset(spec.encoding)) if isinstance(spec, FormSpec) else None

    def opened(self, content: bytes) -> Text | None:
        """Return what gives the texts of a reply, None where it is of another root.

        Raises the ``Rejected`` that says why it cannot be read.
        """
        if self.form is not None:
            fields = self.form.parse(content)
            return (lambda place: trimmed(fields.get(place))) if self.root in fields else None
        if isinstance(self.format, XmlSpec):
            markup = parse_xml(content, self.format.encoding, None, self.characters)
            return (lambda place: trimmed(markup.findtext(place))) if markup.tag == self.root else None
        whole = read_value(content)
        node = whole if self.is_bare else whole.get(self.root) if isinstance(whole, dict) else None
        return None if node is None else lambda place: _text_at(node, place)

    def values(self, content: bytes) -> dict[str, str]:
        """Return all texts of a reply by their places, ``Err[1]/Code`` for the second of several; empty for another's.

        Raises the ``Rejected`` that says why it cannot be read.
        """
        if self.form is not None:
            return dict(self.form.parse(content))
        if isinstance(self.format, XmlSpec):
            markup = parse_xml(content, self.format.encoding, None, self.characters)
            return dict(_texts_of_markup(markup, "")) if markup.tag == self.root else {}
        whole = read_value(content)
        return dict(_texts(whole if self.is_bare else whole.get(self.root) if isinstance(whole, dict) else None, ""))


def _texts_of_markup(node: etree._Element, place: str) -> Iterator[tuple[str, str]]:
    children = [each for each in node if isinstance(each.tag, str)]
    seen: Counter[str] = Counter()
    for each in children:
        index = f"[{seen[each.tag]}]" if seen[each.tag] else ""
        seen[each.tag] += 1
        yield from _texts_of_markup(each, f"{place}/{each.tag}{index}".lstrip("/"))
    text = trimmed(node.text) if not children else None
    if text is not None:
        yield place or ".", text


def _texts(node: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, part in node.items():
            yield from _texts(part, f"{place}/{name}".lstrip("/"))
    elif isinstance(node, list):
        for index, part in enumerate(node):
            yield from _texts(part, f"{place}[{index}]" if index else place)
    else:
        text = trimmed(scalar_text(node))
        if text is not None:
            yield place or ".", text


def _text_at(node: object, place: str) -> str | None:
    for step in place.split("/"):
        node = node.get(step) if isinstance(node, dict) else None
    return None if isinstance(node, (dict, list)) else trimmed(scalar_text(node))


@dataclass(frozen=True)
class QueryReplies:
    """Reads what a partner says of a message that it was asked about."""

    spec: QueryReply
    form: ReplyForm

    def read(self, status: int, content: bytes) -> Reply:
        """Return what a reply says; one that says none of the three, or several, proves nothing.

        A yes and a no need a status of HTTP that says the query was answered; that nothing is known may come as 404.
        """
        try:
            text = self.form.opened(content)
        except Rejected:
            text = None
        if text is None:
            return Reply(None, str(status))
        said = {"accepted": self.spec.accepted, "rejected": self.spec.rejected or {}, "missing": self.spec.missing}
        found = [name for name, codes in said.items() if codes and _fits(codes, text)]
        answered = 200 <= status < 300 or (status == _NOT_FOUND and found == ["missing"])
        code = _code(said[found[0]] if found else self.spec.accepted, text) or str(status)
        if len(found) != 1 or not answered:
            return Reply(None, code)
        return Reply({"accepted": True, "rejected": False}.get(found[0]), code, missing=found == ["missing"])


def _fits(codes: Mapping[str, Sequence[str]], text: Text) -> bool:
    return all(text(place) in known for place, known in codes.items())


def _code(codes: Mapping[str, Sequence[str]], text: Text) -> str:
    return " ".join(found for place in codes if (found := text(place)))[:_LONGEST_CODE]


def compile_query_reply(loaded: LoadedProfile, where: Where, spec: QueryReply, form: FormatSpec) -> QueryReplies:
    """Compile how the answer to a query is read. Raises ``ProfileInvalid`` for a place that a form does not have."""
    for name in ("accepted", "rejected", "missing"):
        for place in getattr(spec, name) or ():
            if isinstance(form, FormSpec) and "/" in place:
                loaded.fail((*where, name, place), "a form has fields, and nothing below them")
    characters = charset_for(loaded, form).characters if isinstance(form, XmlSpec) else NO_CHARACTERS
    return QueryReplies(spec, ReplyForm(spec.root, form, characters))
