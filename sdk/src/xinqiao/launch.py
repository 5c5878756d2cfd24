"""The launch of a page: what a partner states when it sends somebody to the gateway's H5 pages, signed with its key.

A token says who comes (actor), to what (flow, case, entry), and what the partner knows and nobody may change (facts).
It is used once; how the gateway sees to that is no matter of the SDK.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

from xinqiao.errors import MalformedRequest, NotAuthorized, SealExpired
from xinqiao.message import new_message_id
from xinqiao.seal import KeyRing, SigningKey, open_token, sign_token

__all__ = [
    "LOCALES",
    "ROLES",
    "Actor",
    "Launch",
    "Opened",
    "Role",
    "launch_token",
    "launch_url",
    "open_launch",
    "read_launch",
]

Role = Literal["CUSTOMER", "RELATIONSHIP_MANAGER", "INSTITUTION_OPERATOR"]
Fact = str | int | bool

ROLES: tuple[Role, ...] = ("CUSTOMER", "RELATIONSHIP_MANAGER", "INSTITUTION_OPERATOR")
LOCALES = ("zh-CN", "en")

_LONGEST_LIFE = timedelta(minutes=10)
_LIFE = timedelta(minutes=5)
_LEEWAY = timedelta(minutes=1)
_MOST_FACTS = 50
_ID = re.compile(r"[0-9A-Za-z._:/@-]{1,60}")
_CASE = re.compile(r"[0-9A-Za-z._:/-]{1,64}")
_FLOW = re.compile(r"[a-z][a-z0-9-]{1,40}")
_JTI = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who comes: the role, and the partner's own id of the person. No name, no number of a document."""

    role: Role
    id: str


@dataclass(frozen=True, slots=True)
class Launch:
    """What a launch is about.

    ``entry`` tells several pieces of business of one flow in one case apart; the same one opens what was begun.
    ``facts`` are values by their canonical paths (``kycApplication.applicant.name``) which the person sees and cannot
    change. ``origin`` is the page that embeds it, ``return_url`` where a person goes afterwards.
    """

    flow: str
    case_id: str
    actor: Actor
    entry: str = ""
    locale: str = "zh-CN"
    origin: str | None = None
    return_url: str | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opened:
    """A launch that was verified: by which key it is signed, its id (``jti``) and when it ends (Unix seconds)."""

    launch: Launch
    kid: str
    jti: str
    expires: int


def launch_token(
    key: SigningKey,
    launch: Launch,
    *,
    gateway_code: str,
    channel: str,
    at: datetime | None = None,
    life: timedelta = _LIFE,
) -> str:
    """Return a launch as a compact JWS by the partner's key, for one use within ``life`` (at most ten minutes).

    Raises ``MalformedRequest`` for a launch that a gateway would refuse.
    """
    issued = at or datetime.now(UTC)
    claims: dict[str, Any] = {
        "aud": _audience(gateway_code, channel),
        "jti": new_message_id(),
        "iat": int(issued.timestamp()),
        "exp": int((issued + min(life, _LONGEST_LIFE)).timestamp()),
        "flow": launch.flow,
        "case": launch.case_id,
        "actor": {"role": launch.actor.role, "id": launch.actor.id},
        "locale": launch.locale,
        "entry": launch.entry or None,
        "origin": launch.origin,
        "return": launch.return_url,
        "facts": dict(launch.facts) or None,
    }
    if claims["exp"] <= claims["iat"]:
        raise MalformedRequest("life is a second at least")
    said = {name: claim for name, claim in claims.items() if claim is not None}
    read_launch(said)
    return sign_token(said, key)


def launch_url(base: str, channel: str, token: str) -> str:
    """Return the address that a browser opens; ``base`` is that of the gateway's pages (``https://HOST``)."""
    return f"{base.rstrip('/')}/h5/{quote(channel, safe='')}/launch?{urlencode({'token': token})}"


def open_launch(
    token: str,
    keys: KeyRing,
    *,
    gateway_code: str,
    channel: str,
    at: datetime | None = None,
    leeway: timedelta = _LEEWAY,
) -> Opened:
    """Verify a launch. ``leeway`` is how far clocks may differ.

    Raises ``NotAuthorized`` (not signed by a key of the channel, or for another one), ``SealExpired`` or
    ``MalformedRequest`` (what it says cannot be used).
    """
    kid, claims = open_token(token, keys)
    if claims.get("aud") != _audience(gateway_code, channel):
        raise NotAuthorized(f"the token is not for channel {channel} of {gateway_code}")
    expires = _check_time(claims, (at or datetime.now(UTC)).timestamp(), leeway.total_seconds())
    jti = claims.get("jti")
    if not isinstance(jti, str) or not _JTI.fullmatch(jti):
        raise MalformedRequest("jti is a UUID version 7 in lower case")
    return Opened(read_launch(claims), kid, jti, expires)


def _audience(gateway_code: str, channel: str) -> str:
    return f"{gateway_code}/{channel}"


def _check_time(claims: Mapping[str, Any], now: float, leeway: float) -> int:
    issued, expires = claims.get("iat"), claims.get("exp")
    if type(issued) is not int or type(expires) is not int:
        raise MalformedRequest("iat and exp are whole seconds")
    if not 0 < expires - issued <= _LONGEST_LIFE.total_seconds():
        raise MalformedRequest("a launch lives for ten minutes at most")
    if issued > now + leeway or expires < now - leeway:
        raise SealExpired("the launch is outside its time")
    return expires


def read_launch(claims: Mapping[str, Any]) -> Launch:
    """Read what a launch is about from its claims, each by its form. Raises ``MalformedRequest``."""
    actor = claims.get("actor")
    if not isinstance(actor, dict) or actor.get("role") not in ROLES:
        raise MalformedRequest(f"actor.role is one of {', '.join(ROLES)}")
    if claims.get("locale", LOCALES[0]) not in LOCALES:
        raise MalformedRequest(f"locale is one of {', '.join(LOCALES)}")
    return Launch(
        flow=_text(claims, "flow", _FLOW),
        case_id=_text(claims, "case", _CASE),
        actor=Actor(actor["role"], _text(actor, "id", _ID)),
        entry=_text(claims, "entry", _CASE) if "entry" in claims else "",
        locale=claims.get("locale", LOCALES[0]),
        origin=_address(claims, "origin", bare=True),
        return_url=_address(claims, "return", bare=False),
        facts=_facts(claims.get("facts", {})),
    )


def _text(claims: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise MalformedRequest(f"{name} is text of the form {form.pattern}")
    return value


def _address(claims: Mapping[str, Any], name: str, *, bare: bool) -> str | None:
    """Return an https address (http on this machine), ``bare`` of all but scheme, host and port."""
    value = claims.get(name)
    if value is None:
        return None
    said = f"{name} is an https {'origin, such as https://host' if bare else 'address'}, at most 500 characters"
    if not isinstance(value, str) or len(value) > 500 or not value.isascii() or not value.isprintable():
        raise MalformedRequest(said)
    try:
        parts = urlsplit(value)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        whole = parts.netloc and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise MalformedRequest(said) from error
    if (
        not secure
        or not whole
        or (bare and value != f"{parts.scheme}://{parts.netloc}")
        or set(value) & set(" ;,\"'<>")
    ):
        raise MalformedRequest(said)
    return value


def _facts(value: object) -> dict[str, Fact]:
    if not isinstance(value, dict) or len(value) > _MOST_FACTS:
        raise MalformedRequest(f"facts are at most {_MOST_FACTS} values by their canonical paths")
    for path, fact in value.items():
        if not isinstance(path, str) or len(path) > 200 or not isinstance(fact, str | int | bool):
            raise MalformedRequest(
                f"facts hold a text, a whole number or a truth value each; {str(path)[:60]!r} does not"
            )
    return value
