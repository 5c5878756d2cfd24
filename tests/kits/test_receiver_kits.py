"""The kits of receivers: the reference passes them, each mutant fails the requirement that it breaks, no other."""

from importlib.resources import files

import orjson
import pytest

from tests.conformance.passing import failed_on, passed_on
from xinqiao_conformance.benches import forging
from xinqiao_conformance.benches.forging import FORGERIES
from xinqiao_conformance.benches.web import Request, Response
from xinqiao_conformance.kits import Kit, kit_named, kits
from xinqiao_conformance.mutants import receiver as by_hand
from xinqiao_conformance.mutants import receiver_mechanical as mechanical
from xinqiao_conformance.mutants import receiver_reacting as reacting
from xinqiao_conformance.mutants.mutant import Mutant, failing
from xinqiao_conformance.mutants.partners import declared, reference_receiver
from xinqiao_conformance.references.receiver import ReactingReceiver, ReferenceReceiver
from xinqiao_conformance.requirements import requirements
from xinqiao_conformance.running import planned

_KITS = [each for each in kits() if each.role == "receiver"]


def _failed(kit: Kit, kind: type[ReferenceReceiver], theme: str = "") -> list[str]:
    with reference_receiver(kit, kind) as bench:
        return failed_on(bench, [each for each in planned(declared(kit, kind), kit) if theme in each.id])


@pytest.mark.parametrize("kit", _KITS, ids=lambda kit: kit.business)
def test_the_reference_passes_every_case(kit: Kit) -> None:
    assert _failed(kit, ReferenceReceiver) == []


class _AnswersNothing(ReferenceReceiver):
    def handle(self, request: Request) -> Response:
        return Response(500)


def test_who_answers_nothing_of_the_standard_meets_nothing() -> None:
    kit = kit_named("receiver/registration/rest")
    with reference_receiver(kit, _AnswersNothing) as bench:
        passed = passed_on(bench, planned(declared(kit), kit))
    # Of an answer that says nothing it is true that it tells nothing.
    assert passed == ["receiver.recorded.answers_masked"]


def test_the_reference_that_reacts_passes_every_case_about_it() -> None:
    assert _failed(kit_named("receiver/family-trust/rest"), ReactingReceiver, "receiver.reactions") == []


@pytest.mark.parametrize("kit", _KITS, ids=lambda kit: kit.business)
def test_at_least_three_cases_in_five_are_negative(kit: Kit) -> None:
    runs = planned(declared(kit), kit)
    assert sum(each.case.negative for each in runs) >= 0.6 * len(runs)


def _one_for_each_requirement(mutants: tuple[Mutant, ...]) -> list[Mutant]:
    return list({each.breaks: each for each in mutants}.values())


# All of them are the matter of ``make mutants``.
_CHOSEN = [*by_hand.MUTANTS, *reacting.MUTANTS, *_one_for_each_requirement(mechanical.MUTANTS)]


@pytest.mark.parametrize("mutant", _CHOSEN, ids=lambda mutant: mutant.name)
def test_a_mutant_fails_the_requirement_that_it_breaks(mutant: Mutant) -> None:
    assert mutant.breaks in failing(mutant, {mutant.breaks})


@pytest.mark.parametrize("mutant", _one_for_each_requirement(by_hand.MUTANTS)[::4], ids=lambda mutant: mutant.name)
def test_a_mutant_fails_no_other_requirement(mutant: Mutant) -> None:
    others = {each.id for each in requirements()} - {mutant.breaks} - mutant.also
    assert failing(mutant, others) == frozenset()


def test_each_requirement_with_a_case_has_a_mutant() -> None:
    asked = {run.case.requirement.id for kit in _KITS for run in planned(declared(kit, ReactingReceiver), kit)}
    broken = {each.breaks for each in (*by_hand.MUTANTS, *reacting.MUTANTS, *mechanical.MUTANTS)}
    assert asked - broken == set()


def test_at_least_half_of_the_mutants_are_mechanical() -> None:
    assert len(mechanical.MUTANTS) >= len(by_hand.MUTANTS) + len(reacting.MUTANTS)


def test_every_published_seal_is_made_anew_and_pushed() -> None:
    path = files("xinqiao") / "schemas" / "vectors" / "sealed.json"
    published = {each["name"] for each in orjson.loads(path.read_bytes())["cases"]}
    # Their seals open, and their content is no message.
    no_messages = {"bytes that are no UTF-8", "no bytes at all"}
    groups = (forging.RIGHT, forging.IN_TIME, forging.FOREIGN, forging.FORM, forging.MEMBERS, forging.OUT_OF_TIME)
    pushed = {name for group in (*groups, forging.MISSING) for name in group}
    assert published - no_messages == FORGERIES.keys() == pushed
