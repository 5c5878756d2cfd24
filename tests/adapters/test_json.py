"""JSON of partners, whole and line by line: what is broken is refused with its place, and nothing is guessed."""

from io import BytesIO

import pytest

from tests.adapters.conftest import HEAD, Load
from xinqiao.errors import ContentRefused, MalformedJson, ProfileInvalid, WrongEncoding
from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.encoding import Characters, Charset
from xinqiao_adapters.formats.format import DocumentFormat, RawRecord, RecordFormat
from xinqiao_adapters.formats.json.format import JsonFormat, JsonLinesFormat

PLAIN = JsonFormat(None, Charset("UTF-8"))
RARE = JsonFormat(None, Charset("UTF-8", Characters({"\ue81e": "\u9fb4"})))
LINES = JsonLinesFormat("No", Charset("UTF-8"))
FIX = Text("每行写一个 JSON 对象", "write one JSON object on each line")


@pytest.mark.parametrize("text", ["\ue81e", "\\ue81e", "\\uE81E"])
def test_a_private_use_character_means_what_the_channel_says(text: str) -> None:
    assert RARE.parse(f'{{"王": ["{text}", {{"{text}": 1}}]}}'.encode()) == {"王": ["\u9fb4", {"\u9fb4": 1}]}


def test_one_that_the_channel_does_not_say_is_refused_with_its_place() -> None:
    with pytest.raises(WrongEncoding, match=r"byte 9 is the private-use code point U\+E81E: the input may be"):
        PLAIN.parse('{"王": "\ue81e"}'.encode())
    with pytest.raises(WrongEncoding, match=r"name is the private-use code point U\+F0001"):
        PLAIN.parse(b'{"name": ["\\udb80\\udc01"]}')


def test_an_escape_in_an_escape_is_a_text() -> None:
    assert PLAIN.parse(b'{"a": "\\\\ue81e"}') == {"a": "\\ue81e"}


def test_the_partners_code_point_goes_out() -> None:
    assert RARE.write({"a": "王\u9fb4"}) == '{"a":"王\ue81e"}'.encode()
    assert PLAIN.write({"a": "王\u9fb4"}) == '{"a":"王\u9fb4"}'.encode()
    assert (PLAIN.access.holds("王𠮷", ("a",)), PLAIN.access.holds("\ue000", ("a",))) == (True, False)


@pytest.mark.parametrize("raw", [b"[]", b'"a"', b"1", b"null"])
def test_a_document_is_an_object(raw: bytes) -> None:
    with pytest.raises(MalformedJson, match="a document is a JSON object"):
        PLAIN.parse(raw)


def test_json_is_told_by_its_beginning() -> None:
    assert [PLAIN.begins(head) for head in (b' {"a"', b"\n[", b"<a>", b"a=b", b"")] == [True, True, False, False, False]
    assert [LINES.begins(head) for head in (b'{"a"', b"[")] == [True, False]
    assert [LINES.takes(kind) for kind in ("application/x-ndjson", "application/json", "text/xml", "")] == [
        True,
        True,
        False,
        True,
    ]


def test_only_lines_are_a_stream_of_records() -> None:
    assert isinstance(LINES, RecordFormat)
    assert isinstance(LINES, DocumentFormat)
    assert not isinstance(PLAIN, RecordFormat)


def test_each_line_is_a_record_with_its_bytes_and_blank_lines_are_none() -> None:
    file = LINES.open(BytesIO('{"No": "1", "Name": "王"}\n\n  \r\n{"No": 2.50}\r\n{"No": "3"}'.encode()))
    assert file.root == {"File": {}}
    records = list(file.records())
    assert [(each.number, each.start, each.end) for each in records] == [(1, 0, 27), (2, 32, 46), (3, 46, 57)]
    assert [file.access.node_text(each.node["No"]) for each in records] == ["1", "2.50", "3"]
    assert file.position() == 57
    assert file.layout == LINES.open(BytesIO()).layout


def test_a_bad_line_is_its_finding_and_stops_no_other() -> None:
    raw = b'{"No": "1"}\n{"No": 2,}\n[3]\n{"No": "4", "No": "5"}\n\xff\n{"No": "6"}\n'
    records = list(LINES.open(BytesIO(raw)).records())
    assert [each.node for each in records] == [{"No": "1"}, None, None, None, None, {"No": "6"}]
    place = "record 3, bytes 23–27"
    assert records[2] == RawRecord(
        3,
        23,
        27,
        None,
        (
            Finding(
                "format.json",
                place,
                Text("此行不是 JSON 对象", "the line is no JSON object"),
                fix=FIX,
                partner_path=place,
            ),
        ),
    )
    said = [finding.text.en for each in records for finding in each.findings]
    assert [text.partition(":")[0] for text in said] == [
        "the body is not well-formed JSON",
        "the line is no JSON object",
        "a field is there twice",
        "the bytes are not in the expected encoding",
    ]


@pytest.mark.parametrize("tail", [b'{"No": "2"', b'{"No"', b"[2]"])
def test_a_file_that_breaks_off_in_a_record_is_refused_as_a_whole(tail: bytes) -> None:
    records = LINES.open(BytesIO(b'{"No": "1"}\n' + tail)).records()
    assert next(records).node == {"No": "1"}
    with pytest.raises(ContentRefused) as caught:
        next(records)
    assert [(each.rule, each.partner_path) for each in caught.value.findings] == [
        ("format.cut", f"record 2, bytes 12–{12 + len(tail)}")
    ]


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(ContentRefused) as caught:
        list(LINES.open(BytesIO(b'{"No": "' + b"1" * (1 << 24))).records())
    assert caught.value.findings[0].text.en == "the line is longer than 16 MiB"


def test_lines_are_also_one_document() -> None:
    raw = b'{"No":"1"}\n{"No":"2"}\n'
    root = LINES.parse(raw)
    assert root == {"File": {}, "Record": [{"No": "1"}, {"No": "2"}]}
    assert LINES.write(root) == raw
    assert LINES.write({"Record": {"No": "1"}}) == b'{"No":"1"}\n'
    assert b"".join(LINES.write_file({"File": {}}, [{"No": "1"}, {"No": "2"}])) == raw
    assert (LINES.is_root(root), LINES.is_root({"File": {}, "Record": [{"A": "1"}]})) == (True, False)
    assert (LINES.root_name(root), LINES.root_name({"File": {}, "Record": []})) == ("No", "")


def test_a_document_of_lines_names_every_bad_one() -> None:
    with pytest.raises(ContentRefused, match="2 of 3 lines") as caught:
        LINES.parse(b'1\n{"No": "2"}\n3\n')
    assert [each.partner_path for each in caught.value.findings] == ["record 1, bytes 0–2", "record 3, bytes 14–16"]


LOANS = """\
interfaces:
  nav:
    message: navReport
    direction: in
    format: {kind: json, lines: true%s}
    %s
    key: [./No]
    map:
      header.partnerSerial: {from: ./No}
"""


@pytest.mark.parametrize(
    ("of_format", "of_interface", "said"),
    [
        ("", "case: header.caseId", "each line is a record: the interface needs records: Record"),
        (", encoding: GBK", "records: Record", "JSON is UTF-8"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(load: Load, of_format: str, of_interface: str, said: str) -> None:
    with pytest.raises(ProfileInvalid, match=said):
        load(HEAD + LOANS % (of_format, of_interface))


NUMBERS = """\
interfaces:
  nav:
    message: navReport
    direction: out
    format: {kind: json, numbers: true%s}
    key: [no]%s
    map:
      header.partnerSerial: {from: no}
      instrument.code: {from: code}
      netAssets.value: {from: net, amount: fen}
      netAssets.currency: {constant: CNY}
      unitNav: {from: nav, decimal: {least: 4, most: 8}}
      dailyGrowth: {from: growth, percent: sign}
"""
REPORT = {
    "header": {"partnerSerial": "1"},
    "navReport": {
        "instrument": {"code": "7"},
        "netAssets": {"value": "90071992547409.93", "currency": "CNY"},
        "unitNav": "1.02",
        "dailyGrowth": "-1.5",
    },
}


def test_amounts_and_rates_go_out_as_numbers_with_all_their_digits_where_asked(load: Load) -> None:
    channel = load(HEAD + NUMBERS % ("", ""))
    (sent,) = channel.adapter.encode([REPORT])
    assert sent.content == b'{"no":"1","code":"7","net":9007199254740993,"nav":1.0200,"growth":"-1.5%"}'


def test_a_number_may_be_what_the_partner_tells_repeats_by(load: Load) -> None:
    text = (HEAD + NUMBERS % (", lines: true", "\n    records: Record")).replace("from: ", "from: ./")
    channel = load(text.replace("key: [no]", "key: [./net]"))
    (sent,) = channel.adapter.encode([REPORT])
    assert sent.content == b'{"no":"1","code":"7","net":9007199254740993,"nav":1.0200,"growth":"-1.5%"}\n'
