"""XML for the mapping engine: reads lxml elements, writes markup.

Steps are Clark names (``{namespace}Name``); ``@name`` is an attribute. A private-use character means nothing in the
standard and is written nowhere.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lxml import etree

from xinqiao.errors import ProfileInvalid
from xinqiao.finding import Text
from xinqiao_adapters.mapping.access import NESTED, Clean, trimmed
from xinqiao_adapters.mapping.code import Code, Part, literal, template
from xinqiao_adapters.mapping.converters import Misshapen, Unfit
from xinqiao_adapters.mapping.plan import Leaf, Repeat, Source
from xinqiao_adapters.mapping.tree import PartnerNode

__all__ = ["XmlAccess"]

_UNCARRIED = r"\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\uf8ff\ufffe\uffff\U000f0000-\U0010ffff"
_SPECIAL = re.compile(rf"[&<>\"\t\n\r]|[{_UNCARRIED}]").search
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_TABLE = str.maketrans(_ESCAPES)


def _children(node: etree._Element, once: frozenset[str]) -> dict[Any, etree._Element]:
    """Return children by tag, of which those in ``once`` may not repeat."""
    found = {child.tag: child for child in node}
    if len(found) < len(node):
        tags = [child.tag for child in node if child.tag in once]
        if len(tags) > len(set(tags)):
            raise Unfit
    return found


def _text_reader(clean: Clean) -> Callable[[etree._Element], str | None]:
    def read(node: etree._Element) -> str | None:
        if len(node):
            raise Unfit
        text = node.text
        return clean(text) if text else None

    return read


def _writer(clean: Clean) -> Callable[[str], str]:
    def write(text: str) -> str:
        if clean(text) != text:
            raise Unfit  # reading would not give its blanks back
        return _escaped(text)

    return write


def _escaped(text: str) -> str:
    found = _SPECIAL(text)
    if found is None:
        return text
    if any(_SPECIAL(each) and each not in _ESCAPES for each in text):
        raise Unfit  # a character that XML cannot carry
    return text.translate(_TABLE)


class XmlAccess:
    """Access to elements; ``root`` is the Clark name of the document's element, ``prefixes`` go by namespace.

    With ``siblings`` the root is one of several elements side by side, and every path starts with one of them.
    """

    def __init__(self, root: str, prefixes: Mapping[str, str], clean: Clean = trimmed, siblings: bool = False) -> None:
        self.root = root
        self.prefixes = prefixes
        self.siblings = siblings
        self._clean = clean

    # --- source code ---

    def constants(self) -> Mapping[str, object]:
        """Return the helpers of the generated code."""
        return {
            "escaped": _writer(self._clean),
            "children": _children,
            "clean": self._clean,
            "text": _text_reader(self._clean),
        }

    def children(self, node: str, once: str) -> str:
        """Return children by tag."""
        return f"children({node}, {once})"

    def child(self, children: str, step: str) -> str:
        """Return the child with a tag."""
        return f"{children}.get({step!r})"

    def text(self, node: str) -> str:
        """Return the text of an element without children."""
        return f"text({node})"

    def attribute(self, node: str, name: str) -> str:
        """Return an attribute."""
        return f"clean({node}.get({name!r}))"

    def items(self, node: str, step: str) -> str:
        """Return all children with a tag."""
        return f"{node}.iterchildren({step!r})"

    def outgoing(self, leaf: Leaf, value: str) -> str:
        """Return the value with markup escaped, where it may hold any."""
        return value if leaf.converter.plain else f"escaped({value})"

    def outgoing_items(self, repeat: Repeat, items: str, item: str) -> str:
        """Return the markup of all items in one text."""
        if repeat.scalar:
            tag = self._name(repeat.source[-1])
            return _joined(tag, items, item)
        return f"''.join([{item} for i in {items}])"

    def written(self, code: Code, root: PartnerNode, names: Mapping[int, str], step: str | None) -> str:
        """Return the markup of a node as text."""
        writer = _Writer(self, code, names)
        if step is not None:
            return template(writer.parts(root, self._name(step), ""))
        declared = "".join(
            f' xmlns:{prefix}="{_escaped(uri)}"' if prefix else f' xmlns="{_escaped(uri)}"'
            for uri, prefix in self.prefixes.items()
        )
        if self.siblings:
            return template(writer.side_by_side(root, declared))
        return template(writer.parts(root, self._name(self.root), declared))

    def _name(self, step: str) -> str:
        uri, _, local = step.rpartition("}")
        prefix = self.prefixes.get(uri[1:], "") if uri else ""
        return f"{prefix}:{local}" if prefix else local

    # --- at once ---

    def node_children(self, node: etree._Element, step: str) -> list[etree._Element]:
        """Return the children with a tag."""
        return list(node.iterchildren(step))

    def node_text(self, node: etree._Element) -> str | None:
        """Return the text of an element without children."""
        if len(node):
            raise Misshapen(NESTED, node)
        return self._clean(node.text)

    def node_attribute(self, node: etree._Element, name: str) -> str | None:
        """Return an attribute."""
        return self._clean(node.get(name))

    def holds(self, text: str, source: Source) -> bool:  # noqa: ARG002 -- every place takes the same
        """Whether XML 1.0 has every character of a text, and reading gives its blanks back."""
        return self._clean(text) == text and not any(_SPECIAL(each) and each not in _ESCAPES for each in text)

    def capacity(self, source: Source) -> Text | None:  # noqa: ARG002 -- any length fits
        """Return nothing: the format limits no text."""
        return None

    def line(self, node: etree._Element) -> int | None:
        """Return the line on which an element starts."""
        line: Any = node.sourceline
        return int(line) if line else None

    def leaves(self, node: etree._Element) -> Iterator[tuple[tuple[tuple[str, int], ...], str]]:
        """Yield texts and attributes; text that stands between elements counts as its parent's."""
        yield from _leaves(node, ())

    def shown(self, steps: Iterable[str]) -> str:
        """Return a path of local names."""
        return "/".join("@" * step.startswith("@") + step.rpartition("}")[2].lstrip("@") for step in steps)


def _constant(leaf: Leaf) -> str:
    try:
        return _escaped(str(leaf.constant))
    except Unfit as error:
        raise ProfileInvalid(f"{leaf.mark}: the constant holds a character that XML cannot carry") from error


def _joined(tag: str, items: str, item: str) -> str:
    """Return an expression for a list of elements that hold text only."""
    element = template([literal(f"<{tag}>"), (False, "x"), literal(f"</{tag}>")])
    return f"''.join([{element} for x in [{item} for i in {items}]])"


def _leaves(
    node: etree._Element, trail: tuple[tuple[str, int], ...]
) -> Iterator[tuple[tuple[tuple[str, int], ...], str]]:
    for name, value in node.attrib.items():
        yield (*trail, (f"@{name!s}", 0)), str(value)
    children = list(node.iterchildren("*"))
    texts = [node.text, *(child.tail for child in children)]
    text = " ".join(each.strip() for each in texts if each and each.strip())
    if text:
        yield trail, text
    seen: dict[str, int] = {}
    for child in children:
        tag = str(child.tag)
        place = seen.get(tag, 0)
        seen[tag] = place + 1
        yield from _leaves(child, (*trail, (tag, place)))


class _Writer:
    """Turns a tree of rows into expressions for markup; empty elements are left out."""

    def __init__(self, access: XmlAccess, code: Code, names: Mapping[int, str]) -> None:
        self.access = access
        self.code = code
        self.names = names

    def parts(self, tree: PartnerNode, name: str, declared: str) -> list[Part]:
        """Return the parts of an element that is always written."""
        return self._element(tree, name, declared)[0]

    def side_by_side(self, tree: PartnerNode, declared: str) -> list[Part]:
        """Return the parts of elements that no other stands around."""
        return [
            part
            for step in tree.order
            if step in tree.children
            for part in self._child(tree.children[step], self.access._name(step), [], declared)
        ]

    def _element(self, tree: PartnerNode, name: str, declared: str) -> tuple[list[Part], list[str]]:
        """Return the parts of an element and the variables of which one must be something for it to be there."""
        needed: list[str] = []
        start: list[Part] = [literal(f"<{name}{declared}")]
        for attribute, leaves in tree.attributes.items():
            for leaf in leaves:
                start += self._attribute(self.access._name(attribute), leaf, needed)
        inside: list[Part] = []
        for leaf in tree.text:
            inside += self._text(leaf, needed)
        for step in tree.order:
            if step in tree.children:
                inside += self._child(tree.children[step], self.access._name(step), needed)
            for repeat in tree.repeats.get(step, ()):
                value = self.names[id(repeat)]
                inside.append((False, value))
                needed.append(value)
        return [*start, literal(">"), *inside, literal(f"</{name}>")], needed

    def _attribute(self, name: str, leaf: Leaf, needed: list[str]) -> list[Part]:
        if leaf.target is None:
            return [literal(f' {name}="{_constant(leaf)}"')]
        value = self.names[id(leaf)]
        written = self.code.fresh("a")
        whole = template([literal(f' {name}="'), (False, value), literal('"')])
        self.code.line(f"{written} = '' if {value} is None else {whole}")
        needed.append(written)
        return [(False, written)]

    def _text(self, leaf: Leaf, needed: list[str]) -> list[Part]:
        if leaf.target is None:
            return [literal(_constant(leaf))]
        value = self.names[id(leaf)]
        self.code.line(f"if {value} is None: {value} = ''")
        needed.append(value)
        return [(False, value)]

    def _child(self, tree: PartnerNode, name: str, needed: list[str], declared: str = "") -> list[Part]:
        parts, inner = self._element(tree, name, declared)
        if not inner:
            return parts  # a fixed value: there whenever its parent is
        written = self.code.fresh("x")
        self.code.line(f"{written} = {template(parts)} if {' or '.join(inner)} else ''")
        needed.append(written)
        return [(False, written)]
