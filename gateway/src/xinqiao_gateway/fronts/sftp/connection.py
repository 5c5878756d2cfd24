"""One connection to a partner's SFTP server: that it is the partner's, that we are let in, and that every wait ends.

The host key is compared with those of the profile, before anything is said of us; a new one is never learned.
"""

import base64
import hashlib
import io
import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from paramiko import ECDSAKey, Ed25519Key, PKey, RSAKey, SFTPError, Transport
from paramiko.ssh_exception import AuthenticationException, SSHException

from xinqiao.errors import DestinationDown, HostUntrusted, KeyUnusable
from xinqiao.keys import read_key_file
from xinqiao_adapters.docking.files import Address
from xinqiao_adapters.docking.login import Login
from xinqiao_gateway.fronts.sftp.client import Client

__all__ = ["Connection"]

# Bytes that may be under way to us: enough for the fastest line, and a bound of memory.
_WINDOW = 16 * 1024 * 1024
_PACKET = 256 * 1024
# Seconds between signs of life, so that no firewall forgets the connection.
_KEEP_ALIVE = 15
# The first that both sides know is used: the fast ones come first, measured at twice the speed of aes128-ctr.
_CIPHERS = (
    "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes256-cbc",
    "aes128-cbc",
)  # fmt: skip
# The library's without MD5, and without those that are cut to 96 bits.
_DIGESTS = (
    "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1",
)  # fmt: skip
# The library writes of every fault what it also raises.
_UNHEARD = logging.getLogger("xinqiao.paramiko")
_UNHEARD.disabled = True
_KEYS: Mapping[type, type[PKey]] = {
    Ed25519PrivateKey: Ed25519Key,
    EllipticCurvePrivateKey: ECDSAKey,
    RSAPrivateKey: RSAKey,
}

_log = structlog.get_logger("sftp")


class Connection:
    """A connection that is open; ``client`` speaks SFTP on it, to the server of ``host_key`` (``SHA256:…``)."""

    def __init__(self, transport: Transport, client: Client, host_key: str) -> None:
        self.client = client
        self.host_key = host_key
        self._transport = transport

    @classmethod
    def open(cls, address: Address, login: Login, secrets: Path) -> "Connection":
        """Connect and log in; ``secrets`` is the folder of the files that the login names.

        Raises ``DestinationDown``, ``HostUntrusted``, and ``KeyUnusable`` for a file of ours or a login refused.
        """
        where, timeout = f"sftp://{address.user}@{address.host}:{address.port}", float(login.timeout)
        means = _Means(login, secrets)
        with _reached(where):
            connected = socket.create_connection((address.host, address.port), timeout)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A server that reads nothing more: the library would try to send for ever.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(timeout * 1000))
            transport = _transport(connected, login)
        # Some waits of the library have no bound of their own; to close what they wait for ends them.
        watch = threading.Timer(timeout * 2, transport.close)
        watch.daemon = True
        watch.start()
        try:
            with _reached(where):
                transport.start_client(timeout=timeout)
                host_key = _checked_host(transport.get_remote_server_key(), login, where)
                means.enter(transport, address.user, where)
                return cls(transport, _client(transport, timeout), host_key)
        except BaseException:
            transport.close()
            raise
        finally:
            watch.cancel()

    def close(self) -> None:
        """End it; a call that waits in another thread ends with it."""
        self._transport.close()


class _Means:
    """What we prove ourselves with, read from files."""

    def __init__(self, login: Login, secrets: Path) -> None:
        self._password = _password(secrets / login.password_file) if login.password_file else None
        self._key = _key(secrets / login.key_file) if login.key_file else None
        if self._key is not None and login.certificate_file:
            _certify(self._key, secrets / login.certificate_file)

    def enter(self, transport: Transport, user: str, where: str) -> None:
        """Log in; a server that wants more after the key gets the password. Raises ``KeyUnusable``."""
        try:
            wanted = transport.auth_publickey(user, self._key) if self._key is not None else ["password"]
            if wanted and self._password is not None:
                wanted = transport.auth_password(user, self._password)
        except AuthenticationException as error:
            raise KeyUnusable(f"{where} refuses the login; compare user, key and password with the partner") from error
        if wanted:
            raise KeyUnusable(f"{where} wants more than what login gives: {', '.join(wanted)}")


def _transport(connected: socket.socket, login: Login) -> Transport:
    transport = Transport(connected, default_window_size=_WINDOW, default_max_packet_size=_PACKET)
    transport.set_log_channel(_UNHEARD.name)
    transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = float(login.timeout)
    options = transport.get_security_options()
    options.ciphers, options.digests = _CIPHERS, _DIGESTS
    # A server may have several keys: it is asked for those that the profile names first.
    named = {each.partition(" ")[0] for each in login.host_keys}
    named |= {"rsa-sha2-512", "rsa-sha2-256"} if "ssh-rsa" in named else set()
    options.key_types = tuple(sorted(options.key_types, key=lambda each: each not in named))
    transport.set_keepalive(_KEEP_ALIVE)
    return transport


def _client(transport: Transport, timeout: float) -> Client:
    session = transport.open_session(timeout=timeout)
    session.settimeout(timeout)
    session.invoke_subsystem("sftp")
    return Client(session)


def _checked_host(key: PKey, login: Login, where: str) -> str:
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    shown = f"SHA256:{digest}"
    if shown in login.host_keys or f"{key.get_name()} {key.get_base64()}" in login.host_keys:
        return shown
    _log.error("alarm", kind="host_key", server=where, shown=shown, key_type=key.get_name())
    raise HostUntrusted(
        f"{where} shows {key.get_name()} {shown}, which login.host_keys does not name; nothing was sent. "
        "It may be somebody between us and the partner: ask the partner by telephone before you name it"
    )


def _password(path: Path) -> str:
    said = read_key_file(path, secret=True).decode("utf-8", "replace").rstrip("\r\n")
    if not said:
        raise KeyUnusable(f"{path} is empty and should hold the password, on one line")
    return said


def _key(path: Path) -> PKey:
    """Read a private key in any usual form, of which the library reads some: it is given the one form that it does."""
    content, said = read_key_file(path, secret=True), f"{path} holds no private key that SSH knows"
    try:
        is_ssh = b"BEGIN OPENSSH" in content
        found = load_ssh_private_key(content, None) if is_ssh else load_pem_private_key(content, None)
        text = found.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
        kind = next(known for private, known in _KEYS.items() if isinstance(found, private))
        return kind.from_private_key(io.StringIO(text))
    except TypeError as error:
        raise KeyUnusable(f"{path} is encrypted with a passphrase; take it off: ssh-keygen -p -f {path}") from error
    except (SSHException, ValueError, UnsupportedAlgorithm, StopIteration) as error:
        raise KeyUnusable(f"{said}: Ed25519, ECDSA or RSA, as ssh-keygen makes them") from error


def _certify(key: PKey, path: Path) -> None:
    text = read_key_file(path, secret=False).decode("utf-8", "replace")
    try:
        key.load_certificate(text)
    except (SSHException, ValueError, IndexError) as error:
        raise KeyUnusable(f"{path} is no OpenSSH certificate for the key that login names") from error
    if key.public_blob is None or not key.public_blob.key_type.endswith("-cert-v01@openssh.com"):
        raise KeyUnusable(f"{path} is a public key; the certificate for it is the file that ends with -cert.pub")


@contextmanager
def _reached(where: str) -> Iterator[None]:
    """Say of every fault of the line that the server is away."""
    try:
        yield
    except (SSHException, SFTPError, EOFError, OSError) as error:
        raise DestinationDown(f"{where}: {str(error)[:200] or type(error).__name__}") from error
