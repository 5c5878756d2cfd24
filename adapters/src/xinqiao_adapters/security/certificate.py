"""A certificate inside a message: written as the partner reads it, and trusted or not."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from xinqiao.errors import SealInvalid
from xinqiao_adapters.security.keys import LEAST_RSA_BITS, Keys, PartnerKey
from xinqiao_adapters.security.spec import Certificate

__all__ = ["certificate_text", "serial_text", "trusted"]

_ENDS = {"CRLF": "\r\n", "LF": "\n"}


def certificate_text(spec: Certificate, certificate: x509.Certificate) -> str:
    """Return a certificate as PEM with the partner's line ends, and none after the last line."""
    lines = certificate.public_bytes(Encoding.PEM).decode("ascii").split("\n")
    return _ENDS[spec.lines].join(line for line in lines if line)


def serial_text(spec: Certificate | None, certificate: x509.Certificate) -> str:
    """Return a certificate's serial number, decimal where the profile says nothing else."""
    return f"{certificate.serial_number:x}" if spec and spec.serial == "hex" else str(certificate.serial_number)


def trusted(spec: Certificate, text: bytes, keys: Keys, now: datetime | None) -> PartnerKey:
    """Return the key of a certificate that came in a message.

    Without ``now`` its validity is not asked for, for what was stored. Raises ``SealInvalid`` where it cannot be
    read, is neither installed nor of an installed issuer, or is not valid now.
    """
    shown = _read(text)
    if now is not None and not shown.since <= now <= shown.until:
        raise SealInvalid("the certificate in the message is outside its validity")
    installed = next((each for each in keys.partner if each.certificate == shown.certificate), None)
    if installed is not None:
        return installed
    key = shown.key
    issued = any(_issued(shown.certificate, each, now) for each in keys.issuers)
    if issued and spec.subject in shown.names and isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA_BITS:
        return PartnerKey(key, shown.certificate)
    raise SealInvalid("the certificate in the message is neither installed nor of an installed issuer")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a certificate says, all of it read: a part that is malformed shows only when it is asked for."""

    certificate: x509.Certificate
    key: object
    names: tuple[str | bytes, ...]
    since: datetime
    until: datetime


def _read(text: bytes) -> _Shown:
    try:
        (certificate,) = x509.load_pem_x509_certificates(text)  # two of them are a ValueError as well
        names = tuple(each.value for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
        since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return _Shown(certificate, certificate.public_key(), names, since, until)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise SealInvalid("the certificate in the message cannot be read") from error


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, now: datetime | None) -> bool:
    if now is not None and not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
