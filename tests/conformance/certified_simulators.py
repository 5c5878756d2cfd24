"""Simulators as subjects of the suite: which kits each has to pass, and what came of a run.

``python -m tests.conformance.certified_simulators`` runs all of them, each as a process, and prints the table.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from xinqiao_conformance.case import cases
from xinqiao_conformance.declaration import Declaration, read_declaration
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import Kit, kits
from xinqiao_conformance.results.model import CaseResult
from xinqiao_conformance.running import run
from xinqiao_conformance.scenarios import business_named
from xinqiao_conformance.simulators.script import script_of

__all__ = ["KITS", "Certified", "certified", "declared", "player"]

KITS = [each for each in kits() if each.role in ("sender", "receiver") and each.transport == "rest"]


def player(kit: Kit) -> str:
    """Return the simulator that plays what a kit is about."""
    sides = business_named(kit.about.name).sides
    is_opener = (kit.role == "sender") is not kit.is_of_trustee
    return sides["opener" if is_opener else "counterparty"]


@dataclass(frozen=True)
class Certified:
    """What came of a kit: how many cases, which of them failed, how long it took."""

    kit: Kit
    cases: int
    failed: tuple[CaseResult, ...]
    verdict: str
    seconds: float

    def __str__(self) -> str:
        name = f"{player(self.kit):9} {self.kit.id:37}"
        return f"{name} {self.cases:5} {self.verdict:7} {self.seconds:6.1f} s"


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


def certified(kit: Kit, folder: Path) -> Certified:
    """Run a kit against its simulator; the folder gets keys and evidence."""
    declaration = declared(kit, folder)
    begun = time.monotonic()
    with Evidence(folder / "evidence.jsonl", declaration) as evidence:
        [result] = run(declaration, evidence).kits
    failed = tuple(each for each in result.cases if each.result != "passed")
    return Certified(kit, len(result.cases), failed, result.verdict, time.monotonic() - begun)


def main() -> int:
    """Run every kit and print what came of it; return how many failed."""
    wrong = 0
    for kit in KITS:
        with tempfile.TemporaryDirectory() as folder:
            found = certified(kit, Path(folder))
        print(found, flush=True)
        for each in found.failed:
            print(f"  {each.case}: {each.finding and each.finding.expected}", flush=True)
        wrong += found.verdict != "passed"
    return wrong


if __name__ == "__main__":
    sys.exit(main() > 0)
