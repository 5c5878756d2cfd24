"""Revocations: a signed list of certificates that are not to be relied on any more.

A list says when it was made and by when there is a later one: who is given an old list again can see that it is old.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from xinqiao.errors import CertificateInvalid
from xinqiao.keys import KeyRing, SigningKey
from xinqiao.message import Json, timestamp
from xinqiao.signed import Issuer, open_document, sign_document

__all__ = ["Revocation", "Revocations", "new_revocations", "read_revocations"]

# For how long a list is the latest, unless something is revoked before.
_FRESH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Revocation:
    """A certificate that is not to be relied on any more, since when and why."""

    serial: str
    at: datetime
    reason: str

    def as_json(self) -> Json:
        """Return it as lists hold it."""
        return {"serial": self.serial, "at": timestamp(self.at), "reason": self.reason}

    @classmethod
    def from_json(cls, said: Json) -> Self:
        """Read it from a list. Raises ``ValueError`` for a day that is none."""
        return cls(said["serial"], datetime.fromisoformat(said["at"]), said["reason"])


@dataclass(frozen=True, slots=True)
class Revocations:
    """A list of revocations, as of ``issued_at``; ``key`` is the thumbprint of the key that signed it."""

    issuer: Issuer
    key: str
    issued_at: datetime
    next_update: datetime
    revoked: tuple[Revocation, ...]

    def find(self, serial: str) -> Revocation | None:
        """Return the revocation of a certificate, or None."""
        return next((each for each in self.revoked if each.serial == serial), None)

    def is_stale(self, at: datetime) -> bool:
        """Say whether there should be a later list by now: what it does not name may have been revoked since."""
        return at >= self.next_update


def new_revocations(
    revoked: Iterable[Revocation], issuer: Issuer, key: SigningKey, at: datetime | None = None
) -> bytes:
    """Return the file of a list of revocations. Raises ``SettingsInvalid`` where a part cannot be in one."""
    now = at or datetime.now(UTC)
    content = {
        "issuedAt": timestamp(now),
        "nextUpdate": timestamp(now + _FRESH),
        "revoked": [each.as_json() for each in revoked],
    }
    return sign_document("revocations", content, issuer, key, now)


def read_revocations(raw: bytes, keys: KeyRing) -> Revocations:
    """Read a list of revocations. Raises ``CertificateInvalid``: malformed, foreign_key or tampered."""
    said = open_document(raw, "revocations", keys)
    try:
        return Revocations(
            issuer=Issuer(said["issuer"]["name"], said["issuer"]["institution"]),
            key=said["issuer"]["thumbprint"],
            issued_at=datetime.fromisoformat(said["issuedAt"]),
            next_update=datetime.fromisoformat(said["nextUpdate"]),
            revoked=tuple(Revocation.from_json(each) for each in said["revoked"]),
        )
    except ValueError as error:
        raise CertificateInvalid(f"malformed: {error}") from error
