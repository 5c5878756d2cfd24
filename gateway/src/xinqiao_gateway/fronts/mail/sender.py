"""From whom a mail is: the allow-list, and what a trusted server found when the mail came in.

The From of a mail is whatever its writer wrote. An allow-list alone keeps noise out, and proves nothing; with
``authenticated_by`` the sender's domain has signed the mail, as that server says.
"""

import re
from dataclasses import dataclass

from xinqiao.errors import SenderMismatch
from xinqiao_adapters.docking import Mail
from xinqiao_gateway.fronts.mail.head import Head, outside_quotes

__all__ = ["Sender", "known_sender", "proved_sender"]

_METHOD = re.compile(r"\s*(dkim|dmarc)(?:/[0-9]+)?\s*=\s*pass(?!\S)(.*)", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(r"\b(header\.(?:d|from))\s*=\s*([A-Za-z0-9._-]+)(?!\S)", re.IGNORECASE)
_NAMES = {"dkim": "header.d", "dmarc": "header.from"}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a mail is from: the domain, and how it is known (``From only``, ``dmarc by mx.example``)."""

    domain: str
    known_by: str


def known_sender(mail: Mail, head: Head) -> None:
    """Raise ``SenderMismatch`` where the sender is not on the channel's list."""
    if not mail.is_sender(head.sender):
        raise SenderMismatch("the sender is not on the channel's list")


def proved_sender(mail: Mail, head: Head) -> Sender:
    """Return who a mail is from. Raises ``SenderMismatch`` where the trusted server does not say that it is theirs."""
    server = mail.authenticated_by
    if server is None:
        return Sender(head.domain, "From only")
    said = next((found for each in head.results if (found := _said_by(server, each)) is not None), [])
    for each in said:
        method = _METHOD.fullmatch(each)
        if method is not None and _is_of(head.domain, method[1].lower(), method[2]):
            return Sender(head.domain, f"{method[1].lower()} by {server}")
    raise SenderMismatch(f"{server} does not say that {head.domain} signed the mail")


def _said_by(server: str, header: str) -> list[str] | None:
    """Return what a server said; None where it is not by that server. The topmost of its headers counts (RFC 8601)."""
    first, *results = outside_quotes(header).split(";")
    words = first.split()
    return results if words and words[0].lower() == server.lower() else None


def _is_of(domain: str, method: str, properties: str) -> bool:
    found = {name.lower(): value.lower() for name, value in _PROPERTY.findall(properties)}
    return found.get(_NAMES[method]) == domain
