"""Lists of revocations: who may sign one, of when it is, and what it refuses."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.sdk.certified import ISSUER, KEY, KEYS, NOW, RAW, refused
from xinqiao.certificate import YEAR, verify
from xinqiao.errors import CertificateInvalid, SettingsInvalid
from xinqiao.keys import KeyRing, new_key
from xinqiao.revocation import Revocation, Revocations, new_revocations, read_revocations
from xinqiao.signed import Issuer, canonical, thumbprint


def test_a_certificate_on_the_list_is_revoked_even_when_it_has_expired() -> None:
    listed = Revocation(verify(RAW, KEYS, at=NOW).serial, NOW, "密钥泄露 key leaked")
    revocations = read_revocations(new_revocations([listed], ISSUER, KEY, NOW), KEYS)

    assert revocations == Revocations(ISSUER, thumbprint(KEY), NOW, NOW + timedelta(days=31), (listed,))
    for at in (NOW, NOW + 2 * YEAR):
        error = refused(RAW, at=at, revocations=revocations)
        assert (error.because, "密钥泄露" in error.detail) == ("revoked", True)


def test_a_list_is_stale_when_there_should_be_a_later_one() -> None:
    listed = read_revocations(new_revocations([], ISSUER, KEY, NOW), KEYS)
    assert not listed.is_stale(NOW + timedelta(days=31) - timedelta(microseconds=1))
    assert listed.is_stale(NOW + timedelta(days=31))


def test_nobody_but_its_issuer_and_a_named_keeper_revokes_a_certificate() -> None:
    other = new_key("other-2026")
    both = KeyRing([KEY.public(), other.public()])
    serial = verify(RAW, KEYS, at=NOW).serial
    listed = read_revocations(new_revocations([Revocation(serial, NOW, "x")], ISSUER, other, NOW), both)

    with pytest.raises(SettingsInvalid, match="neither that of the certificate"):
        verify(RAW, both, at=NOW, revocations=listed)
    with pytest.raises(SettingsInvalid, match="neither that of the certificate"):
        verify(RAW, both, at=NOW, revocations=listed, keepers=KeyRing([new_key("other-2026").public()]))
    assert refused(RAW, both, revocations=listed, keepers=KeyRing([other.public()])).because == "revoked"


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


def test_a_list_of_a_mistyped_institution_is_not_signed() -> None:
    with pytest.raises(SettingsInvalid, match=r"revocations\.issuer\.institution: .* check character N is expected"):
        new_revocations([], Issuer(ISSUER.name, "51100000500000005H"), KEY, NOW)


def test_a_seal_over_the_same_bytes_for_another_purpose_is_none_over_a_certificate() -> None:
    content = json.loads(RAW)["certificate"]
    revocations = json.loads(new_revocations([], ISSUER, KEY, NOW))["signature"]
    assert refused(canonical({"certificate": content, "signature": revocations}) + b"\n").because == "tampered"
