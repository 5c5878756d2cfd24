"""Results as this suite writes them, with the evidence beside them: every case that it plans for a kit, none run."""

from collections.abc import Collection, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.conformance.results.sample import KITS, TESTED, results
from tests.sdk.recording.stage import good_sender, written
from xinqiao.finding import Text
from xinqiao.recording import Recording, masked
from xinqiao_conformance.case import cases
from xinqiao_conformance.kits import kit_named
from xinqiao_conformance.results.model import (
    CaseResult,
    Evidence,
    Finding,
    KitResult,
    RequirementResult,
    Results,
    SuiteVersion,
    write_results,
)
from xinqiao_conformance.running import suite_digest

__all__ = ["DECLARED", "derived"]

DECLARED = """
declaration: "1"
standard: "1.0"
subject: {name: 示例银行, institution: 91110000100000000R, product: 信托直连, version: "2.3"}
kits: [sender/family-trust/rest]
reach: {manual: true}
"""


def derived(folder: Path, failing: Collection[str] = (), *, name: str = "results.json", **about: Any) -> Results:
    """Write results of one kit into a folder, with evidence where there is none yet, and return them."""
    folder.mkdir(parents=True, exist_ok=True)
    evidence = folder / "evidence.jsonl"
    if not evidence.exists():
        masked(written(good_sender(), folder / "raw.jsonl"), evidence)
        (folder / "raw.jsonl").unlink()
    recorded = Recording.open(evidence)
    sample = results(kits=[])
    made = Results.of(
        [KitResult.of(KITS[0], _requirements(failing))],
        **{
            "standard": "1.0",
            "suite": SuiteVersion(version="0.1.0", digest=suite_digest()),
            "declaration": sample.declaration.model_copy(update={"supports": ()}),
            "started_at": TESTED,
            "finished_at": TESTED,
            "evidence": Evidence(root=recorded.root, exchanges=sum(1 for _ in recorded)),
        }
        | about,
    )
    write_results(made, folder / name)
    return made


def _requirements(failing: Collection[str]) -> Iterator[RequirementResult]:
    kit = kit_named(KITS[0])
    planned = sorted((each for each in cases() if each.is_for(kit, ())), key=lambda each: each.requirement.id)
    for requirement, group in groupby(planned, key=lambda each: each.requirement):
        rows = [(run.id, each.negative) for each in group for run in each.runs(kit)]
        fails = requirement.id in failing
        done = [_case(*row, failed=fails and not number) for number, row in enumerate(rows)]
        yield RequirementResult.of(requirement.id, requirement.level, done)


def _case(name: str, negative: bool, *, failed: bool) -> CaseResult:
    finding = Finding(expected=Text("是", "yes"), clause="x") if failed else None
    result = "failed" if failed else "passed"
    return CaseResult(case=name, negative=negative, result=result, seconds=0.1, finding=finding)
