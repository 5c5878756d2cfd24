"""Access tokens: for one audience, for five minutes, by a registered key."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt

from xinqiao.errors import NotAuthorized
from xinqiao.seal import (
    CONTENT_TYPE_JSON,
    KeyRing,
    access_token,
    check_access_token,
    new_key,
    seal,
)

KEY = new_key("bank-1")
KEYS = KeyRing([KEY.public()])
NOW = datetime(2026, 1, 5, 10, 0, 0, tzinfo=UTC)
AUDIENCE = "/v1/channels/demo-bank/messages"
TOKEN = access_token(KEY, AUDIENCE, NOW)


def token_with(claims: dict[str, object], **header: object) -> str:
    return jwt.encode({"alg": "Ed25519", "kid": "bank-1", **header}, claims, KEY.jose(), algorithms=["Ed25519"])


def test_a_token_names_its_key() -> None:
    assert check_access_token(TOKEN, KEYS, AUDIENCE, at=NOW) == "bank-1"


def test_a_token_is_for_one_audience() -> None:
    with pytest.raises(NotAuthorized, match="not for /v1/channels/other/messages"):
        check_access_token(TOKEN, KEYS, "/v1/channels/other/messages", at=NOW)


@pytest.mark.parametrize("age", [timedelta(minutes=-1), timedelta(minutes=5), timedelta(minutes=6)])
def test_a_token_lives_five_minutes_and_clocks_may_differ_by_one(age: timedelta) -> None:
    assert check_access_token(TOKEN, KEYS, AUDIENCE, at=NOW + age) == "bank-1"


@pytest.mark.parametrize("age", [timedelta(minutes=-1, seconds=-1), timedelta(minutes=6, seconds=1)])
def test_a_token_outside_its_time_is_refused(age: timedelta) -> None:
    with pytest.raises(NotAuthorized, match="outside its time"):
        check_access_token(TOKEN, KEYS, AUDIENCE, at=NOW + age)


def test_a_token_of_a_longer_life_is_refused() -> None:
    issued = int(NOW.timestamp())
    token = token_with({"aud": AUDIENCE, "iat": issued, "exp": issued + 3600})

    with pytest.raises(NotAuthorized, match="at most five minutes"):
        check_access_token(token, KEYS, AUDIENCE, at=NOW)


def test_a_token_whose_times_are_no_times_of_this_world_is_refused() -> None:
    for issued in (10**400, -(10**400)):
        with pytest.raises(NotAuthorized, match="outside its time"):
            check_access_token(token_with({"aud": AUDIENCE, "iat": issued, "exp": issued}), KEYS, AUDIENCE)


def test_a_token_whose_claims_are_too_deep_is_refused() -> None:
    protected, claims = (encoded(part) for part in (b'{"alg":"Ed25519","kid":"bank-1"}', b"[" * 2800))
    signature = encoded(KEY.sign(f"{protected}.{claims}".encode()))

    with pytest.raises(NotAuthorized, match="not a token"):
        check_access_token(f"{protected}.{claims}.{signature}", KEYS, AUDIENCE)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("claims", [{}, {"aud": AUDIENCE}, {"aud": AUDIENCE, "iat": "now", "exp": "later"}])
def test_a_token_without_its_times_is_refused(claims: dict[str, object]) -> None:
    with pytest.raises(NotAuthorized):
        check_access_token(token_with(claims), KEYS, AUDIENCE, at=NOW)


def test_a_token_of_an_unknown_key_is_refused() -> None:
    with pytest.raises(NotAuthorized, match="not a registered key"):
        check_access_token(access_token(new_key("bank-2"), AUDIENCE, NOW), KEYS, AUDIENCE, at=NOW)


def test_a_token_signed_by_another_key_under_a_known_name_is_refused() -> None:
    with pytest.raises(NotAuthorized, match="not a token signed by a registered key"):
        check_access_token(access_token(new_key("bank-1"), AUDIENCE, NOW), KEYS, AUDIENCE, at=NOW)


def test_a_missing_token_is_refused() -> None:
    with pytest.raises(NotAuthorized, match="no bearer token"):
        check_access_token("", KEYS, AUDIENCE, at=NOW)


def test_a_seal_is_no_token() -> None:
    sealed = seal(b"{}", CONTENT_TYPE_JSON, KEY, NOW)

    with pytest.raises(NotAuthorized):
        check_access_token(sealed.signature, KEYS, AUDIENCE, at=NOW)


@given(st.text(max_size=200))
def test_arbitrary_text_is_no_token(token: str) -> None:
    with pytest.raises(NotAuthorized):
        check_access_token(token, KEYS, AUDIENCE, at=NOW)


@given(st.integers(min_value=0, max_value=len(TOKEN) - 1), st.characters(codec="ascii"))
def test_a_token_with_a_changed_character_is_refused(position: int, character: str) -> None:
    token = TOKEN[:position] + character + TOKEN[position + 1 :]
    if token == TOKEN:
        return

    with pytest.raises(NotAuthorized):
        check_access_token(token, KEYS, AUDIENCE, at=NOW)
