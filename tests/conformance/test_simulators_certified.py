"""Each simulator, started as a process, passes a kit of what it plays; here one case of each requirement.

All cases of all kits: ``python -m tests.conformance.certified_simulators``.
"""

from pathlib import Path

import pytest

from tests.conformance.passing import failed_on
from xinqiao_conformance.benches import BENCHES
from xinqiao_conformance.kits import kit_named
from xinqiao_conformance.running import planned
from xinqiao_conformance.simulators.script import INSTITUTIONS

from .certified_simulators import KITS, declared, player

# One kit of each institution, of both roles.
SAMPLE = [
    "sender/family-trust/rest",
    "receiver/family-trust/rest",
    "sender/insurance-trust/rest",
    "receiver/trading-day-trustee/rest",
    "sender/prepaid/rest",
    "receiver/abs-trustee/rest",
    "receiver/registration/rest",
]
# Cases that wait as they must are left to the whole.
_WAITING = "TRN-004"


def test_every_kit_of_a_sender_or_receiver_has_a_simulator_and_every_simulator_a_kit() -> None:
    assert {player(kit) for kit in KITS} == set(INSTITUTIONS)
    assert {player(kit_named(name)) for name in SAMPLE} == set(INSTITUTIONS)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_simulator_meets_each_requirement_of_a_kit(name: str, tmp_path: Path) -> None:
    kit = kit_named(name)
    declaration = declared(kit, tmp_path)
    firsts = {each.case.requirement.id: each for each in reversed(planned(declaration, kit))}
    runs = [each for each in firsts.values() if each.case.requirement.id != _WAITING and not each.case.is_last]
    with BENCHES[kit.role](declaration, kit) as bench:
        assert failed_on(bench, runs) == []
