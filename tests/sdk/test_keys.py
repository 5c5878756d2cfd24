"""Key files: private ones stay private, wrong ones are told apart by what is wrong."""

import json
from pathlib import Path

import pytest

from xinqiao.errors import KeyUnusable
from xinqiao.seal import (
    KeyRing,
    VerifyingKey,
    new_key,
    read_signing_key,
    read_verifying_key,
    write_key,
)

KEY = new_key("bank-1")
PUBLIC = KEY.public().jwk()


def test_a_key_pair_comes_back_from_its_files(tmp_path: Path) -> None:
    write_key(KEY, tmp_path / "key.jwk")
    write_key(KEY.public(), tmp_path / "key.pub.jwk")

    signature = read_signing_key(tmp_path / "key.jwk").sign(b"content")

    assert read_verifying_key(tmp_path / "key.pub.jwk").verify(b"content", signature)
    assert read_verifying_key(tmp_path / "key.jwk").jwk() == PUBLIC


def test_a_private_key_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write_key(KEY, tmp_path / "key.jwk")

    assert (tmp_path / "key.jwk").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_private_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.jwk"
    write_key(KEY, path)
    path.chmod(mode)

    with pytest.raises(KeyUnusable, match="chmod 600"):
        read_signing_key(path)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.jwk"
    write_key(KEY, path)
    before = path.read_bytes()

    with pytest.raises(KeyUnusable, match="never overwritten"):
        write_key(new_key("bank-1"), path)

    assert path.read_bytes() == before


def test_a_key_without_a_folder_is_refused_with_the_systems_reason(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="No such file"):
        write_key(KEY, tmp_path / "none" / "key.jwk")
    with pytest.raises(KeyUnusable, match="No such file"):
        read_signing_key(tmp_path / "none.jwk")


def test_a_public_key_cannot_sign(tmp_path: Path) -> None:
    path = tmp_path / "key.jwk"
    write_key(KEY.public(), path)
    # Whatever its mode: to close the file would mend nothing.
    for mode in (0o644, 0o600):
        path.chmod(mode)
        with pytest.raises(KeyUnusable, match="is a public JWK, with no private part"):
            read_signing_key(path)


def test_a_public_key_holds_nothing_private() -> None:
    assert PUBLIC.keys() == {"kty", "crv", "x", "kid", "alg", "use"}
    assert VerifyingKey.from_jwk(KEY.private_jwk()).jwk() == PUBLIC


def test_a_private_key_shows_nothing_secret() -> None:
    assert repr(KEY) == "SigningKey(kid='bank-1', algorithm='Ed25519')"


@pytest.mark.parametrize(
    ("jwk", "said"),
    [
        ({**PUBLIC, "kid": ""}, "no usable kid"),
        ({**PUBLIC, "kid": 7}, "no usable kid"),
        ({**PUBLIC, "kid": "a b"}, "no usable kid"),
        ({name: part for name, part in PUBLIC.items() if name != "kid"}, "no usable kid"),
        ({**PUBLIC, "alg": "EdDSA"}, "algorithms here: Ed25519"),
        ({**PUBLIC, "crv": "Ed448"}, "algorithms here: Ed25519"),
        ({**PUBLIC, "kty": "RSA"}, "algorithms here: Ed25519"),
        ({**PUBLIC, "x": "short"}, "cannot be read"),
        ({**PUBLIC, "x": 5}, "cannot be read"),
        ({"kid": "k", "kty": "OKP", "crv": "Ed25519"}, "cannot be read"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_with_what_is_wrong(jwk: dict[str, object], said: str) -> None:
    with pytest.raises(KeyUnusable, match=said):
        VerifyingKey.from_jwk(jwk)


@pytest.mark.parametrize("kid", ["a/b", "../a", ".a", "..", "-a", "_a", ":a", "a\n", "a b", "", "钥", "a" * 65])
def test_the_id_of_a_key_is_fit_for_the_name_of_a_file(kid: str) -> None:
    for reading in (
        lambda: new_key(kid),
        lambda: VerifyingKey.from_jwk({**PUBLIC, "kid": kid}),
        lambda: KeyRing.from_jwks({"keys": [{**PUBLIC, "kid": kid}]}),
    ):
        with pytest.raises(KeyUnusable, match="no usable kid"):
            reading()


@pytest.mark.parametrize("kid", ["a", "7", "demo-bank-2026-1", "a:b._-", "a" * 64])
def test_letters_digits_and_some_signs_make_the_id_of_a_key(kid: str) -> None:
    assert new_key(kid).kid == kid


@pytest.mark.parametrize(("content", "said"), [("{", "not JSON"), ("[]", "not a JWK")])
def test_a_file_that_is_no_jwk_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "key.jwk"
    path.write_text(content)

    with pytest.raises(KeyUnusable, match=said):
        read_verifying_key(path)


def test_a_key_without_alg_is_known_by_its_curve() -> None:
    jwk = {name: part for name, part in PUBLIC.items() if name not in {"alg", "use"}}

    assert VerifyingKey.from_jwk(jwk).jwk() == PUBLIC


def test_an_unlisted_algorithm_makes_no_key() -> None:
    with pytest.raises(KeyUnusable, match="RS256 is not one of Ed25519"):
        new_key("bank-1", "RS256")


def test_a_ring_goes_through_a_jwk_set() -> None:
    ring = KeyRing([KEY.public(), new_key("bank-2").public()])

    again = KeyRing.from_jwks(json.loads(json.dumps(ring.jwks())))

    assert again.jwks() == ring.jwks()
    assert [key.kid for key in again] == ["bank-1", "bank-2"]
    assert len(again) == 2


@pytest.mark.parametrize("mark", [True, "true", 1])
def test_a_former_key_is_left_out_of_a_ring_unless_it_is_asked_for(mark: object) -> None:
    jwks = {"keys": [PUBLIC, new_key("bank-0").public().jwk() | {"former": mark}]}

    assert [key.kid for key in KeyRing.from_jwks(jwks)] == [PUBLIC["kid"]]
    assert [key.kid for key in KeyRing.from_jwks(jwks, former=True)] == [PUBLIC["kid"], "bank-0"]


def test_a_ring_refuses_two_keys_of_one_name() -> None:
    KeyRing([KEY.public(), KEY.public()])
    with pytest.raises(KeyUnusable, match="two different keys"):
        KeyRing([KEY.public(), new_key("bank-1").public()])


@pytest.mark.parametrize("jwks", [{}, {"keys": {}}, {"keys": ["x"]}])
def test_a_ring_refuses_what_is_no_jwk_set(jwks: dict[str, object]) -> None:
    with pytest.raises(KeyUnusable, match="JWK set"):
        KeyRing.from_jwks(jwks)
