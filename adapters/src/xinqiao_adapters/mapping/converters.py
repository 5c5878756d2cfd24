"""Converters, in pairs: ``read`` turns the partner's text into a canonical value, ``write`` turns it back.

Both raise ``Unfit`` where the other side cannot hold the value: nothing is cut or rounded. A pair is a lens:
``read(write(v))`` is ``v`` up to the standard's own spellings (``10`` and ``10.00``), ``write(read(t))`` is
``t`` up to the format's (leading zeros, and codes that mean the same).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from xinqiao.finding import Text
from xinqiao_adapters.mapping.shapes import Kind

__all__ = [
    "ONLY",
    "TEXT",
    "Converter",
    "Misshapen",
    "Scalar",
    "Unfit",
    "text_of",
]

Scalar = str | int | bool
# The rule of texts that say nothing of a field but a few values of it.
ONLY = "mapping.only"


class Unfit(ValueError):
    """A value that the other side cannot hold. Carries no value: what is said about it is masked elsewhere."""


class Misshapen(Unfit):
    """A node of another structure than its row expects: ``said`` is what is wrong with the node.

    ``depth`` is how many steps of the row's path lead to it; None is all of them.
    """

    def __init__(self, said: Text, node: object = None, depth: int | None = None) -> None:
        self.said = said
        self.node = node
        self.depth = depth
        super().__init__(said.en)


@dataclass(frozen=True)
class Converter:
    """A pair, the kinds of field it fits, and what it expects of the partner's text and of the canonical value.

    ``read`` gives None for a text that says nothing of the field. ``plain`` says that what ``write`` gives never needs
    escaping. ``rule`` is the id of the finding.
    """

    rule: str
    fits: frozenset[Kind]
    read: Callable[[str], Scalar | None]
    write: Callable[[Scalar], str]
    expects: Text
    holds: Text
    plain: bool = False
    table: Mapping[str, str] = field(default_factory=dict)


def text_of(value: Scalar) -> str:
    """Return a value that is a text. Raises ``Unfit`` for another."""
    if not isinstance(value, str):
        raise Unfit
    return value


_ANY_TEXT: frozenset[Kind] = frozenset({"text", "month", "time", "count"})
TEXT = Converter("mapping.text", _ANY_TEXT, str, text_of, Text("文本", "a text"), Text("文本", "a text"))
