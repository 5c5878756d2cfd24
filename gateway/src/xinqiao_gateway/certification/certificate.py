"""The certificate beside a channel's profile: whether it is to be relied on, and which requirements it says are met.

``certification/`` beside ``channel.yaml`` holds ``certificate.json`` with the ``results.json`` that it is of. It is
verified with the keys of this gateway, and those of issuers that somebody trusts: ``certification/issuers/*.jwk``;
``revocations.json`` beside it is their list of what is not to be relied on any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

import orjson

from xinqiao.certificate import Refusal, verify
from xinqiao.errors import CertificateInvalid, SettingsInvalid
from xinqiao.keys import KeyRing, read_verifying_key
from xinqiao.message import Json, timestamp
from xinqiao.revocation import Revocations, read_revocations

__all__ = ["FOLDER", "Held", "State", "held_certificate"]

FOLDER = "certification"
_MOST = 64 << 20
_UNKNOWN = "results.json is not beside it, or holds nothing that passed"

State = Literal["none", "valid", "other_subject"] | Refusal


@dataclass(frozen=True, slots=True)
class Held:
    """The certificate of a channel as it stands; ``met``: of each requirement that it says is met, by which kits.

    ``detail`` says why it is refused, or why nothing is known of what it met. Where it is refused nothing is ``met``.
    """

    state: State
    detail: str = ""
    serial: str | None = None
    issuer: str | None = None
    how: str | None = None
    kits: tuple[str, ...] = ()
    expires_at: datetime | None = None
    met: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> Json:
        """Return it for machines."""
        named = {name: getattr(self, name) for name in ("state", "detail", "serial", "issuer", "how")}
        ends = timestamp(self.expires_at) if self.expires_at else None
        return named | {"kits": list(self.kits), "expires_at": ends}


def held_certificate(folder: Path, institution: str, own: KeyRing) -> Held:
    """Return the certificate beside the profile in ``folder``, which is to be of an institution.

    Raises ``SettingsInvalid`` where a file cannot be read, ``KeyUnusable`` for an issuer's key that is none.
    """
    beside = folder / FOLDER
    raw, results = _content(beside / "certificate.json"), _content(beside / "results.json")
    if raw is None:
        return Held("none")
    keys = KeyRing([*own, *(read_verifying_key(path) for path in sorted((beside / "issuers").glob("*.jwk")))])
    try:
        found = verify(raw, keys, revocations=_revocations(beside / "revocations.json", keys), results=results)
    except CertificateInvalid as error:
        return Held(cast("Refusal", error.because), error.detail)
    said = found.seen.subject.institution
    if said != institution:
        return Held("other_subject", f"it is of {said}, the channel's institution is {institution}", found.serial)
    met = _met(results) if results else None
    return Held(
        state="valid",
        detail="" if met else f"{_UNKNOWN}: which requirements it says are met is not known",
        serial=found.serial,
        issuer=found.issuer.name,
        how=found.seen.how,
        kits=tuple(each.kit for each in found.seen.kits),
        expires_at=found.expires_at,
        met=met or {},
    )


def _revocations(path: Path, keys: KeyRing) -> Revocations | None:
    """Return the list of what was revoked, where there is one. Raises ``SettingsInvalid`` where it is to be refused."""
    raw = _content(path)
    try:
        return read_revocations(raw, keys) if raw is not None else None
    except CertificateInvalid as error:
        raise SettingsInvalid(f"{path}: {error.detail}; get the list anew from who issued it") from error


def _content(path: Path) -> bytes | None:
    """Return a file's content, None where there is none. Raises ``SettingsInvalid``."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsInvalid(f"{path}: {error.strerror}") from error
    if len(raw) > _MOST:
        raise SettingsInvalid(f"{path} is larger than {_MOST:,} bytes")
    return raw


def _met(results: bytes) -> dict[str, tuple[str, ...]]:
    """Return which kits passed each requirement, nothing of results in a form of somebody else.

    The certificate's digest says that these are the results that its issuer read.
    """
    met: dict[str, tuple[str, ...]] = {}
    try:
        kits: list[Any] = orjson.loads(results)["kits"]
        for kit in kits:
            for each in kit["requirements"]:
                if each["result"] == "passed":
                    met[each["id"]] = (*met.get(each["id"], ()), kit["kit"])
    except (ValueError, KeyError, TypeError):
        return {}
    return met
