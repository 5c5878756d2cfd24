"""Templates for people: what stands in them, and that what people save is what the interface reads."""

import re
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from lxml import etree

from tests.adapters.test_table import loaded_with
from xinqiao.errors import ProfileInvalid
from xinqiao_adapters.formats.table.excel import ExcelFormat, excel_format
from xinqiao_adapters.formats.table.template import write_template
from xinqiao_adapters.formats.table.workbook import Workbook
from xinqiao_adapters.loader import LoadedProfile

FORM = """\
kind: excel
columns:
  产品代码: {required: true, hint: {zh: 按中信登编码, en: The code of the registry}}
  估值日: {required: true}
  单位净值: {}
  净资产: {}
  净资产（分）: {}
  状态: {}
  阶段: {}
  版本: {}
  备注: {}
  来源: {choices: source}
labels: {批次: {required: true}, 说明: {}, 尾注: {column: 备注}}
ends: [尾注]
"""
MAP = """\
title: {zh: 净值, en: NAV}
direction: in
records: Record
map:
  header.partnerSerial: {from: File/批次}
  instrument.code: {from: ./产品代码}
  navDate: {from: ./估值日, date: "%Y-%m-%d"}
  unitNav: {from: ./单位净值, decimal: 4}
  netAssets.value: {from: ./净资产, amount: yuan}
  netAssets.currency: {constant: CNY}
  state: {from: ./状态, codes: state}
  Record/版本: {constant: V1}
"""
CODES = '{state: {估算: ESTIMATED, 正式: FORMAL}, source: {"1": A, "2": B}}'
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedProfile:
    return loaded_with(tmp_path, FORM, MAP, codes=CODES)


@pytest.fixture
def template(loaded: LoadedProfile, tmp_path: Path) -> bytes:
    write_template(loaded, "table", tmp_path / "template.xlsx")
    return (tmp_path / "template.xlsx").read_bytes()


def form_of(loaded: LoadedProfile) -> ExcelFormat:
    return excel_format(loaded, "table", loaded.profile.interfaces["table"])


def texts(raw: bytes, sheet: str) -> list[list[str]]:
    return [list(row.cells) for row in Workbook(BytesIO(raw)).rows(sheet)]


def part(raw: bytes, number: int) -> etree._Element:
    with ZipFile(BytesIO(raw)) as book:
        return etree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))


def filled(raw: bytes, cells: str) -> bytes:
    """Return the template as a person saves it, with one row below the header and a batch."""
    file = BytesIO()
    with ZipFile(BytesIO(raw)) as old, ZipFile(file, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name).decode()
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace("</sheetData>", f'<row r="8">{cells}</row></sheetData>')
                content = re.sub(r'<c r="B4" s="\d+"/>', '<c r="B4" t="str"><v>B-1</v></c>', content)
            new.writestr(name, content)
    return file.getvalue()


def test_the_first_sheet_has_title_hints_and_header(template: bytes) -> None:
    rows = texts(template, "填写 Fill in")
    assert [row[0] for row in rows] == [
        "小银行 · 净值",
        "Small bank · NAV",
        "带 * 的列必填。请勿改动表头；证件号码等长数字按文本填写。 Columns with * are required. "
        "Leave the header as it is; long numbers such as identity numbers are texts.",
        "批次 *",
        "说明",
        "按中信登编码\nThe code of the registry",
        "产品代码 *",
    ]
    assert rows[-1] == [
        "产品代码 *",
        "估值日 *",
        "单位净值",
        "净资产",
        "净资产（分）",
        "状态",
        "阶段",
        "版本",
        "备注",
        "来源",
    ]
    assert rows[-2][1].startswith("净值日期；")
    assert rows[-2][5] == "净值状态\nState"
    assert rows[-2][9] == "1 A、2 B\n1 A, 2 B"


def test_the_second_sheet_shows_a_record_filled_in(template: bytes) -> None:
    rows = texts(template, "示例 Example")
    assert rows[-1][:3] == ["XT2026001", "2026-01-30", "1.0021"]
    assert rows[-1][5:] == ["正式", "", "V1", "", "1"]


def test_the_header_is_locked_and_stays_in_sight_and_the_cells_below_it_are_of_their_kind(template: bytes) -> None:
    sheet = part(template, 1)
    assert sheet.find(f"{MAIN}sheetProtection") is not None
    pane = sheet.find(f"{MAIN}sheetViews/{MAIN}sheetView/{MAIN}pane")
    assert pane is not None
    assert pane.get("topLeftCell") == "A8"
    with ZipFile(BytesIO(template)) as book:
        styles = etree.fromstring(book.read("xl/styles.xml"))
    codes = {each.get("numFmtId"): each.get("formatCode") for each in styles.iter(f"{MAIN}numFmt")}
    formats = [
        (codes.get(each.get("numFmtId"), each.get("numFmtId")), each.find(f"{MAIN}protection") is not None)
        for each in styles.iterfind(f"{MAIN}cellXfs/{MAIN}xf")
    ]
    columns = [
        formats[int(each.get("style", "0"))]
        for each in sheet.iter(f"{MAIN}col")
        for _ in range(int(each.get("min", "0")), int(each.get("max", "0")) + 1)
    ]
    assert columns == [
        ("@", True),
        ("yyyy-mm-dd", True),
        ("0", True),
        ("#,##0.00####", True),
        *[("@", True)] * 6,
    ]


def test_codes_and_fixed_values_are_chosen_from_lists_on_a_hidden_sheet(template: bytes) -> None:
    with ZipFile(BytesIO(template)) as book:
        workbook = etree.fromstring(book.read("xl/workbook.xml"))
    assert [(each.get("name"), each.get("state")) for each in workbook.iter(f"{MAIN}sheet")] == [
        ("填写 Fill in", None),
        ("示例 Example", None),
        ("选项 Choices", "hidden"),
    ]
    rules = {each.get("sqref"): each for each in part(template, 1).iter(f"{MAIN}dataValidation")}
    lists = {place: each.findtext(f"{MAIN}formula1") for place, each in rules.items() if each.get("type") == "list"}
    assert lists == {
        "F8:F10007": "'选项 Choices'!$A$1:$A$2",
        "H8:H10007": "'选项 Choices'!$B$1",
        "J8:J10007": "'选项 Choices'!$C$1:$C$2",
    }
    assert rules["B8:B10007"].get("type") == "date"
    assert rules["A8:A10007"].get("prompt") == "按中信登编码 / The code of the registry"


def test_what_people_save_is_what_the_interface_reads(loaded: LoadedProfile, template: bytes) -> None:
    styled = {each.get("min"): each.get("style") for each in part(template, 1).iter(f"{MAIN}col")}
    cells = (
        '<c r="A8" t="str"><v>ZXD001</v></c>'
        f'<c r="B8" s="{styled["2"]}"><v>46053</v></c><c r="C8"><v>1.0023</v></c><c r="F8" t="str"><v>正式</v></c>'
    )
    tree = form_of(loaded).parse(filled(template, cells))
    assert tree["File"] == {"批次": "B-1"}
    assert [list(record.values())[:6] for record in tree["Record"]] == [
        ["ZXD001", "2026-01-31", "1.0023", "", "", "正式"]
    ]


def test_a_template_that_is_not_filled_in_has_no_records(loaded: LoadedProfile, template: bytes) -> None:
    with pytest.raises(Exception, match="the file lacks 批次"):
        form_of(loaded).parse(template)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("{kind: csv, columns: {a: {}}}", "a template is a workbook, this interface is csv"),
        ("{kind: excel, columns: {a: {}}, labels: {b: {column: a, required: true}}}", "b stands below the table"),
        ("{kind: excel, columns: {a: {}}, labels: {b: {}}, totals: {count: File/b}}", "File/b stands below the table"),
        ("{kind: excel, columns: {a: {choices: x}}}", "there is no code table 'x'"),
    ],
)
def test_an_interface_that_people_cannot_fill_in_has_no_template(tmp_path: Path, form: str, said: str) -> None:
    loaded = loaded_with(tmp_path, form)
    with pytest.raises(ProfileInvalid, match=said):
        write_template(loaded, "table", tmp_path / "template.xlsx")


def test_kinds_of_rows_give_kinds_of_cells(tmp_path: Path) -> None:
    rest = """\
        direction: in
        records: Record
        map:
          unitNav: {from: ./a, decimal: 4, grouping: true}
          navDate: {from: ./b, date: "%Y%m%d"}
          netAssets.value: {from: ./c, amount: fen}
        """
    loaded = loaded_with(tmp_path, "{kind: excel, sheet: 一, columns: {a: {}, b: {}, c: {}}}", rest)
    write_template(loaded, "table", tmp_path / "template.xlsx")
    raw = (tmp_path / "template.xlsx").read_bytes()
    rules = {each.get("sqref"): each.get("type") for each in part(raw, 1).iter(f"{MAIN}dataValidation")}
    assert rules == {"A6:A10005": None, "B6:B10005": None, "C6:C10005": "whole"}
    assert next(iter(Workbook(BytesIO(raw)).sheets)) == "一"
