"""Converters of codes: tables, yes and no, texts with a meaning of their own, fixed values."""

from collections.abc import Callable, Mapping, Sequence

from xinqiao.finding import Text
from xinqiao_adapters.mapping.converters import ONLY, Converter, Scalar, Unfit, text_of
from xinqiao_adapters.mapping.shapes import Kind

__all__ = [
    "boolean",
    "codes",
    "fixed",
    "only",
]

_ANY_KIND: frozenset[Kind] = frozenset(
    {"text", "date", "datetime", "decimal", "integer", "boolean", "enum", "month", "time", "count"}
)


class _Table(dict[object, Scalar]):
    """A table whose misses are ``Unfit``; a hit costs what a dict costs."""

    def __missing__(self, key: object) -> Scalar:
        if isinstance(key, str) and key != key.strip():
            return self[key.strip()]
        raise Unfit


def _choice(
    rule: str, fits: frozenset[Kind], inward: Mapping[str, Scalar], write: Callable[[Scalar], str]
) -> Converter:
    known = list(dict.fromkeys(str(value) for value in inward.values()))
    if not inward:
        empty = Text("代码表为空，请补全代码表", "a code of a table that is empty: complete the table")
        return Converter(rule, fits, _Table(inward).__getitem__, write, empty, empty)
    shown, names = (items[:12] + ["…"] * (len(items) > 12) for items in (list(inward), known))
    return Converter(
        rule,
        fits,
        _Table(inward).__getitem__,
        write,
        Text(f"代码 {'、'.join(shown)}", f"one of the codes {', '.join(shown)}"),
        Text(f"{'、'.join(names)} 之一", f"one of {', '.join(names)}"),
        table={code: str(value) for code, value in inward.items()},
    )


def codes(values: Mapping[str, str], send: Mapping[str, str]) -> Converter:
    """Return the pair for a code table (partner's code → value of the standard).

    Raises ``ValueError`` where two codes mean the same and ``send`` does not say which one goes out.
    """
    outward: dict[str, str] = {}
    for code, value in values.items():
        if value in outward and value not in send:
            raise ValueError(f"{outward[value]} and {code} both mean {value}: name the one to send under send")
        outward[value] = code
    for value, code in send.items():
        if values.get(code) != value:
            raise ValueError(f"send: {code} does not mean {value}")
        outward[value] = code

    def write(value: Scalar) -> str:
        code = outward.get(text_of(value))
        if code is None:
            raise Unfit
        return code

    return _choice("mapping.code", frozenset({"enum", "text"}), dict(values), write)


def only(values: Mapping[str, Scalar]) -> Converter:
    """Return the pair for texts that mean something of their own (``1000Y``: for life); all others say nothing of it.

    Of several texts that mean the same the first goes out.
    """
    outward: dict[tuple[type, Scalar], str] = {}
    for text, value in values.items():
        outward.setdefault((type(value), value), text)

    def write(value: Scalar) -> str:
        text = outward.get((type(value), value))
        if text is None:
            raise Unfit
        return text

    held = "、".join(str(value) for value in values.values())
    return Converter(
        ONLY,
        _ANY_KIND,
        lambda text: values.get(text.strip()),
        write,
        Text("任意文本", "any text"),
        Text(f"{held} 之一", f"one of {held}"),
        table={text: str(value) for text, value in values.items()},
    )


def boolean(yes: Sequence[str], no: Sequence[str]) -> Converter:
    """Return the pair for codes that say true and false; of several the first goes out.

    Raises ``ValueError`` where one says both, or none says one.
    """
    if not yes or not no or set(yes) & set(no):
        raise ValueError("true and false need different codes")

    def write(value: Scalar) -> str:
        if not isinstance(value, bool):
            raise Unfit
        return yes[0] if value else no[0]

    meanings = dict.fromkeys(yes, True) | dict.fromkeys(no, False)
    return _choice("mapping.boolean", frozenset({"boolean"}), meanings, write)


def fixed(value: str) -> Converter:
    """Return the pair for a value of the partner's own that is always the same, such as a transaction code."""

    def read(text: str) -> str:
        if text.strip() != value:
            raise Unfit
        return value

    said = Text(f"固定值 {value}", f"always {value}")
    return Converter("mapping.fixed", frozenset(), read, lambda _: value, said, said)
