"""Lines of fixed width: sliced by bytes, points implied, totals checked; nothing cut, nothing guessed."""

from contextlib import suppress
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.conftest import HEAD, Load
from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import ContentRefused, ProfileInvalid, WrongEncoding
from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.formats.encoding import Charset
from xinqiao_adapters.formats.fixed.format import FixedFormat
from xinqiao_adapters.formats.format import RawRecord
from xinqiao_adapters.formats.spec import FixedSpec
from xinqiao_adapters.mapping.converters import Unfit

LESSONS = """\
interfaces:
  lessons:
    message: consumption
    direction: both
    records: Record
    key: [./No]
    format:
      kind: fixed
      encoding: GBK
      header: [[{name: "'HDR'", width: 3}, {name: Day, width: 8}]]
      record:
        - {name: No, width: 4}
        - {name: Merchant, width: 4}
        - {name: Consumer, width: 4}
        - {name: Order, width: 4}
        - {name: At, width: 14}
        - {name: Amount, width: 9, align: right, fill: "0", decimals: 2}
        - {name: Teacher, width: 8}
        - {name: Before, width: 4, align: right, fill: "0", decimals: 0}
      trailer:
        - - {name: "'END'", width: 3}
          - {name: Count, width: 4, align: right, fill: "0"}
          - {name: Sum, width: 12, align: right, fill: "0", decimals: 2}
      totals: {count: File/Count, sums: {Amount: File/Sum}}
    map:
      header.businessDate: {from: File/Day, date: "%Y%m%d"}
      consumptionNo: {from: ./No}
      merchantNo: {from: ./Merchant}
      consumerNo: {from: ./Consumer}
      orderReference: {from: ./Order}
      consumedAt: {from: ./At, datetime: "%Y%m%d%H%M%S", zone: "+08:00"}
      amount.value: {from: ./Amount, decimal: 2}
      amount.currency: {constant: CNY}
      teacher: {from: ./Teacher}
      unitsBefore: {from: ./Before, decimal: 0}
"""
FIRST = "C001M001U001O00120260307094500000008000陈老师  0050"
SECOND = "C002M001U002O00220260308145800000016805            "
FILE = f"HDR20260308\r\n{FIRST}\r\n{SECOND}\r\nEND0002000000024805\r\n"

HEADER = {
    "standardVersion": "1.0",
    "sender": "91110000100000000R",
    "receiver": "913100001000100012",
    "channelId": "small-bank",
    "businessDate": "2026-03-08",
}
MESSAGES: list[Json] = [
    {
        "header": HEADER,
        "consumption": {
            "consumptionNo": "C001",
            "merchantNo": "M001",
            "consumerNo": "U001",
            "orderReference": "O001",
            "consumedAt": "2026-03-07T09:45:00+08:00",
            "amount": {"value": "80.00", "currency": "CNY"},
            "teacher": "陈老师",
            "unitsBefore": "50",
        },
    },
    {
        "header": HEADER,
        "consumption": {
            "consumptionNo": "C002",
            "merchantNo": "M001",
            "consumerNo": "U002",
            "orderReference": "O002",
            "consumedAt": "2026-03-08T14:58:00+08:00",
            "amount": {"value": "168.05", "currency": "CNY"},
        },
    },
]


@pytest.fixture
def school(load: Load) -> Channel:
    return load(HEAD + LESSONS)


def read(channel: Channel, raw: bytes) -> list[Decoded | Undecoded]:
    return list(channel.adapter.decode(raw, "text/plain"))


def messages(channel: Channel, text: str) -> list[Json]:
    return [each.message for each in read(channel, text.encode("gbk")) if isinstance(each, Decoded)]


def refused(channel: Channel, text: str) -> tuple[str, str | None, str | None, str | None]:
    with pytest.raises(ContentRefused) as caught:
        read(channel, text.encode("gbk"))
    (finding,) = caught.value.findings
    return finding.rule, finding.partner_path, finding.value, finding.expected


def made(**changes: Any) -> FixedFormat:
    """Make a format of one column, or of what is given."""
    spec: dict[str, Any] = {"kind": "fixed", "record": [{"name": "A", "width": 6}], **changes}
    return FixedFormat(FixedSpec.model_validate(spec), Charset(spec.get("encoding", "GB18030")))


def column(width: int = 6, **says: Any) -> FixedFormat:
    return made(record=[{"name": "A", "width": width, **says}])


def text_of(form: FixedFormat, raw: bytes) -> str | None:
    (record,) = form.open(BytesIO(raw)).records()
    texts: list[str | None] = form.access.node_children(record.node, "A") or [None]
    (text,) = texts
    return text


def test_a_file_becomes_messages_and_the_messages_the_file(school: Channel) -> None:
    assert messages(school, FILE) == MESSAGES
    (encoded,) = school.adapter.encode(MESSAGES)
    assert encoded.content == FILE.encode("gbk")


def test_line_feeds_alone_are_read_and_what_the_profile_says_is_written(load: Load) -> None:
    school = load(HEAD + LESSONS.replace("kind: fixed", "kind: fixed\n      ends: LF"))
    assert messages(school, FILE) == messages(school, FILE.replace("\r", "")) == MESSAGES
    (encoded,) = school.adapter.encode(MESSAGES)
    assert encoded.content == FILE.replace("\r", "").encode("gbk")


def test_a_file_without_records_is_valid(school: Channel) -> None:
    assert read(school, b"HDR20260308\r\nEND0000000000000000\r\n") == []


def test_a_whole_file_may_be_one_message(load: Load) -> None:
    text = """\
    interfaces:
      held:
        message: positionStatement
        direction: both
        key: [File/No]
        format:
          kind: fixed
          header: [[{name: No, width: 4}, {name: Day, width: 8}]]
          record: [{name: Code, width: 6}, {name: Units, width: 8, align: right, fill: "0", decimals: 2}]
        map:
          statementNo: {from: File/No}
          asOf: {from: File/Day, date: "%Y%m%d"}
          positions[]: {each: Record, map: {instrument.code: {from: Code}, quantity: {from: Units, decimal: 2}}}
    """
    bank = load(HEAD + "\n".join(line[4:] for line in text.splitlines()))
    document = b"S00120260130\r\nF0000100010050\r\nF0000200000001\r\n"
    (decoded,) = read(bank, document)
    assert isinstance(decoded, Decoded)
    assert decoded.message["positionStatement"] == {
        "statementNo": "S001",
        "asOf": "2026-01-30",
        "positions": [
            {"instrument": {"code": "F00001"}, "quantity": "100.50"},
            {"instrument": {"code": "F00002"}, "quantity": "0.01"},
        ],
    }
    (encoded,) = bank.adapter.encode([decoded.message])
    assert encoded.content == document
    with pytest.raises(ContentRefused) as caught:
        read(bank, document.replace(b"F00002", b"F2"))
    assert [each.partner_path for each in caught.value.findings] == ["Record, record 2, bytes 30–40"]


def test_a_record_of_the_wrong_length_is_told_and_does_not_stop_the_others(school: Channel) -> None:
    text = FILE.replace("陈老师  ", "陈老师")
    bad, good = read(school, text.encode("gbk"))
    assert isinstance(bad, Undecoded)
    assert [(each.rule, each.partner_path, each.expected, each.text) for each in bad.findings] == [
        (
            "format.record",
            "Record, record 1, bytes 13–62",
            "51 bytes",
            Text("此行 49 字节，应为 51 字节", "the line has 49 bytes, not 51"),
        )
    ]
    assert isinstance(good, Decoded)
    assert good.message == MESSAGES[1]


def test_an_overlong_line_is_one_bad_record(school: Channel) -> None:
    text = FILE.replace(SECOND, SECOND + "x" * 200_000)
    good, bad = read(school, text.encode("gbk"))
    assert isinstance(good, Decoded)
    assert isinstance(bad, Undecoded)
    assert [each.partner_path for each in bad.findings] == ["Record, record 2, bytes 66–200117"]


def test_bytes_that_are_no_text_are_told_with_their_place(school: Channel) -> None:
    raw = FILE.encode("gbk").replace("陈老师".encode("gbk"), b"\xff\xff\xc0\xcf\xca\xa6")
    bad, good = read(school, raw)
    assert isinstance(bad, Undecoded)
    (finding,) = bad.findings
    assert (finding.path, finding.partner_path) == (
        "consumption.teacher",
        "Teacher, record 1, bytes 13–64",
    )
    assert "bytes 40–47 of the record are no text in GBK (byte 39 is not GBK)" in finding.text.en
    assert isinstance(good, Decoded)


def test_a_number_that_is_none_is_told(school: Channel) -> None:
    raw = FILE.replace("0050\r\n", "5.00\r\n").encode("gbk")
    bad, good = read(school, raw)
    assert isinstance(bad, Undecoded)
    assert [(each.path, each.text.en) for each in bad.findings] == [
        ("consumption.unitsBefore", "Before: 4 digits at most are expected here")
    ]
    assert isinstance(good, Decoded)


def test_a_column_that_is_summed_and_holds_no_number_is_a_bad_record(school: Channel) -> None:
    bad, good = read(school, FILE.replace("000008000", "0000080.0").encode("gbk"))
    assert isinstance(bad, Undecoded)
    assert [(each.rule, each.partner_path) for each in bad.findings] == [
        ("format.record", "Amount, record 1, bytes 13–64")
    ]
    assert isinstance(good, Decoded)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("END0002", "END0003", ("format.total", "File/Count", "3", "2")),
        ("024805", "024806", ("format.total", "File/Sum", "248.06", "248.05")),
        ("END0002000000024805\r\n", "", ("format.line", "File, trailer line 1", None, "19 bytes")),
        ("END0002000000024805", "EOF0002000000024805", ("format.line", "File, trailer line 1", None, "'END'")),
        ("00024805", "000248X5", ("format.line", "File/Sum, trailer line 1", None, None)),
        (f"{FIRST}\r\n", f"{FIRST}\r\n\r\n", ("format.blank_line", "Record", None, None)),
        (FILE, "HDR20260308\r\n", ("format.truncated", "File", None, None)),
    ],
)
def test_a_file_that_is_not_whole_is_refused(
    school: Channel, old: str, new: str, said: tuple[str, str, str | None, str | None]
) -> None:
    assert refused(school, FILE.replace(old, new)) == said


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", ("format.truncated", "File", None)),
        (b"HDR 20260308\n", ("format.line", "File, header line 1", "11 bytes")),
        (b"XXX20260308\n", ("format.line", "File, header line 1", "'HDR'")),
        (b"HDR\xff\xff260308\n", ("format.line", "File/Day, header line 1", None)),
    ],
)
def test_a_header_that_is_not_as_agreed_is_refused(raw: bytes, said: tuple[str, str, str | None]) -> None:
    form = made(header=[[{"name": "'HDR'", "width": 3}, {"name": "Day", "width": 8}]])
    with pytest.raises(ContentRefused) as caught:
        form.open(BytesIO(raw))
    (finding,) = caught.value.findings
    assert (finding.rule, finding.partner_path, finding.expected) == said


def test_blank_lines_and_control_z_may_end_a_file(school: Channel) -> None:
    assert messages(school, f"{FILE}\r\n\x1a") == MESSAGES
    assert messages(school, FILE.removesuffix("\r\n")) == MESSAGES


def test_another_charset_than_the_profiles_is_refused(school: Channel) -> None:
    with pytest.raises(WrongEncoding, match="the content type says utf-8, the profile says GBK"):
        list(school.adapter.decode(FILE.encode("gbk"), "text/plain; charset=utf-8"))


@pytest.mark.parametrize(
    ("says", "raw", "text"),
    [
        ({}, b" ab   ", "ab"),
        ({}, b"      ", None),
        ({}, "张三".encode("gb18030") + b"  ", "张三"),
        ({}, b"\xa1\xa1\xd5\xc5  ", "张"),  # an ideographic blank stands before it
        ({}, "䶮".encode("gb18030") + b"    ", "䶮"),
        ({"align": "right"}, b"   ab ", "ab"),
        ({"align": "right", "fill": "0"}, b"000120", "120"),
        ({"align": "right", "fill": "0"}, b"000000", "0"),
        ({"align": "right", "fill": "0"}, b"-00012", "-12"),
        ({"align": "right", "fill": "0"}, b"000.50", "0.50"),
        ({"align": "right", "fill": "0"}, b"      ", None),
        ({"align": "right", "fill": "*"}, b"****ab", "ab"),
        ({"align": "right", "fill": "*"}, b"******", None),
        ({"fill": "_"}, b"ab____", "ab"),
        ({"align": "right", "fill": "0", "decimals": 2}, b"012345", "123.45"),
        ({"align": "right", "fill": "0", "decimals": 2}, b"000000", "0.00"),
        ({"align": "right", "fill": "0", "decimals": 2}, b"      ", None),
        ({"align": "right", "fill": "0", "decimals": 2}, b"-00005", "-0.05"),
        ({"align": "right", "decimals": 2}, b"     5", "0.05"),
        ({"align": "right", "fill": "0", "decimals": 6}, b"000005", "0.000005"),
        ({"align": "right", "fill": "0", "decimals": 0}, b"000005", "5"),
    ],
)
def test_a_column_has_its_text_and_the_text_its_column(says: dict[str, Any], raw: bytes, text: str | None) -> None:
    form = column(**says)
    assert text_of(form, raw) == text
    written = b"".join(form.write_file({"File": {}}, [form.access.texts.write(form.access.layout.columns[0], text)]))
    assert text_of(form, written.removesuffix(b"\r\n")) == text


@pytest.mark.parametrize(
    ("says", "text"),
    [
        ({}, "abcdefg"),
        ({}, "张三李四"),
        ({}, " ab"),
        ({}, "a\nb"),
        ({"encoding": "GBK"}, "䶮龥\ue000"),
        ({"align": "right", "fill": "0"}, "007"),
        ({"align": "right", "fill": "*"}, "*a"),
        ({"align": "right", "fill": "0", "decimals": 2}, "12345.00"),
        ({"align": "right", "fill": "0", "decimals": 2}, "-12345.00"),
        ({"align": "right", "fill": "0", "decimals": 2}, "0.005"),
        ({"align": "right", "fill": "0", "decimals": 2}, "1e2"),
        ({"align": "right", "fill": "0", "decimals": 0}, "1.5"),
    ],
)
def test_a_text_that_a_column_cannot_hold_is_not_held(says: dict[str, Any], text: str) -> None:
    says = dict(says)
    form = made(encoding=says.pop("encoding", "GB18030"), record=[{"name": "A", "width": 6, **says}], header=[])
    assert not form.access.holds(text, ("Record", "A"))


def test_zeros_that_say_nothing_are_no_digits_too_many() -> None:
    form = column(align="right", fill="0", decimals=2)
    assert form.access.holds("1.500", ("Record", "A"))
    assert form.access.holds("0001234.5", ("Record", "A"))
    assert form.access.capacity(("Record", "A")) == Text(
        "至多 4 位整数、2 位小数", "4 digits before the point and 2 after it at most"
    )
    assert column().access.capacity(("Record", "A")) == Text("至多 6 字节", "6 bytes at most")


def test_blanks_around_a_text_are_kept_where_the_profile_says_so() -> None:
    form = made(trim=False)
    assert text_of(form, b" ab   ") == " ab"
    assert text_of(made(trim=False, record=[{"name": "A", "width": 6, "align": "right"}]), b"  ab  ") == "ab  "


@given(
    text=st.text(st.sampled_from("张䶮·a0 .-_*\u3000𠮷"), min_size=1, max_size=6),
    width=st.integers(1, 12),
    align=st.sampled_from(["left", "right"]),
    fill=st.sampled_from(" 0_*"),
)
def test_what_a_column_holds_is_read_as_it_was(text: str, width: int, align: str, fill: str) -> None:
    texts = column(width, align=align, fill=fill).access.texts
    place = column(width, align=align, fill=fill).access.layout.columns[0]
    with suppress(Unfit):
        raw = texts.write(place, text)
        assert (len(raw), texts.read(place, raw)) == (width, text)


@given(
    value=st.decimals(-(10**6), 10**6, places=3),
    width=st.integers(1, 12),
    decimals=st.integers(0, 4),
    filled=st.sampled_from([("left", " "), ("right", " "), ("right", "0")]),
)
def test_a_number_that_a_column_holds_is_the_same_number(
    value: Decimal, width: int, decimals: int, filled: tuple[str, str]
) -> None:
    form = column(width, align=filled[0], fill=filled[1], decimals=decimals)
    place = form.access.layout.columns[0]
    with suppress(Unfit):
        raw = form.access.texts.write(place, f"{value:f}")
        assert (len(raw), Decimal(form.access.texts.read(place, raw) or "nan")) == (width, value)


def test_a_rare_character_of_the_partners_own_is_translated_both_ways(load: Load) -> None:
    school = load(HEAD + 'characters: {"U+E81E": "U+9FB4"}\n' + LESSONS)
    raw = FILE.encode("gbk").replace("陈老师".encode("gbk"), b"\xfe\x59\xc0\xcf\xca\xa6")
    decoded = [each for each in read(school, raw) if isinstance(each, Decoded)]
    assert decoded[0].message["consumption"]["teacher"] == "\u9fb4老师"
    (encoded,) = school.adapter.encode([each.message for each in decoded])
    assert encoded.content == raw


def test_a_character_is_never_cut_by_the_edge_of_a_column() -> None:
    form = made(record=[{"name": "A", "width": 3}, {"name": "B", "width": 3}])
    (record,) = form.open(BytesIO(b"\xd5\xc5\xc8\xfd\xc0\xee")).records()
    assert [text for _, text in form.access.leaves(record.node)] == ["\\xd5\\xc5\\xc8", "\\xfd\\xc0\\xee"]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    form = made(encoding="UTF-8")
    assert form.begins(b"\xef\xbb\xbfabcdef\r\n")
    assert list(form.open(BytesIO(b"\xef\xbb\xbfabcdef\r\n")).records()) == [RawRecord(1, 3, 9, "abcdef")]
    with pytest.raises(WrongEncoding, match="the byte order mark says UTF-8"):
        made().open(BytesIO(b"\xef\xbb\xbfabcdef\r\n"))


def test_a_mark_in_a_record_must_stand_there() -> None:
    form = made(record=[{"name": "'D'", "width": 1}, {"name": "A", "width": 3}])
    good, bad = form.open(BytesIO(b"Dabc\nXabc\n")).records()
    assert good == RawRecord(1, 0, 4, "Dabc")
    assert bad.node is None
    assert [(each.expected, each.partner_path) for each in bad.findings] == [("'D'", "Record, record 2, bytes 5–9")]
    assert not form.begins(b"Xabc\n")


def test_a_value_of_the_file_that_does_not_fit_is_refused() -> None:
    form = made(header=[[{"name": "Who", "width": 4}]])
    with pytest.raises(ContentRefused) as caught:
        list(form.write_file({"File": {"Who": "abcde"}}, []))
    (finding,) = caught.value.findings
    assert (finding.rule, finding.partner_path, finding.expected) == ("format.value", "File/Who", "4 bytes")


def test_a_file_tells_how_far_it_is_read() -> None:
    file = made().open(BytesIO(b"abcdef\r\nabcdef\r\n"))
    assert file.position() == 0
    assert len(list(file.records())) == 2
    assert file.position() == 16


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: Merchant", "name: No", "No is there twice"),
        ("{name: Teacher, width: 8}", "{name: Teacher, width: 8, fill: 零}", "the fill is one printable character"),
        ("width: 3}, {name: Day", "width: 2}, {name: Day", "the mark 'HDR' does not fit into 2 bytes"),
        (
            'align: right, fill: "0", decimals: 0',
            'fill: "0", decimals: 0',
            "a number is filled with blanks, or with zeros",
        ),
        ("sums: {Amount:", "sums: {Price:", "the record has no column Price"),
        ("count: File/Count", "count: File/Number", "File/Number is no value of header or trailer"),
        ("from: ./Teacher", "from: ./Pupil", "the record has no such column"),
        ("from: File/Day", "from: File/Month", "known are Count, Day, Sum"),
        ("from: File/Day", "from: Head/Day", "a path here is File/<name> or Record/<column>"),
        ("from: File/Day", "from: Record/At", "a column is read with records: Record"),
        ("records: Record", "records: Rows", "the records of this format are at Record"),
        ("key: [./No]", "key: [./Number]", "the record has no such column"),
        ("      teacher: {from: ./Teacher}", "      ./Teacher: {constant: 欧阳老师傅}", "does not fit into 8 bytes"),
    ],
)
def test_a_profile_that_does_not_fit_its_layout_is_refused(load: Load, old: str, new: str, problem: str) -> None:
    with pytest.raises(ProfileInvalid, match=problem):
        load(HEAD + LESSONS.replace(old, new))
