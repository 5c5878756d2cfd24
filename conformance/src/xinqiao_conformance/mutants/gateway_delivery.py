"""Gateways that break one requirement each, made by hand: whom they serve, and what they deliver."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from xinqiao.errors import NotAuthorized, OutOfOrder, SealInvalid
from xinqiao.message import Json, read_json, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, Sealed, open_token
from xinqiao_conformance.benches.web import Request
from xinqiao_conformance.mutants.gateways import mutant_gateway
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.gateway import Outcome, Party, ReferenceGateway, Waiting, parties

__all__ = ["MUTANTS"]


class _TakesAnySender(ReferenceGateway):
    def require_sender(self, party: Party, header: Json) -> None:
        """Take it from anybody."""


class _LooksAtTheInstitutionOnly(ReferenceGateway):
    def require_sender(self, party: Party, header: Json) -> None:
        super().require_sender(party, {name: part for name, part in header.items() if name != "channelId"})


class _TakesAnyReceiver(ReferenceGateway):
    def require_receiver(self, header: Json) -> None:
        """Take it for anybody."""

    def deliver(self, message: Json, waiting: Waiting) -> None:
        if message["header"]["receiver"] in {each.institution for each in parties().values()}:
            super().deliver(message, waiting)


class _TakesProduction(ReferenceGateway):
    def require_parties(self, party: Party, header: Json) -> None:
        super().require_parties(party, {**header, "test": True})


class _KeepsProductionBack(ReferenceGateway):
    """Refuses it, after it was handed on."""

    def require_parties(self, party: Party, header: Json) -> None:
        vars(self)["astray"] = not header.get("test")
        super().require_parties(party, header)

    def read(self, sealed: Sealed) -> Json:
        message = super().read(sealed)
        header = message.get("header", {})
        if isinstance(header, dict) and "test" not in header and header.get("standardVersion") == "1.0":
            self.waiting["core"].append(Waiting(sealed.content, sealed.content_type))
        return message


class _DeliversRepeats(ReferenceGateway):
    def admit(self, message: Json, waiting: Waiting) -> Outcome:
        outcome = super().admit(message, waiting)
        if outcome.status == 200:
            self.deliver(message, waiting)
        return outcome


class _Rewrites(ReferenceGateway):
    """Does something to JSON on its way out."""

    def sealed(self, waiting: Waiting) -> Sealed:
        if waiting.content_type.startswith(CONTENT_TYPE_JSON):
            waiting = replace(waiting, content=write_json(self.rewritten(read_json(waiting.content))))
        return super().sealed(waiting)

    def rewritten(self, message: Json) -> Json:
        """Return what goes out."""
        return message


class _EncodesAnew(_Rewrites):
    """Changes nothing of what a message says."""


class _LeavesOutUnknownFields(_Rewrites):
    def rewritten(self, message: Json) -> Json:
        found: Json = _known(message)
        return found


def _known(part: Any) -> Any:  # noqa: ANN401 -- any part of a message
    if isinstance(part, dict):
        return {name: _known(each) for name, each in part.items() if name != "fieldOfTomorrow"}
    return [_known(each) for each in part] if isinstance(part, list) else part


class _LosesThePartnersSerial(_Rewrites):
    def rewritten(self, message: Json) -> Json:
        header = {name: part for name, part in message["header"].items() if name != "partnerSerial"}
        return {**message, "header": header}


class _DeliversTheLastFirst(ReferenceGateway):
    def page(self, party: Party, after: int, limit: int) -> tuple[Sequence[Sealed], int]:
        sealed, cursor = super().page(party, after, limit)
        return sealed[::-1], cursor


class _DeliversTheLongFirst(ReferenceGateway):
    def page(self, party: Party, after: int, limit: int) -> tuple[Sequence[Sealed], int]:
        sealed, cursor = super().page(party, after, limit)
        return sorted(sealed, key=lambda each: -len(each.content)), cursor


class _DeliversOneAfterTheOther(ReferenceGateway):
    """Holds every channel back while another has much to fetch."""

    def page(self, party: Party, after: int, limit: int) -> tuple[Sequence[Sealed], int]:
        fetched = vars(self).setdefault("fetched", {})
        fetched[party.channel] = max(after, fetched.get(party.channel, 0))
        others = (name for name in self.waiting if name != party.channel)
        if any(len(self.waiting[name]) - fetched.get(name, 0) > 20 for name in others):
            return [], after
        return super().page(party, after, limit)


class _ForgetsWhatWasFetched(ReferenceGateway):
    def page(self, party: Party, after: int, limit: int) -> tuple[Sequence[Sealed], int]:
        given = vars(self).setdefault("given", {})
        first = max(after, given.get(party.channel, 0))
        sealed, cursor = super().page(party, first, limit)
        given[party.channel] = cursor
        return sealed, cursor


class _TakesAnyCursor(ReferenceGateway):
    def page(self, party: Party, after: int, limit: int) -> tuple[Sequence[Sealed], int]:
        return super().page(party, min(after, len(self.waiting[party.channel])), limit)


class _DropsWhatCannotBeFetched(ReferenceGateway):
    def authorise(self, party: Party, token: str) -> None:
        try:
            super().authorise(party, token)
        except NotAuthorized:
            self.waiting[party.channel] = [Waiting(b"{}", "application/json") for _ in self.waiting[party.channel]]
            raise


class _LeavesOutTheLastOfAPage(ReferenceGateway):
    def page(self, party: Party, after: int, limit: int) -> tuple[Sequence[Sealed], int]:
        sealed, cursor = super().page(party, after, limit)
        return (sealed[:-1] if len(sealed) > 1 else sealed), cursor


class _GivesToAnybody(ReferenceGateway):
    def authorise(self, party: Party, token: str) -> None:
        """Let everybody in."""


class _GivesToWhomeverItKnows(ReferenceGateway):
    def authorise(self, party: Party, token: str) -> None:  # noqa: ARG002
        open_token(token, KeyRing(each.key.public() for each in parties().values()))


class _TakesOldTokens(ReferenceGateway):
    def authorise(self, party: Party, token: str) -> None:
        open_token(token, KeyRing([party.key.public()]))


class _DeliversToAll(ReferenceGateway):
    def deliver(self, message: Json, waiting: Waiting) -> None:  # noqa: ARG002
        for channel in parties():
            self.waiting[channel].append(waiting)


class _KnowsSendersByTheirKeys(ReferenceGateway):
    """Asks whose key sealed a message, and not over whose channel it came."""

    def find(self, channel: str) -> Party:
        vars(self)["owner"] = None
        return super().find(channel)

    def verify(self, party: Party, sealed: Sealed) -> None:
        for each in parties().values():
            try:
                super().verify(each, sealed)
            except SealInvalid:
                continue
            vars(self)["owner"] = each
            return
        super().verify(party, sealed)

    def require_sender(self, party: Party, header: Json) -> None:
        owner: Party = vars(self)["owner"] or party
        super().require_sender(owner, header)


class _StopsAfterLargeBodies(ReferenceGateway):
    def take(self, channel: str, request: Request) -> Outcome:
        if len(request.body or b"") > 1_048_576:
            vars(self)["stopped"] = True
        if vars(self).get("stopped") and len(request.body or b"") <= 1_048_576:
            raise OutOfOrder("restarting")
        return super().take(channel, request)


MUTANTS: tuple[Mutant, ...] = (
    mutant_gateway("takes any sender", "ENV-008", _TakesAnySender, also={"TRN-001"}),
    mutant_gateway("looks at the institution only", "ENV-008", _LooksAtTheInstitutionOnly),
    mutant_gateway("takes any receiver", "ENV-009", _TakesAnyReceiver, also={"TRN-001"}),
    mutant_gateway("takes production", "ENV-017", _TakesProduction, also={"TRN-001"}),
    mutant_gateway("hands production on before it refuses it", "ENV-017", _KeepsProductionBack),
    mutant_gateway("delivers repeats", "ENV-013", _DeliversRepeats),
    mutant_gateway("encodes anew", "SEC-006", _EncodesAnew),
    mutant_gateway("leaves out unknown fields", "ENV-020", _LeavesOutUnknownFields, also={"SEC-006"}),
    mutant_gateway("loses the partner's serial", "MSG-013", _LosesThePartnersSerial, also={"SEC-006"}),
    mutant_gateway("delivers the last first", "TRN-006", _DeliversTheLastFirst),
    mutant_gateway("delivers the long first", "TRN-006", _DeliversTheLongFirst),
    mutant_gateway(
        "delivers one channel after the other",
        "TRN-007",
        _DeliversOneAfterTheOther,
        also={"PRC-002", "PRC-003", "SEC-002", "SEC-006", "SEC-008", "TRN-006", "TRN-008", "TRN-009"},
    ),
    mutant_gateway("forgets what was fetched", "TRN-008", _ForgetsWhatWasFetched),
    mutant_gateway("takes any cursor", "TRN-008", _TakesAnyCursor),
    mutant_gateway("drops what cannot be fetched", "TRN-009", _DropsWhatCannotBeFetched),
    mutant_gateway(
        "leaves out the last of a page",
        "TRN-009",
        _LeavesOutTheLastOfAPage,
        also={"ENV-013", "ENV-020", "PRC-002", "PRC-003", "SEC-002", "SEC-006", "SEC-008", "TRN-006"},
    ),
    mutant_gateway("gives to anybody", "SEC-008", _GivesToAnybody, also={"TRN-001"}),
    mutant_gateway("gives to whomever it knows", "SEC-008", _GivesToWhomeverItKnows),
    mutant_gateway("takes old tokens", "SEC-008", _TakesOldTokens),
    mutant_gateway("delivers to all", "SEC-008", _DeliversToAll),
    mutant_gateway("knows senders by their keys", "ENV-008", _KnowsSendersByTheirKeys, also={"SEC-001"}),
    mutant_gateway(
        "stops after large bodies",
        "TRN-003",
        _StopsAfterLargeBodies,
        also={"TRN-001", "TRN-002", "TRN-006", "TRN-007", "TRN-008", "TRN-009", "TRN-011"},
    ),
)
