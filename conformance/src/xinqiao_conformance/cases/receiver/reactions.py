# ruff: noqa: D103 -- the names say it
"""What a trust company's receiver does about what it takes: money that does not fit, a death, a freeze, a repeat."""

from collections.abc import Iterator, Mapping
from typing import Any

from xinqiao.errors import (
    ContentRefused,
    MalformedJson,
    NotValid,
    ReceiverMismatch,
    SealExpired,
    SealInvalid,
    SealMissing,
    SenderMismatch,
    UnknownMessageType,
    UnsupportedVersion,
)
from xinqiao_conformance.benches.receiver import ReceiverBench
from xinqiao_conformance.benches.subject import new_case
from xinqiao_conformance.cases.receiver import case
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange
from xinqiao_conformance.simulators.cases import CaseFile

_TRUSTS = {"family-trust"}
# Money that does not fit: what is instructed before, and what the entry says otherwise.
_MISFITS: Mapping[str, tuple[bool, Mapping[str, Any]]] = {
    "without_an_instruction": (False, {}),
    "of_a_smaller_amount": (True, {"amount.value": "1.00"}),
    "of_a_larger_amount": (True, {"amount.value": "999999999.00"}),
    "from_another_payer": (True, {"counterparty.number": "6222029999999999999", "counterparty.name": "赵六"}),
}


def _misfits(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((name, name) for name in _MISFITS)


def _taken(bench: ReceiverBench, body: str, file: CaseFile, changes: Mapping[str, Any] | None = None) -> Exchange:
    exchange = bench.push(bench.message(body, file, changes))
    exchange.require_receipt()
    return exchange


def _begun(bench: ReceiverBench) -> CaseFile:
    file = CaseFile(new_case())
    for body in ("kycApplication", "contractProposal"):
        _taken(bench, body, file)
    return file


def _misfit(bench: ReceiverBench, name: str) -> Exchange:
    instructed, changes = _MISFITS[name]
    file = _begun(bench)
    if instructed:
        _taken(bench, "deliveryInstruction", file)
    return _taken(bench, "accountEntry", file, changes)


def _match(bench: ReceiverBench, entry: Exchange) -> Mapping[str, Any]:
    found: Mapping[str, Any] = bench.reaction(entry, "fundsMatch")["fundsMatch"]
    return found


@case("PRC-006", needs={"reactions"}, businesses=_TRUSTS)
def money_as_instructed_is_matched(bench: ReceiverBench) -> None:
    file = _begun(bench)
    _taken(bench, "deliveryInstruction", file)
    entry = _taken(bench, "accountEntry", file)
    matched = _match(bench, entry).get("result") == "MATCHED"
    entry.require(matched, "fundsMatch.result 为 MATCHED", "fundsMatch.result is MATCHED")


@case("PRC-006", negative=True, needs={"reactions"}, businesses=_TRUSTS, over=_misfits)
def money_that_does_not_fit_goes_to_suspense_with_the_reason(bench: ReceiverBench, name: str) -> None:
    entry = _misfit(bench, name)
    match = _match(bench, entry)
    kept = match.get("result") == "SUSPENSE" and match.get("reason")
    entry.require(kept, "fundsMatch.result 为 SUSPENSE 并附 reason", "fundsMatch.result is SUSPENSE, with a reason")


@case("PRC-005", negative=True, needs={"reactions"}, businesses=_TRUSTS, over=_misfits)
def a_trust_does_not_become_effective_by_money_that_does_not_fit(bench: ReceiverBench, name: str) -> None:
    entry = _misfit(bench, name)
    bench.settle(entry, "fundsMatch")
    effective = bench.reactions(entry, "contractEffective")
    entry.require(not effective, "不发送 contractEffective", "no message contractEffective")


@case("ENV-010", needs={"reactions"}, businesses=_TRUSTS)
def a_reaction_belongs_to_the_case_that_it_is_about(bench: ReceiverBench) -> None:
    file = CaseFile(new_case())
    asked = _taken(bench, "kycApplication", file)
    decision = bench.reaction(asked, "kycDecision")
    same = decision["header"].get("caseId") == file.case_id
    asked.require(same, f"kycDecision 的 caseId 为 {file.case_id}", f"kycDecision with caseId {file.case_id}")


@case("ENV-013", negative=True, needs={"reactions"}, businesses=_TRUSTS)
def a_repeat_has_no_second_effect(bench: ReceiverBench) -> None:
    asked = _taken(bench, "kycApplication", CaseFile(new_case()))
    bench.settle(asked, "kycDecision")
    bench.push(asked.sent).require_receipt()
    bench.settle(_taken(bench, "kycApplication", CaseFile(new_case())), "kycDecision")
    ids = {each["header"]["messageId"] for each in bench.reactions(asked, "kycDecision")}
    asked.require(len(ids) == 1, "只有一条 kycDecision", "one message kycDecision and no other")


# Reasons that are about a message itself, whatever its case: who gives one of them has not looked at the case.
_ABOUT_THE_MESSAGE = frozenset(
    each.reason
    for each in (
        *(NotValid, UnknownMessageType, UnsupportedVersion, ReceiverMismatch, SenderMismatch),
        *(SealInvalid, SealExpired, SealMissing, MalformedJson, ContentRefused),
    )
)


def _is_refused_for_its_case(asked: Exchange) -> bool:
    return asked.status >= 400 and bool(asked.reason) and asked.reason not in _ABOUT_THE_MESSAGE


# The settlor of the published examples.
_DEATH = {"partyId": "P1", "kind": "DEATH", "eventDate": "2026-01-22", "effectiveOn": "2026-01-22"}


@case("PRC-012", negative=True, needs={"process"}, businesses=_TRUSTS)
def after_the_settlors_death_is_accepted_nothing_is_taken_in_his_name(bench: ReceiverBench) -> None:
    file = _begun(bench)
    _taken(bench, "personEvent", file, _DEATH)
    asked = bench.push(bench.message("contractAmendment", file, {"requesterId": "P1"}))
    refused = _is_refused_for_its_case(asked)
    asked.require(refused, "拒绝已故委托人的申请", "a rejection of what is asked for in the dead settlor's name")


@case("PRC-012", needs={"process"}, businesses=_TRUSTS)
def after_the_settlors_death_the_trust_goes_on(bench: ReceiverBench) -> None:
    file = _begun(bench)
    _taken(bench, "deliveryInstruction", file)
    _taken(bench, "personEvent", file, _DEATH)
    _taken(bench, "accountEntry", file)


@case("PRC-013", negative=True, needs={"process"}, businesses=_TRUSTS)
def under_a_freeze_requests_of_the_case_are_refused(bench: ReceiverBench) -> None:
    file = _begun(bench)
    _taken(bench, "regulatorDirective", file, {"action": "FREEZE"})
    asked = bench.push(bench.message("deliveryInstruction", file))
    refused = _is_refused_for_its_case(asked)
    asked.require(refused, "冻结期间拒绝申请", "a rejection of what is asked for under a freeze")


@case("PRC-013", negative=True, needs={"process"}, businesses=_TRUSTS)
def a_freeze_is_taken_whatever_is_under_way_and_facts_go_on_beneath_it(bench: ReceiverBench) -> None:
    file = _begun(bench)
    _taken(bench, "deliveryInstruction", file)
    _taken(bench, "regulatorDirective", file, {"action": "FREEZE"})
    _taken(bench, "accountEntry", file)


@case("PRC-013", negative=True, needs={"process"}, businesses=_TRUSTS)
def a_freeze_of_one_case_is_none_of_another(bench: ReceiverBench) -> None:
    _taken(bench, "regulatorDirective", _begun(bench), {"action": "FREEZE"})
    _taken(bench, "deliveryInstruction", _begun(bench))
