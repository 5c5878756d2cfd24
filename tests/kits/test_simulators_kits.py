"""Each simulator, started as a process as its documentation says, passes every kit of what it plays."""

import sys
from pathlib import Path

import pytest
import yaml

from xinqiao_conformance.case import cases
from xinqiao_conformance.declaration import Declaration, read_declaration
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import Kit, kits
from xinqiao_conformance.running import run
from xinqiao_conformance.scenarios import business_named
from xinqiao_conformance.simulators.script import INSTITUTIONS, script_of

KITS = [each for each in kits() if each.role in ("sender", "receiver") and each.transport == "rest"]


def player(kit: Kit) -> str:
    """Return the simulator that plays what a kit is about."""
    sides = business_named(kit.about.name).sides
    is_opener = (kit.role == "sender") is not kit.is_of_trustee
    return sides["opener" if is_opener else "counterparty"]


def _features(kit: Kit, name: str) -> list[str]:
    """Return what a simulator supports of that which the cases of a kit ask for."""
    able = {"corrections", *(["reactions"] if name == "core" else [])}
    return sorted(able & {need for each in cases() if each.is_for(kit, each.needs) for need in each.needs})


def declared(kit: Kit, folder: Path) -> Declaration:
    """Declare the simulator that plays what a kit is about, started as its documentation says."""
    name = player(kit)
    form = " --form canonical" if name == "bank" else ""
    declaration = {
        "declaration": "1",
        "standard": "1.0",
        "subject": {"name": name, "institution": script_of(name).institution},
        "kits": [kit.id],
        "supports": _features(kit, name),
        "reach": {"start": f"{sys.executable} -m xinqiao_conformance simulate {name}{form}"},
    }
    path = folder / "declaration.yaml"
    path.write_text(yaml.safe_dump(declaration), encoding="utf-8")
    return read_declaration(path)


def test_every_kit_of_a_sender_or_receiver_has_a_simulator_and_every_simulator_a_kit() -> None:
    assert {player(kit) for kit in KITS} == set(INSTITUTIONS)


@pytest.mark.parametrize("kit", KITS, ids=lambda kit: f"{player(kit)} {kit.id}")
def test_a_simulator_passes_every_case_of_a_kit(kit: Kit, tmp_path: Path) -> None:
    declaration = declared(kit, tmp_path)
    with Evidence(tmp_path / "evidence.jsonl", declaration) as evidence:
        [result] = run(declaration, evidence).kits
    failed = [(each.case, each.finding and each.finding.expected) for each in result.cases if each.result == "failed"]
    assert failed == []
    assert result.verdict == "passed"
