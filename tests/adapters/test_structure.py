"""Documents of another structure than their profile says: always a finding, never a guess and never a traceback."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.adapters.conftest import DOCUMENT, HEAD, NAV, Load, read
from tests.adapters.test_mapping import JSON_NAV, MESSAGE, decode, refused
from xinqiao.errors import ContentRefused, InterfaceUnknown
from xinqiao_adapters.channel import Channel

LISTS = """\
interfaces:
  kyc:
    message: kycApplication
    direction: both
    format: {kind: xml, root: A}
    key: [K]
    map:
      B/C: {constant: X}
      applicationNo: {from: B/K}
      header.caseId: {from: B/@k}
      relatedParties[]:
        each: L/I
        map:
          party.name: {from: K}
          party.birthDate: {from: D, date: "%Y%m%d"}
          roles[]: {each: R, codes: role}
      riskAssessment.answers[]: {each: M/I, map: {answer: {from: .}}}
codes:
  role: {"1": SETTLOR, "2": TRUSTEE}
"""
DATES = LISTS.replace("kycApplication", "disclosureNotice").partition("      B/C")[0] + (
    "      recipients[]: {each: L/I}\n      documents[]: {each: M/I, map: {name: {from: K}}}\n"
)
NAMES = ["A", "B", "C", "D", "I", "K", "L", "M", "R"]
TEXTS = st.sampled_from(["", " ", "1", "2", "X", "20260131", "\u3000", "王"])


@pytest.fixture(params=["xml", "json"])
def lists(load: Load, request: pytest.FixtureRequest) -> Channel:
    if request.param == "xml":
        return load(HEAD + LISTS)
    text = LISTS.replace("format: {kind: xml, root: A}", "format: {kind: json}")
    return load(HEAD + text.replace("      header.caseId: {from: B/@k}\n", ""))


def elements() -> st.SearchStrategy[tuple[str, str, Any]]:
    leaf: st.SearchStrategy[tuple[str, str, Any]] = st.tuples(st.sampled_from(NAMES), TEXTS, st.just([]))
    return st.recursive(
        leaf, lambda inner: st.tuples(st.sampled_from(NAMES), TEXTS, st.lists(inner, max_size=4)), max_leaves=12
    )


def markup(element: tuple[str, str, Any]) -> etree._Element:
    node = etree.Element(element[0], k=element[1])
    node.text = element[1]
    node.extend(markup(each) for each in element[2])
    return node


def documents() -> st.SearchStrategy[bytes]:
    values = st.recursive(
        st.one_of(TEXTS, st.none(), st.integers(0, 3), st.booleans()),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner)),
        max_leaves=15,
    )
    objects = st.dictionaries(st.sampled_from(NAMES), values).map(orjson.dumps)
    trees = st.lists(elements(), max_size=5).map(lambda inner: etree.tostring(markup(("A", "", inner))))
    keyed = st.lists(elements(), max_size=5).map(
        lambda inner: etree.tostring(markup(("A", "", [("K", "1", []), *inner])))
    )
    return st.one_of(objects, trees, keyed)


def outcome(channel: Channel, raw: bytes, content_type: str) -> list[Any] | None:
    """Return the messages or the findings; None for a refusal that says nothing."""
    try:
        return read(channel, raw, content_type)
    except ContentRefused as refusal:
        return list(refusal.findings) or None


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(raw=documents())
def test_any_document_is_read_or_refused_with_findings(lists: Channel, raw: bytes) -> None:
    content_type = "application/xml" if raw.startswith(b"<") else "application/json"
    if content_type.endswith("xml") != (lists.compiled["kyc"].format.kind == "xml"):
        return
    with suppress(InterfaceUnknown):
        assert outcome(lists, raw, content_type) is not None


@pytest.mark.parametrize("blank", ["<R/>", "<R></R>", "<R> </R>", "<R>\u3000</R>"])
def test_an_item_of_a_list_that_says_nothing_is_a_finding(load: Load, blank: str) -> None:
    found = refused(load(HEAD + LISTS), f"<A><K>1</K><L><I><R>1</R>{blank}</I></L></A>")
    assert [(each.rule, each.path, each.partner_path) for each in found] == [
        ("mapping.code", "kycApplication.relatedParties[0].roles[1]", "L/I[1]/R[2], line 1")
    ]
    found = refused(load(HEAD + DATES), f"<A><K>1</K><L>{blank.replace('R', 'I')}</L></A>")
    assert [(each.rule, each.path) for each in found] == [("mapping.text", "disclosureNotice.recipients[0]")]


def test_a_text_with_elements_in_it_is_refused_and_not_cut(bank: Channel) -> None:
    document = DOCUMENT.replace("<Prod>P1</Prod>", "<Prod>王<b/>小明</Prod>")
    (found,) = refused(bank, document)
    assert (found.rule, found.path, found.partner_path) == (
        "mapping.shape",
        "navReport.instrument.code",
        "Body/Prod, line 4",
    )
    assert found.text.en == "Body/Prod: a text is expected here, and it holds other elements"


def test_comments_inside_a_text_are_no_elements(bank: Channel) -> None:
    (message,) = decode(bank, DOCUMENT.replace("<Prod>P1</Prod>", "<Prod>P<!-- x -->1</Prod>"))
    assert message == MESSAGE


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("<Prod>P1</Prod>", "<Prod>P1</Prod><Prod>P2</Prod>", "Body/Prod, line 4"),
        ("<State>2</State>", "<State>2</State>\n<State>3</State>", "Body/State, line 9"),
        ("</Nav>\n", "<Body><Prod>P2</Prod></Body>\n</Nav>\n", "Body, line 10"),
    ],
)
def test_a_second_element_where_one_is_expected_is_refused_once(bank: Channel, old: str, new: str, place: str) -> None:
    document = DOCUMENT.replace(old, new) if old != "</Nav>\n" else DOCUMENT.removesuffix(old) + new
    (found,) = refused(bank, document)
    assert (found.rule, found.partner_path) == ("mapping.shape", place)
    assert found.text.en.endswith("one is expected here, and there are several")


def test_a_key_that_is_given_twice_is_no_key(bank: Channel) -> None:
    found = refused(bank, DOCUMENT.replace("<Seq>S-1</Seq>", "<Seq>S-1</Seq><Seq>S-2</Seq>"))
    assert [each.partner_path for each in found] == ["Head/Seq, line 2"]


def test_a_list_where_json_should_have_one_value_is_refused(load: Load) -> None:
    channel = load(HEAD + JSON_NAV)
    body = {"Prods": ["P1", "P2"], "Day": "20260131", "Nav": "1", "State": "2"}
    raw = orjson.dumps({"Head": {"Code": "NAV1", "Seq": "S-1"}, "Body": body})
    with pytest.raises(ContentRefused) as caught:
        read(channel, raw, "")
    assert [(each.rule, each.partner_path) for each in caught.value.findings] == [("mapping.shape", "Body/Prods")]


@pytest.mark.parametrize("blank", ["", " ", "\n  ", "\u3000", "\u00a0\t"])
def test_what_is_blank_is_not_there(bank: Channel, blank: str) -> None:
    (message,) = decode(bank, DOCUMENT.replace(">P1<", f">{blank}<").replace(">1050<", f">{blank}<"))
    body = {name: part for name, part in MESSAGE["navReport"].items() if name not in ("instrument", "netAssets")}
    assert message == {**MESSAGE, "navReport": body}
    found = refused(bank, DOCUMENT.replace(">S-1<", f">{blank}<"))
    assert [each.rule for each in found] == ["mapping.key"]


def test_blanks_around_a_text_are_taken_away(bank: Channel) -> None:
    document = DOCUMENT.replace(">P1<", ">\u3000P1 <").replace(">S-1<", ">\n S-1 <").replace(">2<", "> 2 <")
    (decoded,) = read(bank, document.encode(), "")
    assert (decoded.message, decoded.key) == (MESSAGE, "S-1")


def test_a_profile_may_keep_blanks_but_never_those_of_a_key(load: Load) -> None:
    channel = load(HEAD + NAV.replace("root: Nav}", "root: Nav, trim: false}"))
    document = DOCUMENT.replace(">P1<", "> P1 <").replace(">S-1<", "> S-1 <")
    (decoded,) = read(channel, document.encode(), "")
    assert (decoded.message["navReport"]["instrument"], decoded.key) == ({"code": " P1 "}, "S-1")
    (decoded,) = read(channel, DOCUMENT.replace(">P1<", "> <").encode(), "")
    assert "instrument" not in decoded.message["navReport"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1.10", "1.10"),
        ("12345678901234567.89012345", None),
        ("1234567890123456.12345678", "1234567890123456.12345678"),
        ("0.10000001", "0.10000001"),
        ("1", "1"),
    ],
)
def test_the_digits_of_a_partners_json_numbers_are_kept(load: Load, number: str, text: str | None) -> None:
    rows = JSON_NAV.replace("decimal: 4", "decimal: 8")
    raw = '{"Head": {"Code": "NAV1", "Seq": 20260131000000000000000000000001}, "Body": {"Nav": %s, "Day": 20260131}}'
    (decoded,) = read(load(HEAD + rows), (raw % number).encode(), "application/json")
    assert decoded.message["navReport"]["unitNav"] == (text or number)
    assert decoded.key == "20260131000000000000000000000001"


def test_numbers_that_nobody_reads_are_listed_with_their_digits(load: Load) -> None:
    raw = b'{"Head": {"Code": "NAV1", "Seq": "S-1"}, "Body": {"Rate": 0.1000000000000000055, "Day": "20260131"}}'
    (decoded,) = read(load(HEAD + JSON_NAV), raw, "application/json")
    assert [(each.path, each.value) for each in decoded.unmapped()] == [("Body/Rate", "0.1000000000000000055")]
