"""A certificate is verified offline, and refused for a reason: no changed byte, no other key, no other time."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.certificate import YEAR, Certificate, CertifiedKit, How, Seen, Subject, issue, verify
from xinqiao.errors import CertificateInvalid, SettingsInvalid
from xinqiao.keys import KeyRing, new_key
from xinqiao.outcome import error_of, rejection
from xinqiao.revocation import Revocation, Revocations, new_revocations, read_revocations
from xinqiao.signed import Issuer, canonical, sign_document
from xinqiao.testing import BANK, TRUST_COMPANY

KEY = new_key("body-2026")
KEYS = KeyRing([KEY.public()])
ISSUER = Issuer("示例行业协会", "51100000500000005H")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
RESULTS = b'{"results": "1"}\n'
DIGESTS = {name: f"sha256:{sha256(name.encode()).hexdigest()}" for name in ("suite", "declaration", "root")}
SEEN = Seen(
    subject=Subject("示例银行", BANK, "信托直连", "2.3"),
    standard="1.0",
    kits=(CertifiedKit("sender/family-trust/rest", 41, 1, 0, 130, 88),),
    results=f"sha256:{sha256(RESULTS).hexdigest()}",
    exchanges=312,
    how="run",
    tested_at=NOW - timedelta(hours=1),
    **DIGESTS,
)
RAW = issue(SEEN, ISSUER, KEY, at=NOW)


def refused(raw: bytes, keys: KeyRing = KEYS, **further: Any) -> CertificateInvalid:
    with pytest.raises(CertificateInvalid) as caught:
        verify(raw, keys, **{"at": NOW} | further)
    return caught.value


def resealed(**changes: Any) -> bytes:
    """Return the certificate with other content, signed by its issuer again."""
    content = json.loads(RAW)["certificate"] | changes
    return sign_document("certificate", content, ISSUER, KEY, NOW)


def test_a_certificate_says_what_was_seen_who_says_so_and_until_when() -> None:
    certificate = verify(RAW, KEYS, at=NOW, results=RESULTS)

    assert certificate == Certificate(
        serial=certificate.serial,
        issuer=ISSUER,
        kid="body-2026",
        seen=SEEN,
        issued_at=NOW,
        expires_at=NOW + YEAR,
        claims=certificate.claims,
    )
    assert certificate.serial.startswith("XQC-20261123-")


@pytest.mark.parametrize(
    ("how", "zh", "en"),
    [
        ("run", "2026-11-23 实际运行了示例银行的信托直连 2.3", "when the conformance suite ran it on 2026-11-23"),
        ("recordings", "示例银行的信托直连 2.3的 312 次报文往来记录", "The suite did not run the system"),
        ("channel", "某一渠道所连接的示例银行", "as a channel of its gateway reaches it"),
    ],
)
def test_the_claims_are_those_of_how_it_was_looked_at(how: How, zh: str, en: str) -> None:
    parts = {name: getattr(SEEN, name) for name in SEEN.__slots__} | {"how": how}
    claims = verify(issue(Seen(**parts), ISSUER, KEY, at=NOW), KEYS, at=NOW).claims

    assert zh in claims.zh
    assert en in claims.en
    assert ISSUER.name in claims.zh


def test_two_certificates_over_the_same_have_serials_of_their_own() -> None:
    assert (
        json.loads(RAW)["certificate"]["serial"]
        != json.loads(issue(SEEN, ISSUER, KEY, at=NOW))["certificate"]["serial"]
    )


# --- refusals, each with its reason ----------------------------------------------------------------------------------


def test_changed_content_is_tampered() -> None:
    assert refused(RAW.replace(b'"requirements":41', b'"requirements":43')).because == "tampered"
    assert refused(RAW.replace("示例银行".encode(), "别家银行".encode())).because == "tampered"


def test_a_signature_of_another_certificate_is_tampered() -> None:
    other = json.loads(issue(SEEN, ISSUER, KEY, at=NOW))
    mixed = canonical({"certificate": json.loads(RAW)["certificate"], "signature": other["signature"]}) + b"\n"
    assert refused(mixed).because == "tampered"


def test_a_key_that_nobody_trusts_is_foreign() -> None:
    stranger = new_key("stranger-1")
    error = refused(issue(SEEN, ISSUER, stranger, at=NOW))
    assert (error.because, "stranger-1" in error.detail, "body-2026" in error.detail) == ("foreign_key", True, True)


def test_a_key_of_the_same_name_is_foreign() -> None:
    assert refused(issue(SEEN, ISSUER, new_key("body-2026"), at=NOW)).because == "foreign_key"


def test_a_foreign_key_that_copies_the_name_and_the_thumbprint_is_tampered() -> None:
    stranger = new_key("body-2026")
    content = json.loads(RAW)["certificate"]
    forged = json.loads(issue(SEEN, ISSUER, stranger, at=NOW)) | {"certificate": content}
    assert refused(canonical(forged) + b"\n").because == "tampered"


def test_nobody_is_trusted_where_no_key_is_given() -> None:
    assert refused(RAW, KeyRing()).because == "foreign_key"


def test_the_time_of_a_certificate_begins_and_ends() -> None:
    last = NOW + YEAR - timedelta(microseconds=1)
    assert verify(RAW, KEYS, at=last).expires_at == NOW + YEAR
    assert refused(RAW, at=NOW + YEAR).because == "expired"
    assert refused(RAW, at=NOW - timedelta(minutes=2)).because == "not_yet_valid"
    assert verify(RAW, KEYS, at=NOW - timedelta(seconds=50)), "clocks differ"


def test_other_results_are_told() -> None:
    assert refused(RAW, results=RESULTS.replace(b"1", b"2")).because == "other_results"


def test_a_certificate_on_the_list_is_revoked_even_when_it_has_expired() -> None:
    listed = Revocation(verify(RAW, KEYS, at=NOW).serial, NOW, "密钥泄露 key leaked")
    revocations = read_revocations(new_revocations([listed], ISSUER, KEY, NOW), KEYS)

    assert revocations == Revocations(ISSUER, "2026-11-23T09:00:00.000000Z", (listed,))
    for at in (NOW, NOW + 2 * YEAR):
        error = refused(RAW, at=at, revocations=revocations)
        assert (error.because, "密钥泄露" in error.detail) == ("revoked", True)


def test_a_list_without_a_certificate_refuses_nothing() -> None:
    other = Revocation("XQC-20261123-0123456789abcdef", NOW, "withdrawn")
    revocations = read_revocations(new_revocations([other], ISSUER, KEY, NOW), KEYS)
    assert verify(RAW, KEYS, at=NOW, revocations=revocations)


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda raw: raw.replace(b'"revoked":[]', b'"revoked":[{}]'), "malformed"),
        (lambda raw: raw.replace(b"2026-11-23", b"2026-11-22"), "tampered"),
        (lambda raw: RAW, "malformed"),
    ],
)
def test_a_list_of_revocations_is_refused_as_a_certificate_is(change: Any, because: str) -> None:
    raw = new_revocations([], ISSUER, KEY, NOW)
    with pytest.raises(CertificateInvalid) as caught:
        read_revocations(change(raw), KEYS)
    assert caught.value.because == because
    with pytest.raises(CertificateInvalid) as caught:
        read_revocations(raw, KeyRing([new_key("x").public()]))
    assert caught.value.because == "foreign_key"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"certificate":{},"certificate":{},"signature":"x"}',
        b'{"certificate":[],"signature":"a..b"}\n',
        b'{"certificate":{},"signature":"a..b"}\n',
        b"x" * 128_001,
        RAW + b"\n",
        RAW.rstrip(),
        orjson.dumps(json.loads(RAW), option=orjson.OPT_INDENT_2),
        RAW.replace(b'"certificate"', b'"revocations"', 1),
        canonical(json.loads(RAW) | {"signature": "x.y.z"}) + b"\n",
        canonical(json.loads(RAW) | {"signature": "x..y"}) + b"\n",
        canonical(json.loads(RAW) | {"signature": 5}) + b"\n",
        canonical(json.loads(RAW) | {"more": 5}) + b"\n",
    ],
)
def test_what_is_no_certificate_is_malformed(raw: bytes) -> None:
    assert refused(raw).because == "malformed"


def test_a_seal_over_the_same_bytes_for_another_purpose_is_none_over_a_certificate() -> None:
    content = json.loads(RAW)["certificate"]
    revocations = json.loads(new_revocations([], ISSUER, KEY, NOW))["signature"]
    assert refused(canonical({"certificate": content, "signature": revocations}) + b"\n").because == "tampered"


def test_what_its_issuer_signed_wrongly_is_malformed() -> None:
    wrong = ({"issuedAt": "2026-13-01T00:00:00.000000Z"}, {"expiresAt": "2026-11-23T09:00:00.000000Z"})
    for changes in (*wrong, {"expiresAt": "2036-11-23T09:00:00.000000Z"}):
        assert refused(resealed(**changes)).because == "malformed"


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255), st.sampled_from(("change", "insert", "delete")))
def test_any_changed_byte_is_refused(position: int, by: int, kind: str) -> None:
    byte = bytes([RAW[position] ^ by])
    fresh = {"change": byte, "insert": byte + RAW[position : position + 1], "delete": b""}[kind]
    assert refused(RAW[:position] + fresh + RAW[position + 1 :]).because in ("malformed", "foreign_key", "tampered")


def test_every_byte_counts() -> None:
    spelt = {RAW[:place] + bytes([RAW[place] ^ 1]) + RAW[place + 1 :] for place in range(len(RAW))}
    assert {refused(each).because for each in spelt} == {"malformed", "foreign_key", "tampered"}


# --- what is not issued ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lasting", [timedelta(0), timedelta(days=-1), timedelta(days=1096)])
def test_no_certificate_lasts_for_ever_or_not_at_all(lasting: timedelta) -> None:
    with pytest.raises(SettingsInvalid, match="at most 1095 days"):
        issue(SEEN, ISSUER, KEY, lasting=lasting, at=NOW)


def test_nothing_is_certified_before_it_was_tested() -> None:
    with pytest.raises(SettingsInvalid, match="cannot be certified before"):
        issue(SEEN, ISSUER, KEY, at=NOW - timedelta(hours=2))


@pytest.mark.parametrize("issuer", [Issuer("", BANK), Issuer("a\nb", BANK), Issuer("x", "short")])
def test_an_issuer_that_no_certificate_can_name_is_refused(issuer: Issuer) -> None:
    with pytest.raises(SettingsInvalid, match=r"certificate\.issuer\."):
        issue(SEEN, issuer, KEY, at=NOW)


def test_the_reason_goes_through_a_rejection() -> None:
    error = error_of(rejection(TRUST_COMPANY, BANK, CertificateInvalid("expired: long ago"), None))
    assert isinstance(error, CertificateInvalid)
    assert error.because == "expired"
