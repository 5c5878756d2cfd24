"""Revocations: a signed list of certificates that are not to be relied on any more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from xinqiao.errors import CertificateInvalid
from xinqiao.keys import KeyRing, SigningKey
from xinqiao.message import Json, timestamp
from xinqiao.signed import Issuer, open_document, sign_document

__all__ = ["Revocation", "Revocations", "new_revocations", "read_revocations"]


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
    def from_json(cls, said: Json) -> "Revocation":
        """Read it from a list. Raises ``CertificateInvalid`` for a day that is none."""
        try:
            return cls(said["serial"], datetime.fromisoformat(said["at"]), said["reason"])
        except ValueError as error:
            raise CertificateInvalid(f"malformed: {said['at']} is no moment") from error


@dataclass(frozen=True, slots=True)
class Revocations:
    """A list of revocations, as of ``issued_at`` (as ``timestamp`` writes it)."""

    issuer: Issuer
    issued_at: str
    revoked: tuple[Revocation, ...]

    def find(self, serial: str) -> Revocation | None:
        """Return the revocation of a certificate, or None."""
        return next((each for each in self.revoked if each.serial == serial), None)


def new_revocations(
    revoked: Iterable[Revocation], issuer: Issuer, key: SigningKey, at: datetime | None = None
) -> bytes:
    """Return the file of a list of revocations. Raises ``SettingsInvalid`` where a part cannot be in one."""
    now = at or datetime.now(UTC)
    content = {"issuedAt": timestamp(now), "revoked": [each.as_json() for each in revoked]}
    return sign_document("revocations", content, issuer, key, now)


def read_revocations(raw: bytes, keys: KeyRing) -> Revocations:
    """Read a list of revocations. Raises ``CertificateInvalid``: malformed, foreign_key or tampered."""
    said = open_document(raw, "revocations", keys)
    issuer = Issuer(said["issuer"]["name"], said["issuer"]["institution"])
    return Revocations(issuer, said["issuedAt"], tuple(Revocation.from_json(each) for each in said["revoked"]))
