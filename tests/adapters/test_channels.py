"""The shipped channels, proved on their own samples."""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from lxml import etree

from tests.adapters.conftest import read
from xinqiao.adapter import Decoded, Undecoded
from xinqiao.errors import ContentRefused
from xinqiao.finding import Finding
from xinqiao.message import Json
from xinqiao.testing import example
from xinqiao.validation import check
from xinqiao_adapters.channel import Channel, load_channel, shipped_channels
from xinqiao_adapters.check import check_channel, sample_files
from xinqiao_adapters.trial import try_input

MAPPED = ["demo-bank", "iso20022-funds"]


@pytest.fixture(scope="module")
def bank() -> Channel:
    return load_channel("demo-bank", [])


@pytest.fixture(scope="module")
def funds() -> Channel:
    return load_channel("iso20022-funds", [])


def sample(channel: Channel, name: str) -> bytes:
    return (channel.folders[0] / "samples" / f"{name}.xml").read_bytes()


def expected(channel: Channel, name: str) -> Json:
    message: Json = orjson.loads((channel.folders[0] / "samples" / f"{name}.json").read_bytes())
    return message


@pytest.mark.parametrize("channel_id", shipped_channels())
def test_a_shipped_channel_passes_its_check(channel_id: str) -> None:
    assert check_channel(load_channel(channel_id, [])).problems == []


@pytest.mark.parametrize("channel_id", MAPPED)
def test_every_incoming_sample_is_a_valid_message(channel_id: str) -> None:
    channel = load_channel(channel_id, [])
    incoming = {name for names in channel.incoming.values() for name in names}
    for path in sample_files(channel):
        if path.stem.partition("-")[0] in incoming:
            assert try_input(channel, path.read_bytes()).findings == [], path.name


def test_every_outgoing_sample_is_a_valid_message(bank: Channel) -> None:
    for names in bank.outgoing.values():
        for name in names:
            message = expected(bank, name)
            header = message["header"] | {"createdAt": "2026-01-15T09:30:00Z"}
            assert check({**message, "header": header}) == [], name


@pytest.mark.parametrize("name", [name for names in load_channel("demo-bank", []).outgoing.values() for name in names])
def test_the_standards_own_examples_reach_the_bank_and_lose_nothing(bank: Channel, name: str) -> None:
    interface = bank.compiled[name]
    message = example(interface.spec.message)
    (decoded,) = interface.decode(interface.document.parse(interface.encode(message).content))
    assert isinstance(decoded, Decoded)
    assert in_one_spelling(decoded.message[interface.spec.message]) == in_one_spelling(message[interface.spec.message])


def in_one_spelling(value: object) -> object:
    """Return a body with instants in UTC and decimals without trailing zeros, as the bank cannot keep either."""
    if isinstance(value, dict):
        return {name: in_one_spelling(part) for name, part in value.items()}
    if isinstance(value, list):
        return [in_one_spelling(part) for part in value]
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return Decimal(value)
    if isinstance(value, str) and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", value):
        return datetime.fromisoformat(value)
    return value


# --- demo-bank -----------------------------------------------------------------------------------------------


def findings(channel: Channel, raw: bytes) -> list[Finding]:
    with pytest.raises(ContentRefused) as caught:
        read(channel, raw, "application/xml")
    return list(caught.value.findings)


def test_a_bad_check_digit_is_told_at_the_banks_own_element_and_line(bank: Channel) -> None:
    raw = sample(bank, "kyc_apply").replace(b"11010119800101007X</CertNo>", b"110101198001010071</CertNo>", 1)
    lines = raw.decode("gb18030").splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if "110101198001010071" in text)
    (found,) = try_input(bank, raw).findings
    assert (found.path, found.partner_path, found.value) == (
        "kycApplication.applicant.documents[0].number",
        f"Body/CertNo, line {line}",
        "110************071",
    )


def test_a_missing_element_is_told_where_it_would_stand(bank: Channel) -> None:
    raw = sample(bank, "kyc_apply").replace(b"<ApplNo>KYC2026-0001</ApplNo>", b"")
    (found,) = findings(bank, raw)
    assert (found.rule, found.partner_path, found.text.en, found.expected) == (
        "format.xsd",
        "Body/CustNo, line 13",
        "the element is out of place, expected ApplNo",
        "ApplNo",
    )


def test_violations_of_the_xsd_and_bad_values_behind_them_come_together(bank: Channel) -> None:
    raw = sample(bank, "kyc_apply")
    raw = raw.replace(b"<CustType>1<", b"<CustType>one<", 1).replace(b"<CertType>01<", b"<CertTyp>01<", 1)
    raw = raw.replace(b"01</CertType>", b"01</CertTyp>", 1).replace(b"<RiskScore>78<", b"<RiskScore>7.8<")
    found = findings(bank, raw.replace(b"<Birth>19800101<", b"<Birth>19800231<"))
    assert [(each.rule, each.partner_path, each.value) for each in found] == [
        ("format.xsd", "Body/CustType, line 14", "one"),
        ("format.xsd", "Body/CertTyp, line 17", None),
        ("mapping.date", "Body/Birth, line 32", "19****31"),
        ("mapping.integer", "Body/RiskScore, line 137", "***"),
    ]


def test_findings_of_the_xsd_never_show_a_customers_data(bank: Channel) -> None:
    raw = sample(bank, "kyc_apply").replace(b"<CertNo>11010119800101007X<", b"<CertNo>11010119800101007_<", 1)
    (found,) = findings(bank, raw)
    assert (found.path, found.value) == ("kycApplication.applicant.documents[0].number", "110************07_")
    assert "19800101" not in f"{found.text}{found.fix}{found.expected}"


def test_a_message_too_long_for_the_bank_is_refused_and_not_cut(bank: Channel) -> None:
    message = expected(bank, "kyc_decision")
    message["kycDecision"]["reasons"] = [{"code": "OTHER", "text": "长" * 201}]
    with pytest.raises(ContentRefused) as caught:
        list(bank.adapter.encode([message]))
    (found,) = caught.value.findings
    assert (found.rule, found.path, found.expected) == ("format.xsd", "kycDecision.reasons[0].text", "至多 200 个字符")


def test_a_delivery_of_a_policy_does_not_fit_the_bank(bank: Channel) -> None:
    message = expected(bank, "delivery_confirm")
    del message["deliveryConfirmation"]["cash"]
    message["deliveryConfirmation"]["policy"] = {"policyNo": "P-1"}
    with pytest.raises(ContentRefused) as caught:
        list(bank.adapter.encode([message]))
    assert [(each.rule, each.path) for each in caught.value.findings] == [
        ("mapping.no_place", "deliveryConfirmation.policy.policyNo")
    ]


def test_the_bank_knows_its_directions(bank: Channel) -> None:
    assert ("kycDecision" in bank.outgoing, "kycApplication" in bank.outgoing) == (True, False)
    assert bank.incoming["signatureEvidence"] == ["sign_evidence"]
    assert bank.outgoing["signatureEvidence"] == ["signature_notice"]


# --- iso20022-funds ------------------------------------------------------------------------------------------


def leaves(node: etree._Element) -> Iterator[str]:
    for each in node.iter():
        yield from (str(value) for value in each.attrib.values())
        if each.text and each.text.strip():
            yield each.text.strip()


def values(message: object) -> Iterator[str]:
    if isinstance(message, dict):
        for part in message.values():
            yield from values(part)
    else:
        yield str(message).lower() if isinstance(message, bool) else str(message)


@pytest.mark.parametrize("name", ["subscription", "redemption"])
def test_every_leaf_is_in_the_message_or_listed_as_unmapped(funds: Channel, name: str) -> None:
    raw = sample(funds, name)
    (decoded,) = read(funds, raw, "application/xml")
    mapped = [value.removesuffix("Z") for value in values(decoded.message)]
    left = [each.value for each in decoded.unmapped()]
    sent = [leaf.removesuffix("Z") for leaf in leaves(etree.fromstring(raw))]
    missing = [leaf for leaf in sent if leaf not in mapped and leaf not in left]
    assert (missing, len(left)) == ([], 7)


def test_one_document_brings_several_orders_with_keys_of_their_own(funds: Channel) -> None:
    decoded = read(funds, sample(funds, "subscription-bulk"), "application/xml")
    assert [each.key for each in decoded] == ["200310|200311", "200310|200312", "200310|200313"]
    assert [each.message["header"]["createdAt"] for each in decoded] == ["2026-02-10T08:15:30Z"] * 3
    place = decoded[1].place("subscriptionOrder.units")
    assert place == "Request/RequestPayload/Document/SbcptOrdrV03/MltplOrdrDtls/IndvOrdrDtls[2]/UnitsNb/Unit, line 50"
    assert not any("IndvOrdrDtls" in leaf.path for each in decoded for leaf in each.unmapped())


def test_bad_values_of_every_record_are_told_with_the_records_number(funds: Channel) -> None:
    raw = sample(funds, "subscription-bulk").replace(b">5000.5<", b">5.000,5<").replace(b">true<", b">yes<")
    prefix = "Request/RequestPayload/Document/SbcptOrdrV03/MltplOrdrDtls/IndvOrdrDtls"
    undecoded = [each for each in funds.adapter.decode(raw, "") if isinstance(each, Undecoded)]
    assert [each.partner_path for one in undecoded for each in one.findings] == [
        f"{prefix}[1]/NetAmt, line 37",
        f"{prefix}[2]/PhysDlvryInd, line 52",
    ]


def test_a_bad_record_does_not_stop_the_good_ones(funds: Channel) -> None:
    raw = sample(funds, "subscription-bulk").replace(b">5000.5<", b">5.000,5<")
    decoded = list(funds.adapter.decode(raw, ""))
    assert [isinstance(each, Decoded) for each in decoded] == [False, True, True]


def test_a_second_group_of_orders_is_refused_and_not_passed_over(funds: Channel) -> None:
    raw = sample(funds, "redemption-amounts")
    group = raw[raw.index(b"<Doc:MltplOrdrDtls>") : raw.index(b"</Doc:MltplOrdrDtls>")] + b"</Doc:MltplOrdrDtls>"
    (found,) = findings(funds, raw.replace(group, group + group))
    assert (found.rule, found.text.en) == ("mapping.no_record", "one is expected here, and there are several")


def test_documents_are_told_apart_by_the_namespace_in_the_envelope(funds: Channel) -> None:
    for name in ("subscription", "redemption"):
        (decoded,) = read(funds, sample(funds, name), "text/xml")
        assert decoded.interface == name


def test_a_written_order_is_read_as_the_same_order(funds: Channel) -> None:
    message = expected(funds, "redemption")
    (encoded,) = funds.adapter.encode([message])
    (decoded,) = read(funds, encoded.content, encoded.content_type)
    assert decoded.message == message


def test_samples_have_names_of_their_own_interfaces() -> None:
    for channel_id in MAPPED:
        channel = load_channel(channel_id, [])
        assert {path.stem.partition("-")[0] for path in sample_files(channel)} == set(channel.compiled)


def test_a_check_names_what_is_wrong(tmp_path: Path) -> None:
    shipped = load_channel("iso20022-funds", []).folders[0]
    folder = tmp_path / "iso20022-funds"
    (folder / "samples").mkdir(parents=True)
    text = (shipped / "channel.yaml").read_text(encoding="utf-8")
    (folder / "channel.yaml").write_text(text.replace("{from: AcctNm}", "{from: AcctId/Name}"), encoding="utf-8")
    for path in shipped.glob("samples/redemption*"):
        (folder / "samples" / path.name).write_bytes(path.read_bytes())
    report = check_channel(load_channel("iso20022-funds", [tmp_path]))
    assert not report.passed
    assert "redemption.xml: decoded other than expected: redemptionOrder.account.holderName" in report.problems
    assert any("no sample exercises this row (subscription)" in each for each in report.problems)


# --- what a message may lose on its way out ------------------------------------------------------------------


def with_header(message: Json, **header: object) -> Json:
    return {**message, "header": {**message["header"], **header}}


def refused_paths(channel: Channel, message: Json) -> list[str]:
    with pytest.raises(ContentRefused) as caught:
        list(channel.adapter.encode([message]))
    assert {each.rule for each in caught.value.findings} == {"mapping.no_place"}
    return [each.path for each in caught.value.findings]


def test_a_correction_reaches_the_bank_as_a_correction(bank: Channel) -> None:
    message = expected(bank, "nav_report")
    assert (message["header"]["revision"], "replaces" in message["header"]) == (2, True)
    (encoded,) = bank.adapter.encode([message])
    assert b"<Rev>2</Rev><OldSeqNo>019bf0a0-7c00-7000-8000-000000000025</OldSeqNo>" in encoded.content


def test_what_the_bank_knows_otherwise_is_left_out_of_the_head(bank: Channel) -> None:
    message = expected(bank, "nav_report")
    (plain,) = bank.adapter.encode([message])
    (encoded,) = bank.adapter.encode([with_header(message, partnerSerial="T-1", branch="0101", operator="T8001")])
    assert encoded == plain


@pytest.mark.parametrize(("value", "written"), [("1", "1.0000"), ("1.05", "1.0500"), ("1.00000001", "1.00000001")])
def test_a_net_asset_value_has_the_decimals_that_the_bank_wants(bank: Channel, value: str, written: str) -> None:
    message = expected(bank, "nav_report")
    message["navReport"]["unitNav"] = value
    (encoded,) = bank.adapter.encode([message])
    assert f"<UnitNav>{written}</UnitNav>".encode() in encoded.content


@pytest.mark.parametrize(("name", "value"), [("revision", 2), ("replaces", "019bf0a0-7c00-7000-8000-000000000002")])
def test_a_correction_is_never_sent_as_a_second_order(funds: Channel, name: str, value: object) -> None:
    message = with_header(expected(funds, "redemption"), **{name: value})
    assert refused_paths(funds, message) == [f"header.{name}"]


@pytest.mark.parametrize(
    ("field", "value", "paths"),
    [
        ("launch", False, []),
        ("launch", True, ["subscriptionOrder.launch"]),
        ("feeDiscount", "1.0000", []),
        ("feeDiscount", "0.8", ["subscriptionOrder.feeDiscount"]),
    ],
)
def test_only_what_says_nothing_may_be_lost_of_an_order(
    funds: Channel, field: str, value: object, paths: list[str]
) -> None:
    message = expected(funds, "subscription")
    message["subscriptionOrder"][field] = value
    if paths:
        assert refused_paths(funds, message) == paths
    else:
        (plain,), (encoded,) = (funds.adapter.encode([each]) for each in (expected(funds, "subscription"), message))
        assert encoded == plain


def test_an_order_without_a_serial_is_not_sent(funds: Channel) -> None:
    message = expected(funds, "redemption")
    del message["header"]["partnerSerial"]
    with pytest.raises(ContentRefused) as caught:
        list(funds.adapter.encode([message]))
    assert [(each.rule, each.path) for each in caught.value.findings] == [("mapping.key", "header.partnerSerial")]


@pytest.mark.parametrize(
    ("old", "new", "path", "value"),
    [
        (b">2026-02-11T09:20:18<", b">2026-02-11T17:20:18.5+08:00<", "header.createdAt", "2026-02-11T17:20:18.5+08:00"),
        (b">2026-02-11T09:20:17<", b">2026-02-11T09:20:17Z<", "redemptionOrder.orderedAt", "2026-02-11T09:20:17Z"),
        (b">2048.5<", b">.5<", "redemptionOrder.units", "0.5"),
        (b">false<", b">0<", "redemptionOrder.physicalDelivery", False),
        (b">false<", b">1<", "redemptionOrder.physicalDelivery", True),
    ],
)
def test_every_legal_form_of_a_value_is_read(funds: Channel, old: bytes, new: bytes, path: str, value: object) -> None:
    raw = sample(funds, "redemption")
    assert raw.count(old) == 1
    (decoded,) = read(funds, raw.replace(old, new), "application/xml")
    outer, _, inner = path.partition(".")
    assert decoded.message[outer][inner] == value
