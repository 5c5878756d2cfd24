"""Which encoding counts: a text is never read in the wrong one, and what could be either is refused."""

import pytest

from tests.adapters.conftest import DOCUMENT, HEAD, NAV, Load
from xinqiao.errors import InterfaceUnknown, WrongEncoding
from xinqiao_adapters.channel import Channel
from xinqiao_adapters.formats.encoding import as_utf8

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
    assert decoded.message["kycDecision"] == {"applicationNo": "王小明儿"}
