"""Gateways that break one requirement each, made by hand: what they expect of a case, and when."""

from xinqiao.errors import OutOfOrder
from xinqiao.message import Json, message_type
from xinqiao.standard import message_types
from xinqiao_conformance.mutants.gateways import mutant_gateway
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.gateway import ReferenceGateway

__all__ = ["MUTANTS"]


def _body(message: Json) -> str:
    return message_type(message).body


def _class_of(message: Json) -> str:
    return message_types()[_body(message)].message_class


class _TakesRequestsInAnyOrder(ReferenceGateway):
    def expects(self, message: Json) -> bool:
        try:
            return super().expects(message)
        except OutOfOrder:
            return True


class _KeepsWhatItExpectsToItself(ReferenceGateway):
    def expects(self, message: Json) -> bool:
        try:
            return super().expects(message)
        except OutOfOrder as error:
            raise OutOfOrder(error.detail) from error


class _RefusesFacts(ReferenceGateway):
    def expects(self, message: Json) -> bool:
        if not super().expects(message):
            raise OutOfOrder("not expected")
        return True


class _DeliversUnexpectedFacts(ReferenceGateway):
    def expects(self, message: Json) -> bool:
        return super().expects(message) or _class_of(message) == "FACT"


class _ParksDirectives(ReferenceGateway):
    def expects(self, message: Json) -> bool:
        return super().expects(message) and _class_of(message) != "DIRECTIVE"


class _RefusesDirectives(ReferenceGateway):
    def expects(self, message: Json) -> bool:
        if _class_of(message) == "DIRECTIVE":
            raise OutOfOrder("not expected")
        return super().expects(message)


class _FreezesNothing(ReferenceGateway):
    def expects(self, message: Json) -> bool:
        return _class_of(message) == "DIRECTIVE" or super().expects(message)


class _MakesEveryTrustEffective(ReferenceGateway):
    def expects(self, message: Json) -> bool:
        return super().expects(message) or _body(message) == "contractEffective"


class _MakesTrustsEffectiveWithoutKyc(ReferenceGateway):
    """Looks at the property only."""

    def expects(self, message: Json) -> bool:
        taken = super().expects(message)
        header = message["header"]
        case = self._cases.get((frozenset((header["sender"], header["receiver"])), header.get("caseId", "")))
        is_ready = case is not None and case.state == "delivered" and _body(message) == "contractEffective"
        return taken or is_ready


class _MakesNoTrustEffective(ReferenceGateway):
    def expects(self, message: Json) -> bool:
        return super().expects(message) and _body(message) != "contractEffective"


class _ParksEveryFact(ReferenceGateway):
    def expects(self, message: Json) -> bool:
        return super().expects(message) and (_class_of(message) != "FACT" or _body(message) == "ping")


_TRUST = "family-trust"
MUTANTS: tuple[Mutant, ...] = (
    mutant_gateway("takes requests in any order", "PRC-001", _TakesRequestsInAnyOrder, also={"PRC-003", "TRN-001"}),
    mutant_gateway("keeps what it expects to itself", "PRC-001", _KeepsWhatItExpectsToItself),
    mutant_gateway("refuses facts", "PRC-002", _RefusesFacts, also={"ENV-020", "MSG-004"}),
    mutant_gateway("delivers unexpected facts", "PRC-002", _DeliversUnexpectedFacts),
    mutant_gateway("parks directives", "PRC-003", _ParksDirectives),
    mutant_gateway("refuses directives", "PRC-003", _RefusesDirectives),
    mutant_gateway("freezes nothing", "PRC-003", _FreezesNothing),
    mutant_gateway(
        "makes every trust effective", "PRC-005", _MakesEveryTrustEffective, _TRUST, also={"PRC-002", "PRC-004"}
    ),
    mutant_gateway(
        "makes trusts effective without KYC", "PRC-004", _MakesTrustsEffectiveWithoutKyc, _TRUST, also={"PRC-002"}
    ),
    mutant_gateway("makes no trust effective", "PRC-004", _MakesNoTrustEffective, _TRUST, also={"PRC-002", "TRN-006"}),
    mutant_gateway("parks every fact", "PRC-002", _ParksEveryFact, also={"TRN-006"}),
)
