"""The registry: one signed file with certificates, each verified by who keeps it, and those that were revoked.

Every entry has the certificate as its issuer signed it and the issuer's public key, so that who reads the registry can
verify each again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from xinqiao.certificate import Certificate, verify
from xinqiao.errors import CertificateInvalid, Conflict, KeyUnusable, NotFound
from xinqiao.keys import KeyRing, SigningKey, VerifyingKey
from xinqiao.message import Json, read_json, timestamp
from xinqiao.revocation import Revocation, new_revocations
from xinqiao.signed import Issuer, canonical, open_document, sign_document
from xinqiao_conformance.results.files import read_within, write_whole

__all__ = ["Entry", "Registry", "Standing", "read_registry", "write_registry"]

_MOST_BYTES = 64_000_000
Standing = Literal["valid", "expired", "not_yet_valid", "revoked"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate in the registry: as its issuer signed it, with the key that verifies it."""

    certificate: Certificate
    signed: Mapping[str, Any]
    key: VerifyingKey
    added_at: str

    @classmethod
    def of(cls, raw: bytes, keys: KeyRing, at: datetime) -> Self:
        """Take a certificate that is valid now. Raises ``CertificateInvalid``."""
        certificate = verify(raw, keys, at=at)
        key = keys.find(certificate.kid)
        assert key is not None  # noqa: S101 -- it was verified with it
        return cls(certificate, read_json(raw), key, timestamp(at))

    @classmethod
    def from_json(cls, said: Json) -> Self:
        """Read an entry and verify its certificate again. Raises ``CertificateInvalid``."""
        signed = {name: said[name] for name in ("certificate", "signature")}
        try:
            key = VerifyingKey.from_jwk(said["key"])
        except KeyUnusable as error:
            raise CertificateInvalid(f"malformed: {error.detail}") from error
        # Expiry is shown, not refused: a registry tells of the past, too.
        then = datetime.fromisoformat(said["addedAt"])
        certificate = verify(canonical(signed) + b"\n", KeyRing([key]), at=then)
        return cls(certificate, signed, key, said["addedAt"])

    def as_json(self) -> Json:
        """Return the entry as the registry holds it."""
        return {**self.signed, "key": self.key.jwk(), "addedAt": self.added_at}


@dataclass(frozen=True, slots=True)
class Registry:
    """Certificates and revocations, both by serial, and who keeps them. Each change gives a new registry."""

    keeper: Issuer
    entries: Mapping[str, Entry] = field(default_factory=dict)
    revoked: Mapping[str, Revocation] = field(default_factory=dict)

    def add(self, raw: bytes, keys: KeyRing, at: datetime | None = None) -> "Registry":
        """Return the registry with a certificate more.

        Raises ``CertificateInvalid`` where it is not valid now by ``keys``, ``Conflict`` where it is in it already.
        """
        entry = Entry.of(raw, keys, at or datetime.now(UTC))
        serial = entry.certificate.serial
        if serial in self.entries:
            raise Conflict(f"certificate {serial} is in the registry already")
        return replace(self, entries={**self.entries, serial: entry})

    def revoke(self, serial: str, reason: str, at: datetime | None = None) -> "Registry":
        """Return the registry with a certificate revoked.

        Raises ``NotFound`` where it is not in it, ``Conflict`` where it was revoked before.
        """
        if serial not in self.entries:
            raise NotFound(f"the registry has no certificate {serial}")
        if serial in self.revoked:
            raise Conflict(f"certificate {serial} was revoked before")
        return replace(self, revoked={**self.revoked, serial: Revocation(serial, at or datetime.now(UTC), reason)})

    def standing(self, entry: Entry, at: datetime) -> Standing:
        """Say how a certificate stands at a moment."""
        if entry.certificate.serial in self.revoked:
            return "revoked"
        if at >= entry.certificate.expires_at:
            return "expired"
        return "valid" if at >= entry.certificate.issued_at else "not_yet_valid"

    def as_json(self, at: datetime) -> Json:
        """Return who conforms to what, for machines."""
        return {"entries": [self._row(each, at) for each in self.entries.values()]}

    def _row(self, entry: Entry, at: datetime) -> Json:
        said = entry.signed["certificate"]
        kept = ("serial", "subject", "kits", "supports", "standard", "how", "issuer", "issuedAt", "expiresAt")
        return {"standing": self.standing(entry, at), **{name: said[name] for name in kept}}


def read_registry(path: Path, keys: KeyRing) -> Registry:
    """Read a registry that one of ``keys`` signed; every certificate in it is verified again.

    Raises ``SettingsInvalid`` where the file cannot be read, ``CertificateInvalid`` where it is not to be relied on.
    """
    said = open_document(read_within(path, _MOST_BYTES), "registry", keys)
    try:
        entries = [Entry.from_json(each) for each in said["entries"]]
        revoked = [Revocation.from_json(each) for each in said["revoked"]]
    except ValueError as error:
        raise CertificateInvalid(f"malformed: {error}") from error
    keeper = Issuer(said["issuer"]["name"], said["issuer"]["institution"])
    by_serial = {each.certificate.serial: each for each in entries}
    if len(by_serial) != len(entries):
        raise CertificateInvalid("malformed: two certificates in the registry have one serial")
    return Registry(keeper, by_serial, {each.serial: each for each in revoked})


def write_registry(registry: Registry, path: Path, key: SigningKey, at: datetime | None = None) -> Path:
    """Sign and write a registry, and beside it the list of its revocations, whose path is returned."""
    now, keeper = at or datetime.now(UTC), registry.keeper
    content: Json = {
        "issuedAt": timestamp(now),
        "entries": [each.as_json() for each in registry.entries.values()],
        "revoked": [each.as_json() for each in registry.revoked.values()],
    }
    listed = new_revocations(registry.revoked.values(), keeper, key, now)
    signed = sign_document("registry", content, keeper, key, now)
    revocations = path.with_name(f"{path.stem}-revocations.json")
    # The list first: between the two writes a certificate is refused rather than trusted.
    write_whole(revocations, listed)
    write_whole(path, signed)
    return revocations
