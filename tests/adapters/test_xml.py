"""XML from outside: what is dangerous, broken or wrongly encoded is refused with its place, before any mapping."""

import pytest

from xinqiao.adapter import Decoded
from xinqiao.errors import ForbiddenXml, MalformedXml, UnsupportedMediaType, WrongEncoding
from xinqiao.message import Json
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.formats.xml.access import XmlAccess
from xinqiao_adapters.formats.xml.document import parse_xml, write_xml

LEVELS = [f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10)]
LAUGHS = f'<!DOCTYPE lolz [<!ENTITY lol0 "lol">{"".join(LEVELS)}]><lolz>&lol9;</lolz>'


@pytest.mark.parametrize(
    "document",
    [
        LAUGHS,
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
        '<?xml version="1.0"?><!-- x --><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a><a b="1"/>',
    ],
)
def test_document_types_and_entities_are_refused(document: str) -> None:
    with pytest.raises(ForbiddenXml):
        parse_xml(document.encode(), "UTF-8")


def test_the_word_doctype_in_a_text_is_a_text() -> None:
    assert parse_xml(b"<a><![CDATA[<!DOCTYPE a>]]></a>", "UTF-8").text == "<!DOCTYPE a>"


def test_broken_xml_names_line_and_column_and_quotes_nothing() -> None:
    with pytest.raises(MalformedXml, match="line 3, column 21: tag name mismatch") as caught:
        parse_xml(b"<Doc>\n<CertNo>1</CertNo>\n<Secret>62220</Name>\n</Doc>", "UTF-8")
    assert "62220" not in str(caught.value)


@pytest.mark.parametrize(
    "raw", [b"", b"   ", b"{}", b"<a>&unknown;</a>", b"<a>\x00</a>", b"<a></a><b></b>", b"<a" * 300]
)
def test_what_is_no_xml_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedXml):
        parse_xml(raw, "UTF-8")


def test_very_deep_documents_are_refused() -> None:
    with pytest.raises(MalformedXml):
        parse_xml(b"<a>" * 100_000 + b"</a>" * 100_000, "UTF-8")


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ('<?xml version="1.0" encoding="GB18030"?><a>王'.encode("gb18030") + b"\xff</a>", "byte 45 is not GB18030"),
        ("<a>王</a>".encode("gb18030"), "byte 3 is not UTF-8"),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "encoding UTF-16 is declared"),
        ("<a/>".encode("utf-16"), "byte 0 is not UTF-8"),
        (b'<?xml version="1.0" encoding="EBCDIC"?><a/>', "encoding EBCDIC is declared"),
    ],
)
def test_bytes_in_another_encoding_are_refused_with_their_place(raw: bytes, place: str) -> None:
    with pytest.raises(WrongEncoding, match=place):
        parse_xml(raw, "UTF-8")


@pytest.mark.parametrize("name", ["GB18030", "gbk", "GB2312", "UTF-8"])
def test_the_declared_encoding_counts_before_the_profiles(name: str) -> None:
    raw = f'<?xml version="1.0" encoding="{name}"?><a>王小明</a>'.encode(name)
    assert parse_xml(raw, "UTF-8").text == "王小明"


def test_a_byte_order_mark_says_utf_8() -> None:
    assert parse_xml("<a>王</a>".encode("utf-8-sig"), "GB18030").text == "王"


@pytest.mark.parametrize("character", ["䶮", "·", "𠮷", "龴", "€"])
def test_rare_characters_survive_gb18030_there_and_back(character: str) -> None:
    raw = write_xml(f"<a>{character}</a>", "GB18030")
    assert b"?" not in raw.partition(b"?>\n")[2]
    assert parse_xml(raw, "UTF-8").text == character


def test_a_character_that_gbk_lacks_becomes_a_reference_and_not_a_question_mark() -> None:
    raw = write_xml("<a>𠮷</a>", "GBK")
    assert raw.endswith(b"<a>&#134071;</a>")
    assert parse_xml(raw, "UTF-8").text == "𠮷"


def test_markup_in_values_stays_a_value(bank: Channel) -> None:
    message: Json = {
        "header": {"partnerSerial": "<Seq>&\"'{x}</Seq>"},
        "navReport": {"instrument": {"code": "a<b"}, "navDate": "2026-01-31", "unitNav": "1", "state": "FORMAL"},
    }
    (encoded,) = bank.adapter.encode([message])
    (decoded,) = bank.adapter.decode(encoded.content, encoded.content_type)
    assert isinstance(decoded, Decoded)
    assert decoded.message["header"]["partnerSerial"] == message["header"]["partnerSerial"]
    assert decoded.message["navReport"] == message["navReport"]


@pytest.mark.parametrize("content_type", ["application/xml; charset=GB18030", "text/xml", "application/soap+xml", ""])
def test_content_types_of_xml_are_taken(bank: Channel, content_type: str) -> None:
    with pytest.raises(MalformedXml):
        list(bank.adapter.decode(b"<", content_type))


def test_other_content_types_are_refused() -> None:
    with pytest.raises(UnsupportedMediaType):
        list(load_channel("demo-bank", []).adapter.decode(b"<KycReq/>", "application/json"))


def test_steps_are_shown_by_local_name() -> None:
    assert XmlAccess("a", {}).shown(("{urn:x}Doc", "Amt", "@Ccy")) == "Doc/Amt/@Ccy"
