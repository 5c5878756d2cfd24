"""Forms: every field once, in the partner's encoding, in the order of the rows."""

from pathlib import Path

import pytest

from tests.adapters.conftest import HEAD, Load
from xinqiao.adapter import Decoded, Encoded
from xinqiao.errors import ContentRefused, DuplicateKey, ProfileInvalid, WrongEncoding
from xinqiao.finding import Finding, Text
from xinqiao_adapters.formats.encoding import Characters, Charset
from xinqiao_adapters.formats.form import FormFormat
from xinqiao_adapters.mapping.converters import TEXT
from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat
from xinqiao_adapters.marked import Mark

GBK = FormFormat("txnType", Charset("GBK", Characters({"\ue81e": "\u9fb4"})))
UTF_8 = FormFormat(None, Charset("UTF-8"))


def test_a_form_is_its_fields_with_their_texts() -> None:
    assert UTF_8.parse(b"txnType=01&name=%E7%8E%8B+%E5%B0%8F&empty=&a%5Bb%5D=1") == {
        "txnType": "01",
        "name": "王 小",
        "empty": "",
        "a[b]": "1",
    }


def test_a_field_without_a_text_says_nothing() -> None:
    assert UTF_8.access.node_text(UTF_8.parse(b"a=++")["a"]) is None


def test_texts_are_in_the_profiles_encoding_with_its_rare_characters_both_ways() -> None:
    fields = {"name": "王䶮\u9fb4", "note": "a b&c=d"}
    raw = b"name=%CD%F5%FE%9F%FEY&note=a+b%26c%3Dd"
    assert GBK.write(fields) == raw
    assert GBK.parse(raw) == fields


def test_a_field_that_comes_twice_is_refused() -> None:
    with pytest.raises(DuplicateKey, match="byte 4: the field a comes twice"):
        UTF_8.parse(b"a=1&a=1")


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", "bytes 0–0"),
        (b"a=1&", "bytes 4–4"),
        (b"a=1&b", "bytes 4–5"),
        (b"a=1&=2", "bytes 4–6"),
        (b"a=%4", "bytes 0–4"),
        (b"a=%zz", "bytes 0–5"),
        (b"a=1 2", "bytes 0–5"),
        ("a=王".encode(), "bytes 0–5"),
    ],
)
def test_what_is_no_form_is_refused_with_its_bytes(raw: bytes, place: str) -> None:
    with pytest.raises(ContentRefused) as caught:
        UTF_8.parse(raw)
    assert caught.value.findings == (
        Finding(
            rule="format.form",
            path=place,
            text=Text("不是合法的表单", "this is no well-formed form"),
            fix=Text(
                "字段间用 &，其余字符按百分号编码", "put & between fields and percent-encode all other characters"
            ),
            partner_path=place,
        ),
    )


@pytest.mark.parametrize(
    ("raw", "content_type", "said"),
    [
        (b"a=1&b=x%FF", "", r"byte 1 is not UTF-8 \(of the text that begins at byte 6\)"),
        (b"a=1", "application/x-www-form-urlencoded; charset=GBK", "the content type says GBK, the profile says UTF-8"),
        (b"b=%EE%A0%9E", "", r"byte 0 is the private-use code point U\+E81E"),
    ],
)
def test_bytes_of_another_encoding_are_refused(raw: bytes, content_type: str, said: str) -> None:
    with pytest.raises(WrongEncoding, match=said):
        UTF_8.parse(raw, content_type)


def test_a_form_is_told_by_its_type_its_beginning_and_its_root() -> None:
    kinds = ("application/x-www-form-urlencoded; charset=UTF-8", "", "application/json")
    assert [GBK.takes(kind) for kind in kinds] == [True, True, False]
    assert [GBK.begins(head) for head in (b"txnType=01&", b'{"a": "b=c"}', b"<a b='1'/>")] == [True, False, False]
    assert (GBK.is_root({"txnType": "01"}), GBK.is_root({"a": "b"})) == (True, False)
    assert GBK.root_name({"a": "1", "b": "2"}) == "a, b"
    assert UTF_8.is_root({})


MARK = Mark(Path("channel.yaml"), 7)


@pytest.mark.parametrize(
    "row",
    [
        Leaf((("a", None),), ("A", "B"), TEXT, "C1", MARK),
        Leaf((("a", None),), ("@A",), TEXT, "C1", MARK),
        Repeat((("a", "[]"),), ("A",), (), False, MARK),
    ],
)
def test_a_row_that_is_no_field_is_refused_with_its_line(row: Leaf | Repeat) -> None:
    with pytest.raises(ProfileInvalid, match=r"channel\.yaml:7: .*a form has fields, no lists and nothing below them"):
        UTF_8.located(Plan("navReport", (), (), (row,), (), {}))
    plan = Plan("navReport", (), (), (Leaf((("a", None),), ("A",), TEXT, "C1", MARK),), (), {})
    assert UTF_8.located(plan) is plan


def test_a_path_that_is_no_field_is_refused() -> None:
    assert UTF_8.path(("serial",)) == ("serial",)
    with pytest.raises(ValueError, match="a/b: a form has fields and nothing below them"):
        UTF_8.path(("a", "b"))


PAYMENT = """\
interfaces:
  nav:
    message: navReport
    direction: both
    format: {kind: form, root: txnType, encoding: GBK}
    key: [orderId]
    map:
      /txnType: {constant: "01"}
      header.partnerSerial: {from: orderId}
      instrument.code: {from: code}
      navDate: {from: day, date: "%Y%m%d"}
      unitNav: {from: nav, decimal: 4}
"""


def test_a_channel_speaks_forms_both_ways_in_the_order_of_its_rows(load: Load) -> None:
    bank = load(HEAD + PAYMENT)
    raw = b"txnType=01&orderId=%CD%F51&code=P1&day=20260131&nav=1.0023"
    (decoded,) = bank.adapter.decode(raw, "application/x-www-form-urlencoded")
    assert isinstance(decoded, Decoded)
    assert decoded.message["header"]["partnerSerial"] == "王1"
    assert decoded.message["navReport"] == {"instrument": {"code": "P1"}, "navDate": "2026-01-31", "unitNav": "1.0023"}
    (encoded,) = bank.adapter.encode([decoded.message])
    assert encoded == Encoded("nav", raw, "application/x-www-form-urlencoded")


def test_a_text_that_the_encoding_does_not_hold_is_refused(load: Load) -> None:
    bank = load(HEAD + PAYMENT)
    nav = {"instrument": {"code": "𠮷"}, "navDate": "2026-01-31", "unitNav": "1.0023"}
    with pytest.raises(ContentRefused) as caught:
        list(bank.adapter.encode([{"header": {"partnerSerial": "1"}, "navReport": nav}]))
    assert [(each.rule, each.path, each.partner_path, each.expected) for each in caught.value.findings] == [
        ("mapping.text", "navReport.instrument.code", "code", "文本，限 GBK 字符")
    ]


def test_a_form_has_no_records(load: Load) -> None:
    with pytest.raises(ProfileInvalid, match="a form is one message: it has no records"):
        load(HEAD + PAYMENT.replace("    key:", "    records: List\n    key:"))
