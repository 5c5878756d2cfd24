"""The kits of senders: the reference passes them, each mutant fails the requirement that it breaks, and that alone."""

import re

import pytest

from tests.conformance.passing import failed_on, passed_on
from xinqiao.message import Json
from xinqiao.transport import Answer
from xinqiao_conformance.benches.web import Request, Response
from xinqiao_conformance.kits import Kit, kit_named, kits
from xinqiao_conformance.mutants import sender as by_hand
from xinqiao_conformance.mutants import sender_mechanical as mechanical
from xinqiao_conformance.mutants.mutant import Mutant, failing
from xinqiao_conformance.mutants.partners import declared, mutant_sender, reference_sender
from xinqiao_conformance.observing import Breach
from xinqiao_conformance.references.sender import ReferenceSender
from xinqiao_conformance.requirements import requirements
from xinqiao_conformance.running import planned

_KITS = [each for each in kits() if each.role == "sender" and each.transport == "rest"]
_GRPC = kit_named("sender/registration/grpc")
# Cases of retries wait as they must: they are run in one kit, the others in every one.
_WAITING = "TRN-004"
_FAMILY = kit_named("sender/family-trust/rest")


def _failed(kit: Kit, *, waits: bool) -> list[str]:
    runs = [each for each in planned(declared(kit), kit) if waits or each.case.requirement.id != _WAITING]
    with reference_sender(kit) as bench:
        return failed_on(bench, runs)


@pytest.mark.parametrize("kit", [*_KITS, _GRPC], ids=lambda kit: kit.id)
def test_the_reference_passes_every_case(kit: Kit) -> None:
    assert _failed(kit, waits=kit == _FAMILY) == []


@pytest.mark.parametrize("kit", _KITS, ids=lambda kit: kit.business)
def test_at_least_three_cases_in_five_are_negative(kit: Kit) -> None:
    runs = planned(declared(kit), kit)
    assert sum(each.case.negative for each in runs) >= 0.6 * len(runs)


class _SendsNothing(ReferenceSender):
    def handle(self, request: Request) -> Response:
        return Response(404)


def test_who_sends_nothing_meets_nothing() -> None:
    with reference_sender(_FAMILY, _SendsNothing) as bench:
        passed = passed_on(bench, planned(declared(_FAMILY), _FAMILY))
    assert passed == []


class _TellsOfACustomer(ReferenceSender):
    def outcome(self, message: Json, answer: Answer | None) -> str:
        return "failed: 客户王小明 13800001111"


def test_a_finding_does_not_tell_what_a_subject_says_in_words_of_its_own() -> None:
    with reference_sender(_FAMILY, _TellsOfACustomer) as bench:
        sent = bench.send("kycApplication")
    with pytest.raises(Breach) as breach:
        sent.require(False, "结果为 accepted", "the outcome accepted")
    assert not re.search("王小明|13800001111", str(breach.value))


class _GivesUpAtOnce(ReferenceSender):
    def is_final(self, answer: Answer | None) -> bool:
        return True


class _TrustsAnyAnswer(ReferenceSender):
    def outcome(self, message: Json, answer: Answer | None) -> str:
        return "accepted" if answer else super().outcome(message, answer)


@pytest.mark.parametrize(("breaks", "kind"), [("TRN-004", _GivesUpAtOnce), ("TRN-008", _TrustsAnyAnswer)])
def test_over_grpc_too_a_mutant_fails_the_requirement_that_it_breaks(breaks: str, kind: type[ReferenceSender]) -> None:
    assert breaks in failing(mutant_sender("is wrong over gRPC", breaks, kind, _GRPC.id), {breaks})


def _one_for_each_requirement(mutants: tuple[Mutant, ...]) -> list[Mutant]:
    return list({each.breaks: each for each in mutants}.values())


# All of them are the matter of ``make mutants``.
_CHOSEN = [*by_hand.MUTANTS, *_one_for_each_requirement(mechanical.MUTANTS)]


@pytest.mark.parametrize("mutant", _CHOSEN, ids=lambda mutant: mutant.name)
def test_a_mutant_fails_the_requirement_that_it_breaks(mutant: Mutant) -> None:
    assert mutant.breaks in failing(mutant, {mutant.breaks})


@pytest.mark.parametrize("mutant", _one_for_each_requirement(by_hand.MUTANTS)[::4], ids=lambda mutant: mutant.name)
def test_a_mutant_fails_no_other_requirement(mutant: Mutant) -> None:
    others = {each.id for each in requirements()} - {_WAITING, mutant.breaks} - mutant.also
    assert failing(mutant, others) == frozenset()


def test_each_requirement_with_a_case_has_a_mutant() -> None:
    asked = {run.case.requirement.id for kit in _KITS for run in planned(declared(kit), kit)}
    broken = {each.breaks for each in (*by_hand.MUTANTS, *mechanical.MUTANTS)}
    assert asked - broken == set()


def test_at_least_half_of_the_mutants_are_mechanical() -> None:
    assert len(mechanical.MUTANTS) >= len(by_hand.MUTANTS)
