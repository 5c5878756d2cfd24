"""SM2: the standard's worked example, another implementation, and keys in their forms."""

import base64
import subprocess
import sys
from collections.abc import Callable

import gmalg
import pytest

from xinqiao.errors import KeyUnusable
from xinqiao.sm2 import DEFAULT_USER_ID, Sm2PrivateKey, Sm2PublicKey, from_der, new_sm2_key, to_der

# GB/T 32918.5-2017, annex A.2.
NUMBER = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
POINT = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
KEY = Sm2PrivateKey(Sm2PublicKey(POINT), NUMBER)


def test_the_worked_example_of_the_standard_is_verified() -> None:
    assert KEY.public.verify(b"message digest", SIGNATURE)
    assert not KEY.public.verify(b"message digesT", SIGNATURE)
    assert not KEY.public.verify(b"message digest", SIGNATURE, b"another id")
    assert not KEY.public.verify(b"message digest", SIGNATURE[:-1])


@pytest.mark.parametrize("user_id", [DEFAULT_USER_ID, b"U000000001000000", "信桥".encode(), b"a\0b", b"x" * 4095])
def test_another_implementation_takes_our_signatures_and_we_take_its(user_id: bytes) -> None:
    other = gmalg.SM2(sk=NUMBER, uid=user_id, pk=b"\x04" + POINT)
    ours = KEY.sign(b"content", user_id)
    assert other.verify(b"content", ours[:32], ours[32:])
    theirs = b"".join(part.rjust(32, b"\0") for part in other.sign(b"content"))
    assert KEY.public.verify(b"content", theirs, user_id)


def test_a_key_has_the_same_forms_both_ways() -> None:
    key = new_sm2_key()
    assert Sm2PrivateKey.from_jwk(key.jwk()) == Sm2PrivateKey.from_pkcs8(key.pkcs8()) == key
    assert Sm2PublicKey.from_jwk(key.public.jwk()) == Sm2PublicKey.from_spki(key.public.spki()) == key.public


def test_the_der_forms_are_those_that_openssl_writes() -> None:
    # openssl pkey -in key.pem -pubout -outform DER, of the key of the worked example
    algorithm = "301306072a8648ce3d020106082a811ccf5501822d"
    assert KEY.public.spki().hex() == f"3059{algorithm}03420004{POINT.hex()}"
    inner = f"306b0201010420{NUMBER.hex()}a14403420004{POINT.hex()}"
    assert KEY.pkcs8().hex() == f"308187020100{algorithm}046d{inner}"


def test_a_private_key_does_not_show_its_number() -> None:
    assert repr(NUMBER) not in repr(KEY)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Sm2PublicKey(POINT[:-1]), "its 64 bytes are no point of the curve"),
        (lambda: Sm2PublicKey(POINT[:-1] + b"\0"), "its 64 bytes are no point of the curve"),
        (lambda: Sm2PublicKey(bytes(64)), "its 64 bytes are no point of the curve"),
        (lambda: Sm2PublicKey(b"\xff" * 64), "its 64 bytes are no point of the curve"),
        (lambda: Sm2PrivateKey(KEY.public, bytes(32)), "its number is out of range"),
        (lambda: Sm2PrivateKey(new_sm2_key().public, NUMBER), "does not belong to the public key beside it"),
        (lambda: Sm2PublicKey.from_spki(KEY.public.spki()[:-1]), "no SM2 public key with an uncompressed point"),
        (lambda: Sm2PrivateKey.from_pkcs8(KEY.pkcs8()[:-1]), "no SM2 private key in PKCS #8"),
        (lambda: Sm2PublicKey.from_jwk({"kty": "EC", "crv": "P-256"}), "an SM2 JWK has kty EC and crv SM2"),
        (lambda: Sm2PublicKey.from_jwk({**KEY.jwk(), "x": 1}), "x of an SM2 JWK is 32 bytes in base64url"),
        (lambda: Sm2PublicKey.from_jwk({**KEY.jwk(), "x": "!"}), "x of an SM2 JWK is 32 bytes in base64url"),
        (lambda: Sm2PrivateKey.from_jwk(KEY.public.jwk()), "d of an SM2 JWK is 32 bytes in base64url"),
        (lambda: KEY.sign(b"", b""), "an SM2 user id has 1 to 8191 bytes, this one has 0"),
        (lambda: KEY.public.verify(b"", SIGNATURE, b"x" * 8192), "an SM2 user id has 1 to 8191 bytes"),
    ],
)
def test_what_is_no_key_is_refused_with_the_reason(make: Callable[[], object], said: str) -> None:
    with pytest.raises(KeyUnusable) as refused:
        make()
    assert said in refused.value.detail


def test_without_the_library_the_extra_to_install_is_named() -> None:
    code = (
        "import sys; sys.modules['gmssl_pyx'] = None\n"
        "from xinqiao import sm2\n"
        "try: sm2.new_sm2_key()\n"
        "except Exception as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "run: pip install 'xinqiao[sm]'" in said


def test_a_signature_in_der_has_one_spelling() -> None:
    assert from_der(to_der(SIGNATURE)) == SIGNATURE
    whole = to_der(SIGNATURE)
    too_large = bytes.fromhex("3026") + b"\x02\x21\x01" + bytes(32) + b"\x02\x01\x01"
    for other in (b"", whole[:-1], whole + b"\0", SIGNATURE, too_large, base64.b64encode(whole)):
        with pytest.raises(ValueError, match=r"."):
            from_der(other)
