"""The layout of a file in words: columns, fields of fixed width, what stands outside the records."""

from dataclasses import dataclass
from typing import Any

from xinqiao.finding import Text
from xinqiao_adapters.formats.spec import FixedField, FixedSpec, FormatSpec, TableSpec

__all__ = ["LAID_OUT", "LayoutTable", "layout_of"]

# Parts of a format that are tables here and no settings.
LAID_OUT = frozenset({"record", "trailer", "columns", "labels"})

Cells = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LayoutTable:
    """A table with its title and the names of its columns."""

    title: Text
    columns: tuple[Text, ...]
    lines: list[Cells]


_FIXED = (
    Text("字段", "Field"),
    Text("起始", "From"),
    Text("结束", "To"),
    Text("字节数", "Bytes"),
    Text("对齐", "Aligned"),
    Text("填充", "Filled with"),
    Text("隐含小数位", "Implied decimals"),
)
_TABLE = (Text("名称", "Name"), Text("表头文字", "Labels"), Text("必填", "Required"), Text("填写说明", "Hint"))
_SIDES = {"left": Text("左", "left"), "right": Text("右", "right")}
_BLANK = Text("空格", "blank")
_YES, _NO = Text("是", "yes"), Text("", "")


def layout_of(spec: FormatSpec) -> list[LayoutTable]:
    """Return the tables of a format that has any."""
    if isinstance(spec, FixedSpec):
        return _fixed_tables(spec)
    if isinstance(spec, TableSpec):
        tables = [
            _table(Text("数据列", "Columns"), spec.columns),
            _table(Text("表外字段", "Outside the table"), spec.labels),
        ]
        return [table for table in tables if table.lines]
    return []


def _fixed_tables(spec: FixedSpec) -> list[LayoutTable]:
    tables = [
        _fixed(Text(f"文件头第 {n} 行", f"Line {n} of the header"), line) for n, line in enumerate(spec.header, 1)
    ]
    tables.append(_fixed(Text("记录", "Record"), spec.record))
    tables += [
        _fixed(Text(f"文件尾第 {n} 行", f"Line {n} of the trailer"), line) for n, line in enumerate(spec.trailer, 1)
    ]
    return tables


def _fixed(title: Text, fields: list[FixedField]) -> LayoutTable:
    lines: list[Cells] = []
    start = 1
    for each in fields:
        fill = _BLANK if each.fill == " " else each.fill
        decimals = "" if each.decimals is None else each.decimals
        end = start + each.width - 1
        lines.append((each.name, start, end, each.width, _SIDES[each.align], fill, decimals))
        start = end + 1
    return LayoutTable(title, _FIXED, lines)


def _table(title: Text, columns: dict[str, Any]) -> LayoutTable:
    lines: list[Cells] = [
        (
            name,
            " / ".join(each.labels or [name]),
            _YES if each.required else _NO,
            Text(each.hint.get("zh", ""), each.hint.get("en", "")),
        )
        for name, each in columns.items()
    ]
    return LayoutTable(title, _TABLE, lines)
