"""Texts of people in which values stand after labels: ``产品代码：XT001 单位净值：1.0234``, as in the body of a mail.

Values are found by their labels and never by their lines. A value ends with its line, before a tab (the next cell of a
table that was made a text), or before the next label that the profile knows. All other words say nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import zip_longest

from xinqiao.errors import ProfileInvalid, WrongEncoding
from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.encoding import Charset, charset_for, charset_of, codec_of
from xinqiao_adapters.formats.findings import refused
from xinqiao_adapters.formats.spec import Label, LabelsSpec
from xinqiao_adapters.formats.table.header import key_of
from xinqiao_adapters.formats.tree_access import TreeAccess
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Clean, kept, trimmed
from xinqiao_adapters.mapping.plan import Leaf, Plan, Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import Interface

__all__ = ["LabelsFormat", "labels_format"]

_TEXT_TYPES = ("", "application/octet-stream", "text/plain")
_BLANKS = r"[^\S\t\r\n]*"
# What people put after a value, before the next label or at the end of a line.
_AFTER = "，,；;、。|"
_LINE_BREAKS = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_ONE = Text("只保留一处，或使两处一致", "keep one of them, or let them agree")
_ADD = Text("补上该标签及其值", "add the label with its value")


def labels_format(loaded: LoadedProfile, name: str, interface: Interface) -> "LabelsFormat":
    """Make the format of an interface. Raises ``ProfileInvalid`` for a label that two values share, and for records."""
    spec = interface.format
    assert isinstance(spec, LabelsSpec)  # noqa: S101 -- chosen by kind
    where = ("interfaces", name, "format", "labels")
    if interface.records is not None:
        loaded.fail(("interfaces", name), "a text with labels is one message: it has no records")
    seen: dict[str, str] = {}
    for each, said in spec.labels.items():
        for label in _written(each, said):
            key = key_of(label)
            if not key:
                loaded.fail((*where, each), f"{label!r} is no label")
            if seen.setdefault(key, each) != each:
                loaded.fail(where, f"{label} is a label of {seen[key]} and of {each}: which one is meant is a guess")
    return LabelsFormat(spec.labels, charset_for(loaded, spec), trimmed if spec.trim else kept)


def _written(name: str, label: Label) -> list[str]:
    return label.labels or [name]


class LabelsFormat:
    """One interface's text. Its tree is ``{name: text}``, by the names of the profile's labels."""

    kind = "labels"

    def __init__(self, labels: Mapping[str, Label], charset: Charset, clean: Clean = trimmed) -> None:
        self.labels = labels
        self.charset = charset
        self.content_type = f"text/plain; charset={charset.name}"
        self._names = {key_of(label): name for name, each in labels.items() for label in _written(name, each)}
        self._pattern = _pattern_of(self._names)
        room = Text("单行文字，不含标签", "one line, without labels in it")
        self.access = TreeAccess(clean, self._holds, room)

    def takes(self, content_type: str) -> bool:
        """Whether a content type is that of texts, or says nothing."""
        return content_type.partition(";")[0].strip().lower() in _TEXT_TYPES

    def begins(self, head: bytes) -> bool:
        """Whether bytes are a text in which a label has a value."""
        text = head.decode(self.charset.codec, "replace")
        return "\0" not in text and any(value for _, value in self._pairs(text))

    def parse(self, raw: bytes, content_type: str = "") -> dict[str, str]:
        """Return the values that have a label.

        Raises ``WrongEncoding``, and ``ContentRefused`` for a text without labels, without one that is required, or
        with a label that has two values.
        """
        said = charset_of(content_type)
        if said is not None and codec_of(said) != self.charset.codec:
            raise WrongEncoding(f"the content type says {said[:40]}, the profile says {self.charset.name}")
        mark = self.charset.mark(raw[:4])
        values: dict[str, str] = {}
        for name, value in self._pairs(self.charset.decode(raw[mark:], mark)):
            if value and values.setdefault(name, value) != value:
                text = Text(f"“{name}”出现两次且值不同", f"{name} is there twice with different values")
                raise refused("format.label", name, text, fix=_ONE)
        self._check(values)
        return values

    def _check(self, values: Mapping[str, str]) -> None:
        if not values:
            known = ", ".join(self.labels)
            # The rule says that the text may be another interface's.
            nothing = Text("文中没有约定的标签", "none of the labels stands in the text")
            raise refused("format.header", "/", nothing, expected=known, fix=_ADD)
        for name, label in self.labels.items():
            if label.required and name not in values:
                raise refused("format.label", name, Text(f"文中缺少“{name}”", f"the text lacks {name}"), fix=_ADD)

    def _pairs(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield each label that is found, by its name, with its value."""
        for line in _LINE_BREAKS.split(text):
            found = list(self._pattern.finditer(line))
            for each, after in zip_longest(found, found[1:]):
                value = (
                    line[each.end() : after.start() if after else None]
                    .partition("\t")[0]
                    .strip()
                    .rstrip(_AFTER)
                    .rstrip()
                )
                # A label beside a label is a row of headings.
                yield self._names[key_of(each[1])], "" if key_of(value) in self._names else value

    def _holds(self, text: str) -> bool:
        """Whether a value reads back as it is written."""
        first = next(iter(self._names.items()))
        return self.charset.holds(text) and list(self._pairs(f"{first[0]}：{text}")) == [(first[1], text)]

    def is_root(self, root: dict[str, str]) -> bool:  # noqa: ARG002 -- the format's shape
        """Say yes: a text without the labels is refused before."""
        return True

    def root_name(self, root: dict[str, str]) -> str:
        """Return the labels that are there."""
        return ", ".join(list(root)[:5])

    def located(self, plan: Plan) -> Plan:
        """Return the plan as it is. Raises ``ProfileInvalid`` for a row that is no label, such as a list."""
        for row in plan.rows:
            sources = row.sources if isinstance(row, Leaf) else (row.source,)
            if not isinstance(row, Leaf):
                raise ProfileInvalid(f"{row.mark}: a text with labels has no lists")
            try:
                for each in sources:
                    self.path(each)
            except ValueError as error:
                raise ProfileInvalid(f"{row.mark}: {error}") from error
        return plan

    def path(self, path: Source, base: Source = ()) -> Source:  # noqa: ARG002 -- the format's shape
        """Return the path as it is. Raises ``ValueError`` for one that is no label."""
        if len(path) != 1 or path[0] not in self.labels:
            raise ValueError(f"{'/'.join(path)}: no such label; known: {', '.join(self.labels)}")
        return path

    def findings(self, root: dict[str, str], readings: Callable[[], Iterable[Reading]]) -> list[Finding]:  # noqa: ARG002
        """Return nothing: a text has no rules of its own."""
        return []

    def write(self, document: dict[str, str]) -> bytes:
        """Return a line for each value, after its first label."""
        lines = (f"{_written(name, self.labels[name])[0]}：{text}\n" for name, text in document.items() if text)
        return self.charset.encode("".join(lines))


def _pattern_of(keys: Iterable[str]) -> re.Pattern[str]:
    """Return what finds a label and the colon, or the end of its cell, after it; the longest label first.

    A label begins a word: 单位净值 is not found in 累计单位净值.
    """
    labels = "|".join(_loose(key) for key in sorted(keys, key=len, reverse=True))
    return re.compile(rf"(?<!\w)({labels})\*?{_BLANKS}(?:[:：]|\t)")


def _loose(key: str) -> str:
    """Return the pattern of a label whose blanks and width of characters do not matter."""
    return _BLANKS.join(f"[{re.escape(each)}{re.escape(_wide(each))}]" for each in key)


def _wide(character: str) -> str:
    return chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character
