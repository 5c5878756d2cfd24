"""The certificate beside a channel's profile: whether it is to be relied on, and which requirements it says are met.

``certification/`` beside ``channel.yaml`` holds ``certificate.json`` with the ``results.json`` that it is of. It is
verified with the keys of this gateway, and those of issuers that somebody trusts: ``certification/issuers/*.jwk``.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

import orjson

from xinqiao.certificate import Refusal, verify
from xinqiao.errors import CertificateInvalid, SettingsInvalid
from xinqiao.keys import KeyRing, read_verifying_key
from xinqiao.message import Json, timestamp

__all__ = ["FOLDER", "Held", "held_certificate"]

FOLDER = "certification"
_MOST = 64 << 20

State = Literal["none", "valid", "other_subject"] | Refusal


@dataclass(frozen=True, slots=True)
class Held:
    """The certificate of a channel as it stands; ``met``: role and id of each requirement that it says is met.

    ``detail`` says why it is refused, or why nothing is known of what it met. Where it is refused nothing is ``met``.
    """

    state: State
    detail: str = ""
    serial: str | None = None
    issuer: str | None = None
    how: str | None = None
    kits: tuple[str, ...] = ()
    expires_at: datetime | None = None
    met: frozenset[tuple[str, str]] = frozenset()

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
    issuers = [read_verifying_key(path) for path in sorted((beside / "issuers").glob("*.jwk"))]
    try:
        found = verify(raw, KeyRing([*own, *issuers]), results=results)
    except CertificateInvalid as error:
        return Held(cast("Refusal", error.because), error.detail)
    said = found.seen.subject.institution
    if said != institution:
        return Held("other_subject", f"it is of {said}, the channel's institution is {institution}", found.serial)
    return Held(
        state="valid",
        detail="" if results else "results.json is not beside it: which requirements it met is not known",
        serial=found.serial,
        issuer=found.issuer.name,
        how=found.seen.how,
        kits=tuple(each.kit for each in found.seen.kits),
        expires_at=found.expires_at,
        met=_met(results) if results else frozenset(),
    )


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


def _met(results: bytes) -> frozenset[tuple[str, str]]:
    """Return what passed; the certificate's digest says that these are the results that its issuer read."""
    kits: list[Any] = orjson.loads(results)["kits"]
    return frozenset(
        (kit["kit"].partition("/")[0], each["id"])
        for kit in kits
        for each in kit["requirements"]
        if each["result"] == "passed"
    )
