"""Fixed width as the format of an interface: what the profile says becomes layouts; files are read and written."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal
from typing import BinaryIO

from xinqiao.errors import ContentRefused
from xinqiao.finding import Text
from xinqiao_adapters.formats.encoding import Charset, charset_for
from xinqiao_adapters.formats.findings import refused
from xinqiao_adapters.formats.fixed.access import FILE, FlatAccess, check_plan, flat_path
from xinqiao_adapters.formats.fixed.document import FlatFormat, check_charset
from xinqiao_adapters.formats.fixed.file import FixedFile
from xinqiao_adapters.formats.fixed.layout import Column, Layout, Texts, laid_out
from xinqiao_adapters.formats.fixed.writing import spooled
from xinqiao_adapters.formats.spec import FixedField, FixedSpec
from xinqiao_adapters.formats.totals import EXACT, Tally
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Node
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.plan import Plan, Source
from xinqiao_adapters.profile import Interface

__all__ = ["FixedFormat", "fixed_format"]

_ENDS = {"CRLF": b"\r\n", "LF": b"\n"}


def fixed_format(loaded: LoadedProfile, name: str, interface: Interface) -> "FixedFormat":
    """Make the format of an interface."""
    where = ("interfaces", name, "format")
    spec = interface.format
    assert isinstance(spec, FixedSpec)  # noqa: S101 -- chosen by kind
    try:
        return FixedFormat(spec, charset_for(loaded, spec))
    except ValueError as error:
        loaded.fail(where, str(error))


class FixedFormat(FlatFormat):
    """One interface's lines of fixed width.

    Raises ``ValueError`` for names that stand twice, a fill that is not one byte, a mark that does not fit, and
    totals of what is not there.
    """

    kind = "fixed"

    def __init__(self, spec: FixedSpec, charset: Charset) -> None:
        self.spec = spec
        self.content_type = f"text/plain; charset={spec.encoding}"
        self._texts = Texts(charset, spec.trim)
        self._header = tuple(_layout(line, self._texts) for line in spec.header)
        self._trailer = tuple(_layout(line, self._texts) for line in spec.trailer)
        record = _layout(spec.record, self._texts)
        names = [name for layout in (*self._header, *self._trailer) for name in layout.places]
        _refuse_twice([column.name for column in record.columns if column.mark is None])
        _refuse_twice(names)
        self._outside = frozenset(names)
        self.access = FlatAccess(record, self._texts, self._outside)
        self._check_totals()

    def begins(self, head: bytes) -> bool:
        """Whether the first line has the width and the marks that the profile says."""
        first = (*self._header, self.access.layout)[0]
        line = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].removesuffix(b"\r")
        return len(line) == first.width and all(
            line[each.start : each.end] == (each.mark or "").encode("latin-1") for each in first.marks
        )

    def located(self, plan: Plan) -> Plan:
        """Return the plan as it is. Raises ``ProfileInvalid`` for a path that the file does not have."""
        return check_plan(plan, self._outside, self.access.layout.places.__contains__)

    def path(self, path: Source, base: Source = ()) -> Source:
        """Return the path as it is. Raises ``ValueError`` for one that the file does not have."""
        return flat_path(path, base, self._outside, self.access.layout.places.__contains__)

    def open(self, file: BinaryIO, content_type: str = "") -> FixedFile:
        """Read the header. Raises ``ContentRefused`` for one that is not as agreed, ``WrongEncoding``."""
        check_charset(self._texts.charset, content_type)
        return FixedFile(file, self.access, self._header, self._trailer, self._tally())

    def write_file(self, outside: Node, records: Iterable[Node]) -> Iterator[bytes]:
        """Yield a file's bytes; totals are those of the records.

        Raises ``ContentRefused`` for a value of the file that does not fit into its column.
        """
        tally, end = self._tally(), _ENDS[self.spec.ends]
        with spooled(records, end, tally.add) as (_, chunks):
            if not tally.is_whole:
                said = Text("记录中有无法合计的值", "a record holds a value that cannot be summed")
                raise refused("format.total", FILE, said)
            totals = self._written(tally)
            values = {**outside[FILE], **totals}
            yield from (self._line(layout, values) + end for layout in self._header)
            yield from chunks
            yield from (self._line(layout, values) + end for layout in self._trailer)

    def _line(self, layout: Layout, values: dict[str, str]) -> bytes:
        return "".join(column.mark or self._cell(column, values) for column in layout.columns).encode("latin-1")

    def _cell(self, column: Column, values: dict[str, str]) -> str:
        try:
            return self._texts.write(column, values.get(column.name))
        except Unfit as error:
            raise _refused_value(column) from error

    def _tally(self) -> Tally:
        return Tally(self.spec.totals, self._column_text)

    def _column_text(self, record: str, name: str) -> str | None:
        column = self.access.layout.columns[self.access.layout.places[name]]
        return self._texts.read(column, record[column.start : column.end])

    def _written(self, tally: Tally) -> dict[str, str]:
        """Return the totals as texts, by their names."""
        decimals = self._decimals()
        totals = {path.removeprefix("File/"): total for path, total in tally.totals().items()}
        return {name: _padded(total, decimals.get(name, 0)) for name, total in totals.items()}

    def _decimals(self) -> dict[str, int]:
        """Return the digits after the point of each sum: its own column's in the file, or those of what is summed."""
        own = {each.name: each.decimals for layout in (*self._header, *self._trailer) for each in layout.columns}
        sums = {path.removeprefix("File/"): name for name, path in self.spec.totals.sums.items()}
        columns = {path: self.access.layout.column(name) for path, name in sums.items()}
        return {path: own.get(path) or (column.decimals if column else None) or 0 for path, column in columns.items()}

    def _check_totals(self) -> None:
        totals = self.spec.totals
        for name in totals.sums:
            if name not in self.access.layout.places:
                raise ValueError(f"totals: sums: the record has no column {name}")
        for path in (totals.count, *totals.sums.values()):
            if path is not None and path.removeprefix("File/") not in self._outside:
                raise ValueError(f"totals: {path} is no value of header or trailer")


def _padded(total: Decimal, decimals: int) -> str:
    """Return a total with so many digits after its point at least; one that has more does not fit, and is refused."""
    least = Decimal(1).scaleb(-decimals)
    padded = total.quantize(least, context=Context(prec=EXACT.prec))
    return format(padded if padded == total else total, "f")


def _layout(fields: Sequence[FixedField], texts: Texts) -> Layout:
    return laid_out([_column(field, texts) for field in fields])


def _column(field: FixedField, texts: Texts) -> Column:
    if not field.fill.isascii() or not field.fill.isprintable():
        raise ValueError(f"{field.name}: the fill is one printable character of ASCII")
    if field.decimals is not None and field.fill != " " and (field.align, field.fill) != ("right", "0"):
        raise ValueError(f"{field.name}: a number is filled with blanks, or with zeros on its left (align: right)")
    column = Column(field.name, 0, field.width, field.align, field.fill, field.decimals)
    if field.name[:1] != "'":
        return column
    try:
        mark = texts.write(column, field.name.strip("'"))
    except Unfit as error:
        raise ValueError(f"the mark {field.name} does not fit into {field.width} bytes") from error
    return Column(field.name, 0, field.width, field.align, field.fill, None, mark)


def _refuse_twice(names: Sequence[str]) -> None:
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise ValueError(f"{twice} is there twice")


def _refused_value(column: Column) -> ContentRefused:
    expected = f"{column.width} bytes"
    said = Text(f"{column.name} 的值放不下或无法表示", f"the value of {column.name} does not fit")
    fix = Text("更正该值", "correct the value")
    return refused("format.value", f"File/{column.name}", said, expected=expected, fix=fix)
