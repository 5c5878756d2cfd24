"""The payment platform's style (sorted form, RSA, certificate inside) by hand beside ours, and all changes refused."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography import x509

from tests import by_hand
from tests.adapters.security.conftest import FORM_TYPE, NOW, PAYMENT, Desk
from tests.by_hand import (
    certificate,
    certificate_pem,
    crlf,
    rsa_files,
    rsa_pem,
)
from xinqiao.errors import (
    ContentRefused,
    Rejected,
    SealInvalid,
    SealMissing,
)

ORDER = {"version": "5.1.0", "txnType": "01", "orderId": "P20260120000001", "txnAmt": "1250", "reqReserved": "a=b&c 信"}


def payment_fields(signer: str, found: x509.Certificate | None = None, **changes: str) -> dict[str, str]:
    return by_hand.payment_form({**ORDER, **changes}, signer, found)


def test_what_the_platform_gets_is_byte_for_byte_what_is_built_by_hand(desk: Desk) -> None:
    sealer = desk.seals(PAYMENT, rsa_files("us", "platform")).sealer
    sent = sealer.seal(urlencode(ORDER).encode(), FORM_TYPE, NOW)
    assert sent == (urlencode(payment_fields("us")).encode(), FORM_TYPE, {})


def test_what_the_platform_builds_is_opened_to_the_fields_that_it_signed(desk: Desk) -> None:
    opener = desk.seals(PAYMENT, rsa_files("us", "platform")).opener
    shuffled = dict(reversed(payment_fields("platform").items()))
    opened, content_type = opener.open(urlencode(shuffled).encode(), f"{FORM_TYPE};charset=UTF-8", NOW)
    assert (dict(parse_qsl(opened.decode())), content_type) == (ORDER, f"{FORM_TYPE};charset=UTF-8")


def test_a_form_in_gbk_is_signed_over_its_own_bytes(desk: Desk) -> None:
    content = urlencode({"name": "信桥䶮", "a": "1"}, encoding="gb18030").encode()
    sent = desk.seals(PAYMENT, rsa_files("us", "platform")).sealer.seal(content, FORM_TYPE, NOW)
    opened, _ = desk.seals(PAYMENT, rsa_files("platform", "us")).opener.open(sent.content, FORM_TYPE, NOW)
    assert opened == content


@pytest.mark.parametrize("place", [*ORDER, "signMethod", "certId", "signPubKeyCert", "signature"])
@pytest.mark.parametrize("how", ["changed", "removed"])
def test_a_changed_or_missing_field_is_refused(desk: Desk, place: str, how: str) -> None:
    opener = desk.seals(PAYMENT, rsa_files("us", "platform")).opener
    fields = payment_fields("platform")
    fields |= {place: fields[place] + "1"}
    if how == "removed":
        del fields[place]
    with pytest.raises((SealInvalid, SealMissing)):
        opener.open(urlencode(fields).encode(), FORM_TYPE, NOW)


def test_a_field_that_nobody_signed_is_refused(desk: Desk) -> None:
    opener = desk.seals(PAYMENT, rsa_files("us", "platform")).opener
    with pytest.raises(SealInvalid) as refused:
        opener.open(urlencode({**payment_fields("platform"), "more": "1"}).encode(), FORM_TYPE, NOW)
    assert refused.value.detail == "the signature is not the partner's over this content"


def test_every_changed_byte_of_a_form_is_refused(desk: Desk) -> None:
    opener = desk.seals(PAYMENT, rsa_files("us", "platform")).opener
    raw = urlencode(payment_fields("platform")).encode()
    assert opener.open(raw, FORM_TYPE, NOW)
    for place in range(len(raw)):
        broken = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(Rejected):
            opener.open(broken, FORM_TYPE, NOW)


def test_a_missing_signature_says_where_it_is_expected(desk: Desk) -> None:
    fields = payment_fields("platform")
    del fields["signature"]
    with pytest.raises(SealMissing) as refused:
        desk.seals(PAYMENT, rsa_files("us", "platform")).opener.open(urlencode(fields).encode(), FORM_TYPE, NOW)
    assert refused.value.detail == "the signature is expected in signature"


def test_line_ends_of_the_certificate_are_part_of_what_is_signed(desk: Desk) -> None:
    fields = payment_fields("platform")
    fields["signPubKeyCert"] = fields["signPubKeyCert"].replace("\r\n", "\n")
    with pytest.raises(SealInvalid) as refused:
        desk.seals(PAYMENT, rsa_files("us", "platform")).opener.open(urlencode(fields).encode(), FORM_TYPE, NOW)
    assert refused.value.detail == "the signature is not the partner's over this content"


SERIAL_ALONE = PAYMENT.replace("      signPubKeyCert: {is: certificate}\n", "").replace(
    "    certificate: {subject: 示例支付平台}\n", ""
)


def test_the_serial_number_alone_names_the_certificate_where_none_is_sent(desk: Desk) -> None:
    ours = desk.seals(SERIAL_ALONE, rsa_files("us", "platform")).sealer
    sent = ours.seal(urlencode(ORDER).encode(), FORM_TYPE, NOW).content
    fields = dict(parse_qsl(sent.decode()))
    assert fields["certId"] == str(certificate("us").serial_number)
    theirs = desk.seals(SERIAL_ALONE, rsa_files("platform", "us")).opener
    assert theirs.open(sent, FORM_TYPE, NOW) == (urlencode(ORDER).encode(), FORM_TYPE)
    signed_as_another = {name: text for name, text in fields.items() if name != "signature"} | {"certId": "1"}
    forged = {**signed_as_another, "signature": by_hand.rsa_signature("us", signed_as_another)}
    with pytest.raises(SealInvalid):
        theirs.open(urlencode(forged).encode(), FORM_TYPE, NOW)


NOT_TRUSTED = "the certificate in the message is neither installed nor of an installed issuer"
NOT_READ = "the certificate in the message cannot be read"


def payment_refusal(desk: Desk, fields: Mapping[str, str], files: Mapping[str, bytes]) -> str:
    with pytest.raises(SealInvalid) as refused:
        desk.seals(PAYMENT, files).opener.open(urlencode(fields).encode(), FORM_TYPE, NOW)
    return refused.value.detail


def test_a_certificate_that_is_not_installed_is_refused(desk: Desk) -> None:
    assert payment_refusal(desk, payment_fields("someone"), rsa_files("us", "platform")) == NOT_TRUSTED


def test_a_signature_of_another_key_under_the_installed_certificate_is_refused(desk: Desk) -> None:
    fields = payment_fields("someone", certificate("platform"))
    said = payment_refusal(desk, fields, rsa_files("us", "platform"))
    assert said == "the signature is not the partner's over this content"


def test_a_serial_number_of_another_certificate_is_refused(desk: Desk) -> None:
    said = payment_refusal(desk, payment_fields("platform", certId="1"), rsa_files("us", "platform"))
    assert said == "certId is not the serial number of the certificate that signed"


@pytest.mark.parametrize("text", ["", "x", "-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----"])
def test_a_certificate_that_is_none_is_refused(desk: Desk, text: str) -> None:
    fields = payment_fields("platform", signPubKeyCert=text)
    assert payment_refusal(desk, fields, rsa_files("us", "platform")) == NOT_READ


def test_two_certificates_in_one_field_are_refused(desk: Desk) -> None:
    both = crlf(certificate("platform")) + "\r\n" + crlf(certificate("platform"))
    fields = payment_fields("platform", signPubKeyCert=both)
    assert payment_refusal(desk, fields, rsa_files("us", "platform")) == NOT_READ


def test_a_certificate_outside_its_validity_is_refused_and_read_again_from_the_journal(desk: Desk) -> None:
    old = certificate("platform", until=NOW - timedelta(seconds=1))
    fields, files = payment_fields("platform", old), rsa_files("us", "us") | {"partner.pem": certificate_pem(old)}
    said = payment_refusal(desk, fields, files)
    assert said == "the certificate in the message is outside its validity"
    assert desk.seals(PAYMENT, files).opener.open(urlencode(fields).encode(), FORM_TYPE, None)


def issuer_files() -> dict[str, bytes]:
    issuer = certificate("issuer", subject="issuer")
    return {"own.pem": rsa_pem("us"), "own-certificate.pem": certificate_pem(certificate("us"))} | {
        "issuer.pem": certificate_pem(issuer)
    }


def test_a_new_certificate_of_an_installed_issuer_is_taken(desk: Desk) -> None:
    fields = payment_fields("platform", certificate("platform", signer="issuer"))
    opened, _ = desk.seals(PAYMENT, issuer_files()).opener.open(urlencode(fields).encode(), FORM_TYPE, NOW)
    assert dict(parse_qsl(opened.decode())) == ORDER


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(lambda: certificate("platform", signer="issuer", subject="someone else"), id="another subject"),
        pytest.param(lambda: certificate("platform", signer="someone"), id="another issuer"),
        pytest.param(lambda: certificate("platform"), id="its own issuer"),
    ],
)
def test_a_certificate_of_another_name_or_issuer_is_refused(desk: Desk, found: Callable[[], x509.Certificate]) -> None:
    assert payment_refusal(desk, payment_fields("platform", found()), issuer_files()) == NOT_TRUSTED


def test_an_issuer_that_is_no_longer_valid_issues_nothing(desk: Desk) -> None:
    expired = certificate("issuer", subject="issuer", until=NOW - timedelta(seconds=1))
    fields = payment_fields("platform", certificate("platform", signer="issuer"))
    assert payment_refusal(desk, fields, issuer_files() | {"issuer.pem": certificate_pem(expired)}) == NOT_TRUSTED


def test_a_field_of_the_signing_that_has_another_value_already_is_refused(desk: Desk) -> None:
    with pytest.raises(ContentRefused) as refused:
        desk.seals(PAYMENT, rsa_files("us", "platform")).sealer.seal(b"signMethod=02", FORM_TYPE, NOW)
    assert refused.value.detail == "signMethod has a value already, and is for the signing to write"
