"""Key files of a channel: read from PEM and JWK, refused with file and reason, never shown."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.adapters.security.conftest import (
    BANK,
    NOW,
    PAYMENT,
    PUBLIC_KEYS,
    RAW,
    SECRET,
    Desk,
    simple,
)
from tests.by_hand import (
    CIPHER_KEY,
    certificate,
    certificate_pem,
    pem,
    rsa_files,
    rsa_key,
    rsa_pem,
    secret_jwk,
    sm2_files,
    sm2_key,
)
from xinqiao.errors import (
    KeyUnusable,
)
from xinqiao_adapters.security.keys import read_keys


def test_nothing_secret_is_shown_of_keys(desk: Desk) -> None:
    keys = read_keys(desk.keys(sm2_files("us", "bank") | {"secret.jwk": secret_jwk(SECRET)}))
    shown = repr(keys)
    secret = base64.urlsafe_b64decode(sm2_key("us").jwk()["d"] + "=")
    assert not any(repr(each) in shown for each in (SECRET, CIPHER_KEY, secret))


def test_a_public_key_without_a_certificate_is_enough_where_none_is_sent(desk: Desk) -> None:
    files = {"own.pem": rsa_pem("us"), "partner.pem": public_pem(rsa_key("us"))}
    seals = desk.seals(PUBLIC_KEYS, files)
    signature = seals.sealer.seal(b"x", "", NOW).headers["X-Sign"]
    assert seals.opener.open(b"x", "", NOW, signature) == (b"x", "")


def test_keys_are_read_from_jwk_as_from_pem(desk: Desk) -> None:
    numbers = rsa_key("us").private_numbers()

    def octets(number: int) -> str:
        return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()

    public = {"kty": "RSA", "n": octets(numbers.public_numbers.n), "e": octets(numbers.public_numbers.e)}
    names = {"d": numbers.d, "p": numbers.p, "q": numbers.q, "dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
    private = public | {name: octets(number) for name, number in names.items()}
    files = {"own.jwk": json.dumps(private).encode(), "partner.jwk": json.dumps(public).encode()}
    seals = desk.seals(simple("algorithm: RSA-SHA256, text: {kind: raw}, header: X-Sign"), files)
    sent = seals.sealer.seal(b"x", "", NOW)
    assert base64.b64decode(sent.headers["X-Sign"]) == rsa_key("us").sign(b"x", padding.PKCS1v15(), hashes.SHA256())
    assert seals.opener.open(b"x", "", NOW, sent.headers["X-Sign"]) == (b"x", "")
    sm2 = {"own.jwk": json.dumps(sm2_key("us").jwk()).encode()}
    assert read_keys(desk.keys(sm2)).own == sm2_key("us")


# A certificate of an SM2 key, made with OpenSSL for this test, and a key of another curve.
SM2_CERTIFICATE = b"""-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIUcgSdkyyYivVvg9YmlfwEnH3pDNYwCgYIKoEcz1UBg3Uw
EjEQMA4GA1UEAwwHZXhhbXBsZTAgFw0yNjExMjIyMjMzMjJaGA8yMDUxMDcxNDIy
MzMyMlowEjEQMA4GA1UEAwwHZXhhbXBsZTBZMBMGByqGSM49AgEGCCqBHM9VAYIt
A0IABFW2Mvs+jmHt2Rt2a8BTWWSq+9QljJJXS0iwAovIXgUU+GKYbXoyrmoXA+XA
XzJLIA9GTSE40hb37cNl9rR0U/KjUzBRMB0GA1UdDgQWBBRfBf9mRIovRotr1LGW
iylC0VdmADAfBgNVHSMEGDAWgBRfBf9mRIovRotr1LGWiylC0VdmADAPBgNVHRMB
Af8EBTADAQH/MAoGCCqBHM9VAYN1A0gAMEUCIQC5TUnn7x241KGkLfbOqlK5SMsH
jnfYDuNnV/0utDevOwIgFVyYSkYNaiBKl6NTahnbXbz+XWUkbTdvqkehQtUy+C8=
-----END CERTIFICATE-----
"""


def other_curve() -> bytes:
    forms = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*forms)


def public_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    forms = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(*forms)


def rsa_jwk(name: str) -> bytes:
    numbers = rsa_key(name).public_key().public_numbers()
    modulus = base64.urlsafe_b64encode(numbers.n.to_bytes(256, "big")).rstrip(b"=").decode()
    return json.dumps({"kty": "RSA", "n": modulus, "e": "AQAB"}).encode()


def weak_rsa() -> bytes:
    forms = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- to be refused
    return key.private_bytes(*forms)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("own.txt", b"", "has no meaning here; known: partner*.pem"),
        ("own.pem", b"", "the file is not one PEM block"),
        ("own.pem", pem("PRIVATE KEY", b"\x30\x00"), "cannot be read as what its name says"),
        ("own.pem", pem("RSA PRIVATE KEY", b"\x30\x00"), "openssl pkcs8 -topk8"),
        ("own.pem", b"-----BEGIN PRIVATE KEY-----\nAAA\n-----END PRIVATE KEY-----\n", "the PEM's content is no base64"),
        ("own.pem", weak_rsa(), "an RSA key has at least 2048 bits, this one has 1024"),
        ("own.pem", other_curve(), "the key is neither RSA nor SM2"),
        ("own.jwk", rsa_jwk("us"), "a private JWK is needed, this one has no private part (d)"),
        ("partner.pem", SM2_CERTIFICATE, "for SM2 give the public key: openssl x509 -pubkey -noout"),
        ("partner.pem", public_pem(ec.generate_private_key(ec.SECP256R1())), "the key is neither RSA nor SM2"),
        ("own.jwk", b"[]", "a JWK is a JSON object"),
        ("own.jwk", b"{", "cannot be read as what its name says"),
        ("own.jwk", b'{"kty":"EC","crv":"P-256"}', "an SM2 JWK has kty EC and crv SM2"),
        ("own.jwk", b'{"kty":"EC","crv":"SM2","x":"AA"}', "x of an SM2 JWK is 32 bytes in base64url"),
        ("partner.jwk", b'{"kty":"RSA"}', "cannot be read as what its name says"),
        ("partner.pem", pem("PUBLIC KEY", b"\x30\x00"), "cannot be read as what its name says"),
        ("issuer.pem", b"x", "cannot be read as what its name says"),
        ("secret.jwk", b'{"kty":"RSA"}', "a secret is a JWK with kty oct and k"),
        ("cipher.jwk", b'{"kty":"oct","k":"!"}', "cannot be read as what its name says"),
        ("secret.jwk", b'{"kty":"oct","k":""}', "the secret is empty"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_named_with_the_reason(
    desk: Desk, name: str, content: bytes, said: str
) -> None:
    folder = desk.keys({name: content})
    with pytest.raises(KeyUnusable) as refused:
        read_keys(folder)
    assert refused.value.detail.startswith(str(folder / name))
    assert said in refused.value.detail


@pytest.mark.parametrize("name", ["own.pem", "secret.jwk", "cipher.jwk"])
def test_a_secret_file_that_others_may_read_is_refused(desk: Desk, name: str) -> None:
    folder = desk.keys(sm2_files("us", "bank") | {"secret.jwk": secret_jwk(SECRET)})
    (folder / name).chmod(0o640)
    with pytest.raises(KeyUnusable, match=rf"{name} may be read by others \(mode 640\); run: chmod 600"):
        read_keys(folder)


def test_secrets_of_other_ways_in_are_passed_over(desk: Desk) -> None:
    files = sm2_files("us", "bank")
    others = {"mail-password": b"x", "mail-authority.pem": b"x", "sftp-key": b"x", "sftp-key-cert.pub": b"x"}
    folder = desk.keys(files | others)
    assert read_keys(folder).own == sm2_key("us")
    (folder / "mail.password").write_bytes(b"x")
    with pytest.raises(KeyUnusable, match=r"mail\.password has no meaning here"):
        read_keys(folder)


def test_two_private_keys_are_refused(desk: Desk) -> None:
    folder = desk.keys(sm2_files("us", "bank") | {"own.jwk": json.dumps(sm2_key("us").jwk()).encode()})
    with pytest.raises(KeyUnusable, match=r"own.jwk and own.pem are there both; keep one"):
        read_keys(folder)


def test_a_certificate_of_another_key_than_ours_is_refused(desk: Desk) -> None:
    files = rsa_files("us", "platform") | {"own-certificate.pem": certificate_pem(certificate("someone"))}
    with pytest.raises(KeyUnusable, match=r"own-certificate.pem is not for the private key beside it"):
        read_keys(desk.keys(files))


@pytest.mark.parametrize(
    ("profile", "files", "missing", "said"),
    [
        (BANK, sm2_files("us", "bank"), "own.pem", "lacks our private key: put it there as own.pem"),
        (BANK, sm2_files("us", "bank"), "partner.pem", "lacks the partner's public key or certificate"),
        (BANK, sm2_files("us", "bank"), "cipher.jwk", "lacks the key of the body's encryption"),
        (PAYMENT, rsa_files("us", "platform"), "own-certificate.pem", "lacks our certificate"),
        (RAW, {"secret.jwk": secret_jwk(SECRET)}, "secret.jwk", "lacks the secret that both sides sign with"),
    ],
)
def test_a_missing_key_is_named_before_a_message_needs_it(
    desk: Desk, profile: str, files: dict[str, bytes], missing: str, said: str
) -> None:
    with pytest.raises(KeyUnusable) as refused:
        desk.seals(profile, {name: content for name, content in files.items() if name != missing})
    assert said in refused.value.detail


@pytest.mark.parametrize(
    ("profile", "files", "said"),
    [
        (BANK, sm2_files("us", "bank") | {"own.pem": rsa_pem("us")}, "lacks an SM2 key of ours"),
        (PAYMENT, rsa_files("us", "platform") | {"own.pem": sm2_files("us", "bank")["own.pem"]}, "own-certificate.pem"),
        (
            PUBLIC_KEYS,
            {"own.pem": sm2_files("us", "bank")["own.pem"], "partner.pem": public_pem(rsa_key("us"))},
            "RSA key",
        ),
        (PAYMENT, rsa_files("us", "platform") | {"partner.pem": sm2_files("us", "bank")["partner.pem"]}, "RSA-SHA256"),
        (BANK, sm2_files("us", "bank") | {"cipher.jwk": secret_jwk(b"short")}, "lacks a key of 16 bytes for SM4-CBC"),
    ],
)
def test_a_key_of_another_algorithm_is_named(desk: Desk, profile: str, files: dict[str, bytes], said: str) -> None:
    with pytest.raises(KeyUnusable) as refused:
        desk.seals(profile, files)
    assert said in refused.value.detail
