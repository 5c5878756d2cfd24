"""Dicts and lists for the mapping engine: JSON, forms, and the fields of flat records."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import orjson

from xinqiao.finding import Text
from xinqiao_adapters.formats.json.strict import scalar_text
from xinqiao_adapters.mapping.access import Clean, Node, trimmed
from xinqiao_adapters.mapping.code import Code
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.plan import Leaf, Repeat, Source
from xinqiao_adapters.mapping.tree import PartnerNode

__all__ = ["TreeAccess"]

# What goes out as a number where numbers are asked for; a Fragment keeps every digit.
_OF_NUMBERS = frozenset({"mapping.amount", "mapping.decimal", "mapping.integer"})
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


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


def _every(text: str) -> bool:  # noqa: ARG001 -- the shape of ``holds``
    return True


def _number(text: str) -> orjson.Fragment | str:
    return orjson.Fragment(text) if _NUMBER.fullmatch(text) else text


class TreeAccess:
    """Access to dicts by key. There are no attributes: no plan with one comes here.

    ``holds`` says whether the format can carry a text; a text that it cannot is refused on the way out. ``room`` says
    to people what fits, where that is less than any text. ``numbers`` says that numbers go out as those of JSON.
    """

    def __init__(
        self,
        clean: Clean = trimmed,
        holds: Callable[[str], bool] = _every,
        room: Text | None = None,
        *,
        numbers: bool = False,
    ) -> None:
        self._clean = clean
        self._numbers = numbers
        self._carries = holds
        self._room = room

    def constants(self) -> Mapping[str, object]:
        """Return the helpers of the generated code."""
        return {
            "fields": _fields,
            "only": _only,
            "items": _items,
            "text": self.node_text,
            "held": _holder(self._holds),
            "number": _number,
        }

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

    def outgoing(self, leaf: Leaf, value: str) -> str:
        """Return the value, asked whether the format holds it where it may not; a number where those are asked for."""
        if self._numbers and leaf.converter.rule in _OF_NUMBERS and leaf.join is None and leaf.share is None:
            return f"number({value})"
        return value if leaf.converter.plain else f"held({value})"

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
        only_fixed = len(late) == len(tree.order)
        if late:
            fixed = ", ".join(f"{step!r}: {value}" for step, value in late)
            code.line(f"{'' if only_fixed else f'if {made}: '}{made} = {{{fixed}, **{made}}}")
        return made, only_fixed

    def node_children(self, node: Node, step: str) -> list[Node]:
        """Return the value of a key, or the items of its list."""
        return _items(_fields(node).get(step))

    def node_text(self, node: Node) -> str | None:
        """Return a scalar as text."""
        return self._clean(_scalar(node))

    def node_attribute(self, node: Node, name: str) -> str | None:  # noqa: ARG002
        """Return what no dict has."""
        return None

    def holds(self, text: str, source: Source) -> bool:  # noqa: ARG002 -- every place takes the same
        """Whether the format can carry a text."""
        return self._holds(text)

    def _holds(self, text: str) -> bool:
        """Whether the format can carry a text, and reading gives its blanks back."""
        return self._clean(text) == text and self._carries(text)

    def capacity(self, source: Source) -> Text | None:  # noqa: ARG002 -- every place takes the same
        """Return what fits anywhere."""
        return self._room

    def line(self, node: Node) -> int | None:  # noqa: ARG002
        """Return nothing: parsed trees keep no lines."""
        return None

    def leaves(self, node: Node) -> Iterator[tuple[tuple[tuple[str, int], ...], str]]:
        """Yield every scalar."""
        yield from _leaves(node, ())

    def shown(self, steps: Iterable[str]) -> str:
        """Return a path of keys."""
        return "/".join(steps)


def _holder(holds: Callable[[str], bool]) -> Callable[[str], str]:
    def held(text: str) -> str:
        if not holds(text):
            raise Unfit
        return text

    return held


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
