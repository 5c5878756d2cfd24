"""Tables in samples: CSV and Excel, their header row, what stands before it, and where they end."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from python_calamine import CalamineWorkbook

from xinqiao_adapters.onboarding.sample import Node
from xinqiao_adapters.onboarding.values import is_number
from xinqiao_adapters.onboarding.words import is_chinese

__all__ = ["Rows", "Table", "delimited_rows", "delimiter_of", "sheets", "table_of", "table_tree"]

Rows = list[list[str]]
_DELIMITERS = (",", "|", "\t", ";", "^", "\x01")
# A header stands among so many rows.
_HEADER_WITHIN = 50
_ENDS = re.compile(r"^(合\s*计|总\s*计|小\s*计|制表|复核|备注|说明|注[:：]|total)", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A table: columns by name with their label, values outside it by label, its records, its end, titles above it."""

    columns: dict[str, str]
    labels: dict[str, str]
    records: Rows
    ends: list[str] = field(default_factory=list)
    has_header: bool = True
    titles: tuple[str, ...] = ()


def delimiter_of(text: str) -> str | None:
    """Return what stands between the texts of most lines equally often, None where nothing does."""
    lines = [line for line in text.splitlines() if line.strip()][: 2 * _HEADER_WITHIN]
    best: tuple[int, str] | None = None
    for each in _DELIMITERS if lines else ():
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=each))
        width, often = max(counts.items(), key=lambda item: (item[1], item[0]))
        if width > 1 and often >= 0.5 * len(lines) and (best is None or width > best[0]):
            best = (width, each)
    return best[1] if best else None


def delimited_rows(text: str, delimiter: str) -> Rows:
    """Return the rows of a delimited text, blanks around texts taken away."""
    return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]


def sheets(raw: bytes) -> dict[str, Rows]:
    """Return the sheets of a workbook that hold anything; cells as the texts that people see."""
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(raw))
    found = {name: [[_text(cell) for cell in row] for row in workbook.get_sheet_by_name(name).to_python()]
             for name in workbook.sheet_names}  # fmt: skip
    return {name: rows for name, rows in found.items() if any(any(row) for row in rows)}


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return format(cell, ".15g") if abs(cell) < 1e15 else format(cell, "f")
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).strip()


def table_of(rows: Rows, known: Sequence[str] = (), layouts: Sequence[Sequence[str]] = ()) -> Table | None:
    """Return the table in rows; ``known`` are names and titles of columns from the partner's field tables.

    ``layouts`` are the names of each field table in order: rows without labels are of the one as long as they are.
    """
    at = _header_at(rows, {_key(each) for each in known})
    if at is None:
        return _without_header(rows, layouts)
    header = rows[at]
    places = {place: _name(label) for place, label in enumerate(header) if label}
    records, rest = _records(rows[at + 1 :], max(places) + 1)
    ends = list(dict.fromkeys(row[0] for row in rest[:1] if row and row[0]))
    labels = {label: value for label, value in _outside([*rows[:at], *rest]) if label not in ends}
    columns = {name: header[place] for place, name in places.items()}
    kept = [[row[place] if place < len(row) else "" for place in places] for row in records]
    titles = tuple(cells[0] for row in rows[:at] if len(cells := [cell for cell in row if cell]) == 1)
    return Table(columns, labels, kept, ends, titles=titles)


def _key(label: str) -> str:
    return re.sub(r"[\s*:：]", "", label).lower()


def _name(label: str) -> str:
    """Return a label as the name of a step: without line feeds, and without what paths are divided by."""
    return re.sub(r"\s+", " ", label.strip("*＊ ")).replace("/", "·")


def _header_at(rows: Rows, known: set[str]) -> int | None:
    """Return the row of labels: most cells are known names, or words of which none repeats, above values."""
    widest = max((sum(map(bool, row)) for row in rows), default=0)
    best: tuple[float, int] | None = None
    for at, row in enumerate(rows[:_HEADER_WITHIN]):
        cells = [cell for cell in row if cell]
        if len(cells) < max(2, 0.6 * widest) or len(set(cells)) < 0.9 * len(cells):
            continue
        score = sum(_key(cell) in known for cell in cells) * 2 + sum(map(_is_label, cells))
        if (best is None or score > best[0]) and score >= 0.7 * len(cells):
            best = (score, at)
    return best[1] if best else None


def _is_label(cell: str) -> bool:
    return not is_number(cell) and len(cell) <= 40 and re.fullmatch(r"[\d\s:./-]+", cell) is None and _has_words(cell)


def _has_words(cell: str) -> bool:
    return is_chinese(cell) or re.search("[A-Za-z]{2}", cell) is not None


def _without_header(rows: Rows, layouts: Sequence[Sequence[str]]) -> Table | None:
    width = Counter(len(row) for row in rows if any(row)).most_common(1)
    if not width or width[0][0] < 2:
        return None
    count = width[0][0]
    numbered = [f"C{number}" for number in range(1, count + 1)]
    names = next((list(each) for each in layouts if len(each) == count), numbered)
    return Table({name: name for name in names}, {}, [row for row in rows if len(row) == count], [], False)


def _records(rows: Rows, width: int) -> tuple[Rows, Rows]:
    """Return the rows of the table and those after its end."""
    for at, row in enumerate(rows):
        if not any(row):
            continue
        if row and _ENDS.match(row[0]):
            return [each for each in rows[:at] if any(each)], rows[at:]
        if at and sum(map(bool, row)) <= 2 and width > 4 and not any(is_number(cell) for cell in row[:1]):
            following = [each for each in rows[at:] if sum(map(bool, each)) > 2]
            if not following:
                return [each for each in rows[:at] if any(each)], rows[at:]
    return [row for row in rows if any(row)], []


def _outside(rows: Rows) -> Iterator[tuple[str, str]]:
    """Yield the labels outside a table with their values: ``日期：2026-01-31`` in one cell, or in the next."""
    for row in rows:
        cells = [cell for cell in row if cell]
        skip = False
        for cell, following in zip(cells, [*cells[1:], ""], strict=False):
            label, colon, value = _split(cell)
            if skip:
                skip = False
            elif colon and value:
                yield label, value
            elif following and _has_words(label) and len(cells) % 2 == 0 and not _split(following)[1]:
                yield label, following
                skip = True


def _split(cell: str) -> tuple[str, str, str]:
    match = re.match(r"([^:：]{1,30})([:：])\s*(.*)", cell)
    if match is None or match[1].isdigit():
        return _name(cell), "", ""
    return _name(match[1]), match[2], match[3]


def table_tree(table: Table, into: Node) -> Node:
    """Lay a table over the tree of a record file."""
    for label, value in table.labels.items():
        into.child("File").child(label).say(value)
    record = into.child("Record")
    record.repeats = True
    for name in table.columns:
        record.child(name).holds_text = True
    for row in table.records:
        for name, text in zip(table.columns, row, strict=True):
            record.child(name).say(text)
    return into
