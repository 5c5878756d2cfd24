"""The rows of a table that goes out: labels before it, header, records, and the totals and labels after it."""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import IO, NamedTuple

from xinqiao.errors import ContentRefused
from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.findings import refused
from xinqiao_adapters.formats.spec import Column, TableSpec
from xinqiao_adapters.formats.table.header import key_of, labels_of, split_label
from xinqiao_adapters.formats.totals import Tally, number_in

__all__ = ["WrittenRow", "stands_after", "unwritable", "written_rows"]

Record = Mapping[str, str]
# Records that wait for a total which stands before them are kept on disk from this size on.
_IN_MEMORY = 1 << 24


class WrittenRow(NamedTuple):
    """A row that goes out: ``number`` is that of the record from 1, ``header`` says that it is the header."""

    cells: list[str]
    number: int | None = None
    header: bool = False


def stands_after(spec: TableSpec, name: str) -> bool:
    """Whether a value outside the table stands after it: below a column, or in a row that ends it."""
    label = spec.labels[name]
    ends = {key_of(each) for each in spec.ends}
    return label.column is not None or any(key_of(each) in ends for each in labels_of(name, label))


def unwritable(name: str, number: int | None, said: Text, fix: Text) -> ContentRefused:
    """Return the refusal of a value that the format cannot hold; a value outside the records has no ``number``."""
    place = f"File/{name}" if number is None else f"{name}, record {number}"
    return ContentRefused(said.en, findings=[Finding("format.cell", name, said, fix=fix, partner_path=place)])


def written_rows(
    spec: TableSpec, outside: Mapping[str, str], records: Iterable[Record], *, header: bool = True
) -> Iterator[WrittenRow]:
    """Yield the rows of a file; counts and sums come from the records.

    Raises ``ContentRefused`` for a record that a reader would take for the table's end or for nothing, for a column
    to be summed that holds no number, for a required value that is not there, and where ``outside`` says another total
    than that of the records.
    """
    tally = Tally(spec.totals, dict.get)
    before = {name: each for name, each in spec.labels.items() if not stands_after(spec, name)}
    after = {name: each for name, each in spec.labels.items() if name not in before}
    _refuse_missing(spec, {path.removeprefix("File/") for path in tally.totals()} | outside.keys())
    rows = (WrittenRow(_cells(spec, record, number, tally), number) for number, record in enumerate(records, 1))
    with ExitStack() as kept:
        values: Mapping[str, str] = outside
        if any(path.removeprefix("File/") in before for path in tally.totals()):
            rows = _waiting(rows, kept.enter_context(SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")))
            values = _with_totals(outside, tally)
        for name, label in before.items():
            if name in values:
                yield WrittenRow([labels_of(name, label)[0], values[name]])
        if header:
            yield WrittenRow([labels_of(name, column)[0] for name, column in spec.columns.items()], header=True)
        yield from rows
        yield from _after(spec, after, _with_totals(outside, tally))


def _refuse_missing(spec: TableSpec, said: AbstractSet[str]) -> None:
    """Raise ``ContentRefused`` where a value is not said that a reader requires."""
    for name, label in spec.labels.items():
        if label.required and name not in said:
            text = Text(f"文件须有“{name}”，报文没有给出", f"a file has to have {name}, the message does not say it")
            raise unwritable(name, None, text, Text("补上该值", "give the value"))


def _cells(spec: TableSpec, record: Record, number: int, tally: Tally) -> list[str]:
    cells = [record.get(name, "") for name in spec.columns]
    first = next((cell for cell in cells if cell and not cell.isspace()), None)
    if first is None:
        said = Text("整条记录为空", "the record says nothing")
        raise unwritable("Record", number, said, Text("至少填写一列", "give a value for one column at least"))
    ends = {key_of(each) for each in spec.ends}
    if ends and (key_of(first) in ends or split_label(first)[0] in ends):
        said = Text("记录的首个值会被当作表尾", "the record's first value would be taken for the end of the table")
        raise unwritable("Record", number, said, Text("更正该值", "correct the value"))
    column = tally.add(record)
    if column is not None:
        said = Text("此列要合计，值却不是数字", "this column is summed, and the value is no number")
        raise unwritable(column, number, said, Text("填写数字", "give a number"))
    return cells


def _waiting(rows: Iterable[WrittenRow], spool: IO[str]) -> Generator[WrittenRow, None, None]:
    """Make all rows and return them: totals that stand before them are known then."""
    for row in rows:
        spool.write(json.dumps(row.cells) + "\n")
    spool.seek(0)
    return (WrittenRow(json.loads(line), number) for number, line in enumerate(spool, 1))


def _with_totals(outside: Mapping[str, str], tally: Tally) -> dict[str, str]:
    totals = {path.removeprefix("File/"): format(total, "f") for path, total in tally.totals().items()}
    for label, counted in totals.items():
        said = outside.get(label)
        if said is not None and number_in(said) != number_in(counted):
            text = Text(f"“{label}”为 {said}，按记录应为 {counted}", f"{label} is {said}, the records make {counted}")
            raise refused("format.total", f"File/{label}", text, value=said, expected=counted)
    return {**totals, **outside}


def _after(spec: TableSpec, labels: Mapping[str, Column], values: Mapping[str, str]) -> Iterator[WrittenRow]:
    """Yield a row for each label text; values below columns share the row of their label."""
    width = len(spec.columns)
    places = {name: place for place, name in enumerate(spec.columns)}
    rows: dict[str, list[str]] = {}
    for name, label in labels.items():
        if name in values:
            text = labels_of(name, label)[0]
            cells = rows.setdefault(text, [text, *[""] * max(width - 1, 1)])
            cells[places[label.column] if label.column is not None else 1] = values[name]
    yield from (WrittenRow(cells) for cells in rows.values())
