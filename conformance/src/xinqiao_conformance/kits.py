"""Kits: what can be declared and certified, read from ``kits.yaml``.

For senders and receivers a business has two sides: by its own name the partner's messages travel, by its name with
``-trustee`` those of the trust company. ``sender/trading-day-trustee/rest`` is a trust company that confirms orders,
``receiver/trading-day-trustee/rest`` the distributor that takes the confirmations.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from xinqiao.finding import Text
from xinqiao.standard import message_types

__all__ = ["ROLES", "Business", "Kit", "businesses", "kit_named", "kits"]


def _read() -> dict[str, Any]:
    text = (files(__package__) / "kits.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


ROLES: dict[str, Any] = _read()["roles"]
# Roles of one side only; the others have to do with both.
_ONE_SIDED = frozenset({"sender", "receiver"})
_TRUSTEE = "-trustee"


@dataclass(frozen=True, slots=True)
class Business:
    """A business: its process if one is published, and which message types each side of it sends.

    ``opened_by_trustee``: the trust company is the partner's side there, and no kit is about the other.
    """

    name: str
    title: Text
    process: str | None
    partner: tuple[str, ...]
    trust: tuple[str, ...]
    opened_by_trustee: bool = False


@dataclass(frozen=True, slots=True)
class Kit:
    """A role in a business over a transport; ``id`` is all three."""

    role: str
    business: str
    transport: str

    @property
    def id(self) -> str:
        """Return the name that declarations use."""
        return f"{self.role}/{self.business}/{self.transport}"

    @property
    def about(self) -> Business:
        """Return the business, whichever side of it the kit is about."""
        return businesses()[self.business.removesuffix(_TRUSTEE)]

    @property
    def is_of_trustee(self) -> bool:
        """Say whether the messages are those that the trust company sends."""
        return self.business.endswith(_TRUSTEE)

    @property
    def types(self) -> tuple[str, ...]:
        """Return the message types that travel in this kit: what a sender sends, what a receiver or gateway takes."""
        return self.about.trust if self.is_of_trustee else self.about.partner

    @property
    def title(self) -> Text:
        """Return the name for people."""
        known, business = _read(), self.about.title
        side = (
            {"zh": "（受托人所发）", "en": ", what the trustee sends"} if self.is_of_trustee else {"zh": "", "en": ""}
        )
        role, transport = known["roles"][self.role], known["transports"][self.transport]
        zh, en = f"{business.zh}{side['zh']}", f"{business.en}{side['en']}"
        return Text(f"{role['zh']} · {zh} · {transport['zh']}", f"{role['en']} · {en} · {transport['en']}")


@cache
def businesses() -> dict[str, Business]:
    """Return the businesses by name. Raises ``ValueError`` for a message type that the standard does not define."""
    found = {
        name: Business(
            name,
            Text(**row["title"]),
            row.get("process"),
            tuple(row["partner"]),
            tuple(row["trust"]),
            row.get("opened_by_trustee", False),
        )
        for name, row in _read()["businesses"].items()
    }
    for each in found.values():
        unknown = {*each.partner, *each.trust} - message_types().keys()
        if unknown:
            raise ValueError(f"{each.name}: no message types: {', '.join(sorted(unknown))}")
    return found


@cache
def kits() -> tuple[Kit, ...]:
    """Return every kit."""
    return tuple(
        Kit(role, business, transport)
        for role, about in ROLES.items()
        for business in _sides(role)
        for transport in about["transports"]
    )


def _sides(role: str) -> Iterator[str]:
    """Yield the names of businesses that kits of a role have."""
    for name, business in businesses().items():
        yield name
        if role in _ONE_SIDED and not business.opened_by_trustee:
            yield name + _TRUSTEE


def kit_named(name: str) -> Kit:
    """Return a kit by its id. Raises ``ValueError`` which names the nearest there are."""
    found = next((each for each in kits() if each.id == name), None)
    if found is None:
        role = name.partition("/")[0]
        near = [each.id for each in kits() if each.role == role] or [f"{each}/…" for each in ROLES]
        raise ValueError(f"没有套件 there is no kit {name}; 可用 there are {', '.join(near)}")
    return found
