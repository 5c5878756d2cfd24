"""Requests in the two styles of partners' security, built without any code of the project, and keys for them."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import gmalg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509.oid import NameOID

from xinqiao.sm2 import Sm2PrivateKey, new_sm2_key

USER = "U000000001"
FILLED = b"U000000001000000"
CIPHER_KEY = b"0123456789abcdef"
SUBJECT = "示例支付平台"
SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)


@cache
def sm2_key(name: str) -> Sm2PrivateKey:
    return new_sm2_key()


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(label: str, der: bytes) -> bytes:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".encode()


def certificate(
    name: str, *, signer: str | None = None, subject: str = SUBJECT, until: datetime | None = None
) -> x509.Certificate:
    """Return a certificate of the key ``name``, signed by the key ``signer``."""
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, signer or subject)])
    builder = x509.CertificateBuilder().subject_name(named).issuer_name(issuer).public_key(rsa_key(name).public_key())
    builder = builder.serial_number(int(hashlib.sha256(name.encode()).hexdigest()[:16], 16))
    builder = builder.not_valid_before(SINCE).not_valid_after(until or UNTIL)
    return builder.sign(rsa_key(signer or name), hashes.SHA256())


def certificate_pem(found: x509.Certificate) -> bytes:
    return found.public_bytes(serialization.Encoding.PEM)


def secret_jwk(octets: bytes) -> bytes:
    return json.dumps({"kty": "oct", "k": base64.urlsafe_b64encode(octets).rstrip(b"=").decode()}).encode()


def sm2_files(own: str, partner: str) -> dict[str, bytes]:
    return {
        "own.pem": pem("PRIVATE KEY", sm2_key(own).pkcs8()),
        "partner.pem": pem("PUBLIC KEY", sm2_key(partner).public.spki()),
        "cipher.jwk": secret_jwk(CIPHER_KEY),
    }


def rsa_pem(name: str) -> bytes:
    forms = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return rsa_key(name).private_bytes(*forms)


def rsa_files(own: str, partner: str) -> dict[str, bytes]:
    return {
        "own.pem": rsa_pem(own),
        "own-certificate.pem": certificate_pem(certificate(own)),
        "partner.pem": certificate_pem(certificate(partner)),
    }


def compact(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sm4_cbc(content: bytes) -> bytes:
    fill = 16 - len(content) % 16
    encryptor = Cipher(algorithms.SM4(CIPHER_KEY), modes.CBC(FILLED)).encryptor()
    return encryptor.update(content + bytes([fill]) * fill) + encryptor.finalize()


def sm4_cbc_back(ciphertext: bytes) -> bytes:
    decryptor = Cipher(algorithms.SM4(CIPHER_KEY), modes.CBC(FILLED)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return padded[: -padded[-1]]


def gmalg_key(name: str) -> gmalg.SM2:
    key = sm2_key(name)
    number = base64.urlsafe_b64decode(key.jwk()["d"] + "=")
    return gmalg.SM2(sk=number, uid=FILLED, pk=b"\x04" + key.public.point)


def bank_document(content: Mapping[str, Any], signer: str, at: str) -> dict[str, Any]:
    """Return a signed document of the bank's style; ``at`` is when, as ``yyyyMMddHHmmss``."""
    unsigned = {**content, "signature": {"sigdat": "__signature_sigdat__", "sigtim": at}}
    r, s = (part.rjust(32, b"\0") for part in gmalg_key(signer).sign(compact(unsigned)))
    return {**content, "signature": {"sigdat": base64.b64encode(r + s).decode(), "sigtim": at}}


def bank_form(document: object, **changes: str) -> bytes:
    """Return a document of the bank's style in its form, encrypted."""
    data = base64.b64encode(sm4_cbc(compact(document))).decode()
    return urlencode({"UID": USER, "FUNCODE": "XQTRANSQRY", "ALG": "SM", "DATA": data, **changes}).encode()


def crlf(found: x509.Certificate) -> str:
    return certificate_pem(found).decode().strip().replace("\n", "\r\n")


def rsa_signature(name: str, fields: Mapping[str, str]) -> str:
    text = "&".join(f"{key}={fields[key]}" for key in sorted(fields))
    digest = hashlib.sha256(text.encode()).hexdigest()
    signature = rsa_key(name).sign(digest.encode(), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def payment_form(content: Mapping[str, str], signer: str, shown: x509.Certificate | None = None) -> dict[str, str]:
    """Return the fields of a signed form of the platform's style; fields of the signing may be given."""
    found = shown or certificate(signer)
    fields = {"signMethod": "01", "certId": str(found.serial_number), "signPubKeyCert": crlf(found)}
    order = {**content, **{name: content.get(name, value) for name, value in fields.items()}}
    return {**order, "signature": rsa_signature(signer, order)}
