"""Forms (``application/x-www-form-urlencoded``): fields and their texts, each field once."""

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote_plus, unquote_to_bytes

from xinqiao.errors import ContentRefused, DuplicateKey, ProfileInvalid, WrongEncoding
from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.encoding import Charset, charset_for, charset_of, codec_of
from xinqiao_adapters.formats.spec import FormSpec
from xinqiao_adapters.formats.tree_access import TreeAccess
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Clean, kept, trimmed
from xinqiao_adapters.mapping.plan import Leaf, Plan, Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import Interface

__all__ = ["FORM_FIELD", "FormFormat", "form_format"]

_FORM_TYPES = ("", "application/octet-stream", "application/x-www-form-urlencoded")
_BEGIN = re.compile(rb"[A-Za-z0-9_.%~*\-\[\]]+=")
# WHATWG URL §5: everything else is escaped by those that write a form.
FORM_FIELD = re.compile(rb"(?:[\x21-\x24\x27-\x3c\x3e-\x7e]|%[0-9A-Fa-f]{2})*")
_BROKEN = Text("不是合法的表单", "this is no well-formed form")
_ESCAPE = Text("字段间用 &，其余字符按百分号编码", "put & between fields and percent-encode all other characters")


def form_format(loaded: LoadedProfile, name: str, interface: Interface) -> "FormFormat":
    """Make the format of an interface. ``root`` is a field that tells it from others."""
    spec = interface.format
    assert isinstance(spec, FormSpec)  # noqa: S101 -- chosen by kind
    if interface.records is not None:
        loaded.fail(("interfaces", name), "a form is one message: it has no records")
    return FormFormat(spec.root, charset_for(loaded, spec), trimmed if spec.trim else kept)


class FormFormat:
    """One interface's form. Its tree is ``{field: text}``; a field without a text says nothing."""

    kind = "form"
    content_type = "application/x-www-form-urlencoded"

    def __init__(self, root: str | None, charset: Charset, clean: Clean = trimmed) -> None:
        self.root = root
        self.charset = charset
        room = Text(f"限 {charset.name} 字符", f"in characters of {charset.name}")
        self.access = TreeAccess(clean, charset.holds, room)

    def takes(self, content_type: str) -> bool:
        """Whether a content type is that of forms, or says nothing."""
        return content_type.partition(";")[0].strip().lower() in _FORM_TYPES

    def begins(self, head: bytes) -> bool:
        """Whether bytes begin with the name of a field."""
        return _BEGIN.match(head) is not None

    def parse(self, raw: bytes, content_type: str = "") -> dict[str, str]:
        """Return the fields.

        Raises ``WrongEncoding``, ``DuplicateKey``, and ``ContentRefused`` for what is no form.
        """
        said = charset_of(content_type)
        if said is not None and codec_of(said) != self.charset.codec:
            raise WrongEncoding(f"the content type says {said[:40]}, the profile says {self.charset.name}")
        fields: dict[str, str] = {}
        place = 0
        for part in raw.split(b"&"):
            name, equals, value = part.partition(b"=")
            if not (name and equals and FORM_FIELD.fullmatch(name) and FORM_FIELD.fullmatch(value)):
                raise _broken(place, len(part))
            key = self._text(name, place)
            if key in fields:
                raise DuplicateKey(f"byte {place}: the field {key[:60]} comes twice")
            fields[key] = self._text(value, place + len(name) + 1)
            place += len(part) + 1
        return fields

    def _text(self, escaped: bytes, place: int) -> str:
        try:
            return self.charset.decode(unquote_to_bytes(escaped.replace(b"+", b" ")))
        except WrongEncoding as error:
            raise WrongEncoding(f"{error.detail} (of the text that begins at byte {place})") from error

    def is_root(self, root: dict[str, str]) -> bool:
        """Whether the root's field is there."""
        return self.root is None or self.root in root

    def root_name(self, root: dict[str, str]) -> str:
        """Return the form's fields."""
        return ", ".join(list(root)[:5])

    def located(self, plan: Plan) -> Plan:
        """Return the plan as it is.

        Raises ``ProfileInvalid`` for a row that is no field: a list, a path of several steps, an attribute.
        """
        for row in plan.rows:
            sources = row.sources if isinstance(row, Leaf) else (row.source,)
            if not isinstance(row, Leaf) or any(len(each) != 1 or each[0].startswith("@") for each in sources):
                shown = ", ".join("/".join(each) for each in sources)
                raise ProfileInvalid(f"{row.mark}: {shown}: a form has fields, no lists and nothing below them")
        return plan

    def path(self, path: Source, base: Source = ()) -> Source:  # noqa: ARG002 -- the format's shape
        """Return the path as it is. Raises ``ValueError`` for one that is no field."""
        if len(path) != 1 or path[0].startswith("@"):
            raise ValueError(f"{'/'.join(path)}: a form has fields and nothing below them")
        return path

    def findings(self, root: dict[str, str], readings: Callable[[], Iterable[Reading]]) -> list[Finding]:  # noqa: ARG002
        """Return nothing: forms have no rules of their own."""
        return []

    def write(self, document: dict[str, str]) -> bytes:
        """Return the fields in their order, percent-encoded."""
        pairs = ((self._escaped(name), self._escaped(text)) for name, text in document.items())
        return "&".join(f"{name}={text}" for name, text in pairs).encode("ascii")

    def _escaped(self, text: str) -> str:
        return quote_plus(self.charset.encode(text))


def _broken(start: int, length: int) -> ContentRefused:
    place = f"bytes {start}–{start + length}"
    return ContentRefused(place, findings=[Finding("format.form", place, _BROKEN, fix=_ESCAPE, partner_path=place)])
