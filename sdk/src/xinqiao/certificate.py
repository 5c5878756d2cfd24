"""Certificates: signed statements that an implementation met a set of requirements, verified without a network.

A certificate is bound to what was run, declared, found and recorded by their digests, and it expires. Its sentence of
claims is made here from what was seen, and one with another sentence is refused: who issues one can claim no more.
``schemas/certificates`` has the shape.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal, Self

from xinqiao.errors import CertificateInvalid, SettingsInvalid
from xinqiao.finding import Text
from xinqiao.keys import KeyRing, SigningKey
from xinqiao.message import Json, timestamp
from xinqiao.revocation import Revocations
from xinqiao.signed import Issuer, open_document, sign_document, thumbprint

__all__ = [
    "YEAR",
    "Certificate",
    "CertifiedKit",
    "How",
    "Issuer",
    "Refusal",
    "Seen",
    "Subject",
    "issue",
    "verify",
]

How = Literal["run", "recordings", "channel"]
# Why a certificate is refused; ``CertificateInvalid.because`` is one of them.
Refusal = Literal["malformed", "foreign_key", "tampered", "revoked", "not_yet_valid", "expired", "other_results"]
YEAR = timedelta(days=365)

_LONGEST = 3 * YEAR
# How far the issuer's clock may be ahead.
_LEEWAY = timedelta(minutes=1)
# Whose day it is.
_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Subject:
    """Who was tested: ``product`` and ``version`` are what they run, empty where they do not say."""

    name: str
    institution: str
    product: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class CertifiedKit:
    """A kit in numbers: ``requirements`` met, ``warnings`` that should be met and are not, ``unseen`` of which there
    was nothing to see, ``cases`` run and how many of them ``negative``, that is wrong or hostile.
    """

    kit: str
    requirements: int
    warnings: int
    unseen: int
    cases: int
    negative: int

    def as_json(self) -> Json:
        """Return it as the certificate holds it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to certify: the digests (``sha256:…``) name what was run, declared, found and recorded.

    ``results`` is the digest of the bytes of ``results.json``; ``root`` is that over the ``exchanges`` recorded.
    ``supports``: the features that were declared; of others nothing was asked.
    """

    subject: Subject
    standard: str
    kits: tuple[CertifiedKit, ...]
    suite: str
    declaration: str
    results: str
    root: str
    exchanges: int
    how: How
    tested_at: datetime
    supports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that was verified: what was seen, who says so, from when until when.

    ``kid`` and ``thumbprint`` are those of the key that signed it; the name of ``issuer`` is what its holder says.
    """

    serial: str
    issuer: Issuer
    kid: str
    thumbprint: str
    seen: Seen
    issued_at: datetime
    expires_at: datetime
    claims: Text

    @classmethod
    def from_json(cls, said: Json) -> Self:
        """Read the content of a certificate, which the schema allows. Raises ``ValueError`` for a day that is none."""
        parts = {name: said[name] for name in ("standard", "suite", "declaration", "results", "how")}
        return cls(
            serial=said["serial"],
            issuer=Issuer(said["issuer"]["name"], said["issuer"]["institution"]),
            kid=said["issuer"]["kid"],
            thumbprint=said["issuer"]["thumbprint"],
            seen=Seen(
                subject=Subject(**said["subject"]),
                kits=tuple(CertifiedKit(**each) for each in said["kits"]),
                root=said["evidence"]["root"],
                exchanges=said["evidence"]["exchanges"],
                tested_at=datetime.fromisoformat(said["testedAt"]),
                supports=tuple(said["supports"]),
                **parts,
            ),
            issued_at=datetime.fromisoformat(said["issuedAt"]),
            expires_at=datetime.fromisoformat(said["expiresAt"]),
            claims=Text(**said["claims"]),
        )


def issue(
    seen: Seen, issuer: Issuer, key: SigningKey, *, lasting: timedelta = YEAR, at: datetime | None = None
) -> bytes:
    """Return the file of a certificate over what was seen, at most three years valid.

    Raises ``SettingsInvalid`` where a part cannot be in a certificate.
    """
    now = (at or datetime.now(UTC)).astimezone(UTC)
    if not timedelta(0) < lasting <= _LONGEST:
        raise SettingsInvalid(f"a certificate lasts at most {_LONGEST.days} days, not {lasting.days}")
    if seen.tested_at > now + _LEEWAY:
        raise SettingsInvalid(f"what was tested at {timestamp(seen.tested_at)} cannot be certified before")
    content = {
        "serial": f"XQC-{now:%Y%m%d}-{secrets.token_hex(8)}",
        "subject": {name: getattr(seen.subject, name) for name in Subject.__slots__},
        "standard": seen.standard,
        "kits": [each.as_json() for each in seen.kits],
        "supports": list(seen.supports),
        "suite": seen.suite,
        "declaration": seen.declaration,
        "results": seen.results,
        "evidence": {"root": seen.root, "exchanges": seen.exchanges},
        "how": seen.how,
        "testedAt": timestamp(seen.tested_at),
        "issuedAt": timestamp(now),
        "expiresAt": timestamp(now + lasting),
        "claims": _claims(seen, issuer).as_json(),
    }
    return sign_document("certificate", content, issuer, key, now)


def verify(
    raw: bytes,
    keys: KeyRing,
    *,
    at: datetime | None = None,
    revocations: Revocations | None = None,
    keepers: KeyRing | None = None,
    results: bytes | None = None,
) -> Certificate:
    """Return the certificate in a file, verified offline against the keys of issuers who are trusted.

    ``revocations`` is a list that was read before; it is signed with the issuer's key, or with one of the ``keepers``,
    who may revoke what others issued. ``results`` is the content of the ``results.json`` that it should be of. Raises
    ``CertificateInvalid``, whose ``because`` is the ``Refusal``, and ``SettingsInvalid`` for a list of somebody else.
    """
    certificate = _certificate(open_document(raw, "certificate", keys))
    now = at or datetime.now(UTC)
    if revocations is not None:
        _require_theirs(revocations, certificate, keepers or KeyRing())
        if revoked := revocations.find(certificate.serial):
            raise CertificateInvalid(f"revoked: {revoked.serial} at {timestamp(revoked.at)}: {revoked.reason}")
    if now + _LEEWAY < certificate.issued_at:
        raise CertificateInvalid(f"not_yet_valid: valid from {timestamp(certificate.issued_at)}")
    if now >= certificate.expires_at:
        raise CertificateInvalid(f"expired: it was valid until {timestamp(certificate.expires_at)}")
    if results is not None and (digest := _digest(results)) != certificate.seen.results:
        raise CertificateInvalid(f"other_results: it is of results {certificate.seen.results}, these are {digest}")
    return certificate


def _certificate(said: Json) -> Certificate:
    try:
        certificate = Certificate.from_json(said)
    except ValueError as error:
        raise CertificateInvalid(f"malformed: {error}") from error
    if not timedelta(0) < certificate.expires_at - certificate.issued_at <= _LONGEST:
        raise CertificateInvalid(f"malformed: it lasts from {said['issuedAt']} to {said['expiresAt']}")
    if certificate.claims != _claims(certificate.seen, certificate.issuer):
        raise CertificateInvalid("malformed: its sentence of claims is not the one of what was seen")
    return certificate


def _require_theirs(revocations: Revocations, certificate: Certificate, keepers: KeyRing) -> None:
    """Hold a list to who may revoke a certificate: its issuer, and keepers whom the reader names as such."""
    if revocations.key not in {certificate.thumbprint, *map(thumbprint, keepers)}:
        raise SettingsInvalid(
            f"the list of revocations of {revocations.issuer.name} is signed with the key {revocations.key}, which is "
            f"neither that of the certificate ({certificate.thumbprint}) nor a keeper's; name its keeper's public key"
        )


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


# What is said of each way to look, and no more.
_SAID: Mapping[How, Text] = {
    "run": Text(
        "{issuer}证明：一致性测试工具于 {day} 实际运行了{whose}，其符合本证书按套件计数的各项要求。"
        "本证书不涉及其他版本、未列出的套件，也不涉及此后的变化。",
        "{issuer} states that {whose} met the requirements counted here, kit by kit, when the conformance suite ran it "
        "on {day}. It says nothing of other versions, of kits not listed, or of what changed since.",
    ),
    "recordings": Text(
        "{issuer}证明：{whose}的 {exchanges} 次报文往来记录于 {day} 经判读，凡记录中可见且在此计数的要求均符合。"
        "测试工具未运行该系统，不证明记录完整；记录中未见的要求计为“未见”（unseen）。",
        "{issuer} states that {exchanges} recorded {noun} of {whose}, judged on {day}, met the requirements "
        "counted here. The suite did not run the system and does not attest that the recordings are complete; "
        "requirements that they do not show are counted as unseen.",
    ),
    "channel": Text(
        "{issuer}证明：其网关某一渠道所连接的{whose}于 {day} 经一致性测试工具测试，符合本证书按套件计数的各项要求。"
        "本证书不涉及其他接入地址、未列出的套件，也不涉及此后的变化。",
        "{issuer} states that {whose}, as a channel of its gateway reaches it, met the requirements counted here, kit "
        "by kit, when the conformance suite tested it on {day}. It says nothing of other addresses, of kits not "
        "listed, or of what changed since.",
    ),
}


def _claims(seen: Seen, issuer: Issuer) -> Text:
    who, what = seen.subject.name, " ".join(filter(None, (seen.subject.product, seen.subject.version)))
    facts = {
        "issuer": issuer.name,
        "day": f"{seen.tested_at.astimezone(_CHINA):%Y-%m-%d}",
        "exchanges": seen.exchanges,
        "noun": "exchange" if seen.exchanges == 1 else "exchanges",
    }
    zh, en = _SAID[seen.how]
    return Text(
        zh.format(whose=f"{who}的{what}" if what else f"{who}的系统", **facts),
        en.format(whose=f"{what} of {who}" if what else f"the system of {who}", **facts),
    )
