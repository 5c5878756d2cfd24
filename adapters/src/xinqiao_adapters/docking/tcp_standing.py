"""What a profile may say of framed TCP beside its other parts; each doubt an error with its line."""

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from xinqiao.errors import KeyUnusable
from xinqiao_adapters.docking.certificates import beside, read_certificates
from xinqiao_adapters.docking.tcp import Tcp, is_loopback
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.marked import Where
from xinqiao_adapters.security.spec import PartnerSecurity

__all__ = ["check_tcp"]

_SCHEMES = frozenset({"tcp", "tls"})


def check_tcp(loaded: LoadedProfile) -> None:
    """Refuse framed TCP that would carry production messages in the clear, or messages that nobody vouches for.

    Raises ``ProfileInvalid`` with file and line.
    """
    called = _called(loaded)
    section = loaded.profile.tcp
    if section is None:
        if called is not None:
            loaded.fail(("push", "url"), "framed TCP needs the frame around a message: say tcp: {frame: …}")
        return
    if called is not None:
        _check_address(loaded, called)
    _check_trust(loaded, section, goes_out=called is not None)
    _check_line(loaded, section, called)
    for where, name in _files(section):
        try:
            read_certificates(beside(loaded.folders, name))
        except KeyUnusable as error:
            loaded.fail(where, error.detail)


def _called(loaded: LoadedProfile) -> SplitResult | None:
    """Return the address that we call, None where the channel is reached otherwise."""
    push = loaded.profile.push
    if push is None:
        return None
    try:
        url = urlsplit(push.url)
    except ValueError as error:
        loaded.fail(("push", "url"), f"no address: {error}")
    return url if url.scheme in _SCHEMES else None


def _check_address(loaded: LoadedProfile, url: SplitResult) -> None:
    try:
        port = url.port
        (url.hostname or "").encode("idna")
    except ValueError as error:
        loaded.fail(("push", "url"), f"no address: {error}")
    if not url.hostname or not port or url.path or url.query or url.fragment or url.username is not None:
        loaded.fail(("push", "url"), f"write {url.scheme}://host:port, and nothing behind it")


def _check_trust(loaded: LoadedProfile, section: Tcp, *, goes_out: bool) -> None:
    security = loaded.profile.security
    if section.trust != "seal":
        if isinstance(security, PartnerSecurity):
            problem = "the partner signs in its own way (security), and that is asked for: say trust: seal"
            loaded.fail(("tcp", "trust"), problem)
        return
    if section.has_signature:
        return
    problem = (
        "signatures of this channel stand beside the body (security) and have no place in the frame: give it a part "
        "signature: 512, or say what stands for them: trust: certificate or address"
    )
    if section.listen is not None and _beside_body(loaded, "incoming"):
        loaded.fail(("tcp", "frame"), problem)
    if goes_out and _beside_body(loaded, "outgoing"):
        loaded.fail(("tcp", "frame"), problem)


def _beside_body(loaded: LoadedProfile, direction: str) -> bool:
    """Say whether a signature stands beside what it signs."""
    security = loaded.profile.security
    if not isinstance(security, PartnerSecurity):
        return True
    return security.sealings[getattr(security, direction)].signature.header is not None


def _check_line(loaded: LoadedProfile, section: Tcp, called: SplitResult | None) -> None:
    """Refuse a line that others may read, where production messages would go by it."""
    if loaded.profile.test or section.protected_by is not None:
        return
    problem = (
        "would carry production messages in the clear; use {} or say what protects the line: "
        "tcp.protected_by (专线, VPN) — plain TCP is for this machine and for test channels"
    )
    listen = section.listen
    if listen is not None and not listen.tls and not is_loopback(listen.host):
        loaded.fail(("tcp", "listen", "host"), f"{listen.host} {problem.format('tls: true')}")
    if called is not None and called.scheme == "tcp" and not is_loopback(called.hostname or ""):
        loaded.fail(("push", "url"), f"{called.geturl()} {problem.format('tls://')}")


def _files(section: Tcp) -> Iterator[tuple[Where, str]]:
    if section.listen is not None and section.listen.clients is not None:
        yield ("tcp", "listen", "clients"), section.listen.clients
    for key in ("issuers", "server", "own"):
        name = getattr(section.call, key)
        if name is not None:
            yield ("tcp", "call", key), name
