"""One table, both directions: what it reads, what it refuses, and where it says that things stand."""

import pytest

from tests.adapters.conftest import DOCUMENT, HEAD, NAV, Load, read
from xinqiao.adapter import Unmapped
from xinqiao.errors import ContentRefused, InterfaceUnknown
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao_adapters.channel import Channel

MESSAGE: Json = {
    "header": {
        "standardVersion": "1.0",
        "sender": "91110000100000000R",
        "receiver": "913100001000100012",
        "channelId": "small-bank",
        "partnerSerial": "S-1",
    },
    "navReport": {
        "instrument": {"code": "P1"},
        "navDate": "2026-01-31",
        "unitNav": "1.0023",
        "netAssets": {"value": "10.50", "currency": "CNY"},
        "state": "FORMAL",
    },
}


def decode(channel: Channel, document: str) -> list[Json]:
    return [each.message for each in read(channel, document.encode(), "application/xml")]


def refused(channel: Channel, document: str) -> list[Finding]:
    with pytest.raises(ContentRefused) as caught:
        decode(channel, document)
    return list(caught.value.findings)


def with_body(**body: object) -> Json:
    return {**MESSAGE, "navReport": {**MESSAGE["navReport"], **body}}


def test_a_document_becomes_a_message_and_the_message_the_document(bank: Channel) -> None:
    assert decode(bank, DOCUMENT) == [MESSAGE]
    (encoded,) = bank.adapter.encode([MESSAGE])
    flat = "".join(line.strip() for line in DOCUMENT.splitlines())
    assert encoded.content.decode() == f'<?xml version="1.0" encoding="UTF-8"?>\n{flat}'


def test_what_the_partner_leaves_out_is_left_out(bank: Channel) -> None:
    document = DOCUMENT.replace("<Net>1050</Net>", "<Net/>").replace("<Prod>P1</Prod>", "")
    body = {name: part for name, part in MESSAGE["navReport"].items() if name not in ("netAssets", "instrument")}
    assert decode(bank, document) == [{**MESSAGE, "navReport": body}]


def test_all_bad_values_are_told_at_once_in_the_partners_terms(bank: Channel) -> None:
    document = DOCUMENT.replace("20260131", "20261301").replace(">1050<", ">10.50<").replace(">2<", ">9<")
    found = refused(bank, document.replace("NAV1", "NAV9"))
    assert [(each.rule, each.path, each.partner_path, each.value) for each in found] == [
        ("mapping.fixed", "Head/Code", "Head/Code, line 2", "NAV9"),
        ("mapping.date", "navReport.navDate", "Body/Day, line 5", "20261301"),
        ("mapping.amount", "navReport.netAssets.value", "Body/Net, line 7", "1***0"),
        ("mapping.code", "navReport.state", "Body/State, line 8", "9"),
    ]
    assert [each.expected for each in found] == ["固定值 NAV1", "日期 yyyyMMdd", "金额，整数分", "代码 1、2、3"]


def test_findings_say_what_to_do_in_both_languages(bank: Channel) -> None:
    (finding,) = refused(bank, DOCUMENT.replace("20260131", "31.1.2026"))
    assert finding.text.zh == "Body/Day：值不符合约定，应为日期 yyyyMMdd"
    assert finding.text.en == "Body/Day: the value does not fit, expected a date yyyyMMdd"
    assert finding.fix is not None
    assert finding.fix.en == "send a date yyyyMMdd"


def test_a_document_without_its_key_is_refused(bank: Channel) -> None:
    assert [each.rule for each in refused(bank, DOCUMENT.replace("<Seq>S-1</Seq>", ""))] == ["mapping.key"]


def test_keys_of_several_parts_cannot_be_confused(load: Load) -> None:
    channel = load(HEAD + NAV.replace("key: [Head/Seq]", "key: [Head/Seq, Body/Prod]"))
    keys = []
    for seq, product in (("a|b", "c"), ("a", "b|c")):
        document = DOCUMENT.replace(">S-1<", f">{seq}<").replace(">P1<", f">{product}<")
        keys += [each.key for each in read(channel, document.encode(), "")]
    assert keys == ["a%7Cb|c", "a|b%7Cc"]


def test_a_document_of_no_interface_is_refused_and_told_what_is_known(bank: Channel) -> None:
    with pytest.raises(InterfaceUnknown, match=r"begins with Nov; known: nav \(Nav\)"):
        decode(bank, "<Nov/>")


def test_match_chooses_between_documents_of_the_same_root(load: Load) -> None:
    channel = load(HEAD + NAV.replace("    key:", "    match: {Head/Code: NAV1}\n    key:"))
    assert decode(channel, DOCUMENT) == [MESSAGE]
    with pytest.raises(InterfaceUnknown):
        decode(channel, DOCUMENT.replace("NAV1", "NAV2"))


@pytest.mark.parametrize(
    ("message", "rule", "path", "value"),
    [
        (with_body(netAssets={"value": "10.505", "currency": "CNY"}), "mapping.amount", "netAssets.value", "1****5"),
        (with_body(netAssets={"value": "1", "currency": "USD"}), "mapping.text", "netAssets.currency", "USD"),
        (with_body(unitNav="1.00001"), "mapping.decimal", "unitNav", "1.00001"),
        (with_body(cumulativeNav="1.5"), "mapping.no_place", "cumulativeNav", "1.5"),
        (with_body(instrument={"code": "P1", "isin": "X"}), "mapping.no_place", "instrument.isin", "X"),
        (with_body(instrument={"code": "\x01"}), "mapping.text", "instrument.code", "\ufffd"),
    ],
)
def test_what_the_format_cannot_hold_is_refused_and_never_cut(
    bank: Channel, message: Json, rule: str, path: str, value: str
) -> None:
    with pytest.raises(ContentRefused) as caught:
        list(bank.adapter.encode([message]))
    assert [(each.rule, each.path, each.value) for each in caught.value.findings] == [
        (rule, f"navReport.{path}", value)
    ]


def test_what_is_dropped_by_decision_goes_without_a_word(load: Load) -> None:
    channel = load(HEAD + NAV.replace("    map:", "    dropped: {cumulativeNav: the bank does not want it}\n    map:"))
    assert len(list(channel.adapter.encode([with_body(cumulativeNav="1.5")]))) == 1


def test_fields_of_a_later_version_do_not_stop_a_message(bank: Channel) -> None:
    assert len(list(bank.adapter.encode([with_body(fieldOfTomorrow="x")]))) == 1


def test_defaults_and_one_way_rows_act_in_their_direction(load: Load) -> None:
    rows = NAV.replace("codes: state}", "codes: state, default: FORMAL, oneway: in}")
    channel = load(HEAD + rows.replace("{constant: NAV1}", "{constant: NAV1, oneway: out}"))
    document = DOCUMENT.replace("<State>2</State>", "").replace("<Code>NAV1</Code>", "<Code>other</Code>")
    assert decode(channel, document) == [MESSAGE]
    (encoded,) = channel.adapter.encode([MESSAGE])
    assert b"<Code>NAV1</Code>" in encoded.content
    assert b"<State>" not in encoded.content
    with pytest.raises(ContentRefused) as caught:  # the bank would take silence for FORMAL
        list(channel.adapter.encode([with_body(state="ESTIMATED")]))
    assert [(each.rule, each.path, each.expected) for each in caught.value.findings] == [
        ("mapping.no_place", "navReport.state", "FORMAL")
    ]


def test_leaves_that_no_row_reads_are_listed(bank: Channel) -> None:
    document = DOCUMENT.replace("<Prod>P1</Prod>", '<Prod kind="x">P1</Prod><Note>n</Note><Note>m</Note>text')
    (decoded,) = read(bank, document.encode(), "")
    assert decoded.unmapped() == [
        Unmapped("Body", "text"),
        Unmapped("Body/Prod/@kind", "x"),
        Unmapped("Body/Note", "n"),
        Unmapped("Body/Note[2]", "m"),
    ]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("navReport.navDate", "Body/Day, line 5"),
        ("header.partnerSerial", "Head/Seq, line 2"),
        ("navReport.netAssets", "Body/Net"),
        ("navReport", "Body"),
        ("navReport.units", None),
        ("header.caseId", None),
    ],
)
def test_canonical_paths_lead_to_the_partners_own(bank: Channel, path: str, place: str | None) -> None:
    (decoded,) = read(bank, DOCUMENT.encode(), "")
    assert decoded.place(path) == place


def test_the_generated_code_can_be_read(bank: Channel) -> None:
    source = bank.compiled["nav"].mapping.source
    assert "def decode_record(node, outer, header):" in source
    assert "def encode_record(message):" in source


def test_a_case_needs_no_row_of_its_own(load: Load) -> None:
    channel = load(HEAD + NAV.replace("    map:", "    case: Head/Biz\n    map:"))
    (message,) = decode(channel, DOCUMENT.replace("</Head>", "<Biz>C-1</Biz></Head>"))
    assert message["header"] == MESSAGE["header"] | {"caseId": "C-1"}


def test_a_default_namespace_and_attributes_go_both_ways(load: Load) -> None:
    rows = NAV.replace("root: Nav}", 'root: Nav, namespaces: {"": "urn:a", b: "urn:b"}}')
    rows = rows.replace("{from: Head/Seq}", "{from: Head/@seq}").replace("[Head/Seq]", "[Head/@seq]")
    channel = load(HEAD + rows.replace("Body/", "b:Body/"))
    document = DOCUMENT.replace("<Nav>\n", '<Nav xmlns="urn:a" xmlns:b="urn:b">\n').replace("<Seq>S-1</Seq>", "")
    document = document.replace("<Head>", '<Head seq="S-1">').replace("Body>", "b:Body>")
    for name in ("Prod", "Day", "Net", "State"):
        document = document.replace(f"<{name}>", f"<b:{name}>").replace(f"</{name}>", f"</b:{name}>")
    document = document.replace("<Nav>1.0023</Nav>", "<b:Nav>1.0023</b:Nav>")
    (decoded,) = read(channel, document.encode(), "")
    assert (decoded.message, decoded.key, decoded.unmapped()) == (MESSAGE, "S-1", [])
    assert decoded.place("header.partnerSerial") == "Head/@seq, line 2"
    (encoded,) = channel.adapter.encode([MESSAGE])
    flat = "".join(line.strip() for line in document.splitlines())
    assert encoded.content.decode().partition("\n")[2] == flat


def test_attributes_of_a_namespace_are_written_with_its_prefix(load: Load) -> None:
    rows = NAV.replace("root: Nav}", 'root: Nav, namespaces: {x: "urn:x", "": "urn:x"}}')
    channel = load(
        HEAD + rows.replace("{from: Head/Seq}", "{from: Head/@x:seq}").replace("[Head/Seq]", "[Head/@x:seq]")
    )
    (encoded,) = channel.adapter.encode([MESSAGE])
    assert b'<x:Nav xmlns:x="urn:x"><x:Head x:seq="S-1"><x:Code>NAV1</x:Code></x:Head>' in encoded.content
    (decoded,) = read(channel, encoded.content, encoded.content_type)
    assert (decoded.message, decoded.key) == (MESSAGE, "S-1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("revision", 2),
        ("replaces", "019bf0a0-7c00-7000-8000-000000000002"),
        ("correlationId", "019bf0a0-7c00-7000-8000-000000000002"),
        ("caseId", "CASE-1"),
        ("businessDate", "2026-01-31"),
        ("branch", "0101"),
        ("operator", "T8001"),
    ],
)
def test_business_fields_of_the_header_need_a_place_or_a_reason(load: Load, name: str, value: object) -> None:
    message = {**MESSAGE, "header": {**MESSAGE["header"], name: value}}
    with pytest.raises(ContentRefused) as caught:
        list(load(HEAD + NAV).adapter.encode([message]))
    assert [(each.rule, each.path) for each in caught.value.findings] == [("mapping.no_place", f"header.{name}")]
    channel = load(HEAD + f"dropped: {{header.{name}: known otherwise}}\n" + NAV)
    (encoded,), (plain,) = channel.adapter.encode([message]), channel.adapter.encode([MESSAGE])
    assert encoded == plain


def test_what_carries_a_message_needs_no_place(bank: Channel) -> None:
    header = {"messageId": "019bf0a0-7c00-7000-8000-000000000002", "createdAt": "2026-01-31T00:00:00Z", "test": True}
    assert len(list(bank.adapter.encode([{**MESSAGE, "header": {**MESSAGE["header"], **header}}]))) == 1


def test_a_message_without_the_partners_key_is_not_sent(bank: Channel) -> None:
    message = {**MESSAGE, "header": {"messageId": "019bf0a0-7c00-7000-8000-000000000002"}}
    with pytest.raises(ContentRefused) as caught:
        list(bank.adapter.encode([message]))
    assert [(each.rule, each.path, each.partner_path) for each in caught.value.findings] == [
        ("mapping.key", "header.partnerSerial", "Head/Seq")
    ]


def test_an_object_by_index_holds_no_more_than_its_indices(load: Load) -> None:
    rows = NAV.replace("navReport", "disclosureReceipt").partition("      instrument")[0]
    channel = load(
        HEAD + rows + "      documentDigests[0].value: {from: Body/A}\n      documentDigests[1].value: {from: Body/B}\n"
    )
    message: Json = {"header": {"partnerSerial": "S-1"}, "disclosureReceipt": {"documentDigests": [{"value": "a"}]}}
    for left in ([{"value": "a"}], [{"value": "a"}, {"value": "b"}]):
        message["disclosureReceipt"]["documentDigests"] = left
        (encoded,) = channel.adapter.encode([message])
        (decoded,) = read(channel, encoded.content, "")
        assert decoded.message["disclosureReceipt"] == message["disclosureReceipt"]
    message["disclosureReceipt"]["documentDigests"] = [{"value": "a"}, {"value": "b"}, {"value": "c"}]
    with pytest.raises(ContentRefused) as caught:
        list(channel.adapter.encode([message]))
    assert [each.path for each in caught.value.findings] == ["disclosureReceipt.documentDigests[2].value"]


JSON_NAV = NAV.replace("{kind: xml, root: Nav}", "{kind: json}").replace("Body/Prod", "Body/Prods")


def test_json_of_the_partners_own_shape_uses_the_same_rows(load: Load) -> None:
    channel = load(HEAD + JSON_NAV)
    raw = (
        b'{"Head": {"Code": "NAV1", "Seq": "S-1"},'
        b' "Body": {"Prods": "P1", "Day": 20260131, "Nav": 1.0023, "Net": "1050", "State": "2", "More": [{"a": 1}]}}'
    )
    (decoded,) = read(channel, raw, "application/json")
    assert (decoded.message, decoded.key) == (MESSAGE, "S-1")
    assert decoded.unmapped() == [Unmapped("Body/More/a", "1")]
    assert decoded.place("navReport.navDate") == "Body/Day"
    (encoded,) = channel.adapter.encode([MESSAGE])
    assert encoded.content == (
        b'{"Head":{"Code":"NAV1","Seq":"S-1"},'
        b'"Body":{"Prods":"P1","Day":"20260131","Nav":"1.0023","Net":"1050","State":"2"}}'
    )


@pytest.mark.parametrize("body", [b'{"Day": {"x": 1}}', b'"text"', b'{"Day": ["a"]}'])
def test_json_of_another_shape_is_a_finding_and_no_traceback(load: Load, body: bytes) -> None:
    channel = load(HEAD + JSON_NAV)
    with pytest.raises(ContentRefused) as caught:
        read(channel, b'{"Head": {"Code": "NAV1", "Seq": "S-1"}, "Body": ' + body + b"}", "")
    assert "navReport.navDate" in {each.path for each in caught.value.findings}
