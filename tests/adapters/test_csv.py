"""CSV: encodings, quotes, broken records among good ones, byte ranges, and what goes out."""

from collections import deque
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.conftest import HEAD, Load
from tests.adapters.test_table import loaded_with, nodes, refused, written
from xinqiao.errors import ContentRefused, WrongEncoding
from xinqiao_adapters.formats.format import DocumentFormat, RawRecord, RecordFormat
from xinqiao_adapters.formats.table.csv import CsvFormat, csv_format
from xinqiao_adapters.mapping.access import kept

Make = Callable[..., CsvFormat]
TWO = "{kind: csv, columns: {姓名: {}, 金额: {}}%s}"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(said: str = "", **profile: str) -> CsvFormat:
        loaded = loaded_with(tmp_path, TWO % said, **profile)
        return csv_format(loaded, "table", loaded.profile.interfaces["table"])

    return made


def read(form: CsvFormat, raw: bytes) -> list[RawRecord]:
    return list(form.open(BytesIO(raw)).records())


def said(records: list[RawRecord]) -> list[object]:
    return [
        each.node or [(finding.rule, finding.text.en, finding.partner_path) for finding in each.findings]
        for each in records
    ]


def test_the_format_is_one_of_records_and_of_documents(make: Make) -> None:
    form = make()
    assert isinstance(form, RecordFormat)
    assert isinstance(form, DocumentFormat)
    assert form.content_type == "text/csv; charset=UTF-8"
    assert [form.takes(each) for each in ("", "text/csv; charset=utf-8", "application/json")] == [True, True, False]
    assert [form.begins(each) for each in (b"a,b", b"<a,b>", b"ab", b"\0a,")] == [True, False, False, False]
    assert form.is_root({})
    assert form.root_name({"Record": [{"姓名": "王"}]}) == "姓名"
    assert form.findings({}, list) == []


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("UTF-8", "姓名,金额\n䶮,1\n".encode()),
        ("UTF-8", b"\xef\xbb\xbf" + "姓名,金额\n䶮,1\n".encode()),
        ("GBK", "姓名,金额\n䶮,1\n".encode("gb18030")),
        ("GB18030", b"\x84\x31\x95\x33" + "姓名,金额\n䶮,1\n".encode("gb18030")),
    ],
)
def test_each_encoding_is_read_with_and_without_a_mark(make: Make, encoding: str, raw: bytes) -> None:
    assert [each.node for each in read(make(f", encoding: {encoding}"), raw)] == [{"姓名": "䶮", "金额": "1"}]


def test_a_delimiter_that_is_half_of_a_character_does_not_cut_it(make: Make) -> None:
    text = "姓名|金额\n亅|1\n"
    assert b"|" in "亅".encode("gbk")
    assert [each.node for each in read(make(", encoding: GBK, delimiter: '|'"), text.encode("gbk"))] == [
        {"姓名": "亅", "金额": "1"}
    ]


@pytest.mark.parametrize(
    ("raw", "content_type", "said"),
    [
        ("姓名,金额\n".encode("gbk"), "", "byte 0 is not UTF-8"),
        (b"\x84\x31\x95\x33a", "", "the byte order mark says GB18030, the profile says UTF-8"),
        (b"a", "text/csv; charset=gbk", "the content type says gbk, the profile says UTF-8"),
    ],
)
def test_a_file_of_another_encoding_is_refused(make: Make, raw: bytes, content_type: str, said: str) -> None:
    with pytest.raises(WrongEncoding, match=said):
        make().open(BytesIO(raw), content_type)


def test_a_record_of_another_encoding_is_a_finding_with_its_byte(make: Make) -> None:
    raw = "姓名,金额\n王,1\n".encode() + "李,2\n".encode("gbk") + "赵,3\n".encode() + '"李",2\n'.encode("gbk")
    place = "Record, record 2, bytes 20–24"
    assert said(read(make(), raw)) == [
        {"姓名": "王", "金额": "1"},
        [("format.record", "wrong encoding: byte 20 is not UTF-8", place)],
        {"姓名": "赵", "金额": "3"},
        [("format.record", "wrong encoding: byte 32 is not UTF-8", "Record, record 4, bytes 31–37")],
    ]


def test_rare_characters_are_those_of_the_channel_both_ways(make: Make) -> None:
    form = make(", encoding: GBK", characters="{U+E81E: U+9FB4}")
    raw = "姓名,金额\r\n".encode("gbk") + b"\xfe\x59,1\r\n"
    assert read(form, raw)[0].node == {"姓名": "\u9fb4", "金额": "1"}
    assert b"".join(form.write_file({}, [{"姓名": "\u9fb4", "金额": "1"}])) == raw


def test_byte_ranges_are_exact_for_each_kind_of_line_end(make: Make) -> None:
    raw = '姓名,金额\r\n王,1\n\n"李\r\n四",2\r\n赵,3'.encode()
    records = read(make(), raw)
    assert [(each.number, raw[each.start : each.end].decode()) for each in records] == [
        (1, "王,1"),
        (2, '"李\r\n四",2'),
        (3, "赵,3"),
    ]
    assert records[1].node == {"姓名": "李\n四", "金额": "2"}


def test_quotes_hold_delimiters_quotes_and_line_breaks(make: Make) -> None:
    assert nodes(make(), '姓名,金额\n"a,""b""\n\nc","1,000"\n6" x,\n') == [
        {"姓名": 'a,"b"\n\nc', "金额": "1,000"},
        {"姓名": '6" x', "金额": ""},
    ]


BROKEN = [
    ('"李,2', "a quote is not closed, or stands in the wrong place"),
    ('"李"四,2', "a quote is not closed, or stands in the wrong place"),
    ('李,"2', "a quote is not closed, or stands in the wrong place"),
    ("李", "the record has 1 cells, the header 2"),
    ("李,2,3", "the record has 3 cells, the header 2"),
    ('"李",2,3', "the record has 3 cells, the header 2"),
    ("李\0,2", "there is a NUL byte"),
    ("李" * 90_000 + ",2", "the record is longer than 262144 bytes"),
]


@pytest.mark.parametrize(("line", "why"), BROKEN)
@pytest.mark.parametrize("after", ['赵,3\n"钱",4\n', '"赵",3\n钱,4', "赵,3\n" * 120])
def test_a_broken_record_is_one_finding_and_the_others_are_read(make: Make, line: str, why: str, after: str) -> None:
    raw = f"姓名,金额\n王,1\n{line}\n{after}".encode()
    end = 20 + len(line.encode())
    first, second, *others = said(read(make(), raw))
    assert (first, second) == (
        {"姓名": "王", "金额": "1"},
        [("format.record", why, f"Record, record 2, bytes 20–{end}")],
    )
    assert [each["姓名"] for each in others if isinstance(each, dict)] == ["赵", "钱"][: len(others)] or len(
        others
    ) == 120


def test_a_quote_that_is_never_closed_does_not_take_the_lines_after_it(make: Make) -> None:
    raw = '姓名,金额\n"王,1\n' + '"李",2\n' * 3 + '赵",3\n"钱,4'
    assert said(read(make(), raw.encode())) == [
        [("format.record", BROKEN[0][1], "Record, record 1, bytes 14–20")],
        *[{"姓名": "李", "金额": "2"}] * 3,
        {"姓名": '赵"', "金额": "3"},
        [("format.record", BROKEN[0][1], "Record, record 6, bytes 52–58")],
    ]


def test_empty_cells_after_the_last_column_and_blank_lines_do_not_count(make: Make) -> None:
    assert nodes(make(), "姓名,金额\n王,1,,\n,,,\n\n\n李,2\n") == [
        {"姓名": "王", "金额": "1"},
        {"姓名": "李", "金额": "2"},
    ]


def test_without_a_header_the_columns_stand_in_the_order_of_the_profile(make: Make) -> None:
    form = make(", header: false, delimiter: '|', quote: '', line: LF")
    assert nodes(form, '王"|1\n李|2\n') == [{"姓名": '王"', "金额": "1"}, {"姓名": "李", "金额": "2"}]
    assert written(form, {}, [{"姓名": '王"', "金额": "1"}]) == '王"|1\n'


def test_blanks_are_kept_where_the_profile_says_so(make: Make) -> None:
    assert make(", trim: false").access.node_text(" a ") == kept(" a ")
    assert make().access.node_text(" a ") == "a"


@pytest.mark.parametrize(
    ("form", "text", "why"),
    [
        (", encoding: GBK", "𠮷", "GBK does not hold the character U+20BB7"),
        (", encoding: GBK", "\ue81e", "GBK does not hold the character U+E81E"),
        (", quote: ''", "a,b", "the value holds a delimiter or a line break"),
        (", quote: ''", "a\nb", "the value holds a delimiter or a line break"),
    ],
)
def test_a_value_that_the_file_cannot_hold_is_refused_by_its_record(make: Make, form: str, text: str, why: str) -> None:
    records = [{"姓名": "王", "金额": "1"}, {"姓名": "王", "金额": text}]
    (finding,) = refused(lambda: list(make(form).write_file({}, records)))
    assert (finding.rule, finding.partner_path, finding.text.en) == ("format.cell", "金额, record 2", why)


def test_a_value_outside_the_records_that_the_file_cannot_hold_is_refused_by_its_label(make: Make) -> None:
    form = make(", encoding: GBK, labels: {机构: {}}")
    (finding,) = refused(lambda: list(form.write_file({"File": {"机构": "𠮷"}}, [])))
    assert finding.partner_path == "File/机构"


def test_texts_that_look_like_formulas_go_out_as_they_are(make: Make) -> None:
    records = [{"姓名": "=1+1", "金额": "-5"}, {"姓名": "@a", "金额": "+5"}]
    assert written(make(), {}, records) == "姓名,金额\r\n=1+1,-5\r\n@a,+5\r\n"


def test_a_long_file_is_written_in_pieces_and_read_to_its_end(make: Make) -> None:
    form = make()
    pieces = list(form.write_file({}, ({"姓名": f"客户{number}", "金额": "1"} for number in range(20_000))))
    table = form.open(BytesIO(b"".join(pieces)))
    (last,) = deque(table.records(), maxlen=1)
    assert (len(pieces), last.number, last.node["姓名"]) == (5, 20_000, "客户19999")
    assert table.position() == sum(map(len, pieces))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs", "Co"], exclude_characters="\r\0")),
            st.text('",\n a龘', max_size=8),
        ),
        max_size=5,
    ),
    st.sampled_from([", encoding: GB18030", "", ", delimiter: ';', line: LF", ', delimiter: "\\t"']),
)
def test_what_is_written_is_read_again(make: Make, rows: list[tuple[str, str]], form: str) -> None:
    table = make(form)
    records = [{"姓名": name, "金额": amount} for name, amount in rows if (name + amount).strip()]
    raw = b"".join(table.write_file({}, records))
    assert [each.node for each in read(table, raw)] == records


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "a", '""', "王", "\0"]), max_size=60))
def test_every_byte_of_any_input_is_of_one_record_or_of_none(make: Make, parts: list[str]) -> None:
    raw = ("姓名,金额\n" + "".join(parts) + "\n").encode()
    records = read(make(), raw)
    places = [(each.start or 0, each.end or 0) for each in records]
    assert all(start < end for start, end in places)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
    left = raw[14:]
    for start, end in reversed(places):
        left = left[: start - 14] + left[end - 14 :]
    assert not left.strip(b',"\r\n')  # what is left is blank, perhaps in quotes


def test_a_message_of_which_nothing_stands_in_the_file_is_refused(load: Load) -> None:
    channel = load(
        HEAD
        + "interfaces:\n  nav:\n    message: navReport\n    direction: both\n    records: Record\n    key: [./No]\n"
        "    format: {kind: csv, columns: {No: {}}}\n    map: {header.partnerSerial: {from: ./No}}\n"
    )
    with pytest.raises(ContentRefused) as caught:
        list(channel.adapter.encode([{"header": {}, "navReport": {}}]))
    assert [each.rule for each in caught.value.findings] == ["mapping.no_record"]


def test_a_file_that_ends_inside_a_record_is_refused_as_a_whole(load: Load) -> None:
    channel = load(
        HEAD + "interfaces:\n  nav:\n    message: navReport\n    direction: in\n    records: Record\n"
        "    key: [./No]\n    format: {kind: csv, columns: {No: {}, Units: {}}}\n"
        "    map: {header.partnerSerial: {from: ./No}, units: {from: ./Units, decimal: 2}}\n"
    )
    with pytest.raises(ContentRefused) as caught:
        list(channel.adapter.decode(b"No,Units\r\n1,2.00\r\n2", ""))
    assert [each.rule for each in caught.value.findings] == ["format.cut"]
    assert len(list(channel.adapter.decode(b"No,Units\r\n1,2.00\r\n2,3.00", ""))) == 2
