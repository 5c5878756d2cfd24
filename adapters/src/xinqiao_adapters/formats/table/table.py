"""A table as a file of records: its header found by labels, what stands outside it, its end and its totals.

Where the rows come from – the lines of a CSV file, the rows of a sheet – is for ``RowSource``. What the records mean
is for the mapping.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import NamedTuple, Protocol

from xinqiao.expectation import shown
from xinqiao.finding import Finding, Text
from xinqiao.masking import mask
from xinqiao_adapters.formats.findings import refused
from xinqiao_adapters.formats.format import RawRecord
from xinqiao_adapters.formats.spec import TableSpec
from xinqiao_adapters.formats.table.header import (
    Header,
    header_of,
    key_of,
    labels_of,
    missing_columns,
    split_label,
)
from xinqiao_adapters.formats.totals import Tally, in_file, number_in
from xinqiao_adapters.formats.tree_access import TreeAccess

__all__ = ["Fault", "RawRow", "RowSource", "TableFile"]

# So far down a header is looked for, beside a row for each value that may stand before it.
_HEAD = 50


class Fault(NamedTuple):
    """Why a cell, or a row as a whole, cannot be read."""

    said: Text
    fix: Text
    value: str = ""


class RawRow(NamedTuple):
    """One row: ``row`` from 1 in a sheet, bytes ``start`` to ``end`` (exclusive) in a text.

    ``faults`` are those of cells by their place from 0; ``broken`` is that of a row without cells.
    """

    cells: Sequence[str]
    row: int | None = None
    start: int | None = None
    end: int | None = None
    faults: Mapping[int, Fault] = {}
    broken: Fault | None = None


class RowSource(Protocol):
    """Where rows come from."""

    def rows(self) -> Iterator[RawRow]:
        """Yield the rows, blank ones too. Raises the ``Rejected`` that says why the file as a whole is refused."""
        ...

    def expect(self, width: int) -> None:
        """Take the number of cells that a record has, once it is known."""
        ...

    def position(self) -> int:
        """Return how many bytes are read."""
        ...


class TableFile:
    """A table being read; a record is ``{column: text}``. Raises ``ContentRefused`` where no row is its header."""

    layout = "table"

    def __init__(self, spec: TableSpec, source: RowSource, access: TreeAccess, *, header: bool = True) -> None:
        self.access = access
        self._spec = spec
        self._source = source
        self._outside: dict[str, str] = {}
        self._tally = Tally(spec.totals, dict.get)
        self._ends = frozenset(map(key_of, spec.ends))
        self._labels: dict[str, list[str]] = {}
        for name, column in spec.labels.items():
            for label in labels_of(name, column):
                self._labels.setdefault(key_of(label), []).append(name)
        self._rows = source.rows()
        self._header = self._found_header() if header else _in_order(spec)
        source.expect(len(self._header.names))

    @property
    def root(self) -> dict[str, dict[str, str]]:
        """What stands outside the table, by the names of ``labels``; whole once ``records`` has ended."""
        return {"File": self._outside}

    def position(self) -> int:
        """Return how many bytes are read."""
        return self._source.position()

    def records(self) -> Iterator[RawRecord]:
        """Yield the records.

        Raises ``ContentRefused`` for totals that are not those of the records, for a required value that is not
        there, and for records after the table's end.
        """
        number = 0
        for row in self._rows:
            if row.broken is None:
                if _is_blank(row.cells) and not self._faults(row):
                    continue
                if self._ends and self._is_end(row.cells):
                    self._read_outside(row, after=True)
                    break
            number += 1
            yield self._record(number, row)
        for row in self._rows:
            self._read_tail(row)
        self._finish()

    # --- the head ---

    def _found_header(self) -> Header:
        before: list[RawRow] = []
        for row in islice(self._rows, _depth(self._spec)):
            header = header_of(self._spec, row.cells)
            if header is not None:
                self._read_before(before)
                return self._with_lower_row(header, row.cells)
            header = header_of(self._spec, row.cells, before[-1].cells) if before else None
            if header is not None:
                self._read_before(before[:-1])
                return header
            before.append(row)
        raise _headless(self._spec, before)

    def _read_before(self, rows: Sequence[RawRow]) -> None:
        for row in rows:
            self._read_outside(row, after=False)

    def _with_lower_row(self, header: Header, labels: Sequence[str]) -> Header:
        """Take the next row for the lower half of the header where it can be nothing else.

        It says something below a blank label – one that a label to its left spans – and nothing below a known column.
        """
        row = next(self._rows, None)
        if row is None:
            return header
        known = [row.cells[place] for place in header.places.values() if place < len(row.cells)]
        below = [cell for label, cell in zip(labels, row.cells, strict=False) if _is_blank([label])]
        if row.broken is None and _is_blank(known) and not _is_blank(below):
            return header_of(self._spec, row.cells, labels) or header
        self._rows = chain([row], self._rows)
        return header

    # --- records ---

    def _is_end(self, cells: Sequence[str]) -> bool:
        first = next((cell for cell in cells if cell and not cell.isspace()), "")
        if key_of(first) in self._ends:
            return True
        others = sum(1 for cell in cells if cell and not cell.isspace()) - 1
        return split_label(first)[0] in self._ends and others * 2 < len(self._header.places)

    def _record(self, number: int, row: RawRow) -> RawRecord:
        findings = self._findings(number, row)
        if not findings:
            names = self._header.names
            node = dict(zip(names, row.cells, strict=False))
            if len(row.cells) > len(names):
                node |= {f"#{at + 1}": row.cells[at] for at in range(len(names), len(row.cells)) if row.cells[at]}
            column = self._tally.add(node)
            if column is None:
                return RawRecord(number, row.start, row.end, node, row=row.row)
            findings = (_finding(number, row, column, _no_number(node[column])),)
        else:
            self._tally.add_unread()
        return RawRecord(number, row.start, row.end, None, findings, row.row)

    def _findings(self, number: int, row: RawRow) -> tuple[Finding, ...]:
        if row.broken is not None:
            return (_finding(number, row, None, row.broken),)
        return tuple(_finding(number, row, name, fault) for name, fault in self._faults(row))

    def _faults(self, row: RawRow) -> list[tuple[str, Fault]]:
        """Return the known columns whose cells cannot be read, and why."""
        if not row.faults:
            return []
        return [(name, row.faults[place]) for name, place in self._header.places.items() if place in row.faults]

    # --- outside ---

    def _read_tail(self, row: RawRow) -> None:
        """Read a row after the table's end. Raises ``ContentRefused`` for one that is a record."""
        if row.broken is not None:
            raise refused("format.record", _place(None, row), row.broken.said, fix=row.broken.fix)
        if self._read_outside(row, after=True) or self._is_end_or_blank(row.cells):
            return
        needed = [place for name, place in self._header.places.items() if not self._spec.columns[name].optional]
        filled = [place for place in needed if place < len(row.cells) and not _is_blank([row.cells[place]])]
        if needed[:1] == filled[:1] or len(filled) * 2 > len(needed):
            said = Text("表尾之后仍有记录", "there is a record after the end of the table")
            fix = Text("将记录移到合计行之前", "put the records before the row of totals")
            raise refused("format.end", _place(None, row), said, fix=fix)

    def _is_end_or_blank(self, cells: Sequence[str]) -> bool:
        return _is_blank(cells) or self._is_end(cells)

    def _read_outside(self, row: RawRow, *, after: bool) -> bool:
        """Keep the values whose labels stand in a row; return whether there are labels."""
        found = False
        for place, cell in enumerate(row.cells):
            names = self._labels.get(key_of(cell)) if cell else None
            rest = ""
            if cell and names is None:
                key, rest = split_label(cell)
                names = self._labels.get(key) if rest else None
            for name in names or ():
                found = True
                self._keep(name, row, *self._value(name, row, place, rest, after=after))
        return found

    def _value(self, name: str, row: RawRow, place: int, rest: str, *, after: bool) -> tuple[int, str]:
        """Return where the value of a label stands, and the value; an empty text where there is none."""
        column = self._spec.labels[name].column
        if rest:
            return place, rest
        if column is not None:
            at = self._header.places.get(column) if after else None
            return (at, row.cells[at].strip()) if at is not None and at < len(row.cells) else (place, "")
        for at in range(place + 1, len(row.cells)):
            if row.faults.get(at) is not None or not _is_blank([row.cells[at]]):
                return at, "" if self._is_label(row.cells[at]) else row.cells[at].strip()
        return place, ""

    def _is_label(self, cell: str) -> bool:
        return key_of(cell) in self._labels or split_label(cell)[0] in self._labels

    def _keep(self, name: str, row: RawRow, place: int, value: str) -> None:
        fault = row.faults.get(place)
        if fault is not None:
            raise refused("format.cell", _place(name, row), fault.said, value=fault.value, fix=fault.fix)
        if value and not _is_same(self._outside.setdefault(name, value), value):
            said = Text(f"“{name}”出现两次且值不同", f"{name} is there twice with different values")
            raise refused("format.label", _place(name, row), said, fix=Text("只保留一处", "keep one of them"))

    def _finish(self) -> None:
        for name, label in self._spec.labels.items():
            if label.required and name not in self._outside:
                said = Text(f"文件缺少“{name}”", f"the file lacks {name}")
                fix = Text(
                    "补上该标签及其值，或检查文件是否完整",
                    "add the label with its value, or see whether the file is whole",
                )
                raise refused("format.label", f"File/{name}", said, fix=fix)
        self._tally.check(in_file(self._outside))


def _in_order(spec: TableSpec) -> Header:
    names = tuple(spec.columns)
    return Header(names, {name: place for place, name in enumerate(names)})


def _is_same(one: str, other: str) -> bool:
    """Whether two texts say the same: a number's zeros at its end and its thousands separators do not matter."""
    number = number_in(one)
    return one == other or (number is not None and number == number_in(other))


def _is_blank(cells: Sequence[str]) -> bool:
    return not any(cells) or not "".join(cells).strip()


def _place(name: str | None, row: RawRow, number: int | None = None) -> str:
    """Return the partner's name of a place: ``客户姓名, row 17``, ``金额, record 3, bytes 51–80``."""
    parts = [name or "Record"]
    if row.row is not None:
        return f"{parts[0]}, row {row.row}"
    if number is not None:
        parts.append(f"record {number}")
    return ", ".join([*parts, f"bytes {row.start}–{row.end}"])


def _finding(number: int, row: RawRow, name: str | None, fault: Fault) -> Finding:
    place = _place(name, row, number)
    return Finding(
        rule="format.record" if name is None else "format.cell",
        path=name or "Record",
        text=fault.said,
        value=shown(mask(fault.value, "C2")) if fault.value else None,
        fix=fault.fix,
        partner_path=place,
    )


def _no_number(text: str) -> Fault:
    said = Text("此列要合计，却不是数字", "this column is summed, and this is no number")
    return Fault(said, Text("填写数字，或留空", "give a number, or leave it blank"), text)


def _depth(spec: TableSpec) -> int:
    return _HEAD + len(spec.labels)


def _headless(spec: TableSpec, rows: Sequence[RawRow]) -> Exception:
    missing = missing_columns(spec, [row.cells for row in rows])
    names, broken = ", ".join(missing), next((row.broken for row in rows if row.broken is not None), None)
    depth = _depth(spec)
    said = Text(
        f"前 {depth} 行中没有表头，最接近的一行缺少：{'、'.join(missing)}" + (f"；{broken.said.zh}" if broken else ""),
        f"none of the first {depth} rows is the header, the nearest lacks: {names}"
        + (f"; {broken.said.en}" if broken else ""),
    )
    fix = Text("按约定的列名给出表头", "give a header with the columns agreed")
    return refused("format.header", "File", said, expected=", ".join(spec.columns), fix=fix)
