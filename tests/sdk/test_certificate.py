"""A certificate is verified offline, and refused for a reason: no changed byte, no other key, no other time."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.certified import ISSUER, KEY, KEYS, NOW, RAW, RESULTS, SEEN, refused, resealed
from xinqiao.certificate import YEAR, Certificate, How, Seen, issue, verify
from xinqiao.errors import CertificateInvalid, SettingsInvalid
from xinqiao.keys import KeyRing, new_key
from xinqiao.outcome import error_of, rejection
from xinqiao.seal import seal
from xinqiao.signed import Issuer, canonical, thumbprint
from xinqiao.testing import BANK, TRUST_COMPANY


def test_a_certificate_says_what_was_seen_who_says_so_and_until_when() -> None:
    certificate = verify(RAW, KEYS, at=NOW, results=RESULTS)

    assert certificate == Certificate(
        serial=certificate.serial,
        issuer=ISSUER,
        kid="body-2026",
        thumbprint=thumbprint(KEY),
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


@pytest.mark.parametrize(
    ("how", "exchanges", "digest"),
    [
        ("run", 312, "f0b6a3f91a358c66"),
        ("recordings", 1, "b4da777028baa745"),
        ("recordings", 312, "90ac017d75ef4838"),
        ("channel", 312, "fb2f0b0fbfa14d75"),
    ],
)
def test_the_sentence_of_claims_stays_as_it_is(how: How, exchanges: int, digest: str) -> None:
    """A certificate whose sentence is another is refused: once one is issued, verifying takes old and new."""
    claims = verify(issue(replace(SEEN, how=how, exchanges=exchanges), ISSUER, KEY, at=NOW), KEYS, at=NOW).claims
    assert sha256("\n".join(claims).encode()).hexdigest()[:16] == digest


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


def test_what_its_issuer_signed_wrongly_is_malformed() -> None:
    for changes in (
        {"issuedAt": "2026-13-01T00:00:00.000000Z"},
        {"expiresAt": "2026-11-23T09:00:00.000000Z"},
        {"expiresAt": "2036-11-23T09:00:00.000000Z"},
        {"claims": {"zh": "无所不能", "en": "It meets everything."}},
    ):
        assert refused(resealed(**changes)).because == "malformed"
    last = {"issuedAt": "2999-12-31T23:00:00.000000Z", "expiresAt": "2999-12-31T23:59:59.000000Z"}
    assert refused(resealed(**last)).because == "not_yet_valid"


@pytest.mark.parametrize(
    "said",
    [
        {"serial": 1.0}, {"testedAt": "9999-12-31T23:59:59.000000Z"}, {"testedAt": "0001-01-01T00:00:00.000000Z"},
        {"evidence": {"root": "sha256:0", "exchanges": 1}}, {"how": "believed"}, {"issuedAt": "2026-11-23T09:00:00Z"},
    ],
)  # fmt: skip
def test_no_issuer_can_sign_what_the_schema_does_not_have(said: dict[str, Any]) -> None:
    with pytest.raises(SettingsInvalid, match="certificate"):
        resealed(**said)


@pytest.mark.parametrize(
    ("member", "spelt"),
    [
        (b'"exchanges":312', b'"exchanges":312.0'),
        (b'"exchanges":312', b'"exchanges":3.12e2'),
        (b'"exchanges":312', b'"exchanges":1e400'),
        (b'"exchanges":312', b'"exchanges":NaN'),
        (b'"exchanges":312', b'"exchanges":' + b"9" * 5000),
        (b'"exchanges":312', b'"exchanges":312,"exchanges":312'),
        (b'"how":"run"', b'"how":"\\u0072un"'),
        (b'"how":"run"', b'"how":"run","jwk":{}'),
        (b'"how":"run"', b'"how":' + b"[" * 300 + b"]" * 300),
    ],
)
def test_another_spelling_of_the_same_is_no_certificate(member: bytes, spelt: bytes) -> None:
    assert RAW.count(member) == 1
    assert refused(RAW.replace(member, spelt)).because == "malformed"


def _with_header(**changes: Any) -> bytes:
    """Return the certificate under a protected header with other members; None leaves one out."""
    document = json.loads(RAW)
    protected, _, signature = document["signature"].partition("..")
    header = json.loads(base64.urlsafe_b64decode(protected + "==")) | changes
    made = orjson.dumps({name: value for name, value in header.items() if value is not None})
    encoded = base64.urlsafe_b64encode(made).rstrip(b"=").decode()
    return canonical(document | {"signature": f"{encoded}..{signature}"}) + b"\n"


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"alg": "none"}, "tampered"),
        ({"alg": "HS256"}, "tampered"),
        ({"alg": "ES256"}, "tampered"),
        ({"iat": 0}, "tampered"),
        ({"kid": "other-2026"}, "foreign_key"),
        ({"kid": 5}, "malformed"),
        ({"b64": True}, "malformed"),
        ({"crit": ["b64", "exp"]}, "malformed"),
        ({"crit": None}, "malformed"),
        ({"jwk": KEY.public().jwk()}, "malformed"),
        ({"jku": "https://example.com"}, "malformed"),
    ],
)
def test_a_signature_under_another_header_is_refused(changes: dict[str, Any], because: str) -> None:
    assert verify(_with_header(), KEYS, at=NOW)
    assert refused(_with_header(**changes)).because == because


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


@pytest.mark.parametrize(
    "issuer", [Issuer("", BANK), Issuer("a\nb", BANK), Issuer("a\u202eb", BANK), Issuer("x", "short")]
)
def test_an_issuer_that_no_certificate_can_name_is_refused(issuer: Issuer) -> None:
    with pytest.raises(SettingsInvalid, match=r"certificate\.issuer\."):
        issue(SEEN, issuer, KEY, at=NOW)


def test_a_mistyped_code_of_an_institution_is_in_no_certificate() -> None:
    wrong = BANK[:-1] + ("A" if BANK[-1] != "A" else "B")
    seen = replace(SEEN, subject=replace(SEEN.subject, institution=wrong))
    with pytest.raises(SettingsInvalid, match=rf"certificate\.issuer\.institution: {wrong} is mistyped"):
        issue(SEEN, Issuer("示例行业协会", wrong), KEY, at=NOW)
    with pytest.raises(SettingsInvalid, match=rf"subject\.institution: .* check character {BANK[-1]} is expected"):
        issue(seen, ISSUER, KEY, at=NOW)


def test_a_certificate_that_names_a_mistyped_code_is_malformed() -> None:
    content = json.loads(RAW.replace(BANK.encode(), (BANK[:-1] + "A").encode()))["certificate"]
    signature = seal(canonical(content), "application/vnd.xinqiao.certificate+json", KEY, NOW).signature
    error = refused(canonical({"certificate": content, "signature": signature}) + b"\n")
    assert (error.because, "is mistyped" in error.detail) == ("malformed", True)


def test_the_reason_goes_through_a_rejection() -> None:
    error = error_of(rejection(TRUST_COMPANY, BANK, CertificateInvalid("expired: long ago"), None))
    assert isinstance(error, CertificateInvalid)
    assert error.because == "expired"
