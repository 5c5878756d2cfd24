"""A partner's document as a tree of names, the samples of one interface laid over one another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from xinqiao_adapters.formats.xml.document import XmlDocument

__all__ = ["About", "Node", "json_tree", "xml_tree"]

# As many different values of a leaf as say something.
_MOST_VALUES = 40


@dataclass(frozen=True, slots=True)
class About:
    """What the partner's field table says of a field; ``codes`` are its values and what they mean."""

    title: str = ""
    type: str = ""
    length: str = ""
    required: bool | None = None
    remark: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Node:
    """A place in a document: its step of a path, what stands in it, and whether it repeats there."""

    name: str
    parent: "Node | None" = None
    children: "dict[str, Node]" = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    holds_text: bool = False
    repeats: bool = False
    about: About = About()

    def child(self, name: str) -> "Node":
        """Return the child of a name, made where it is not there yet."""
        if name not in self.children:
            self.children[name] = Node(name, self)
        return self.children[name]

    def say(self, text: str) -> None:
        """Add a value that was seen; a blank one says only that there is a leaf."""
        self.holds_text = True
        text = text.strip()
        if text and text not in self.texts and len(self.texts) < _MOST_VALUES:
            self.texts.append(text)

    def path_from(self, above: "Node") -> str:
        """Return the path from a node above."""
        steps: list[str] = []
        node: Node | None = self
        while node is not None and node is not above:
            steps.append(node.name)
            node = node.parent
        return "/".join(reversed(steps))

    def walk(self) -> "Iterator[Node]":
        """Yield all nodes below, in order of the document."""
        for each in self.children.values():
            yield each
            yield from each.walk()


def xml_tree(root: XmlDocument, into: Node, prefixes: Mapping[str, str]) -> Node:
    """Lay an element's content over a tree; ``prefixes`` are those of namespaces that paths must name."""
    seen: dict[str, int] = {}
    for name, text in root.attrib.items():
        into.child(f"@{_step(str(name), prefixes, '')}").say(str(text))
    own = etree.QName(root).namespace or ""
    for element in root.iterchildren(etree.Element):
        step = _step(str(element.tag), prefixes, own)
        child = into.child(step)
        seen[step] = seen.get(step, 0) + 1
        xml_tree(element, child, prefixes)
        if len(element) == 0:
            child.say(element.text or "")
    for step, count in seen.items():
        into.children[step].repeats |= count > 1
    if len(seen) == 1 and _is_list_of(into.name, next(iter(seen))):
        into.children[next(iter(seen))].repeats = True
    return into


def _step(tag: str, prefixes: Mapping[str, str], around: str) -> str:
    """Return a step; one in the namespace around it needs no prefix."""
    name = etree.QName(tag)
    space = name.namespace or ""
    return name.localname if space in ("", around) else f"{prefixes[space]}:{name.localname}"


def _is_list_of(outer: str, inner: str) -> bool:
    """Whether an element is a list of the one below by its name: ``AddrList/Addr``, ``Beneficiaries/Beneficiary``."""
    outer, inner = outer.rpartition(":")[2].lower(), inner.rpartition(":")[2].lower()
    return outer.startswith(inner[:-1]) and outer[len(inner) - 1 :] in {
        f"{inner[-1]}{ending}" for ending in ("s", "es", "list", "lst", "_list", "array", "set")
    } | {"ies"}


def json_tree(value: object, into: Node) -> Node:
    """Lay a JSON value over a tree; a list makes its node one that repeats."""
    if isinstance(value, dict):
        for name, part in value.items():
            json_tree(part, into.child(name))
    elif isinstance(value, list):
        into.repeats = True
        for item in value:
            json_tree(item, into)
    elif value is not None:
        into.say(str(value).lower() if isinstance(value, bool) else str(value))
    else:
        into.say("")
    return into
