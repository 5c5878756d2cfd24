"""Excel: what each kind of cell is as a text, what is a fault and not a blank, sheets, damage, and what goes out."""

import struct
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from xlsxwriter import Workbook as NewWorkbook

from tests.adapters.test_table import loaded_with, refused
from xinqiao.errors import ProfileInvalid
from xinqiao.finding import Finding
from xinqiao_adapters.formats.format import DocumentFormat, RecordFormat
from xinqiao_adapters.formats.table.excel import ExcelFormat, excel_format
from xinqiao_adapters.formats.table.workbook import Workbook

Make = Callable[..., ExcelFormat]
TWO = "{kind: excel, columns: {姓名: {}, 金额: {}}%s}"
SHEET = "xl/worksheets/sheet1.xml"
BOOK = "xl/workbook.xml"
TEXTS = "xl/sharedStrings.xml"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(said: str = "", **profile: str) -> ExcelFormat:
        loaded = loaded_with(tmp_path, TWO % said, **profile)
        return excel_format(loaded, "table", loaded.profile.interfaces["table"])

    return made


def workbook(fill: Callable[[NewWorkbook, Any], None], **options: object) -> bytes:
    file = BytesIO()
    with NewWorkbook(file, {"in_memory": True, **options}) as book:
        fill(book, book.add_worksheet("一"))
    return file.getvalue()


def table(*rows: Sequence[object]) -> bytes:
    def fill(_: NewWorkbook, sheet: Any) -> None:
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)

    return workbook(fill)


def with_part(raw: bytes, name: str, change: Callable[[str], str] | None) -> bytes:
    """Return a workbook with one part changed, or taken away."""
    file = BytesIO()
    with ZipFile(BytesIO(raw)) as old, ZipFile(file, "w", ZIP_DEFLATED) as new:
        for part in old.namelist():
            content = old.read(part).decode()
            if part != name:
                new.writestr(part, content)
            elif change is not None:
                new.writestr(part, change(content))
    return file.getvalue()


def cells(raw: bytes) -> list[tuple[list[str], list[str]]]:
    """Return the cells of each row of the first sheet, and what is said of those that cannot be read."""
    book = Workbook(BytesIO(raw))
    rows = book.rows(next(iter(book.sheets)))
    return [(list(row.cells), [fault.said.en for fault in row.faults.values()]) for row in rows]


def test_the_format_is_one_of_records_and_of_documents(make: Make) -> None:
    form = make()
    assert isinstance(form, RecordFormat)
    assert isinstance(form, DocumentFormat)
    assert [form.takes(each) for each in ("", form.content_type, "text/csv")] == [True, True, False]
    assert [form.begins(each) for each in (b"PK\x03\x04", b"a,b")] == [True, False]


def test_numbers_are_plain_decimals_without_noise(make: Make) -> None:
    raws = ["1.1000000000000001", "20260131.0", "1E-7", "-0", "0.30000000000000004", "1234567.8899999999", "1.5E+3"]
    raws += ["12345678901234.56", "0.33333333333333331", "10000000000000.04", "999999999999999"]
    numbers = "".join(f"<c><v>{each}</v></c>" for each in raws)
    raw = with_part(table([1]), SHEET, lambda text: text.replace('<c r="A1"><v>1</v></c>', numbers))
    texts = ["1.1", "20260131", "0.0000001", "0", "0.3", "1234567.89", "1500"]
    texts += ["12345678901234.56", "0.3333333333333333", "10000000000000.04", "999999999999999"]
    assert cells(raw) == [(texts, [])]


def test_a_number_that_has_lost_digits_or_is_none_is_a_fault() -> None:
    def change(text: str) -> str:
        return (
            text.replace("<v>1</v>", "<v>1.1010119900101E+17</v>")
            .replace("<v>2</v>", "<v>inf</v>")
            .replace("<v>3</v>", "<v>x</v>")
        )

    lost = "a number of more than 15 digits: the spreadsheet has lost the last ones"
    none = "a cell for a number holds no number"
    assert cells(with_part(table([1, 2, 3]), SHEET, change)) == [(["", "", ""], [lost, none, none])]


def test_dates_and_times_are_iso_by_the_format_of_their_cell() -> None:
    def fill(book: NewWorkbook, sheet: Any) -> None:
        formats = [
            "yyyy-mm-dd",
            'yyyy"年"m"月"d"日"',
            "m/d/yy h:mm",
            "hh:mm:ss",
            "[h]:mm",
            '0.00"days"',
            "[Red]0",
            "General",
        ]
        values = [date(2026, 1, 31), date(2026, 1, 31), datetime(2026, 1, 31, 9, 30), time(9, 30, 5), 1.5, 2, 3, 46053]
        for place, (code, value) in enumerate(zip(formats, values, strict=True)):
            sheet.write(0, place, value, book.add_format({"num_format": code}))
        hidden = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(1, 0, [46053.5, 0.5, 60, -1, 3e9], hidden)
        sheet.write(1, 5, datetime(2026, 1, 31), book.add_format({"num_format": 22}))
        sheet.write(1, 6, 46053.000005787, book.add_format({"num_format": 14}))
        sheet.write(1, 7, 59, book.add_format({"num_format": 57}))

    first = ["2026-01-31", "2026-01-31", "2026-01-31T09:30:00", "09:30:05", "1.5", "2", "3", "46053"]
    second = [
        "2026-01-31T12:00:00",
        "1899-12-31T12:00:00",
        "",
        "",
        "",
        "2026-01-31T00:00:00",
        "2026-01-31T00:00:00.500",
    ]
    assert cells(workbook(fill)) == [(first, []), ([*second, "1900-02-28"], ["this is no date"] * 3)]


def test_a_workbook_of_1904_counts_its_days_from_there() -> None:
    def fill(book: NewWorkbook, sheet: Any) -> None:
        sheet.write(0, 0, date(2026, 1, 31), book.add_format({"num_format": "yyyy-mm-dd"}))

    assert cells(workbook(fill, date_1904=True)) == [(["2026-01-31"], [])]


def test_texts_booleans_formulas_and_errors() -> None:
    def fill(book: NewWorkbook, sheet: Any) -> None:
        bold = book.add_format({"bold": True})
        sheet.write_string(0, 0, "_x000D_ a\nb 䶮\x01")
        sheet.write_rich_string(0, 1, "王", bold, "小明")
        sheet.write_boolean(0, 2, True)
        sheet.write_boolean(0, 3, False)
        sheet.write_formula(0, 4, "=1+1", None, 2)
        sheet.write_formula(0, 5, '="a"&"b"', None, "ab")
        sheet.write_formula(0, 6, "=1/0", None, "#DIV/0!")
        sheet.write_formula(0, 7, "=B9", None, 0)
        sheet.write_blank(0, 8, None, bold)
        sheet.write_string(0, 10, "end")

    raw = with_part(workbook(fill), SHEET, lambda text: text.replace("<f>B9</f><v>0</v>", "<f>B9</f>"))
    texts = ["_x000D_ a\nb 䶮\x01", "王小明", "TRUE", "FALSE", "2", "ab", "", "", "", "", "end"]
    assert cells(raw) == [(texts, ["the cell holds an error", "a formula without a saved value"])]


def test_texts_may_stand_in_their_cells_or_in_none() -> None:
    inline = (
        '<c r="A1" t="inlineStr"><is><t>王</t></is></c><c r="B1" t="inlineStr"/><c r="C1" t="d"><v>2026-01-31</v></c>'
    )
    raw = with_part(table([1]), SHEET, lambda text: text.replace('<c r="A1"><v>1</v></c>', inline))
    assert cells(with_part(raw, "xl/styles.xml", None)) == [(["王", "", "2026-01-31"], [])]


def test_an_error_in_a_known_column_is_a_finding_of_its_record_and_the_others_are_read(make: Make) -> None:
    def fill(_: NewWorkbook, sheet: Any) -> None:
        sheet.write_row(2, 1, ["姓名", "金额", "备注"])
        sheet.write_row(4, 1, ["王", 1.1])
        sheet.write_string(5, 1, "李")
        sheet.write_formula(5, 2, "=X", None, "#REF!")
        sheet.write_string(7, 1, "赵")
        sheet.write_formula(7, 3, "=X", None, "#REF!")
        sheet.write_string(7, 5, "旁注")

    file = make().open(BytesIO(workbook(fill)))
    first, second, third = file.records()
    assert first.node == {"#1": "", "姓名": "王", "金额": "1.1"}
    assert second.findings == (
        Finding(
            rule="format.cell",
            path="金额",
            text=second.findings[0].text,
            value="#***!",
            fix=second.findings[0].fix,
            partner_path="金额, row 6",
        ),
    )
    assert second.findings[0].text.zh == "单元格是错误值"
    assert third.node == {"#1": "", "姓名": "赵", "金额": "", "备注": "", "#6": "旁注"}
    assert [(each.number, each.row) for each in (first, second, third)] == [(1, 5), (2, 6), (3, 8)]
    assert file.position() > 0


def test_an_error_where_a_value_outside_the_table_stands_refuses_the_file(make: Make) -> None:
    def fill(_: NewWorkbook, sheet: Any) -> None:
        sheet.write_string(0, 0, "日期")
        sheet.write_formula(0, 1, "=X", None, "#NAME?")
        sheet.write_row(1, 0, ["姓名", "金额"])

    (finding,) = refused(lambda: make(", labels: {日期: {}}").open(BytesIO(workbook(fill))))
    assert (finding.rule, finding.partner_path) == ("format.cell", "日期, row 1")


def test_a_file_with_an_unreadable_cell_is_no_message(make: Make) -> None:
    def fill(_: NewWorkbook, sheet: Any) -> None:
        sheet.write_row(0, 0, ["姓名", "金额"])
        sheet.write_number(1, 1, 110101199001011234)

    (finding,) = refused(lambda: make().parse(workbook(fill)))
    assert finding.partner_path == "金额, row 2"
    assert finding.fix is not None
    assert finding.fix.en == "make the column one of texts and type the value again"


def test_merged_header_cells_name_the_columns_below_them(tmp_path: Path) -> None:
    def fill(_: NewWorkbook, sheet: Any) -> None:
        sheet.merge_range(0, 0, 0, 3, "客户明细表")
        sheet.merge_range(1, 0, 2, 0, "姓名")
        sheet.merge_range(1, 1, 1, 2, "金额")
        sheet.write_row(2, 1, ["本金", "收益"])
        sheet.write_row(3, 0, ["王", 1, 2])

    columns = "{姓名: {}, 本金: {labels: [金额·本金]}, 收益: {labels: [金额·收益]}}"
    loaded = loaded_with(tmp_path, f"{{kind: excel, columns: {columns}}}")
    form = excel_format(loaded, "table", loaded.profile.interfaces["table"])
    assert form.parse(workbook(fill)) == {"File": {}, "Record": [{"姓名": "王", "本金": "1", "收益": "2"}]}


def test_a_row_with_nothing_but_an_error_is_a_record_and_not_blank(make: Make) -> None:
    def fill(_: NewWorkbook, sheet: Any) -> None:
        sheet.write_row(0, 0, ["姓名", "金额", "备注"])
        sheet.write_formula(1, 1, "=X", None, "#REF!")
        sheet.write_formula(2, 2, "=X", None, "#REF!")

    form = make(", labels: {合计: {column: 金额}}, ends: [合计]")
    assert [len(each.findings) for each in form.open(BytesIO(workbook(fill))).records()] == [1]


def test_the_named_sheet_is_read_or_the_first_that_is_visible(make: Make) -> None:
    def fill(book: NewWorkbook, sheet: Any) -> None:
        sheet.write_row(0, 0, ["姓名", "金额"])
        sheet.write_row(1, 0, ["隐", "1"])
        for name in ("二", "三"):
            other = book.add_worksheet(name)
            other.write_row(0, 0, ["姓名", "金额"])
            other.write_row(1, 0, [name, "1"])
            other.activate()
        sheet.hide()

    raw = workbook(fill)
    assert make().parse(raw)["Record"][0]["姓名"] == "二"
    assert make(", sheet: 三").parse(raw)["Record"][0]["姓名"] == "三"
    (finding,) = refused(lambda: make(", sheet: 一").parse(raw))
    assert (finding.rule, finding.expected) == ("format.sheet", "二, 三")


def damaged(raw: bytes) -> bytes:
    """Return a workbook with one byte of the sheet's packed content changed."""
    with ZipFile(BytesIO(raw)) as book:
        place = book.getinfo(SHEET)
    name, extra = struct.unpack("<HH", raw[place.header_offset + 26 : place.header_offset + 30])
    at = place.header_offset + 30 + name + extra + place.compress_size // 2
    return raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :]


WHOLE = table(["姓名", "金额"], *([f"客户{number}", number] for number in range(3000)))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "this is no whole .xlsx file (BadZipFile)"),
        (b"PK\x03\x04", "this is no whole .xlsx file (BadZipFile)"),
        (WHOLE[: len(WHOLE) // 2], "this is no whole .xlsx file (BadZipFile)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "this is an old .xls, or a file with a password"),
        (with_part(WHOLE, BOOK, None), "this is no whole .xlsx file (KeyError)"),
        (with_part(WHOLE, BOOK, lambda _: "<"), "this is no whole .xlsx file (XMLSyntaxError)"),
        (with_part(WHOLE, BOOK, lambda text: text + " " * (1 << 24)), "the part xl/workbook.xml is too large"),
        (with_part(WHOLE, TEXTS, lambda text: text[:500]), "this is no whole .xlsx file (XMLSyntaxError)"),
    ],
)  # fmt: skip
def test_what_is_no_whole_workbook_is_refused(make: Make, raw: bytes, why: str) -> None:
    (finding,) = refused(lambda: make().open(BytesIO(raw)))
    assert (finding.rule, finding.text.en) == ("format.workbook", why)


@pytest.mark.parametrize(
    "raw",
    [
        damaged(WHOLE),
        with_part(WHOLE, SHEET, lambda text: text[: len(text) // 2]),
        with_part(WHOLE, SHEET, lambda text: text.replace('"B2000"', '"A2000"')),
        with_part(WHOLE, SHEET, lambda text: text.replace('"B2000"', '"ZZZ2000"')),
        with_part(WHOLE, SHEET, lambda text: text.replace('"B2000"', '"b2000"')),
        with_part(WHOLE, SHEET, lambda text: text.replace("<v>2000</v>", "<v>99999</v>")),
    ],
)
def test_a_damaged_sheet_refuses_the_file_at_the_latest_after_its_last_record(make: Make, raw: bytes) -> None:
    (finding,) = refused(lambda: list(make().open(BytesIO(raw)).records()))
    assert finding.rule == "format.workbook"
    assert finding.text.en.startswith("damaged after row ")


def test_a_row_that_never_ends_is_refused_before_it_fills_the_memory(make: Make) -> None:
    endless = "<c><v>1</v></c>" * 1_000_000
    raw = with_part(WHOLE, SHEET, lambda text: text.replace('<row r="9"', f'<row r="8">{endless}</row><row r="9"'))
    (finding,) = refused(lambda: list(make().open(BytesIO(raw)).records()))
    assert finding.text.en == "one row of xl/worksheets/sheet1.xml is too large"


@pytest.mark.parametrize(("part", "tag"), [(SHEET, "<worksheet"), (BOOK, "<workbook"), (TEXTS, "<sst")])
def test_a_document_type_is_refused(make: Make, part: str, tag: str) -> None:
    bomb = f'<!DOCTYPE x [<!ENTITY a "王王王">]>{tag}'
    raw = with_part(WHOLE, part, lambda text: text.replace(tag, bomb, 1).replace("<v>5</v>", "<v>&a;</v>"))
    (finding,) = refused(lambda: list(make().open(BytesIO(raw)).records()))
    assert finding.text.en == f"the part {part} has a document type"


def test_rare_characters_are_those_of_the_channel_both_ways(make: Make) -> None:
    form = make("", characters="{U+E81E: U+9FB4}")
    raw = b"".join(form.write_file({}, [{"姓名": "\u9fb4", "金额": "1"}]))
    assert cells(raw)[1][0] == ["", "1"]
    assert form.parse(raw)["Record"] == [{"姓名": "\u9fb4", "金额": "1"}]
    (finding,) = refused(lambda: make().parse(raw))
    assert finding.text.en == "the private-use code point U+E81E has no meaning here"


def test_what_is_written_is_read_again_as_texts_and_never_as_formulas(make: Make) -> None:
    form = make(
        ", sheet: 明细, labels: {日期: {}, 笔数: {labels: [合计], column: 金额}}, ends: [合计]"
        ", totals: {count: File/笔数}"
    )
    names = [
        "王",
        "=1+1",
        "+5",
        "-5",
        "@a",
        "110101199001011234",
        "007",
        "_x000D_",
        "a\nb",
        " ",
        "{=1}",
        "www.example.com",
    ]
    tree: dict[str, Any] = {
        "File": {"日期": "2026-01-31", "笔数": "12"},
        "Record": [{"姓名": name, "金额": "1.10"} for name in names],
    }
    tree["Record"][9] = {"姓名": "", "金额": "1.10"}
    raw = form.write(tree)
    assert form.parse(raw) == tree
    assert raw == form.write(tree)
    with ZipFile(BytesIO(raw)) as book:
        assert b"<f>" not in book.read(SHEET)


@pytest.mark.parametrize(
    ("record", "outside", "place", "why"),
    [
        ({"姓名": "王" * 32_768}, {}, "姓名, record 1", "more than the 32767 characters of a cell"),
        ({"姓名": "\ue81e"}, {}, "姓名, record 1", "UTF-8 does not hold the character U+E81E"),
        ({"姓名": "王"}, {"日期": "\ue81e"}, "File/日期", "UTF-8 does not hold the character U+E81E"),
    ],
)
def test_a_value_that_a_cell_cannot_hold_is_refused_by_its_record(
    make: Make, record: dict[str, str], outside: dict[str, str], place: str, why: str
) -> None:
    (finding,) = refused(lambda: list(make(", labels: {日期: {}}").write_file({"File": outside}, [record])))
    assert (finding.partner_path, finding.text.en) == (place, why)


def test_a_profile_with_an_encoding_for_a_workbook_is_refused(make: Make) -> None:
    with pytest.raises(ProfileInvalid, match="a workbook is Unicode"):
        make(", encoding: GBK")
