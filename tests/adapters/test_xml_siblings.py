"""Elements side by side, a header beside its document: read and written without one around them."""

from io import BytesIO
from pathlib import Path

import pytest

from tests.adapters.conftest import HEAD, Load
from xinqiao.adapter import Decoded, Encoded
from xinqiao.errors import ContentRefused, ForbiddenXml, InterfaceUnknown, MalformedXml
from xinqiao.message import Json
from xinqiao_adapters.formats.encoding import NO_CHARACTERS
from xinqiao_adapters.formats.spec import XmlSpec
from xinqiao_adapters.formats.xml.format import XmlFormat, XmlRecordsFormat

VERSION = """\
  nav{0}:
    message: {1}
    direction: both
    format:
      kind: xml
      root: "n:Doc"
      siblings: true
      namespaces: {{h: "urn:head", n: "urn:nav:{0}"}}
    key: [h:Hdr/Id]
    map:
      header.partnerSerial: {{from: h:Hdr/Id}}
      h:Hdr/@v: {{constant: "{0}"}}
      {2}: {{from: Doc/Code}}
"""
# Two versions of one document, told by their namespaces alone.
VERSIONS = (
    "interfaces:\n"
    + VERSION.format(1, "navReport", "instrument.code")
    + VERSION.format(2, "kycDecision", "applicationNo")
)
MESSAGE: Json = {"header": {"partnerSerial": "S1"}, "navReport": {"instrument": {"code": "王"}}}
WRITTEN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<h:Hdr xmlns:h="urn:head" xmlns:n="urn:nav:1" v="1"><h:Id>S1</h:Id></h:Hdr>'
    '<n:Doc xmlns:h="urn:head" xmlns:n="urn:nav:1"><n:Code>王</n:Code></n:Doc>'
).encode()


def test_elements_side_by_side_are_written_as_they_are_read(load: Load) -> None:
    bank = load(HEAD + VERSIONS)
    (encoded,) = bank.adapter.encode([MESSAGE])
    assert encoded == Encoded("nav1", WRITTEN, "application/xml; charset=UTF-8")
    (decoded,) = bank.adapter.decode(WRITTEN, "application/xml")
    assert isinstance(decoded, Decoded)
    assert (decoded.interface, decoded.key) == ("nav1", "S1")
    assert decoded.message["navReport"] == MESSAGE["navReport"]
    assert decoded.place("navReport.instrument.code") == "Doc/Code, line 2"
    assert decoded.unmapped() == []


def test_versions_are_told_by_their_namespace(load: Load) -> None:
    raw = b'<Hdr xmlns="urn:head" v="2"><Id>S2</Id></Hdr>\n<Doc xmlns="urn:nav:2"><Code>K1</Code></Doc>'
    (decoded,) = load(HEAD + VERSIONS).adapter.decode(raw, "")
    assert isinstance(decoded, Decoded)
    assert (decoded.interface, decoded.message["kycDecision"]) == ("nav2", {"applicationNo": "K1"})


def test_an_unknown_version_is_refused_with_what_stands_side_by_side(load: Load) -> None:
    raw = b'<Hdr xmlns="urn:head"><Id>S2</Id></Hdr><Doc xmlns="urn:nav:3"/>'
    with pytest.raises(InterfaceUnknown, match=r"begins with \{urn:head\}Hdr, \{urn:nav:3\}Doc; known: nav1"):
        list(load(HEAD + VERSIONS).adapter.decode(raw, ""))


def plain(**said: object) -> XmlFormat:
    spec = XmlSpec.model_validate({"kind": "xml", "root": "Doc", "siblings": True, **said})
    return XmlFormat(spec, "Doc", None)


@pytest.mark.parametrize(
    ("raw", "error", "said"),
    [
        (b"<Hdr/></siblings><siblings><Doc/>", MalformedXml, "document end"),
        (b"<Hdr/><?xml version='1.0'?><Doc/>", MalformedXml, "reserved"),
        (b"<Hdr/>\n<Doc>", MalformedXml, "line 2"),
        (b"<?xml version='1.0'?>\n<!DOCTYPE Hdr><Hdr/><Doc/>", ForbiddenXml, "line 2"),
        (b"<Hdr/><!DOCTYPE Doc><Doc/>", MalformedXml, "line 1"),
    ],
)
def test_what_is_no_row_of_elements_is_refused(raw: bytes, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        plain().parse(raw)


def test_a_document_alone_is_taken_too_and_lines_are_the_files_own() -> None:
    root = plain().parse(b"<?xml version='1.0'?>\n\n<Doc>\n<A>1</A></Doc>")
    assert plain().is_root(root)
    assert [plain().access.line(node) for node in root.iter("A")] == [4]
    assert not plain().is_root(plain().parse(b"<Hdr/><Docs/>"))


XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="Doc"><xs:complexType><xs:sequence><xs:element name="Code" type="xs:integer"/></xs:sequence>
  </xs:complexType></xs:element>
</xs:schema>
"""


def test_the_xsd_describes_the_root_alone(load: Load, tmp_path: Path) -> None:
    (tmp_path / "doc.xsd").write_text(XSD)
    bank = load(
        f"""{HEAD}
interfaces:
  nav:
    message: navReport
    direction: in
    format: {{kind: xml, root: Doc, siblings: true, xsd: {tmp_path / "doc.xsd"}}}
    key: [Hdr/Id]
    map:
      header.partnerSerial: {{from: Hdr/Id}}
      instrument.code: {{from: Doc/Code}}
"""
    )
    assert len(list(bank.adapter.decode(b"<Hdr><Id>1</Id></Hdr><Doc><Code>1</Code></Doc>", ""))) == 1
    with pytest.raises(ContentRefused) as caught:
        list(bank.adapter.decode(b"<Hdr><Id>1</Id></Hdr>\n<Doc><Code>x</Code></Doc>", ""))
    assert [(each.rule, each.path, each.partner_path) for each in caught.value.findings] == [
        ("format.xsd", "navReport.instrument.code", "Doc/Code, line 2")
    ]


RECORDS = XmlRecordsFormat(
    XmlSpec(kind="xml", root="n:Doc", siblings=True, namespaces={"n": "urn:n"}),
    "n:Doc",
    None,
    NO_CHARACTERS,
    ("n:Doc", "Item"),
)


def beside(items: str) -> str:
    return f'<Hdr>1</Hdr><n:Doc xmlns:n="urn:n">{items}</n:Doc>'


def test_messages_share_a_file_beside_their_header() -> None:
    one, two = "<n:Item>1</n:Item>", "<n:Item>2</n:Item>"
    written = b"".join(RECORDS.write_file(beside(one), [beside(one), beside(two)]))
    assert written.partition(b"\n")[2].decode() == beside(one + two)


def test_a_file_beside_its_header_is_a_stream_of_records() -> None:
    raw = f'<?xml version="1.0"?>\n{beside("<n:Item>1</n:Item>&#10;<n:Item>2</n:Item>")}'.encode()
    file = RECORDS.open(BytesIO(raw))
    assert [(each.node.text, each.node.sourceline) for each in file.records()] == [("1", 2), ("2", 2)]
    assert RECORDS.is_root(file.root)
    assert RECORDS.is_root(RECORDS.open(BytesIO(beside("").encode())).root)
    with pytest.raises(InterfaceUnknown, match="begins with Hdr, Doc"):
        RECORDS.open(BytesIO(b"<Hdr/><Doc/>"))


def test_a_file_is_told_by_its_root_beside_others() -> None:
    heads = (b"<Hdr/><Doc xmlns='urn:n'/>", b"<Hdr/><Doc xmlns='urn:o'/>", b"<Hdr/>" + b" " * 65536, b"{}")
    assert [RECORDS.begins(head) for head in heads] == [True, False, True, False]
