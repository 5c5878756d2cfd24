"""XML as a stream of records: the same tree as whole, in constant memory, and nothing of a broken file counts."""

from io import BytesIO
from pathlib import Path

import pytest

from tests.adapters.conftest import HEAD, Load
from xinqiao.adapter import Decoded, FileAdapter, Undecoded
from xinqiao.errors import ContentRefused, ForbiddenXml, InterfaceUnknown, MalformedXml, WrongEncoding
from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.encoding import NO_CHARACTERS, Characters
from xinqiao_adapters.formats.format import DocumentFormat, RecordFormat
from xinqiao_adapters.formats.spec import XmlSpec
from xinqiao_adapters.formats.xml.document import Schema, read_schema
from xinqiao_adapters.formats.xml.file import XmlFile
from xinqiao_adapters.formats.xml.format import XmlFormat, XmlRecordsFormat

ITEM = "<Item><No>{0}</No><Name>{1}</Name></Item>\n"


def form(
    encoding: str = "UTF-8", schema: Schema | None = None, characters: Characters = NO_CHARACTERS, **said: object
) -> XmlRecordsFormat:
    spec = XmlSpec.model_validate({"kind": "xml", "root": "Doc", "encoding": encoding, **said})
    return XmlRecordsFormat(spec, "Doc", schema, characters, ("Body", "Item"))


def document(items: str, head: str = "<Head><Batch>B1</Batch></Head>", tail: str = "") -> str:
    return f"<Doc>\n{head}\n<Body>\n{items}</Body>\n{tail}</Doc>"


def opened(text: str | bytes, of: XmlRecordsFormat | None = None) -> XmlFile:
    return (of or form()).open(BytesIO(text if isinstance(text, bytes) else text.encode()))


def texts(file: XmlFile) -> list[tuple[int, str | None]]:
    return [(each.number, each.node.findtext("No")) for each in file.records()]


THREE = document("".join(ITEM.format(number, "王") for number in (1, 2, 3)), tail="<Tail><Sum>6</Sum></Tail>\n")


def test_a_format_with_records_is_read_whole_and_as_a_stream() -> None:
    assert isinstance(form(), RecordFormat)
    assert isinstance(form(), DocumentFormat)
    assert not isinstance(XmlFormat(form().spec, "Doc", None), RecordFormat)


def test_records_come_one_by_one_and_the_root_is_whole_at_the_end() -> None:
    file = opened(THREE)
    assert file.root.findtext("Head/Batch") == "B1"
    assert [child.tag for child in file.root] == ["Head", "Body"]
    records = file.records()
    assert next(records).node.findtext("Name") == "王"
    assert file.root.find("Body/*") is None
    assert [each.node.findtext("No") for each in records] == ["2", "3"]
    assert [child.tag for child in file.root] == ["Head", "Body", "Tail"]
    assert file.root.findtext("Tail/Sum") == "6"
    assert file.root.find("Body/*") is None
    assert file.position() == len(THREE.encode())


def test_records_have_no_bytes_but_lines() -> None:
    file = opened(THREE)
    assert [(each.start, each.end, file.access.line(each.node)) for each in file.records()] == [
        (None, None, 4),
        (None, None, 5),
        (None, None, 6),
    ]


def test_lines_are_kept_in_long_files() -> None:
    file = opened(document("".join(f"<Item>\n<No>{number}</No>\n</Item>\n" for number in range(50_000))))
    last = list(file.records())[-1].node
    assert file.access.line(last.find("No")) == 3 * 49_999 + 5


@pytest.mark.parametrize("size", [0, 1, 2, 5000])
def test_a_file_of_any_length_is_read_to_its_end(size: int) -> None:
    file = opened(document("".join(ITEM.format(number, "王小明" * 9) for number in range(size))))
    assert texts(file) == [(number + 1, str(number)) for number in range(size)]
    assert file.root.findtext("Head/Batch") == "B1"


def test_an_element_of_the_records_name_elsewhere_is_none() -> None:
    text = document("<Item><No>1</No><Sub><Item><No>9</No></Item></Sub></Item>", head="<Item><No>8</No></Item>")
    assert texts(opened(text)) == [(1, "1")]


@pytest.mark.parametrize("encoding", ["GB18030", "GBK", "UTF-8"])
def test_characters_are_decoded_over_the_edges_of_pieces(encoding: str) -> None:
    names = ["王小明" * 3000 + "x" * shift for shift in range(20)]
    text = document("".join(ITEM.format(number, name) for number, name in enumerate(names)))
    for raw in (text, f'<?xml version="1.0" encoding="{encoding}"?>{text}'):
        file = opened(raw.encode(encoding), form(encoding))
        assert [each.node.findtext("Name") for each in file.records()] == names


def test_a_byte_order_mark_counts() -> None:
    assert texts(opened(THREE.encode("utf-8-sig"), form("GB18030"))) == [(1, "1"), (2, "2"), (3, "3")]


@pytest.mark.parametrize("written", ["\ue81e", "&#xE81E;"])
def test_the_partners_rare_characters_are_translated(written: str) -> None:
    of = form("GBK", characters=Characters({"\ue81e": "\u9fb4"}))
    text = document(
        ITEM.format(1, written), head=f"<Head><Batch>{written}</Batch></Head>", tail=f"<Tail a='{written}'/>"
    )
    file = opened(text.encode("gb18030"), of)
    assert file.root.findtext("Head/Batch") == "\u9fb4"
    assert [each.node.findtext("Name") for each in file.records()] == ["\u9fb4"]
    assert file.root.xpath("string(Tail/@a)") == "\u9fb4"
    with pytest.raises(WrongEncoding, match=r"(byte \d+|line 2) is the private-use code point U\+E81E"):
        list(opened(text.encode("gb18030"), form("GBK")).records())


MANY = "".join(ITEM.format(number, "王") for number in range(3000))


@pytest.mark.parametrize(
    ("raw", "error", "said"),
    [
        (document(MANY)[:-1].encode(), MalformedXml, "line 3005"),
        (document(MANY)[: len(document(MANY)) // 2].encode(), MalformedXml, "line 1"),
        (document(MANY + "<Item>").encode(), MalformedXml, "tag name mismatch"),
        (document(MANY).encode() + b"<Doc/>", MalformedXml, "document end"),
        (document(MANY + "<A>" * 9000).encode(), MalformedXml, "line 3004"),
        (document(MANY + "<A>\x00</A>").encode(), MalformedXml, "line 3004"),
        (document(MANY, tail="<Tail>&x;</Tail>").encode(), MalformedXml, "undeclared entity"),
        (document(MANY).encode()[:-20] + b"\xff" + b"</Body></Doc>", WrongEncoding, r"byte \d+ is not UTF-8"),
        (document(MANY).encode()[:-5].rstrip() + "王".encode()[:2], WrongEncoding, r"byte \d+ is not UTF-8"),
    ],
)
def test_a_file_that_is_broken_anywhere_is_refused_as_a_whole(raw: bytes, error: type[Exception], said: str) -> None:
    file = opened(raw)
    with pytest.raises(error, match=said):
        list(file.records())


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<!DOCTYPE Doc [<!ENTITY a 'b'>]>" + THREE, ForbiddenXml),
        ("<?xml version='1.0'?><!-- x --><!DOCTYPE Doc>" + THREE, ForbiddenXml),
        (f"<!--{'x' * 70_000}--><!DOCTYPE Doc>" + THREE, ForbiddenXml),
        ("", MalformedXml),
        ("<Other/>", InterfaceUnknown),
        ("<Doc xmlns='urn:x'/>", InterfaceUnknown),
        ('<?xml version="1.0" encoding="UTF-16"?><Doc/>', WrongEncoding),
    ],
)
def test_what_is_dangerous_or_of_no_interface_is_refused_before_any_record(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        opened(text)


def test_undeclared_bytes_that_could_be_either_are_refused() -> None:
    with pytest.raises(WrongEncoding, match="the bytes may be UTF-8 or GB18030: declare which"):
        list(opened(THREE.replace("王", "王小").encode(), form("GB18030")).records())
    assert len(list(opened(THREE.replace("王", "Wang").encode(), form("GB18030")).records())) == 3


@pytest.mark.parametrize(
    ("items", "said", "line"),
    [
        (
            ITEM.format(1, "a") + "<Other/>\n" + ITEM.format(2, "b"),
            Text("记录之间只能是同类记录，此处有其他内容", "between records stands something that is none of them"),
            6,
        ),
        (
            ITEM.format(1, "a") + "text\n" + ITEM.format(2, "b"),
            Text("记录之间只能是同类记录，此处有其他内容", "between records stands something that is none of them"),
            6,
        ),
        (
            ITEM.format(1, "a") + "</Body><Body>" + ITEM.format(2, "b"),
            Text("记录只应在一处，却有多处", "records stand in more than one place"),
            5,
        ),
    ],
)
def test_records_that_do_not_follow_each_other_in_one_place_refuse_the_file(items: str, said: Text, line: int) -> None:
    with pytest.raises(ContentRefused) as caught:
        list(opened(document(items)).records())
    assert caught.value.findings == (
        Finding(
            "format.record",
            "Body/Item",
            said,
            fix=Text("将所有记录连续放在同一处", "let all records follow each other in one place"),
            partner_path=f"Body/Item, line {line}",
        ),
    )


def test_a_file_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    filler = "<A>" + "x" * 1_000_000 + "</A>"
    with pytest.raises(InterfaceUnknown, match="the first 16 MiB of the document hold no Body/Item"):
        opened(document("", head=filler * 20))
    with pytest.raises(ContentRefused, match="Body/Item: more than 16 MiB"):
        list(opened(document(ITEM.format(1, "a"), tail=filler * 20)).records())


XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="Doc"><xs:complexType><xs:sequence>
    <xs:element name="Head"><xs:complexType><xs:sequence><xs:element name="Batch" type="xs:string"/></xs:sequence>
    </xs:complexType></xs:element>
    <xs:element name="Body"><xs:complexType><xs:sequence>
      <xs:element name="Item" maxOccurs="unbounded"><xs:complexType><xs:sequence>
        <xs:element name="No" type="xs:integer"/><xs:element name="Name" type="xs:string"/>
      </xs:sequence></xs:complexType></xs:element>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="Tail" type="xs:integer"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    path = tmp_path / "doc.xsd"
    path.write_text(XSD)
    return read_schema(path)


def test_a_violation_of_the_xsd_is_its_records_and_stops_no_other(schema: Schema) -> None:
    items = ITEM.format(1, "a") + ITEM.format("x", "b") + "<Item><Name>c</Name></Item>\n" + ITEM.format(4, "d")
    file = opened(document(items, tail="<Tail>1</Tail>"), form(schema=schema))
    records = list(file.records())
    assert [None if each.node is None else each.node.findtext("No") for each in records] == ["1", None, None, "4"]
    assert [
        (finding.path, finding.partner_path, finding.expected) for each in records for finding in each.findings
    ] == [("No", "No, record 2, line 5", "类型 xs:integer"), ("Name", "Name, record 3, line 6", "No")]


@pytest.mark.parametrize(
    ("head", "tail", "place"),
    [
        ("<Head/>", "<Tail>1</Tail>", "Head, line 2"),
        ("<Head><Batch/></Head>", "<Tail>x</Tail>", "Tail, line 7"),
        ("<Head><Batch/></Head>", "<Tail>1</Tail><Tail>1</Tail>", "Tail, line 7"),
        ("<Head><Batch/></Head>", "", "Doc, line 1"),
    ],
)
def test_a_violation_outside_the_records_refuses_the_file(schema: Schema, head: str, tail: str, place: str) -> None:
    file = opened(document(ITEM.format(1, "a") + ITEM.format(2, "b"), head, tail), form(schema=schema))
    with pytest.raises(ContentRefused) as caught:
        list(file.records())
    assert [each.partner_path for each in caught.value.findings] == [place]


def test_a_file_without_a_record_is_what_the_xsd_says(schema: Schema) -> None:
    with pytest.raises(ContentRefused):
        list(opened(document("", tail="<Tail>1</Tail>"), form(schema=schema)).records())
    assert list(opened(document("")).records()) == []


@pytest.mark.parametrize(
    ("head", "begins"),
    [
        (b"<Doc>", True),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- <Other> --><Doc a='>' b=\"'\">", True),
        (b"<Doc/>", True),
        (b"<Docs>", False),
        (b"<Doc xmlns='urn:x'>", False),
        (b"<x:Doc xmlns:x='urn:x'>", False),
        (b"<Doc", True),
        ("<王>".encode("gbk"), True),
        (b'{"Doc": 1}', False),
        (b"", False),
    ],
)
def test_a_file_is_told_by_its_root(head: bytes, begins: bool) -> None:
    assert form().begins(head) is begins


def test_versions_are_told_by_their_namespace() -> None:
    spec = XmlSpec(kind="xml", root="v:Doc", namespaces={"v": "urn:v2"})
    of = XmlRecordsFormat(spec, "v:Doc", None, NO_CHARACTERS, ("Item",))
    heads = (b"<Doc xmlns='urn:v2'>", b"<a:Doc a='1' xmlns:a='urn:v2'>", b"<Doc xmlns='urn:v1'>", b"<Doc>")
    assert [of.begins(head) for head in heads] == [True, True, False, False]
    file = of.open(BytesIO(b"<Doc xmlns='urn:v2'><Item>1</Item><Item>2</Item></Doc>"))
    assert [each.node.text for each in file.records()] == ["1", "2"]


FILE = """\
interfaces:
  nav:
    message: navReport
    direction: both
    format: {kind: xml, root: Doc, encoding: GBK}
    records: Body/Item
    atomic: false
    key: [Head/Batch, ./No]
    map:
      header.caseId: {from: Head/Batch}
      header.partnerSerial: {from: ./No}
      navDate: {from: ./Day, date: "%Y%m%d"}
      unitNav: {from: ./Nav, decimal: 4}
"""


def nav_item(number: int, day: str) -> str:
    return f"<Item><No>{number}</No><Day>{day}</Day><Nav>1.0000</Nav></Item>\n"


def test_a_channel_reads_a_file_and_a_bad_record_stops_no_other(load: Load) -> None:
    adapter = load(HEAD + FILE).adapter
    assert isinstance(adapter, FileAdapter)
    raw = document(nav_item(1, "20260131") + nav_item(2, "20260132") + nav_item(3, "20260201")).encode("gbk")
    found = list(adapter.decode_file(BytesIO(raw), "application/xml"))
    assert [each.key for each in found if isinstance(each, Decoded)] == ["B1|1", "B1|3"]
    (bad,) = (each for each in found if isinstance(each, Undecoded))
    assert [each.path for each in bad.findings] == ["navReport.navDate"]
    assert "record 2" in str(bad.findings[0].partner_path)


def test_a_value_that_stands_after_the_records_is_refused_and_not_lost(load: Load) -> None:
    adapter = load(HEAD + FILE.replace("key: [Head/Batch, ./No]", "key: [./No]")).adapter
    assert isinstance(adapter, FileAdapter)
    raw = document(nav_item(1, "20260131"), head="", tail="<Head><Batch>B1</Batch></Head>").encode()
    with pytest.raises(ContentRefused) as caught:
        list(adapter.decode_file(BytesIO(raw), "application/xml"))
    assert [each.rule for each in caught.value.findings] == ["format.late"]


def markup(number: int, batch: str = "B1") -> str:
    head = f"<Doc><Head><Batch>{batch}</Batch></Head>"
    return f"{head}<Body><Sum>1</Sum><Item><No>{number}</No></Item><End>龴</End></Body></Doc>"


def test_documents_of_several_messages_become_one_file() -> None:
    of = form("GBK")
    written = b"".join(of.write_file(markup(1), [markup(1), markup(2)]))
    assert written == (
        '<?xml version="1.0" encoding="GBK"?>\n<Doc><Head><Batch>B1</Batch></Head><Body><Sum>1</Sum>'
        "<Item><No>1</No></Item><Item><No>2</No></Item><End>&#40884;</End></Body></Doc>"
    ).encode("gbk")
    assert texts(opened(written, of)) == [(1, "1"), (2, "2")]


def test_a_file_of_no_message_has_the_place_for_records() -> None:
    assert b"".join(form().write_file("<Doc><Head/></Doc>", [])).endswith(b"<Doc><Head/><Body></Body></Doc>")


def test_messages_that_differ_outside_their_records_do_not_share_a_file() -> None:
    with pytest.raises(ContentRefused, match="record 2 differs outside the records") as caught:
        list(form().write_file(markup(1), [markup(1), markup(2, "B2")]))
    assert [(each.rule, each.partner_path) for each in caught.value.findings] == [("format.outside", "record 2")]
