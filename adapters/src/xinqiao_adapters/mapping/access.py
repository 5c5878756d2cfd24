"""The border between engine and formats: how the nodes of a parsed document are read and written.

A format that parses to elements (XML) or to dicts (JSON; fixed width and CSV later) has one access. Its first
half gives source code to the compiler; its second half reads a node at once, for lineage and findings, where
speed does not matter.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from xinqiao.finding import Text
from xinqiao_adapters.mapping.code import Code
from xinqiao_adapters.mapping.converters import Misshapen, Unfit
from xinqiao_adapters.mapping.plan import Leaf, Repeat, Source
from xinqiao_adapters.mapping.tree import PartnerNode

__all__ = ["NESTED", "TWICE", "Access", "Clean", "Node", "kept", "text_at", "trimmed", "walk"]

# A node of a parsed document: an element, a dict, a scalar. Only its access knows.
Node = Any
# Makes a raw text what the rows read; None where it is blank.
Clean = Callable[[str | None], str | None]

NESTED = Text("此处应为文本，却含有子元素", "a text is expected here, and it holds other elements")
TWICE = Text("此处只应出现一次，却出现多次", "one is expected here, and there are several")


def trimmed(text: str | None) -> str | None:
    """Return a text without blanks (the ideographic space too) around it; None where nothing is left."""
    return (text.strip() or None) if text else None


def kept(text: str | None) -> str | None:
    """Return a text as it is; None where it is blank."""
    return text if text and not text.isspace() else None


class Access(Protocol):
    """How one kind of document is read and written."""

    # --- source code ---

    def constants(self) -> Mapping[str, object]:
        """Return the helpers that the code below refers to."""
        ...

    def children(self, node: str, once: str) -> str:
        """Return an expression for the children of a node, to be asked by ``child``.

        ``once`` names a set of steps; it raises ``Unfit`` where one of them is there more than once.
        """
        ...

    def child(self, children: str, step: str) -> str:
        """Return an expression for the child at a step, or None; raises ``Unfit`` where there are several."""
        ...

    def text(self, node: str) -> str:
        """Return an expression for the text of a node, None where it is blank.

        It raises ``Unfit`` where the node is no leaf.
        """
        ...

    def attribute(self, node: str, name: str) -> str:
        """Return an expression for an attribute of a node, None where it is blank or not there."""
        ...

    def items(self, node: str, step: str) -> str:
        """Return an expression that iterates over all children at a step."""
        ...

    def written(self, code: Code, root: PartnerNode, names: Mapping[int, str], step: str | None) -> str:
        """Add code that builds a node from converted values and return the expression for it.

        ``names`` gives the variable of each row by its ``id``; ``step`` is None for the whole document.
        """
        ...

    def outgoing(self, leaf: Leaf, value: str) -> str:
        """Return an expression that makes a converted value (a variable, never None) fit for the document."""
        ...

    def outgoing_items(self, repeat: Repeat, items: str, item: str) -> str:
        """Return an expression that builds all nodes of a list; ``item`` builds one from the variable ``i``."""
        ...

    # --- at once ---

    def node_children(self, node: Node, step: str) -> list[Node]:
        """Return the children of a node at a step. Raises ``Unfit`` where the node cannot have any."""
        ...

    def node_text(self, node: Node) -> str | None:
        """Return the text of a node, None where it is blank. Raises ``Unfit`` where the node is no leaf."""
        ...

    def node_attribute(self, node: Node, name: str) -> str | None:
        """Return an attribute of a node, None where it is blank or not there."""
        ...

    def holds(self, text: str, source: Source) -> bool:
        """Whether the format can carry a text at a place, whose path is whole."""
        ...

    def capacity(self, source: Source) -> Text | None:
        """Return what fits at a place, for people; None where any text does."""
        ...

    def line(self, node: Node) -> int | None:
        """Return the line of a node in the raw input, where the format knows."""
        ...

    def leaves(self, node: Node) -> Iterator[tuple[tuple[tuple[str, int], ...], str]]:
        """Yield every leaf below a node: its steps, each with its place among its like (from 0), and its text."""
        ...

    def shown(self, steps: Iterable[str]) -> str:
        """Return a partner path as people write it."""
        ...


def walk(access: Access, node: Node, steps: tuple[str, ...]) -> Node:
    """Return the one node at a path below a node, None where it is not there.

    Raises ``Unfit`` where a step is there more than once, or the node can have no children.
    """
    for depth, step in enumerate(steps, start=1):
        if node is None:
            return None
        children = access.node_children(node, step)
        if len(children) > 1:
            raise Misshapen(TWICE, children[1], depth)
        node = children[0] if children else None
    return node


def text_at(access: Access, node: Node, path: tuple[str, ...]) -> str | None:
    """Return the text at a path without blanks around it; None where there is none, or another structure."""
    attribute = path[-1][1:] if path and path[-1].startswith("@") else None
    try:
        found = walk(access, node, path[:-1] if attribute else path)
        if found is None:
            return None
        return trimmed(access.node_attribute(found, attribute) if attribute else access.node_text(found))
    except Unfit:
        return None
