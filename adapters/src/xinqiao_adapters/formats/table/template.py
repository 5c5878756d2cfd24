"""A workbook for people to fill in, made from an interface: what they save is what the interface reads.

The first sheet has a title, a hint above each column, the header (locked, required columns with an asterisk) and
cells of the right kind: texts for identity numbers, dates, numbers, drop-downs of the channel's code tables. The
second shows a record filled in. The lists of the drop-downs are on a sheet that is hidden.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlsxwriter.utility import xl_range_abs

from xinqiao.expectation import shown
from xinqiao.finding import Text
from xinqiao.standard import Field, field_at, message_types
from xinqiao_adapters.formats.spec import Column, ExcelSpec
from xinqiao_adapters.formats.table.excel import new_workbook
from xinqiao_adapters.formats.table.header import labels_of
from xinqiao_adapters.formats.table.writing import stands_after
from xinqiao_adapters.listing import ListedRow, listed_rows
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.plan import Leaf
from xinqiao_adapters.profile import Row

__all__ = ["write_template"]

# Rows that are ready to be filled in; more can be added below.
_READY = 10_000
_NOTE = Text(
    "带 * 的列必填。请勿改动表头；证件号码等长数字按文本填写。",
    "Columns with * are required. Leave the header as it is; long numbers such as identity numbers are texts.",
)
_FILL, _EXAMPLE, _LISTS = "填写 Fill in", "示例 Example", "选项 Choices"
# Parts of a row that make its text another one than a number cell's.
_LAYERS = ("join", "split", "piece", "pad", "sign", "grouping", "nothing", "halfwidth")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One place to be filled in: its label, what people are told, what they choose from, the cell's number format."""

    name: str
    label: str
    required: bool
    hint: Text
    choices: tuple[str, ...]
    number_format: str
    example: str


def write_template(loaded: LoadedProfile, interface_name: str, path: Path) -> None:
    """Write the template of an interface whose format is Excel.

    Raises ``ProfileInvalid`` where it is another format, where the table needs totals or values below it, which
    nobody types without mistakes, and where ``choices`` names no code table.
    """
    where = ("interfaces", interface_name, "format")
    spec = loaded.profile.interfaces[interface_name].format
    if not isinstance(spec, ExcelSpec):
        loaded.fail(where, f"a template is a workbook, this interface is {spec.kind}")
    below = [name for name, label in spec.labels.items() if stands_after(spec, name) and label.required]
    below += [path for path in (spec.totals.count, *spec.totals.sums.values()) if path is not None]
    if below:
        loaded.fail(where, f"{below[0]} stands below the table: a template for people has nothing there")
    places = _places(loaded, interface_name)
    before = {name: label for name, label in spec.labels.items() if not stands_after(spec, name)}
    labels = [
        _entry(loaded, (*where, "labels"), name, each, places.get(f"File/{name}")) for name, each in before.items()
    ]
    columns = [
        _entry(loaded, (*where, "columns"), name, each, places.get(f"Record/{name}"))
        for name, each in spec.columns.items()
    ]
    with path.open("wb") as file, new_workbook(file, constant_memory=False) as book:
        _Template(book, _title(loaded, interface_name), labels, columns).write(spec.sheet or _FILL)


def _title(loaded: LoadedProfile, name: str) -> Text:
    interface = loaded.profile.interfaces[name]
    about = interface.title or message_types()[interface.message].title
    own = loaded.profile.title
    return Text(f"{own.zh} · {about.zh}", f"{own.en} · {about.en}")


def _places(loaded: LoadedProfile, name: str) -> dict[str, tuple[ListedRow, Field | None]]:
    """Return the row of the mapping that reads each place first, and the standard's field."""
    found: dict[str, tuple[ListedRow, Field | None]] = {}
    body = loaded.profile.interfaces[name].message
    for row in listed_rows(loaded, name):
        if row.item is not None and row.partner_path:
            found.setdefault(row.partner_path, (row, field_at(body, row.path) if row.path else None))
    return found


def _entry(
    loaded: LoadedProfile,
    where: tuple[str, ...],
    name: str,
    column: Column,
    place: tuple[ListedRow, Field | None] | None,
) -> _Entry:
    row, field = place or (None, None)
    leaf, said = (row.item, row.said) if row is not None else (None, None)
    table = column.choices or (said.codes if said is not None else None)
    if table is not None and table not in loaded.profile.codes:
        loaded.fail((*where, name, "choices"), f"there is no code table {table!r}")
    meanings = loaded.profile.codes[table].values if table is not None else {}
    choices = tuple(meanings) or _fixed_choices(leaf, said)
    return _Entry(
        name,
        labels_of(name, column)[0],
        column.required,
        _hint(column, leaf, field, meanings),
        choices,
        "@" if choices or said is None else _number_format(said),
        _example(leaf, field, choices),
    )


def _fixed_choices(leaf: Leaf | None, said: Row | None) -> tuple[str, ...]:
    if leaf is not None and leaf.target is None and isinstance(leaf.constant, str):
        return (leaf.constant,)
    codes = said.boolean or {} if said is not None else {}
    return tuple(each if isinstance(each, str) else each[0] for each in codes.values())


def _number_format(row: Row) -> str:
    """Return the number format of a row's cells; ``@`` is a text."""
    if any(getattr(row, layer) is not None for layer in _LAYERS):
        return "@"
    if row.date is not None:
        return "yyyy-mm-dd" if row.date == "%Y-%m-%d" else "@"
    if row.integer is not None or row.amount == "fen":
        return "0"
    if row.amount is not None:
        return "#,##0.00####"
    return "General" if row.decimal is not None or row.percent is not None else "@"


def _hint(column: Column, leaf: Leaf | None, field: Field | None, meanings: Mapping[str, str]) -> Text:
    """Return what the profile says, else what the field is called and what its converter expects."""
    parts: list[Text] = []
    if column.hint:
        parts.append(Text(column.hint.get("zh", ""), column.hint.get("en", "")))
    else:
        parts += [field.title] if field is not None else []
        parts += [leaf.converter.expects] if leaf is not None and not meanings else []
    parts += _meanings(field, meanings)
    zh, en = ("；".join(each.zh for each in parts if each.zh), "; ".join(each.en for each in parts if each.en))
    return Text(zh, en)


def _meanings(field: Field | None, meanings: Mapping[str, str]) -> list[Text]:
    """Return what each code means, where the codes do not say it themselves."""
    values: Mapping[str, Mapping[str, str]] = field.schema.get("x-values", {}) if field is not None else {}
    said = [(code, values.get(value, {"zh": value, "en": value})) for code, value in meanings.items()]
    if not said or any(not code.isascii() for code, _ in said):
        return []
    return [
        Text(
            "、".join(f"{code} {meaning['zh']}" for code, meaning in said),
            ", ".join(f"{code} {meaning['en']}" for code, meaning in said),
        )
    ]


def _example(leaf: Leaf | None, field: Field | None, choices: tuple[str, ...]) -> str:
    if leaf is None or field is None or field.example is None:
        return choices[0] if choices else ""
    try:
        return leaf.converter.write(field.example)
    except Unfit:
        return choices[0] if choices else ""


class _Template:
    """The workbook being written."""

    def __init__(self, book: Any, title: Text, labels: list[_Entry], columns: list[_Entry]) -> None:  # noqa: ANN401 -- xlsxwriter has no types
        self._book = book
        self._title = title
        self._labels = labels
        self._columns = columns
        self._lists: dict[tuple[str, ...], str] = {}
        self._formats: dict[str, Any] = {
            "title": book.add_format({"bold": True, "font_size": 16}),
            "note": book.add_format({"font_color": "#555555"}),
            "hint": book.add_format({"font_color": "#555555", "italic": True, "text_wrap": True, "valign": "top"}),
            "header": book.add_format({"bold": True, "bg_color": "#D9E6F2", "border": 1, "text_wrap": True}),
            "required": book.add_format(
                {"bold": True, "bg_color": "#D9E6F2", "border": 1, "text_wrap": True, "font_color": "#B00000"}
            ),
        }

    def write(self, name: str) -> None:
        """Write all sheets."""
        fill = self._book.add_worksheet(name)
        example = self._book.add_worksheet(_EXAMPLE)
        lists = self._book.add_worksheet(_LISTS)
        self._write_lists(lists)
        header = self._head(fill)
        for place, label in enumerate(self._labels, 3):
            fill.write_blank(place, 1, None, self._cell(label))
            self._check(fill, place, place, 1, label)
        for place, column in enumerate(self._columns):
            fill.set_column(place, place, 22, self._cell(column))
            self._check(fill, header + 1, header + _READY, place, column)
        fill.freeze_panes(header + 1, 0)
        fill.protect("", {"format_columns": True, "format_rows": True, "sort": True, "insert_rows": True})
        self._write_example(example)
        fill.activate()

    def _head(self, sheet: Any) -> int:  # noqa: ANN401
        """Write what stands above the cells to be filled in; return the row of the header."""
        sheet.write_string(0, 0, self._title.zh, self._formats["title"])
        sheet.write_string(1, 0, self._title.en, self._formats["note"])
        sheet.write_string(2, 0, f"{_NOTE.zh} {_NOTE.en}", self._formats["note"])
        for place, label in enumerate(self._labels, 3):
            self._write_label(sheet, place, 0, label)
        header = 3 + len(self._labels) + 1
        for place, column in enumerate(self._columns):
            sheet.write_string(header - 1, place, "\n".join(filter(None, column.hint)), self._formats["hint"])
            self._write_label(sheet, header, place, column)
        sheet.set_row(header - 1, 75)
        return header

    def _write_label(self, sheet: Any, row: int, place: int, entry: _Entry) -> None:  # noqa: ANN401
        text = f"{entry.label} *" if entry.required else entry.label
        sheet.write_string(row, place, text, self._formats["required" if entry.required else "header"])

    def _write_example(self, sheet: Any) -> None:  # noqa: ANN401
        header = self._head(sheet)
        text = self._book.add_format({"num_format": "@", "text_wrap": True})
        for place, label in enumerate(self._labels, 3):
            sheet.write_string(place, 1, label.example, text)
        for place, column in enumerate(self._columns):
            sheet.write_string(header + 1, place, column.example, text)
        sheet.set_column(0, len(self._columns) - 1, 22)
        sheet.protect()

    def _cell(self, entry: _Entry) -> Any:  # noqa: ANN401
        """Return the format of cells to be filled in."""
        key = f"cell {entry.number_format}"
        if key not in self._formats:
            self._formats[key] = self._book.add_format({"num_format": entry.number_format, "locked": False})
        return self._formats[key]

    def _write_lists(self, sheet: Any) -> None:  # noqa: ANN401
        for entry in (*self._labels, *self._columns):
            if entry.choices and entry.choices not in self._lists:
                column = len(self._lists)
                sheet.write_column(0, column, entry.choices, self._formats["note"])
                cells = xl_range_abs(0, column, len(entry.choices) - 1, column)
                self._lists[entry.choices] = f"='{_LISTS}'!{cells}"
        sheet.hide()

    def _check(self, sheet: Any, first: int, last: int, column: int, entry: _Entry) -> None:  # noqa: ANN401
        """Add the drop-down or the kind of value that a cell takes, with the hint beside it."""
        about = {
            "input_title": shown(entry.label, 32),
            "input_message": shown("\n".join(filter(None, entry.hint)).replace("\n", " / "), 250),
        }
        about = {name: text for name, text in about.items() if text}
        options = {**_KINDS.get(entry.number_format, {"validate": "any"}), **about}
        if entry.choices:
            options |= {"validate": "list", "source": self._lists[entry.choices]}
        sheet.data_validation(first, column, last, column, options)


_LEAST, _MOST = -999_999_999_999_999, 999_999_999_999_999
_KINDS: dict[str, dict[str, object]] = {
    "yyyy-mm-dd": {"validate": "date", "criteria": ">=", "value": "=DATE(1900,3,1)"},
    "0": {"validate": "integer", "criteria": "between", "minimum": _LEAST, "maximum": _MOST},
    "#,##0.00####": {"validate": "decimal", "criteria": "between", "minimum": _LEAST, "maximum": _MOST},
    "General": {"validate": "decimal", "criteria": "between", "minimum": _LEAST, "maximum": _MOST},
}
