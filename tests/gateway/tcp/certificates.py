"""Certificates for tests, with their keys."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Certificate", "certificate"]


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key."""

    found: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.found.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.found.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        forms = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self.key.private_bytes(*forms)

    def written(self, path: Path) -> Path:
        """Write key and certificate into one file that only its owner reads."""
        path.write_bytes(self.key_pem + self.pem)
        path.chmod(0o600)
        return path


def certificate(name: str, issuer: Certificate | None = None, address: str = "127.0.0.1") -> Certificate:
    """Return a certificate for an address, of its own or of an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.found.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return Certificate(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)
