"""Which encoding counts: a text is never read in the wrong one, and what could be either is refused.

Rare characters: a private-use code point means what the channel says, or is refused; nothing becomes ``?``.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.conftest import DOCUMENT, HEAD, NAV, Load
from xinqiao.adapter import Decoded
from xinqiao.errors import ContentRefused, InterfaceUnknown, ProfileInvalid, WrongEncoding
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.formats.encoding import Characters, Charset, CharsetDecoder, Unheld
from xinqiao_adapters.formats.xml.document import parse_xml, write_xml
from xinqiao_adapters.formats.xml.encoding import as_utf8

BARE = "<a>王小明儿</a>"
UTF_8 = f'<?xml version="1.0" encoding="UTF-8"?>{BARE}'
GBK = f'<?xml version="1.0" encoding="GBK"?>{BARE}'
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("raw", "profile", "charset"),
    [
        (BARE.encode(), "UTF-8", None),
        (BARE.encode("gb18030"), "GB18030", None),
        (BARE.encode(), "GB18030", "utf-8"),
        (BARE.encode("gbk"), "UTF-8", "GBK"),
        (BOM + BARE.encode(), "GB18030", None),
        (BOM + UTF_8.encode(), "GB18030", "UTF-8"),
        (BARE.encode("gb18030"), "GB18030", "gb2312"),
        (f"\ufeff{BARE}".encode("gb18030"), "UTF-8", None),
    ],
)
def test_mark_declaration_charset_and_profile_count_in_this_order(
    raw: bytes, profile: str, charset: str | None
) -> None:
    assert as_utf8(raw, profile, charset).decode() == BARE or as_utf8(raw, profile, charset).decode() == UTF_8


@pytest.mark.parametrize(
    ("raw", "profile", "charset", "said"),
    [
        (UTF_8.encode(), "UTF-8", "GBK", "the XML declaration says UTF-8, the content type says GBK"),
        (GBK.encode("gbk"), "GB18030", "UTF-8", "the XML declaration says GBK, the content type says UTF-8"),
        (BOM + GBK.encode(), "GB18030", None, "the byte order mark says UTF-8, the XML declaration says GBK"),
        (BOM + BARE.encode(), "UTF-8", "GBK", "the byte order mark says UTF-8, the content type says GBK"),
        (BARE.encode(), "GB18030", None, "the bytes may be UTF-8 or GB18030: declare which"),
        (BARE.encode(), "GBK", None, "the bytes may be UTF-8 or GBK: declare which"),
        (BARE.encode(), "UTF-8", "latin-1", "encoding latin-1 is declared; known: UTF-8, GB18030, GBK, GB2312"),
        (BARE.encode("gbk"), "GB18030", "UTF-8", "byte 3 is not UTF-8"),
    ],
)
def test_encodings_that_disagree_and_bytes_that_could_be_either_are_refused(
    raw: bytes, profile: str, charset: str | None, said: str
) -> None:
    with pytest.raises(WrongEncoding, match=said):
        as_utf8(raw, profile, charset)


TWO_ENCODINGS = NAV.replace(
    "codes:\n  state",
    """\
  kyc:
    message: kycDecision
    direction: in
    format: {kind: xml, root: Kyc, encoding: GB18030}
    key: [No]
    map:
      applicationNo: {from: No}
codes:
  state""",
)


@pytest.fixture
def mixed(load: Load) -> Channel:
    return load(HEAD + TWO_ENCODINGS)


def test_each_interface_reads_undeclared_bytes_in_its_own_encoding(mixed: Channel) -> None:
    nav = DOCUMENT.replace(">P1<", ">王小明儿<")
    bodies = []
    for raw in (nav.encode(), "<Kyc><No>王小明儿</No></Kyc>".encode("gb18030")):
        (decoded,) = mixed.adapter.decode(raw, "application/xml")
        assert isinstance(decoded, Decoded)
        bodies.append(decoded.message)
    assert bodies[0]["navReport"]["instrument"] == {"code": "王小明儿"}
    assert bodies[1]["kycDecision"] == {"applicationNo": "王小明儿"}


def test_bytes_of_the_other_interfaces_encoding_are_refused(mixed: Channel) -> None:
    with pytest.raises(WrongEncoding, match="declare which"):
        list(mixed.adapter.decode("<Kyc><No>王小明儿</No></Kyc>".encode(), "application/xml"))
    with pytest.raises(InterfaceUnknown, match="begins with Other"):
        list(mixed.adapter.decode(b"<Other/>", "application/xml"))


def test_the_charset_of_the_content_type_reaches_the_parser(mixed: Channel) -> None:
    raw = "<Kyc><No>王小明儿</No></Kyc>".encode()
    (decoded,) = mixed.adapter.decode(raw, 'text/xml; charset="utf-8"')
    assert isinstance(decoded, Decoded)
    assert decoded.message["kycDecision"] == {"applicationNo": "王小明儿"}


# FE59 is read as U+E81E; the character has been assigned U+9FB4 since.
RARE = Characters({"\ue81e": "\u9fb4", "\U000f0001": "𠮷"})


def in_pieces(raw: bytes, decoder: CharsetDecoder, size: int) -> str:
    pieces = [decoder.decode(raw[start : start + size]) for start in range(0, len(raw), size)]
    return "".join([*pieces, decoder.decode(b"", final=True)])


@pytest.mark.parametrize("name", ["GBK", "GB2312", "GB18030"])
def test_the_partners_code_point_is_translated_both_ways(name: str) -> None:
    charset = Charset(name, RARE)
    assert charset.decode(b"\xcd\xf5\xfe\x59") == "王\u9fb4"
    assert charset.encode("王\u9fb4") == (b"\xcd\xf5\xfe\x59")


def test_utf_8_may_hold_the_partners_code_points_too() -> None:
    charset = Charset("UTF-8", RARE)
    assert charset.decode("王\ue81e\U000f0001".encode()) == "王\u9fb4𠮷"
    assert charset.encode("王\u9fb4𠮷") == "王\ue81e\U000f0001".encode()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xcd\xf5a\xfe\x59", r"byte 13 is the private-use code point U\+E81E: the input may be of another encoding"),
        (b"\xaa\xa1", r"byte 10 is the private-use code point U\+E000"),
        ("王𠮷\U00100000".encode("gb18030"), r"byte 16 is the private-use code point U\+100000"),
        (b"\xcd\xf5\xff", "byte 12 is not GBK"),
        (b"\xcd", "byte 10 is not GBK"),
    ],
)
def test_what_the_channel_does_not_say_is_refused_with_its_byte(raw: bytes, said: str) -> None:
    with pytest.raises(WrongEncoding, match=said):
        Charset("GBK").decode(raw, at=10)
    with pytest.raises(WrongEncoding, match=said):
        in_pieces(raw, Charset("GBK").decoder(10), 1)


def test_gbk_is_read_as_all_that_partners_put_into_it() -> None:
    assert Charset("GBK").decode("䶮𠮷€·".encode("gb18030")) == "䶮𠮷€·"
    assert Charset("GBK").encode("䶮·—") == b"\xfe\x9f\xa1\xa4\xa1\xaa"


@pytest.mark.parametrize(
    ("name", "text", "point"),
    [
        ("GBK", "王𠮷", "U+20BB7"),
        ("GBK", "\u9fb4", "U+9FB4"),
        ("GB2312", "王䶮", "U+4DAE"),
        ("GB2312", "・", "U+30FB"),
        ("GB18030", "\ue81e", "U+E81E"),
        ("UTF-8", "a\ue000", "U+E000"),
        ("UTF-8", "a\ud800", "U+D800"),
        ("GB18030", "王\udfff", "U+DFFF"),
    ],
)
def test_a_character_that_is_not_held_is_refused_by_its_name(name: str, text: str, point: str) -> None:
    charset = Charset(name)
    with pytest.raises(Unheld) as caught:
        charset.encode(text)
    assert caught.value.said == (f"编码 {name} 中没有字符 {point}", f"{name} does not hold the character {point}")
    assert not charset.holds(text)
    assert charset.holds("王·")


@pytest.mark.parametrize("name", ["GBK", "GB2312", "GB18030", "UTF-8"])
@given(text=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFFFF) | st.sampled_from("䶮𠮷·—€\u9fb4")))
def test_what_is_written_is_read_as_it_was_and_what_is_not_held_is_no_question_mark(name: str, text: str) -> None:
    charset = Charset(name, RARE)
    try:
        raw = charset.encode(text)
    except Unheld:
        return
    assert charset.decode(raw) == text


def test_pieces_are_decoded_over_their_edges() -> None:
    text = "王小明𠮷\u9fb4x" * 5
    raw = Charset("GB18030", RARE).encode(text)
    for size in (1, 2, 3, 5, 7):
        assert in_pieces(raw, Charset("GB18030", RARE).decoder(), size) == text


def test_a_byte_order_mark_is_that_of_the_encoding() -> None:
    assert Charset("UTF-8").mark(BOM + b"a") == 3
    assert Charset("GBK").mark(b"\x84\x31\x95\x33a") == 4
    assert Charset("GBK").mark(b"a") == 0
    with pytest.raises(WrongEncoding, match="the byte order mark says UTF-8, the profile says GBK"):
        Charset("GBK").mark(BOM)


@pytest.mark.parametrize(
    ("name", "markup", "written"),
    [
        ("GBK", "<a>\u9fb4</a>", b"<a>\xfe\x59</a>"),
        ("GBK", "<a>𠮷䶮</a>", b"<a>&#134071;\xfe\x9f</a>"),
        ("gbk", "<a>周䶮山</a>", b"<a>\xd6\xdc\xfe\x9f\xc9\xbd</a>"),
        ("GB2312", "<a>䶮</a>", b"<a>&#19886;</a>"),
        ("GB2312", "<a>·—・―\u9fb4</a>", b"<a>\xa1\xa4\xa1\xaa&#12539;&#8213;\xfe\x59</a>"),
        ("GB18030", "<a>𠮷\u9fb4</a>", "<a>\U000f0001\ue81e</a>".encode("gb18030")),
        ("UTF-8", "<a>\u9fb4</a>", "<a>\ue81e</a>".encode()),
    ],
)
def test_xml_refers_to_what_its_encoding_lacks_unless_the_channel_has_it(
    name: str, markup: str, written: bytes
) -> None:
    raw = write_xml(markup, name, RARE)
    assert raw.partition(b"\n")[2] == written
    assert parse_xml(raw, "UTF-8", characters=RARE).text == markup[3:-4]


@pytest.mark.parametrize("reference", ["&#xE81E;", "&#59422;"])
def test_a_reference_to_a_private_use_character_is_one(reference: str) -> None:
    raw = f"<a k='{reference}'>\n<b>{reference}</b>{reference}</a>".encode()
    root = parse_xml(raw, "UTF-8", characters=RARE)
    assert (root.get("k"), root.findtext("b"), root.xpath("string(b/following::text())")) == ("\u9fb4",) * 3
    with pytest.raises(WrongEncoding, match=r"line 1 is the private-use code point U\+E81E"):
        parse_xml(raw, "UTF-8")


RARE_BANK = HEAD + 'characters: {"U+E81E": "U+9FB4"}\n' + NAV.replace("root: Nav", "root: Nav, encoding: GBK")


def test_a_channel_carries_rare_names_there_and_back(load: Load) -> None:
    bank = load(RARE_BANK)
    raw = DOCUMENT.replace(">P1<", ">王\ue81e䶮<").encode("gb18030")
    (decoded,) = bank.adapter.decode(raw, "application/xml")
    assert isinstance(decoded, Decoded)
    assert decoded.message["navReport"]["instrument"] == {"code": "王\u9fb4䶮"}
    (encoded,) = bank.adapter.encode([decoded.message])
    assert "<Prod>王".encode("gbk") + b"\xfe\x59\xfe\x9f</Prod>" in encoded.content


def test_a_message_has_no_private_use_characters(load: Load) -> None:
    nav = {"instrument": {"code": "\ue81e"}, "navDate": "2026-01-31", "unitNav": "1.0000"}
    with pytest.raises(ContentRefused) as caught:
        list(load(RARE_BANK).adapter.encode([{"header": {"partnerSerial": "1"}, "navReport": nav}]))
    assert [(each.rule, each.path) for each in caught.value.findings] == [("mapping.text", "navReport.instrument.code")]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('{"U+738B": "U+9FB4"}', "a private-use code point of the partner's leads to one of Unicode that is not"),
        ('{"U+E81E": "U+E000"}', "a private-use code point of the partner's leads to one of Unicode that is not"),
        (
            '{"U+E81E": "U+9FB4", "U+E000": "U+9FB4"}',
            r"U\+9FB4 is U\+E81E already: which one goes out would be a guess",
        ),
        ('{"U+E81E": "U+D800"}', r"U\+D800 is no code point of Unicode"),
        ('{"U+FFFFFF": "U+9FB4"}', r"U\+FFFFFF is no code point of Unicode"),
    ],
)
def test_a_table_of_characters_leads_one_to_one_out_of_private_use(load: Load, table: str, said: str) -> None:
    with pytest.raises(ProfileInvalid, match=said):
        load(HEAD + f"characters: {table}\n" + NAV)
