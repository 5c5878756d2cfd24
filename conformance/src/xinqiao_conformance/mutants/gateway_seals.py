"""Gateways that break one requirement each, made by hand: which seals they take, and how they seal."""

import base64
from dataclasses import replace
from datetime import timedelta

from xinqiao.errors import (
    SealInvalid,
)
from xinqiao.message import read_json, write_json
from xinqiao.seal import KeyRing, Sealed, new_key, open_seal, seal
from xinqiao_conformance.mutants.gateways import mutant_gateway
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.gateway import Party, ReferenceGateway, Waiting

__all__ = ["MUTANTS"]


class _TrustsEverySeal(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        """Take any seal."""


class _VerifiesParsedJson(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        super().verify(party, replace(sealed, content=write_json(read_json(sealed.content))))


class _TrustsTheKeyName(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        if not _claims_key(sealed, party.key.kid):
            raise SealInvalid("unknown key")


def _claims_key(sealed: Sealed, kid: str) -> bool:
    header = sealed.signature.partition(".")[0]
    return f'"{kid}"'.encode() in base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))


class _IgnoresTheMiddleSegment(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        parts = sealed.signature.split(".")
        kept = f"{parts[0]}..{parts[2]}" if len(parts) == 3 else sealed.signature
        super().verify(party, replace(sealed, signature=kept))


class _TakesOldSeals(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        open_seal(sealed, KeyRing([party.key.public()]), max_age=None)


class _TakesSealsOfTomorrow(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        open_seal(sealed, KeyRing([party.key.public()]), leeway=timedelta(days=1))


class _WantsSealsOfTheLastMinute(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        open_seal(sealed, KeyRing([party.key.public()]), max_age=timedelta(minutes=1))


class _SealsWithAnotherKey(ReferenceGateway):
    def sealed(self, waiting: Waiting) -> Sealed:
        return seal(waiting.content, waiting.content_type, new_key(self.key.kid))


class _StripsPadding(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        super().verify(party, replace(sealed, signature=sealed.signature.rstrip("=")))


class _TakesWhatIsNoSeal(ReferenceGateway):
    def verify(self, party: Party, sealed: Sealed) -> None:
        if not sealed.signature or sealed.signature.count(".") == 2:
            super().verify(party, sealed)


MUTANTS: tuple[Mutant, ...] = (
    mutant_gateway("trusts every seal", "SEC-001", _TrustsEverySeal, also={"SEC-002", "SEC-003", "SEC-004", "TRN-001"}),
    mutant_gateway(
        "verifies parsed JSON", "SEC-001", _VerifiesParsedJson, also={"MSG-002", "SEC-006", "SEC-009", "TRN-001"}
    ),
    mutant_gateway(
        "trusts the key's name", "SEC-001", _TrustsTheKeyName, also={"SEC-002", "SEC-003", "SEC-004", "TRN-001"}
    ),
    mutant_gateway("ignores the middle segment", "SEC-003", _IgnoresTheMiddleSegment),
    mutant_gateway("takes old seals", "SEC-004", _TakesOldSeals, also={"TRN-001"}),
    mutant_gateway("takes seals of tomorrow", "SEC-004", _TakesSealsOfTomorrow),
    mutant_gateway("wants seals of the last minute", "SEC-004", _WantsSealsOfTheLastMinute),
    mutant_gateway("seals with another key", "SEC-002", _SealsWithAnotherKey),
    mutant_gateway("takes padded seals", "SEC-002", _StripsPadding),
    mutant_gateway("takes what is no seal", "SEC-003", _TakesWhatIsNoSeal),
)
