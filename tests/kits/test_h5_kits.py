"""The kits of H5 hosts: the reference passes them, each mutant fails the requirement that it breaks, and that alone."""

import re
from pathlib import Path

import pytest

from tests.conformance.passing import failed_on
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import Kit, kits
from xinqiao_conformance.mutants import h5 as by_hand
from xinqiao_conformance.mutants import h5_mechanical as mechanical
from xinqiao_conformance.mutants.hosts import host_declared, reference_host
from xinqiao_conformance.mutants.mutant import Mutant, failing
from xinqiao_conformance.references.h5 import ReferenceHost
from xinqiao_conformance.running import planned

_KITS = [each for each in kits() if each.role == "h5-host"]
_FAMILY = next(each for each in _KITS if each.business == "family-trust")


def _failed(kit: Kit, kind: type[ReferenceHost] = ReferenceHost) -> list[str]:
    with reference_host(kit, kind) as bench:
        return failed_on(bench, planned(host_declared(kit), kit))


@pytest.mark.parametrize("kit", _KITS, ids=lambda kit: kit.business)
def test_the_reference_passes_every_case(kit: Kit) -> None:
    assert _failed(kit) == []


@pytest.mark.parametrize("kit", _KITS, ids=lambda kit: kit.business)
def test_at_least_three_cases_in_five_are_negative(kit: Kit) -> None:
    runs = planned(host_declared(kit), kit)
    assert sum(each.case.negative for each in runs) >= 0.6 * len(runs)


def _one_for_each_requirement(mutants: tuple[Mutant, ...]) -> list[Mutant]:
    return list({each.breaks: each for each in mutants}.values())


# All of them are the matter of ``make mutants``.
_CHOSEN = [*by_hand.MUTANTS, *_one_for_each_requirement(mechanical.MUTANTS)]


@pytest.mark.parametrize("mutant", _CHOSEN, ids=lambda mutant: mutant.name)
def test_a_mutant_fails_the_requirement_that_it_breaks_and_no_other(mutant: Mutant) -> None:
    failed = failing(mutant)
    assert mutant.breaks in failed
    assert failed - mutant.also == {mutant.breaks}


def test_each_requirement_with_a_case_has_a_mutant() -> None:
    asked = {run.case.requirement.id for kit in _KITS for run in planned(host_declared(kit), kit)}
    assert asked - {each.breaks for each in (*by_hand.MUTANTS, *mechanical.MUTANTS)} == set()


def test_most_mutants_are_mechanical() -> None:
    assert len(mechanical.MUTANTS) > len(by_hand.MUTANTS)


class _LaunchesNothing(ReferenceHost):
    def offers(self, flow: str) -> bool:
        return False


def test_who_launches_no_flow_of_the_business_fails() -> None:
    failed = _failed(_FAMILY, _LaunchesNothing)
    assert any("a launch of one flow at the least: kyc-person" in each for each in failed)


class _StatesANameAsActor(ReferenceHost):
    def token(self, claims: dict[str, object]) -> str:
        return super().token({**claims, "actor": {"role": "CUSTOMER", "id": "欧阳娜娜"}})


def test_a_finding_does_not_tell_what_a_launch_states() -> None:
    failed = _failed(_FAMILY, _StatesANameAsActor)
    assert failed
    assert not re.search("欧阳娜娜|王小明|东城支行", "\n".join(failed))


def test_what_is_kept_of_a_launch_is_masked(tmp_path: Path) -> None:
    declaration = host_declared(_FAMILY)
    with Evidence(tmp_path / "evidence.jsonl", declaration) as evidence, reference_host(_FAMILY) as bench:
        _ = bench.launches
        evidence.add(bench.recording)
    kept = (tmp_path / "evidence.jsonl").read_text(encoding="utf-8")
    assert len(kept.splitlines()) == len(bench.launches) + 1
    assert not re.search("王小明|applicant.name|CONF-", kept)
