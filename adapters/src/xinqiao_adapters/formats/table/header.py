"""Labels of tables as people write them, and the header row that they are found in.

Blanks, line feeds, the width of characters, a colon at the end and the asterisk of a required field do not matter.
Of two header rows the upper label holds to the right until the next one: ``成本`` over ``金额`` and ``占比`` gives
``成本·金额`` and ``成本·占比``; a label with nothing below it stands for itself.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xinqiao.finding import Text
from xinqiao_adapters.formats.findings import refused
from xinqiao_adapters.formats.spec import Column, TableSpec

__all__ = ["Header", "header_of", "key_of", "labels_of", "missing_columns", "split_label"]

_BETWEEN = "·"


@dataclass(frozen=True, slots=True)
class Header:
    """The name of each cell of a row, and the place of each known column.

    A known column has its name of the profile; another one its own label, ``#5`` where it has none.
    """

    names: tuple[str, ...]
    places: Mapping[str, int]


def key_of(label: str) -> str:
    """Return a label as it is compared."""
    return "".join(unicodedata.normalize("NFKC", label).split()).strip("*").removesuffix(":").strip("*")


def labels_of(name: str, column: Column) -> list[str]:
    """Return the labels of a column or value; the first one is written."""
    return column.labels or [name]


def split_label(text: str) -> tuple[str, str]:
    """Return the key of what stands before a text's first colon, and what follows it; two empty texts without one."""
    at = next((place for place, character in enumerate(text) if character in ":："), None)
    return ("", "") if at is None else (key_of(text[:at]), text[at + 1 :].strip())


def header_of(spec: TableSpec, cells: Sequence[str], above: Sequence[str] | None = None) -> Header | None:
    """Return the header that a row is, below another row of labels where ``above`` is given; None where it is none.

    Raises ``ContentRefused`` where a column of the profile stands there twice.
    """
    labels = list(cells) if above is None else list(_joined(above, cells))
    places: dict[str, list[int]] = {}
    by_key = _by_key(spec)
    for place, label in enumerate(labels):
        name = by_key.get(key_of(label)) if label else None
        if name is not None:
            places.setdefault(name, []).append(place)
    if any(name not in places and not column.optional for name, column in spec.columns.items()):
        return None
    _refuse_twice(places)
    only = {name: first for name, (first, *_) in places.items()}
    return Header(_names(labels, only), only)


def missing_columns(spec: TableSpec, rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the columns that the row most like a header lacks."""
    by_key = _by_key(spec)
    wanted = [name for name, column in spec.columns.items() if not column.optional]
    found = [{by_key.get(key_of(cell)) for cell in cells} for cells in rows]
    return min(([name for name in wanted if name not in each] for each in found), key=len, default=wanted)


def _by_key(spec: TableSpec) -> dict[str, str]:
    return {key_of(label): name for name, column in spec.columns.items() for label in labels_of(name, column)}


def _joined(above: Sequence[str], below: Sequence[str]) -> Iterator[str]:
    """Yield the labels of two rows, one over the other."""
    group = ""
    for place in range(max(len(above), len(below))):
        over = above[place].strip() if place < len(above) else ""
        under = below[place].strip() if place < len(below) else ""
        group = over or group
        yield f"{group}{_BETWEEN}{under}" if group and under else over or under


def _refuse_twice(places: Mapping[str, Sequence[int]]) -> None:
    for name, found in places.items():
        if len(found) > 1:
            columns = "、".join(str(place + 1) for place in found)
            said = Text(
                f"列“{name}”出现多次（第 {columns} 列）",
                f"the column {name} is there more than once (columns {columns.replace('、', ', ')})",
            )
            raise refused("format.header", name, said, fix=Text("每列只保留一次", "give each column once"))


def _names(labels: Sequence[str], places: Mapping[str, int]) -> tuple[str, ...]:
    known = {place: name for name, place in places.items()}
    taken = set(places)
    names = []
    for place, raw in enumerate(labels):
        name = known.get(place)
        if name is None:
            label = " ".join(raw.split())
            name = label if label and label not in taken else f"#{place + 1}"
            while name in taken:
                name += "#"
            taken.add(name)
        names.append(name)
    return tuple(names)
