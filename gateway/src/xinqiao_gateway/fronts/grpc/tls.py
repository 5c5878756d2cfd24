"""TLS of the port for gRPC: the files that the settings name. gRPC's library is not needed to read them."""

from pathlib import Path
from typing import NamedTuple

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.settings import Settings

__all__ = ["TlsFiles", "read_tls_files"]


class TlsFiles(NamedTuple):
    """What the files hold, in PEM; ``authorities`` are those whose clients alone may connect, None for all."""

    key: bytes
    certificate: bytes
    authorities: bytes | None


def read_tls_files(settings: Settings) -> TlsFiles | None:
    """Return the contents of the files; None where gRPC is served without TLS.

    Raises ``SettingsInvalid`` for a file that cannot be read, and for a ``grpc_client_ca`` without a certificate.
    """
    authority = settings.grpc_client_ca
    if settings.tls_certificate is None or settings.tls_key is None:
        if authority is not None:
            raise SettingsInvalid("grpc_client_ca asks for certificates of clients: set tls_certificate and tls_key")
        return None
    return TlsFiles(
        _content("tls_key", settings.tls_key),
        _content("tls_certificate", settings.tls_certificate),
        _content("grpc_client_ca", authority) if authority is not None else None,
    )


def _content(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsInvalid(f"{name}: {path}: {error.strerror}") from error
