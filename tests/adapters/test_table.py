"""Tables: the header found by its labels, values outside it, its end, its totals, and how they are written again."""

from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from textwrap import dedent, indent
from typing import Any, cast

import pytest

from tests.adapters.conftest import HEAD
from xinqiao.errors import ContentRefused, ProfileInvalid
from xinqiao.finding import Finding
from xinqiao_adapters.formats.table.csv import CsvFormat, csv_format
from xinqiao_adapters.loader import LoadedProfile, load_profile
from xinqiao_adapters.mapping.rows import plan_of

MakeCsv = Callable[[str], CsvFormat]

# A valuation table (估值表) as custodians write it.
VALUATION = """\
kind: csv
columns:
  科目代码: {}
  科目名称: {}
  市值: {labels: [市值, 市值(元)]}
labels:
  估值日期: {required: true}
  单位净值: {labels: [基金单位净值], column: 科目名称}
  资产净值: {column: 市值}
ends: [基金单位净值, 资产净值]
"""
SHEET = """\
示例信托一号估值表,,,,
估值日期：2026-01-31,,,单位：元,
科目 代码,科目名称：,币种,市值（元）,
1002,银行存款,CNY,"1,234.50",
1102.01,股票投资,CNY,100,
,,,,
基金单位净值：,1.0023,,,
资产净值:,,,1334.50,
"""
LEDGER = """\
kind: csv
columns: {客户: {}, 金额: {}, 笔数: {optional: true}}
labels: {笔数: {labels: [合计], column: 笔数}, 总额: {labels: [合计], column: 金额}}
ends: [合计]
totals: {count: File/笔数, sums: {金额: File/总额}}
"""


def loaded_with(folder: Path, form: str, rest: str = "direction: in", **profile: str) -> LoadedProfile:
    """Load a profile with one interface of a format; mappings are left to the tests that need one."""
    text = HEAD + "".join(f"{name}: {part}\n" for name, part in profile.items())
    text += "interfaces:\n  table:\n    message: navReport\n" + indent(dedent(rest), "    ")
    text += "\n    format:\n" + indent(dedent(form), "      ")
    (folder / "small-bank").mkdir(exist_ok=True)
    (folder / "small-bank" / "channel.yaml").write_text(text, encoding="utf-8")
    return load_profile("small-bank", [folder])


def made_with(folder: Path, form: str, rest: str = "direction: in") -> CsvFormat:
    loaded = loaded_with(folder, form, rest)
    return csv_format(loaded, "table", loaded.profile.interfaces["table"])


@pytest.fixture
def make(tmp_path: Path) -> MakeCsv:
    return lambda form: made_with(tmp_path, form)


def nodes(form: CsvFormat, text: str) -> list[dict[str, str]]:
    return cast("list[dict[str, str]]", form.parse(text.encode())["Record"])


def written(form: CsvFormat, outside: dict[str, str], records: Iterable[dict[str, str]]) -> str:
    return b"".join(form.write_file({"File": outside}, records)).decode()


def refused(act: Callable[[], object]) -> list[Finding]:
    with pytest.raises(ContentRefused) as error:
        act()
    return list(error.value.findings)


def test_a_valuation_table_is_found_by_its_labels_with_what_stands_before_and_after(make: MakeCsv) -> None:
    assert make(VALUATION).parse(SHEET.encode()) == {
        "File": {"估值日期": "2026-01-31", "单位净值": "1.0023", "资产净值": "1334.50"},
        "Record": [
            {"科目代码": "1002", "科目名称": "银行存款", "币种": "CNY", "市值": "1,234.50", "#5": ""},
            {"科目代码": "1102.01", "科目名称": "股票投资", "币种": "CNY", "市值": "100", "#5": ""},
        ],
    }


@pytest.mark.parametrize("offset", [0, 8, 49])
def test_a_header_is_found_in_any_of_the_first_fifty_rows(make: MakeCsv, offset: int) -> None:
    text = "标题,,\n" * offset + "客户,金额\n王,1\n"
    assert nodes(make("{kind: csv, columns: {客户: {}, 金额: {}}}"), text) == [{"客户": "王", "金额": "1"}]


def test_a_header_further_down_is_refused_with_the_columns_that_the_nearest_row_lacks(make: MakeCsv) -> None:
    form = make("{kind: csv, columns: {客户: {}, 金额: {}, 币种: {}}}")
    (finding,) = refused(lambda: form.parse(("客户,金额\n" + "x,y\n" * 49 + "客户,金额,币种\n").encode()))
    assert finding.rule == "format.header"
    assert finding.text.zh == "前 50 行中没有表头，最接近的一行缺少：币种"
    assert finding.expected == "客户, 金额, 币种"


def test_a_row_for_each_label_may_stand_before_the_header_beside_those_fifty(make: MakeCsv) -> None:
    names = [f"栏目{number}" for number in range(60)]
    form = make(f"{{kind: csv, columns: {{客户: {{}}}}, labels: {{{', '.join(f'{name}: {{}}' for name in names)}}}}}")
    outside = {name: f"值{name}" for name in names}
    text = written(form, outside, [{"客户": "王"}])
    assert form.parse(text.encode()) == {"File": outside, "Record": [{"客户": "王"}]}


def test_an_optional_column_may_be_missing_and_one_that_is_not_known_keeps_its_label(make: MakeCsv) -> None:
    form = make("{kind: csv, columns: {客户: {}, 币种: {optional: true}}}")
    assert nodes(form, "备注 一,客户,备注 一,\n甲,王,乙,丙\n") == [
        {"备注 一": "甲", "客户": "王", "#3": "乙", "#4": "丙"}
    ]


def test_a_column_that_is_there_twice_is_refused(make: MakeCsv) -> None:
    (finding,) = refused(lambda: make("{kind: csv, columns: {客户: {}}}").parse("客户,客户*\n王,李\n".encode()))
    assert (finding.rule, finding.text.en) == (
        "format.header",
        "the column 客户 is there more than once (columns 1, 2)",
    )


def test_two_header_rows_give_labels_joined_by_a_point(make: MakeCsv) -> None:
    form = make(
        "{kind: csv, columns: {代码: {}, 成本: {labels: [成本·金额]}, 成本占比: {labels: [成本·占比]}, 市值: {}}}"
    )
    assert nodes(form, "代码,成本,,市值\n,金额,占比,\n1002,5,10%,6\n") == [
        {"代码": "1002", "成本": "5", "成本占比": "10%", "市值": "6"}
    ]


def test_the_lower_of_two_header_rows_is_no_record_where_all_columns_stand_in_the_upper(make: MakeCsv) -> None:
    form = make("{kind: csv, columns: {代码: {}, 市值: {}}}")
    assert nodes(form, "代码,成本,,市值\n,金额,占比,\n1002,5,10%,6\n") == [
        {"代码": "1002", "成本·金额": "5", "成本·占比": "10%", "市值": "6"}
    ]


def test_a_first_record_that_says_nothing_of_the_known_columns_is_no_header(make: MakeCsv) -> None:
    form = make("{kind: csv, columns: {代码: {}, 市值: {}}}")
    assert nodes(form, "代码,备注,市值\n,待补,\n") == [{"代码": "", "备注": "待补", "市值": ""}]


def test_a_value_stands_in_the_next_cell_that_is_not_blank_and_is_no_label(make: MakeCsv) -> None:
    form = make("{kind: csv, columns: {客户: {}}, labels: {日期: {}, 批次: {}, 网点: {}}}")
    text = "日期：,,2026-01-31,批次,网点:北京,,\n客户,,,,,,\n王\n".replace("王\n", "王,,,,,,\n")
    assert form.parse(text.encode())["File"] == {"日期": "2026-01-31", "网点": "北京"}


def test_a_label_with_two_values_is_refused(make: MakeCsv) -> None:
    form = make("{kind: csv, columns: {客户: {}}, labels: {日期: {}}}")
    (finding,) = refused(lambda: form.parse("日期:1\n日期:2\n客户\n王\n".encode()))
    assert (finding.rule, finding.text.zh) == ("format.label", "“日期”出现两次且值不同")


def test_a_label_may_say_the_same_number_twice_in_other_digits(make: MakeCsv) -> None:
    form = make("{kind: csv, columns: {客户: {}, 份额: {}}, labels: {单位净值: {}}, ends: [合计]}")
    text = "单位净值：1.0230,\n客户,份额\n王,1\n合计,\n单位净值,1.023\n"
    assert form.parse(text.encode())["File"] == {"单位净值": "1.0230"}


def test_a_required_value_that_is_not_there_refuses_the_file(make: MakeCsv) -> None:
    (finding,) = refused(lambda: make(VALUATION).parse(SHEET.replace("估值日期", "日期").encode()))
    assert (finding.rule, finding.partner_path) == ("format.label", "File/估值日期")


def test_a_record_after_the_end_refuses_the_file(make: MakeCsv) -> None:
    (finding,) = refused(lambda: make(VALUATION).parse((SHEET + "1203,应收股利,CNY,1,\n").encode()))
    assert (finding.rule, finding.text.en) == ("format.end", "there is a record after the end of the table")


def test_a_broken_row_after_the_end_refuses_the_file(make: MakeCsv) -> None:
    (finding,) = refused(lambda: make(VALUATION).parse((SHEET + "制表\0人,,,,\n").encode()))
    assert (finding.rule, finding.text.en) == ("format.record", "there is a NUL byte")


def test_totals_are_checked_exactly(make: MakeCsv) -> None:
    text = '客户,金额\n王,0.10\n李,"1,000.20"\n赵,\n合计,1000.3\n'
    form = make(LEDGER.replace("笔数: {labels: [合计], column: 笔数}, ", "").replace("count: File/笔数, ", ""))
    assert form.parse(text.encode())["File"] == {"总额": "1000.3"}


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("合计,3,1000.31", "File/总额 is 1000.31, the records make 1000.30"),
        ("合计,2,1000.30", "File/笔数 is 2, the records make 3"),
        ("合计,3,", "File/总额 is nothing, the records make 1000.30"),
        ("合计,三,1000.30", "File/笔数 is *, the records make 3"),
        ("", "File/笔数 is nothing, the records make 3"),
    ],
)
def test_a_total_that_is_not_that_of_the_records_refuses_the_file(make: MakeCsv, last: str, said: str) -> None:
    form = make(LEDGER)
    text = f'客户,笔数,金额\n王,,0.10\n李,,"1,000.20"\n赵,,\n{last}\n'
    (finding,) = refused(lambda: form.parse(text.encode()))
    assert (finding.rule, finding.text.en) == ("format.total", said)


def test_a_cell_to_be_summed_that_holds_no_number_is_a_finding_and_leaves_the_sum_unchecked(make: MakeCsv) -> None:
    form = make(LEDGER.replace("笔数: {labels: [合计], column: 笔数}, ", "").replace("count: File/笔数, ", ""))
    table = form.open(BytesIO("客户,金额\n王,一百\n李,5\n合计,105\n".encode()))
    first, second = table.records()
    assert [(each.rule, each.partner_path, each.value) for each in first.findings] == [
        ("format.cell", "金额, record 1, bytes 14–24", "**")
    ]
    assert (second.node, table.root) == ({"客户": "李", "金额": "5"}, {"File": {"总额": "105"}})


def test_a_table_is_written_as_it_is_read(make: MakeCsv) -> None:
    form = make(VALUATION)
    tree: dict[str, Any] = {
        "File": {"估值日期": "2026-01-31", "单位净值": "1.0023", "资产净值": "1334.50"},
        "Record": [{"科目代码": "1002", "科目名称": "银行存款", "市值": "1,234.50"}],
    }
    text = form.write(tree).decode()
    assert text == (
        '估值日期,2026-01-31\r\n科目代码,科目名称,市值\r\n1002,银行存款,"1,234.50"\r\n'
        "基金单位净值,1.0023,\r\n资产净值,,1334.50\r\n"
    )
    assert form.parse(text.encode()) == tree


def test_totals_are_written_from_the_records_after_or_before_them(make: MakeCsv) -> None:
    records = [{"客户": "王", "金额": "0.10"}, {"客户": "李", "金额": "1,000.20"}]
    assert written(make(LEDGER), {}, records).splitlines()[-1] == "合计,1000.30,2"
    form = make("{kind: csv, columns: {金额: {}}, labels: {笔数: {}}, totals: {count: File/笔数}}")
    assert written(form, {}, iter([{"金额": "1"}, {"金额": "2"}])) == "笔数,2\r\n金额\r\n1\r\n2\r\n"


def test_a_total_of_the_message_that_is_not_that_of_the_records_is_refused(make: MakeCsv) -> None:
    (finding,) = refused(lambda: written(make(LEDGER), {"总额": "2"}, [{"客户": "王", "金额": "1"}]))
    assert (finding.rule, finding.text.en) == ("format.total", "总额 is 2, the records make 1")


@pytest.mark.parametrize(
    ("record", "place", "said"),
    [
        (
            {"客户": "合计：", "金额": "1"},
            "Record, record 1",
            "the record's first value would be taken for the end of the table",
        ),
        ({"客户": " ", "金额": ""}, "Record, record 1", "the record says nothing"),
        ({"客户": "王", "金额": "一"}, "金额, record 1", "this column is summed, and the value is no number"),
    ],
)
def test_a_record_that_would_not_be_read_again_is_not_written(
    make: MakeCsv, record: dict[str, str], place: str, said: str
) -> None:
    (finding,) = refused(lambda: written(make(LEDGER), {}, [record]))
    assert (finding.partner_path, finding.text.en) == (place, said)


def test_a_required_value_that_no_message_says_is_not_left_out(make: MakeCsv) -> None:
    form = make("{kind: csv, columns: {客户: {}}, labels: {日期: {required: true}}}")
    (finding,) = refused(lambda: written(form, {}, [{"客户": "王"}]))
    assert finding.partner_path == "File/日期"
    assert finding.text.en == "a file has to have 日期, the message does not say it"


SHARED = "labels: {b: {labels: [x], column: c}, d: {labels: [x]}}, ends: [x]"


@pytest.mark.parametrize(
    ("form", "direction", "said"),
    [
        ("columns: {a: {labels: [客户]}, b: {labels: ['客户:']}}", "in", "客户: is a label of a and of b"),
        ("columns: {a: {}}, labels: {b: {column: c}}", "in", "no column 'c'; known: a"),
        ("columns: {a: {}}, totals: {sums: {b: File/c}}", "in", "no such column; known: a"),
        ("columns: {a: {}}, totals: {count: File/c}", "in", "File/c is none of labels: none is given"),
        ("columns: {a: {}}", "in\nrecords: Row", "the records of a table are at Record"),
        ("columns: {a: {}}, labels: {b: {column: a}}", "out", "name it under ends as well"),
        ("columns: {a: {}}, labels: {b: {column: a}}, ends: [b]", "out", "its label stands"),
        (f"columns: {{a: {{}}, c: {{}}}}, {SHARED}", "out", "where b stands"),
        ("columns: {a: {}}, delimiter: '\"'", "in", "a delimiter is one ASCII character"),
        ("columns: {a: {}}, quote: ’", "in", "the quote is an ASCII character"),
        ("columns: {a: {}}, labels: {b: {}}, header: false", "in", "no label is found"),
        ("columns: {}", "in", "columns"),
    ],
)
def test_a_profile_with_a_doubtful_table_is_refused(tmp_path: Path, form: str, direction: str, said: str) -> None:
    with pytest.raises(ProfileInvalid) as error:
        made_with(tmp_path, f"{{kind: csv, {form}}}", f"direction: {direction}")
    assert said in error.value.detail


@pytest.mark.parametrize("place", ["File/c", "Record/c", "Record/a/b", "a", "Record/@a"])
def test_a_row_of_a_mapping_names_a_value_of_the_table(tmp_path: Path, place: str) -> None:
    rest = f"direction: in\nmap: {{instrument.code: {{from: {place}}}}}"
    loaded = loaded_with(tmp_path, "{kind: csv, columns: {a: {}}, labels: {b: {}}}", rest)
    interface = loaded.profile.interfaces["table"]
    form = csv_format(loaded, "table", interface)
    with pytest.raises(ProfileInvalid, match="no such value of the table; known: File/b, Record/a"):
        form.located(plan_of(loaded, "table", interface))
    with pytest.raises(ValueError, match="no such value"):
        form.path(tuple(place.split("/")))
    assert form.path(("a",), ("Record",)) == ("a",)
