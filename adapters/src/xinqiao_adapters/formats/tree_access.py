"""Dicts and lists for the mapping engine: JSON now, the fields of flat records later."""

from collections.abc import Iterable, Iterator, Mapping

from xinqiao_adapters.formats.strict_json import scalar_text
from xinqiao_adapters.mapping.access import Clean, Node, trimmed
from xinqiao_adapters.mapping.code import Code
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.plan import Leaf, Repeat
from xinqiao_adapters.mapping.tree import PartnerNode

__all__ = ["TreeAccess"]


def _fields(node: Node) -> dict[str, Node]:
    if not isinstance(node, dict):
        raise Unfit
    return node


def _items(node: Node) -> list[Node]:
    """Return the items of a list; a lone item is a list of one, as converters from XML write it."""
    return node if isinstance(node, list) else [] if node is None else [node]


def _only(node: Node) -> Node:
    if not isinstance(node, list):
        return node
    if len(node) > 1:
        raise Unfit
    return node[0] if node else None


def _scalar(node: Node) -> str | None:
    """Return a scalar as the text that was sent."""
    try:
        return scalar_text(node)
    except TypeError as error:
        raise Unfit from error


class TreeAccess:
    """Access to dicts by key. There are no attributes: no plan with one comes here."""

    def __init__(self, clean: Clean = trimmed) -> None:
        self._clean = clean

    def constants(self) -> Mapping[str, object]:
        """Return the helpers of the generated code."""
        return {"fields": _fields, "only": _only, "items": _items, "text": self.node_text}

    def children(self, node: str, once: str) -> str:  # noqa: ARG002 -- keys do not repeat, lists are told by ``child``
        """Return the dict itself."""
        return f"fields({node})"

    def child(self, children: str, step: str) -> str:
        """Return the value of a key, or the one item of its list."""
        return f"only({children}.get({step!r}))"

    def text(self, node: str) -> str:
        """Return a scalar as text."""
        return f"text({node})"

    def attribute(self, node: str, name: str) -> str:  # noqa: ARG002
        """Return what no dict has."""
        return "None"

    def items(self, node: str, step: str) -> str:
        """Return the items of the list at a key."""
        return f"items(fields({node}).get({step!r}))"

    def outgoing(self, leaf: Leaf, value: str) -> str:  # noqa: ARG002 -- the access's shape
        """Return the value: every text fits."""
        return value

    def outgoing_items(self, repeat: Repeat, items: str, item: str) -> str:  # noqa: ARG002
        """Return the list of all items."""
        return f"[{item} for i in {items}]"

    def written(self, code: Code, root: PartnerNode, names: Mapping[int, str], step: str | None) -> str:  # noqa: ARG002
        """Return the variable of a dict; a node with text only is that text."""
        return self._written(code, root, names)[0]

    def _written(self, code: Code, tree: PartnerNode, names: Mapping[int, str]) -> tuple[str, bool]:
        """Return the expression of a node, and whether it holds nothing but fixed values."""
        for leaf in tree.text:
            return (repr(leaf.constant), True) if leaf.target is None else (names[id(leaf)], False)
        made = code.fresh("d")
        code.line(f"{made} = {{}}")
        late: list[tuple[str, str]] = []
        for step in tree.order:
            if step in tree.children:
                value, only_fixed = self._written(code, tree.children[step], names)
                if only_fixed:
                    late.append((step, value))
                else:
                    code.line(f"if {value}: {made}[{step!r}] = {value}")
            for repeat in tree.repeats.get(step, ()):
                code.line(f"if {names[id(repeat)]}: {made}[{step!r}] = {names[id(repeat)]}")
        if late:
            fixed = ", ".join(f"{step!r}: {value}" for step, value in late)
            code.line(f"if {made}: {made} = {{{fixed}, **{made}}}")
        return made, len(late) == len(tree.order)

    def node_children(self, node: Node, step: str) -> list[Node]:
        """Return the value of a key, or the items of its list."""
        return _items(_fields(node).get(step))

    def node_text(self, node: Node) -> str | None:
        """Return a scalar as text."""
        return self._clean(_scalar(node))

    def node_attribute(self, node: Node, name: str) -> str | None:  # noqa: ARG002
        """Return what no dict has."""
        return None

    def holds(self, text: str) -> bool:  # noqa: ARG002 -- the access's shape
        """Say yes: JSON holds every text."""
        return True

    def line(self, node: Node) -> int | None:  # noqa: ARG002
        """Return nothing: parsed JSON keeps no lines."""
        return None

    def leaves(self, node: Node) -> Iterator[tuple[tuple[tuple[str, int], ...], str]]:
        """Yield every scalar."""
        yield from _leaves(node, ())

    def shown(self, steps: Iterable[str]) -> str:
        """Return a path of keys."""
        return "/".join(steps)


def _leaves(node: Node, trail: tuple[tuple[str, int], ...]) -> Iterator[tuple[tuple[tuple[str, int], ...], str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            for place, item in enumerate(value if isinstance(value, list) else [value]):
                yield from _leaves(item, (*trail, (name, place)))
    elif isinstance(node, list):
        for place, item in enumerate(node):
            yield from _leaves(item, (*trail, ("", place)))
    else:
        text = _scalar(node)
        if text:
            yield trail, text
