"""Certificates beside a profile: whose they are is the profile's to say, that they can be read is found out here."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from xinqiao.errors import KeyUnusable
from xinqiao.keys import read_key_file

__all__ = ["beside", "fingerprint", "read_certificates"]


def beside(folders: Sequence[Path], name: str) -> Path:
    """Return the path of a file beside a profile, or one that it was laid upon; its own folder is the first."""
    paths = [folder / name for folder in folders]
    return next((path for path in paths if path.is_file()), paths[0])


def read_certificates(path: Path) -> tuple[bytes, ...]:
    """Return the certificates of a PEM file, in DER. Raises ``KeyUnusable`` where it holds none."""
    content = read_key_file(path, secret=False)
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise KeyUnusable(f"{path} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)") from error
    return tuple(each.public_bytes(Encoding.DER) for each in found)


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate in DER, as people compare it."""
    return f"SHA256:{sha256(certificate).hexdigest()}"
