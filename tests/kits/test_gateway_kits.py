"""The kits of gateways: the reference passes them, each mutant fails the requirement that it breaks, and no other."""

import pytest

from tests.conformance.passing import failed_on, passed_on
from xinqiao.seal import Sealed
from xinqiao_conformance.case import cases
from xinqiao_conformance.cases.gateway.stories import story_of
from xinqiao_conformance.kits import Kit, businesses, kit_named, kits
from xinqiao_conformance.mutants import gateway as of_receipts
from xinqiao_conformance.mutants import gateway_content as of_content
from xinqiao_conformance.mutants import gateway_delivery as of_delivery
from xinqiao_conformance.mutants import gateway_grpc as over_grpc
from xinqiao_conformance.mutants import gateway_mechanical as mechanical
from xinqiao_conformance.mutants import gateway_order as of_order
from xinqiao_conformance.mutants import gateway_published as published
from xinqiao_conformance.mutants import gateway_reading as of_reading
from xinqiao_conformance.mutants import gateway_seals as of_seals
from xinqiao_conformance.mutants.gateways import declared, mutant_gateway, reference_gateway
from xinqiao_conformance.mutants.mutant import Mutant, failing
from xinqiao_conformance.references.gateway import Outcome, ReferenceGateway
from xinqiao_conformance.requirements import requirements
from xinqiao_conformance.running import planned

_KITS = [each for each in kits() if each.role == "gateway" and each.transport == "rest"]
_BY_HAND = (
    *(*of_receipts.MUTANTS, *of_seals.MUTANTS, *of_content.MUTANTS),
    *(*of_reading.MUTANTS, *of_delivery.MUTANTS, *of_order.MUTANTS),
)
_MECHANICAL = (*mechanical.MUTANTS, *published.MUTANTS)
# Whose cases are few, and what makes all of them slow.
_QUICK, _SLOW = "trading-day", "TRN-011"


@pytest.mark.parametrize("kit", _KITS, ids=lambda kit: kit.business)
def test_the_reference_meets_every_requirement(kit: Kit) -> None:
    with reference_gateway(kit) as bench:
        assert failed_on(bench, planned(declared(kit), kit)) == []


def test_the_reference_meets_every_requirement_over_grpc() -> None:
    kit = kit_named("gateway/trading-day/grpc")
    with over_grpc.reference_exchange(kit) as bench:
        assert failed_on(bench, planned(declared(kit), kit)) == []


class _AnswersNothing(ReferenceGateway):
    def accept(self, channel: str, sealed: Sealed) -> Outcome:
        return Outcome(500, {})


def test_who_answers_nothing_of_the_standard_meets_nothing() -> None:
    kit = kit_named("gateway/registration/rest")
    with reference_gateway(kit, _AnswersNothing) as bench:
        passed = {each.partition("[")[0] for each in passed_on(bench, planned(declared(kit), kit))}
    # It gives nobody else what waits, says of nothing that it is not valid, and tells nothing.
    assert passed == {
        "gateway.delivery.messages_of_a_channel_are_given_to_its_owner_alone",
        "gateway.findings.no_answer_tells_a_personal_value",
        "gateway.recorded.answers_masked",
        "gateway.recorded.valid_taken",
        "gateway.table.a_refusal_to_give_has_the_status_of_its_reason",
    }


class _BreaksDown(ReferenceGateway):
    def accept(self, channel: str, sealed: Sealed) -> Outcome:
        raise RuntimeError("a fault of the mutant's own")


def test_a_mutant_that_breaks_down_is_not_killed_by_that() -> None:
    with pytest.raises(RuntimeError, match="of the mutant's own"):
        failing(mutant_gateway("breaks down", "ENV-001", _BreaksDown), {"ENV-001"})


@pytest.mark.parametrize("kit", _KITS, ids=lambda kit: kit.business)
def test_at_least_three_cases_in_five_are_negative(kit: Kit) -> None:
    runs = planned(declared(kit), kit)
    assert sum(each.case.negative for each in runs) >= 0.6 * len(runs)


def test_every_case_has_a_name_of_its_own_in_every_kit() -> None:
    for kit in _KITS:
        names = [each.id for each in planned(declared(kit), kit)]
        assert [each for each in set(names) if names.count(each) > 1] == []


@pytest.mark.parametrize("business", businesses())
def test_a_course_has_every_message_type_that_the_partner_sends(business: str) -> None:
    sent = {step.body for step in story_of(business) if not step.is_back}
    assert set(businesses()[business].partner) <= sent


def _one_for_each_requirement(mutants: tuple[Mutant, ...]) -> list[Mutant]:
    return list({each.breaks: each for each in mutants}.values())


# All of them are the matter of ``make mutants``.
_CHOSEN = [*_BY_HAND, *_one_for_each_requirement(_MECHANICAL), *over_grpc.MUTANTS[:3]]


@pytest.mark.parametrize("mutant", _CHOSEN, ids=lambda mutant: mutant.name)
def test_a_mutant_fails_the_requirement_that_it_breaks(mutant: Mutant) -> None:
    assert mutant.breaks in failing(mutant, {mutant.breaks})


@pytest.mark.parametrize(
    "mutant",
    [each for each in _one_for_each_requirement(_BY_HAND) if each.kit.business == _QUICK and each.breaks != _SLOW][
        ::10
    ],
    ids=lambda mutant: mutant.name,
)
def test_a_mutant_fails_no_other_requirement(mutant: Mutant) -> None:
    others = {each.id for each in requirements()} - {mutant.breaks} - mutant.also
    assert failing(mutant, others) == frozenset()


def test_each_requirement_with_a_case_has_a_mutant() -> None:
    asked = {each.requirement.id for each in cases() if each.role == "gateway"}
    assert asked - {each.breaks for each in (*_BY_HAND, *_MECHANICAL)} == set()


def test_at_least_half_of_the_mutants_are_mechanical() -> None:
    assert len(_MECHANICAL) >= len(_BY_HAND)
