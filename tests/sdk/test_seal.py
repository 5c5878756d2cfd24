"""The seal: what it accepts, and that it accepts nothing else."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.errors import SealExpired, SealInvalid, SealMissing
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, Sealed, SigningKey, kid_of, new_key, open_seal, open_stored, seal

KEY = new_key("bank-1")
KEYS = KeyRing([KEY.public()])
NOW = datetime(2026, 1, 5, 10, 0, 0, tzinfo=UTC)
CONTENT = '{"name": "王小明"}'.encode()
SEALED = seal(CONTENT, CONTENT_TYPE_JSON, KEY, NOW)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def header_of(sealed: Sealed) -> dict[str, Any]:
    segment = sealed.signature.split(".")[0]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return header


def sealed_with(header: object, *, key: SigningKey = KEY, content_type: str = CONTENT_TYPE_JSON) -> Sealed:
    """Sign a header of the test's own making, properly."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    protected = encoded(raw)
    signature = encoded(key.sign(protected.encode() + b"." + CONTENT))
    return Sealed(CONTENT, content_type, f"{protected}..{signature}")


def test_a_sealed_message_opens_to_the_id_of_its_key() -> None:
    assert open_seal(SEALED, KEYS, at=NOW) == "bank-1"


def test_the_protected_header_has_exactly_the_members_of_the_standard() -> None:
    assert header_of(SEALED) == {
        "alg": "Ed25519",
        "kid": "bank-1",
        "b64": False,
        "crit": ["b64"],
        "cty": "application/json",
        "iat": 1767607200,
    }


@given(st.binary(max_size=400), st.sampled_from(["application/json", "application/xml; charset=GB18030"]))
def test_any_bytes_can_be_sealed(content: bytes, content_type: str) -> None:
    assert open_seal(seal(content, content_type, KEY), KEYS) == "bank-1"


def test_bytes_beyond_the_limit_of_the_library_can_be_sealed() -> None:
    content = b"\xff" * 1_000_000

    assert open_seal(seal(content, "application/octet-stream", KEY), KEYS) == "bank-1"


@given(st.integers(min_value=0, max_value=len(SEALED.signature) - 1), st.characters(codec="ascii"))
def test_a_signature_with_a_changed_character_never_opens(position: int, character: str) -> None:
    signature = SEALED.signature[:position] + character + SEALED.signature[position + 1 :]
    if signature == SEALED.signature:
        return

    with pytest.raises(SealInvalid):
        open_seal(Sealed(CONTENT, CONTENT_TYPE_JSON, signature), KEYS, at=NOW)


@given(st.text(max_size=300))
def test_arbitrary_text_never_opens(signature: str) -> None:
    with pytest.raises((SealInvalid, SealMissing)):
        open_seal(Sealed(CONTENT, CONTENT_TYPE_JSON, signature), KEYS, at=NOW)


@given(st.binary(max_size=100).filter(lambda content: content != CONTENT))
def test_other_bytes_never_open(content: bytes) -> None:
    with pytest.raises(SealInvalid, match="not key bank-1's"):
        open_seal(Sealed(content, CONTENT_TYPE_JSON, SEALED.signature), KEYS, at=NOW)


def test_a_missing_signature_is_told_from_a_wrong_one() -> None:
    with pytest.raises(SealMissing):
        open_seal(Sealed(CONTENT, CONTENT_TYPE_JSON, ""), KEYS, at=NOW)


def test_a_payload_in_the_middle_segment_is_refused() -> None:
    protected, _, signature = SEALED.signature.split(".")

    with pytest.raises(SealInvalid, match="middle segment"):
        open_seal(Sealed(CONTENT, CONTENT_TYPE_JSON, f"{protected}.{encoded(CONTENT)}.{signature}"), KEYS, at=NOW)


def test_a_signature_padded_or_spelt_otherwise_is_refused() -> None:
    for signature in (f"{SEALED.signature}==", SEALED.signature.replace("..", "=.."), f" {SEALED.signature}"):
        with pytest.raises(SealInvalid):
            open_seal(Sealed(CONTENT, CONTENT_TYPE_JSON, signature), KEYS, at=NOW)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"b64": True}, "b64"),
        ({"b64": None}, "exactly"),
        ({"crit": None}, "exactly"),
        ({"crit": []}, "crit"),
        ({"crit": ["b64", "exp"]}, "crit"),
        ({"typ": "JWT"}, "exactly"),
        ({"alg": "EdDSA"}, "is not one of Ed25519"),
        ({"alg": "none"}, "is not one of Ed25519"),
        ({"alg": "HS256"}, "is not one of Ed25519"),
        ({"alg": 1}, "are strings"),
        ({"kid": "bank-2"}, "not a registered key"),
        ({"kid": ["bank-1"]}, "are strings"),
        ({"cty": "application/xml"}, "came as"),
        ({"cty": None}, "exactly"),
        ({"iat": True}, "whole seconds"),
        ({"iat": 1767607200.5}, "whole seconds"),
        ({"iat": None}, "exactly"),
        ({"iat": 10**400}, "from 0 to"),
        ({"iat": -(10**400)}, "from 0 to"),
        ({"iat": -1}, "from 0 to"),
        ({"iat": 2**53}, "from 0 to"),
        ({"kid": "../bank-1"}, "not the id of a key"),
        ({"kid": ""}, "not the id of a key"),
    ],
)
def test_a_header_outside_the_standard_is_refused_though_it_is_signed(change: dict[str, object], said: str) -> None:
    header = {name: value for name, value in (header_of(SEALED) | change).items() if value is not None}

    with pytest.raises(SealInvalid, match=said):
        open_seal(sealed_with(header), KEYS, at=NOW)


@pytest.mark.parametrize("header", [b"[]", b"{", b"\xff\xfe", b"null", b'{"alg":"Ed25519","alg":"Ed25519"}'])
def test_a_header_that_is_no_object_with_single_keys_is_refused(header: bytes) -> None:
    with pytest.raises(SealInvalid):
        open_seal(sealed_with(header), KEYS, at=NOW)


def test_a_signature_by_another_key_under_a_known_name_is_refused() -> None:
    with pytest.raises(SealInvalid, match="not key bank-1's"):
        open_seal(seal(CONTENT, CONTENT_TYPE_JSON, new_key("bank-1"), NOW), KEYS, at=NOW)


def test_a_content_type_may_be_written_otherwise_but_not_changed() -> None:
    sealed = seal(CONTENT, "application/xml; charset=GB18030", KEY, NOW)
    opened = open_seal(Sealed(CONTENT, "application/xml;charset=gb18030", sealed.signature), KEYS, at=NOW)

    assert opened == "bank-1"
    with pytest.raises(SealInvalid, match="came as"):
        open_seal(Sealed(CONTENT, "application/xml", sealed.signature), KEYS, at=NOW)


@pytest.mark.parametrize("age", [timedelta(minutes=-1), timedelta(), timedelta(minutes=10)])
def test_a_seal_opens_from_a_minute_early_to_ten_minutes_late(age: timedelta) -> None:
    assert open_seal(SEALED, KEYS, at=NOW + age) == "bank-1"


@pytest.mark.parametrize("age", [timedelta(minutes=-1, seconds=-1), timedelta(minutes=10, seconds=1)])
def test_a_seal_outside_its_time_is_expired(age: timedelta) -> None:
    with pytest.raises(SealExpired):
        open_seal(SEALED, KEYS, at=NOW + age)


def test_a_stored_seal_opens_at_any_age_but_not_before_it_was_made() -> None:
    assert open_seal(SEALED, KEYS, at=NOW + timedelta(days=3650), max_age=None) == "bank-1"
    with pytest.raises(SealExpired, match="in the future"):
        open_seal(SEALED, KEYS, at=NOW - timedelta(hours=1), max_age=None)


def test_stored_evidence_opens_whatever_time_it_says() -> None:
    for at in (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)):
        assert open_stored(seal(CONTENT, CONTENT_TYPE_JSON, KEY, at), KEYS) == "bank-1"
    for wrong, error in (
        (Sealed(b"other", CONTENT_TYPE_JSON, SEALED.signature), SealInvalid),
        (Sealed(CONTENT, CONTENT_TYPE_JSON, ""), SealMissing),
    ):
        with pytest.raises(error):
            open_stored(wrong, KEYS)


def test_a_seal_names_its_key_before_anything_is_verified() -> None:
    assert kid_of(Sealed(b"other", CONTENT_TYPE_JSON, SEALED.signature)) == "bank-1"
    with pytest.raises(SealInvalid):
        kid_of(Sealed(CONTENT, CONTENT_TYPE_JSON, "none"))


@pytest.mark.parametrize(("issued", "said"), [(0, "s ago"), (2**53 - 1, "in the future")])
def test_the_times_at_the_ends_of_the_range_are_outside_of_their_time(issued: int, said: str) -> None:
    with pytest.raises(SealExpired, match=said):
        open_seal(sealed_with(header_of(SEALED) | {"iat": issued}), KEYS, at=NOW)


def test_an_expired_forgery_is_called_a_forgery() -> None:
    forged = Sealed(b"other", CONTENT_TYPE_JSON, SEALED.signature)

    with pytest.raises(SealInvalid):
        open_seal(forged, KEYS, at=NOW + timedelta(days=1))


def test_old_and_new_key_open_side_by_side_while_keys_rotate() -> None:
    new = new_key("bank-2")
    keys = KeyRing([KEY.public(), new.public()])

    opened = [open_seal(each, keys, at=NOW) for each in (SEALED, seal(CONTENT, CONTENT_TYPE_JSON, new, NOW))]

    assert opened == ["bank-1", "bank-2"]
