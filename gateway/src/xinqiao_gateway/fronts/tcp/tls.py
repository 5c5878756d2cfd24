"""TLS of framed TCP: by which certificates the two sides know each other."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from xinqiao.errors import KeyUnusable, SettingsInvalid
from xinqiao.keys import read_key_file
from xinqiao_adapters.docking.certificates import beside, read_certificates
from xinqiao_adapters.docking.tcp import Call, Listen
from xinqiao_gateway.settings import Settings

__all__ = ["client_context", "pinned", "read_listening", "server_context"]


def read_listening(
    settings: Settings, folders: Sequence[Path], listen: Listen
) -> tuple[tuple[bytes, ...], ssl.SSLContext | None]:
    """Return the certificates that partners may show, and what is spoken with them; None for no TLS.

    ``folders`` are the profile's. Raises ``SettingsInvalid`` or ``KeyUnusable``.
    """
    clients = read_certificates(beside(folders, listen.clients)) if listen.clients is not None else ()
    return clients, server_context(settings, clients) if listen.tls else None


def server_context(settings: Settings, clients: Sequence[bytes]) -> ssl.SSLContext:
    """Return what a listener speaks TLS with: the gateway's certificate, and partners that show one of ``clients``.

    Without ``clients`` none is asked for. Raises ``SettingsInvalid`` where the gateway has no certificate.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        raise SettingsInvalid("tcp.listen.tls needs the gateway's certificate: set tls_certificate and tls_key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password="")
    except OSError as error:
        files = f"{settings.tls_certificate}, {settings.tls_key}"
        raise SettingsInvalid(f"tls_certificate, tls_key: {files}: {error.strerror or error}") from error
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, clients)
    return context


def client_context(call: Call, folders: Sequence[Path]) -> ssl.SSLContext:
    """Return what a partner's server is called with. Raises ``KeyUnusable`` for a file beside the profile."""
    context = ssl.create_default_context() if not (call.issuers or call.server) else None
    if context is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = call.server is None  # what is pinned may be for any name
        _trust(context, read_certificates(beside(folders, call.server or call.issuers or "")))
    if call.own is not None:
        path = beside(folders, call.own)
        read_key_file(path, secret=True)
        try:
            # Without a password given it would ask for one on the terminal.
            context.load_cert_chain(path, password="")
        except OSError as error:
            raise KeyUnusable(f"{path} holds no key with its certificate in PEM: {error}") from error
    return context


def pinned(channel: ssl.SSLObject | None, certificates: Sequence[bytes]) -> bytes | None:
    """Return the other side's certificate where it is one of these, None where it is another or none."""
    shown = channel.getpeercert(binary_form=True) if channel is not None else None
    return shown if shown in certificates else None


def _trust(context: ssl.SSLContext, certificates: Sequence[bytes]) -> None:
    """Trust certificates as they are, whoever issued them."""
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=b"".join(certificates))
