"""Receivers that break one requirement each, made from the error table, the rules and the forms of seals."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from xinqiao.errors import (
    BodyTooLarge,
    Conflict,
    DuplicateKey,
    ForbiddenXml,
    MalformedJson,
    NotValid,
    ReceiverMismatch,
    SealExpired,
    SealInvalid,
    SealMissing,
    TestMismatch,
    UnknownMessageType,
    UnsupportedMediaType,
    UnsupportedVersion,
    WrongEncoding,
    XinqiaoError,
)
from xinqiao.finding import Finding
from xinqiao.message import NOBODY, Json, timestamp
from xinqiao.outcome import receipt
from xinqiao.seal import Sealed
from xinqiao_conformance.kits import businesses
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.mutants.partners import mutant_receiver
from xinqiao_conformance.published import form_vectors
from xinqiao_conformance.references.receiver import Answered, ReferenceReceiver

__all__ = ["MUTANTS"]

_BUSINESS = "family-trust"
_FAMILY = f"receiver/{_BUSINESS}/rest"
# What only a rejection shows: where what is not valid is taken, there is none.
_OF_REJECTIONS = ("MSG-002", "MSG-020", "PRV-003")
# The reasons that a receiver gives: what each breaks, and what else follows where it takes or names it otherwise.
_REASONS: Mapping[type[XinqiaoError], tuple[str, tuple[str, ...]]] = {
    Conflict: ("ENV-003", ()),
    ReceiverMismatch: ("ENV-009", ()),
    TestMismatch: ("ENV-017", ()),
    UnsupportedVersion: ("ENV-021", ()),
    UnknownMessageType: ("ENV-022", ("MSG-004",)),
    NotValid: ("MSG-004", _OF_REJECTIONS),
    MalformedJson: ("MSG-004", ("SEC-010",)),
    WrongEncoding: ("MSG-004", ()),
    DuplicateKey: ("MSG-005", ()),
    UnsupportedMediaType: ("TRN-002", ()),
    BodyTooLarge: ("TRN-003", ()),
    ForbiddenXml: ("SEC-009", ()),
    SealExpired: ("SEC-004", ()),
    SealMissing: ("TRN-002", ()),
}


def _taking(error: type[XinqiaoError]) -> type[ReferenceReceiver]:
    class Takes(ReferenceReceiver):
        def refuse(self, fault: XinqiaoError, message: Json) -> Answered:
            refused = super().refuse(fault, message)
            return (202, self.unkept(message)) if isinstance(fault, error) else refused

        def unkept(self, message: Json) -> Json:
            """Return a receipt of what is not remembered."""
            message_id = message.get("header", {}).get("messageId", NOBODY)
            body = {"acceptedMessageId": message_id, "acceptedAt": timestamp(), "position": "1"}
            return receipt(self.institution, NOBODY, body)

    return Takes


def _with_status(error: type[XinqiaoError]) -> type[ReferenceReceiver]:
    class SaysOtherwise(ReferenceReceiver):
        def refuse(self, fault: XinqiaoError, message: Json) -> Answered:
            status, said = super().refuse(fault, message)
            other = 400 if status != 400 else 422
            return (other if isinstance(fault, error) else status), said

    return SaysOtherwise


def _with_reason(error: type[XinqiaoError]) -> type[ReferenceReceiver]:
    class SaysOtherwise(ReferenceReceiver):
        def refuse(self, fault: XinqiaoError, message: Json) -> Answered:
            status, said = super().refuse(fault, message)
            if isinstance(fault, error):
                said["rejection"]["reason"] = "reason_of_nobody"
            return status, said

    return SaysOtherwise


def _of_reasons() -> Iterator[Mutant]:
    for error, (breaks, also) in _REASONS.items():
        reason = error.reason
        yield mutant_receiver(f"takes what is {reason}", breaks, _taking(error), also=also, mechanical=True)
        follows = (*(each for each in also if each not in {"SEC-010", *_OF_REJECTIONS}), "TRN-001")
        name = f"answers {reason} with another status"
        yield mutant_receiver(name, breaks, _with_status(error), also=follows, mechanical=True)
        follows = tuple(each for each in also if each not in {"MSG-004", *_OF_REJECTIONS})
        name = f"gives {reason} another name"
        yield mutant_receiver(name, breaks, _with_reason(error), also=follows, mechanical=True)


@dataclass(frozen=True, slots=True)
class _Seal:
    """A way in which a seal is wrong: told by what the SDK says, and by the protected header."""

    name: str
    breaks: str
    is_it: Callable[[str, Json], bool]


_SEALS = (
    _Seal("the payload in its middle", "SEC-003", lambda said, _: "middle segment" in said),
    _Seal("no b64", "SEC-003", lambda said, header: "exactly" in said and "b64" not in header),
    _Seal("b64 true", "SEC-003", lambda said, header: "must say" in said and header.get("b64") is True),
    _Seal("crit without b64", "SEC-003", lambda said, header: "must say" in said and header.get("crit") != ["b64"]),
    _Seal("the name EdDSA", "SEC-003", lambda said, header: "alg" in said and header.get("alg") == "EdDSA"),
    _Seal("no algorithm", "SEC-003", lambda said, header: "alg" in said and header.get("alg") == "none"),
    _Seal("a further member", "SEC-002", lambda said, header: "exactly" in said and len(header) > 6),
    _Seal("no iat", "SEC-002", lambda said, header: "exactly" in said and "iat" not in header),
    _Seal("a fraction in iat", "SEC-002", lambda _, header: isinstance(header.get("iat"), float)),
    _Seal("padding", "SEC-002", lambda said, _: "base64url" in said),
    _Seal("a key that nobody registered", "SEC-001", lambda said, _: "registered key" in said),
    _Seal("another content type", "SEC-001", lambda said, _: said.startswith("signed as")),
    _Seal("a signature of something else", "SEC-001", lambda said, _: said.startswith("the signature is not key")),
)


def _header(sealed: Sealed) -> Json:
    protected = sealed.signature.partition(".")[0]
    try:
        header = orjson.loads(base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
    except ValueError:
        return {}
    return header if isinstance(header, dict) else {}


def _sealed_with(seal: _Seal, instead: type[XinqiaoError] | None) -> type[ReferenceReceiver]:
    class Verifies(ReferenceReceiver):
        def verify(self, sealed: Sealed) -> None:
            try:
                super().verify(sealed)
            except SealInvalid as error:
                if not seal.is_it(error.detail, _header(sealed)):
                    raise
                if instead is not None:
                    raise instead(error.detail) from error

    return Verifies


class _OfAnotherStatus(SealInvalid):
    """The reason of an invalid seal, with a status that is another's."""

    http_status = 400


def _of_seals() -> Iterator[Mutant]:
    for seal in _SEALS:
        breaks = seal.breaks
        yield mutant_receiver(f"takes a seal with {seal.name}", breaks, _sealed_with(seal, None), mechanical=True)
        name = f"answers a seal with {seal.name} with another status"
        kind = _sealed_with(seal, _OfAnotherStatus)
        yield mutant_receiver(name, breaks, kind, also=["TRN-001"], mechanical=True)
        name = f"gives a seal with {seal.name} another reason"
        yield mutant_receiver(name, breaks, _sealed_with(seal, SealExpired), mechanical=True)


def _without_rule(rule: str) -> type[ReferenceReceiver]:
    class DoesNotKnow(ReferenceReceiver):
        def findings(self, message: Json) -> Sequence[Finding]:
            return [each for each in super().findings(message) if each.rule != rule]

    return DoesNotKnow


def _louder(rule: str) -> type[ReferenceReceiver]:
    class Refuses(ReferenceReceiver):
        def findings(self, message: Json) -> Sequence[Finding]:
            found = super().findings(message)
            return [replace(each, level="ERROR") if each.rule == rule else each for each in found]

    return Refuses


def _of_rules() -> Iterator[Mutant]:
    """A receiver for each rule that decides about a vector alone: it does not know it, or takes a warning for more."""
    known: set[str] = set()
    for body in businesses()[_BUSINESS].partner:
        for each in form_vectors(body):
            rules = {finding["rule"] for finding in each.get("findings", ())} - {"schema.unknown_field", "XQ-R-009"}
            if len(rules) != 1 or rules <= known:
                continue
            known |= rules
            [rule] = rules
            if each["valid"]:
                yield mutant_receiver(f"refuses for {rule}", "MSG-004", _louder(rule), _FAMILY, mechanical=True)
            else:
                yield mutant_receiver(f"does not know {rule}", "MSG-004", _without_rule(rule), _FAMILY, mechanical=True)


MUTANTS: tuple[Mutant, ...] = (*_of_reasons(), *_of_seals(), *_of_rules())
