"""Gateways that break one requirement each, made from the error table and the parts of an answer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import orjson

from xinqiao.errors import (
    BodyTooLarge,
    CaseMissing,
    Conflict,
    DuplicateKey,
    ForbiddenXml,
    MalformedJson,
    MalformedQuery,
    MalformedXml,
    NotAuthorized,
    NotValid,
    OutOfOrder,
    PolicyForbids,
    ReceiverMismatch,
    SealExpired,
    SealInvalid,
    SealMissing,
    SenderMismatch,
    UnknownChannel,
    UnknownMessageType,
    UnsupportedMediaType,
    UnsupportedVersion,
    WrongEncoding,
    XinqiaoError,
)
from xinqiao.errors import TestMismatch as OtherEnvironment
from xinqiao.message import Json, new_message_id, timestamp
from xinqiao.outcome import NOBODY, receipt
from xinqiao_conformance.mutants.gateways import mutant_gateway
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.gateway import Outcome, ReferenceGateway

__all__ = ["MUTANTS", "REASONS", "STATUSES"]

_Kind = type[ReferenceGateway]
_FAMILY = "family-trust"

# The reasons that a sender can provoke: which requirement says that what provokes it is refused for it.
REASONS: Mapping[type[XinqiaoError], str] = {
    MalformedJson: "TRN-001",
    DuplicateKey: "MSG-005",
    WrongEncoding: "MSG-006",
    BodyTooLarge: "TRN-003",
    UnsupportedMediaType: "TRN-002",
    UnknownChannel: "TRN-001",
    SealMissing: "TRN-001",
    SealInvalid: "SEC-001",
    SealExpired: "SEC-004",
    NotAuthorized: "SEC-008",
    SenderMismatch: "ENV-008",
    ReceiverMismatch: "ENV-009",
    OtherEnvironment: "ENV-017",
    MalformedQuery: "TRN-008",
    UnknownMessageType: "ENV-022",
    UnsupportedVersion: "ENV-021",
    NotValid: "MSG-001",
    Conflict: "ENV-003",
    CaseMissing: "PRC-001",
    OutOfOrder: "PRC-001",
    ForbiddenXml: "SEC-009",
    MalformedXml: "TRN-001",
}
# What says which status these have, beside the table.
STATUSES: Mapping[type[XinqiaoError], str] = {NotValid: "MSG-001", Conflict: "ENV-003", SealInvalid: "SEC-001"}


def _taking(error: type[XinqiaoError]) -> _Kind:
    class Takes(ReferenceGateway):
        def refuse(self, fault: XinqiaoError, message: Json) -> Outcome:
            if not isinstance(fault, error):
                return super().refuse(fault, message)
            header = message.get("header")
            message_id = header.get("messageId") if isinstance(header, dict) else None
            named = {"acceptedMessageId": message_id or new_message_id(), "acceptedAt": timestamp(), "position": "1"}
            return Outcome(202, receipt(self.institution, NOBODY, named))

    return Takes


def _with_status(error: type[XinqiaoError]) -> _Kind:
    class SaysAnotherStatus(ReferenceGateway):
        def refuse(self, fault: XinqiaoError, message: Json) -> Outcome:
            outcome = super().refuse(fault, message)
            other = 400 if outcome.status != 400 else 422
            return replace(outcome, status=other) if isinstance(fault, error) else outcome

    return SaysAnotherStatus


def _with_reason(error: type[XinqiaoError]) -> _Kind:
    class GivesAnotherReason(ReferenceGateway):
        def refuse(self, fault: XinqiaoError, message: Json) -> Outcome:
            return super().refuse(PolicyForbids() if isinstance(fault, error) else fault, message)

    return GivesAnotherReason


def _of_reasons() -> Iterator[Mutant]:
    for error, breaks in REASONS.items():
        business = _FAMILY if error in (CaseMissing, OutOfOrder) else "trading-day"
        status = STATUSES.get(error, "SEC-009" if error is ForbiddenXml else "TRN-001")
        yield _made(f"takes what is {error.reason}", breaks, _taking(error), business)
        yield _made(f"gives {error.reason} another reason", breaks, _with_reason(error), business)
        if error is not ForbiddenXml:
            yield _made(f"gives {error.reason} another status", status, _with_status(error), business)


def _made(
    name: str,
    breaks: str,
    kind: Callable[[], ReferenceGateway],
    business: str = "trading-day",
    also: Iterable[str] = (),
) -> Mutant:
    return mutant_gateway(name, breaks, kind, business, also, mechanical=True)


# --- parts of answers


def _cut(outcome: Outcome, path: Sequence[str]) -> Outcome:
    """Return an answer without the part at a path."""
    message: Json = orjson.loads(orjson.dumps(outcome.message))
    part = message
    for name in path[:-1]:
        part = part.get(name, {})
    part.pop(path[-1], None)
    return replace(outcome, message=message)


def _accepts_without(*path: str) -> _Kind:
    class AcceptsWithout(ReferenceGateway):
        def answer(self, message: Json, status: int, body: Json) -> Outcome:
            return _cut(super().answer(message, status, body), path)

    return AcceptsWithout


def _refuses_without(*path: str) -> _Kind:
    class RefusesWithout(ReferenceGateway):
        def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
            return _cut(super().refuse(error, message), path)

    return RefusesWithout


def _finds_without(*path: str) -> _Kind:
    class FindsWithout(ReferenceGateway):
        def refuse(self, error: XinqiaoError, message: Json) -> Outcome:
            outcome = super().refuse(error, message)
            body = outcome.message["rejection"]
            findings = [_cut(Outcome(0, each), path).message for each in body.get("findings", ())]
            said = {**body, "findings": findings} if findings else body
            return replace(outcome, message={**outcome.message, "rejection": said})

    return FindsWithout


_RECEIPT = {
    "acceptedMessageId": "ENV-001",
    "acceptedAt": "MSG-002",
    "position": "ENV-001",
    "digest": "MSG-002",
    "proof": "ENV-019",
}
_HEADER = {
    "messageId": "MSG-002",
    "standardVersion": "MSG-002",
    "sender": "MSG-002",
    "receiver": "MSG-002",
    "correlationId": "ENV-011",
    "createdAt": "MSG-002",
}
_REJECTION = {
    "reason": "TRN-001",
    "text": "TRN-001",
    "text zh": "TRN-001",
    "text en": "TRN-001",
    "retryable": "MSG-002",
    "findings": "MSG-001",
    "expected": "PRC-001",
}
_FINDING = {
    "rule": "MSG-001",
    "path": "MSG-001",
    "text": "MSG-001",
    "text zh": "MSG-001",
    "text en": "MSG-001",
    "level": "MSG-020",
}


def _of_parts() -> Iterator[Mutant]:
    for name, breaks in _RECEIPT.items():
        yield _made(f"gives receipts without {name}", breaks, _accepts_without("receipt", name))
    for name in _RECEIPT:
        if name != "proof":
            yield _made(f"proves with no {name}", "ENV-019", _accepts_without("receipt", name))
    for name, breaks in _HEADER.items():
        yield _made(f"gives receipts without header {name}", breaks, _accepts_without("header", name))
        yield _made(f"gives rejections without header {name}", breaks, _refuses_without("header", name))
    for name, breaks in _REJECTION.items():
        yield _made(f"gives rejections without {name}", breaks, _refuses_without("rejection", *name.split()), _FAMILY)
    for name, breaks in _FINDING.items():
        yield _made(f"gives findings without {name}", breaks, _finds_without(*name.split()), also={"MSG-002"})
    for name in ("batch", "treeSize", "leafIndex", "salt", "witness", "previous", "signature"):
        kind = _accepts_without("receipt", "proof", name)
        yield _made(f"proves without {name}", "ENV-019", kind, also={"MSG-002"})


MUTANTS: tuple[Mutant, ...] = (*_of_reasons(), *_of_parts())
