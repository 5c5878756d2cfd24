"""Runs the kits of a declaration, case by case, and says what became of each."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import groupby
from typing import Any, Protocol

from xinqiao.finding import Text
from xinqiao.standard import STANDARD_VERSION
from xinqiao_conformance.benches import BENCHES
from xinqiao_conformance.case import Run, cases
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Breach, CouldNotRun
from xinqiao_conformance.requirements import Requirement, requirements_source
from xinqiao_conformance.results import model

__all__ = ["Silent", "Watch", "planned", "run", "suite_digest"]


class Watch(Protocol):
    """Who is told how far a run is."""

    def begin(self, kit: Kit, total: int) -> None:
        """Hear that a kit begins, and how many cases it has."""

    def done(self, result: model.CaseResult) -> None:
        """Hear what became of a case."""


class Silent:
    """Tells nobody."""

    def begin(self, kit: Kit, total: int) -> None:
        """Say nothing."""

    def done(self, result: model.CaseResult) -> None:
        """Say nothing."""


def planned(declaration: Declaration, kit: Kit) -> list[Run]:
    """Return what is run of a kit, by requirement. Raises ``CouldNotRun`` where nothing would be."""
    chosen = [run for each in cases() if each.is_for(kit, declaration.supports) for run in each.runs(kit)]
    if not chosen:
        raise CouldNotRun(f"{kit.id}: the suite has no cases for it")
    return sorted(chosen, key=lambda each: (each.case.is_last, each.case.requirement.id, each.id))


def run(declaration: Declaration, evidence: Evidence, watch: Watch | None = None) -> model.Results:
    """Run every kit that is declared; what was exchanged is added to ``evidence``, masked.

    Raises ``CouldNotRun`` and ``ConfigurationError`` where the set-up is wrong: nothing is said about the subject then.
    """
    started = _now()
    kits = [_run_kit(declaration, kit, evidence, watch or Silent()) for kit in declaration.kits]
    return model.Results.of(
        kits,
        standard=STANDARD_VERSION,
        suite=model.SuiteVersion(version=version("xinqiao-conformance"), digest=suite_digest()),
        declaration=model.Declared(
            digest=declaration.digest,
            subject=model.Subject(**declaration.subject.model_dump()),
            supports=tuple(sorted(declaration.supports)),
        ),
        started_at=started,
        finished_at=_now(),
        evidence=model.Evidence(root=evidence.root(), exchanges=len(evidence)),
    )


def _run_kit(declaration: Declaration, kit: Kit, evidence: Evidence, watch: Watch) -> model.KitResult:
    runs = planned(declaration, kit)
    watch.begin(kit, len(runs))
    done: list[tuple[Requirement, model.CaseResult]] = []
    with ExitStack() as stack:
        try:
            bench = stack.enter_context(BENCHES[kit.role](declaration, kit))
        except Breach as breach:
            # The subject did not come up: that is a failure of all that it declared.
            bench, missing = None, breach
        for each in runs:
            result = _failed(each, missing, 0.0) if bench is None else _run_case(each, bench)
            watch.done(result)
            done.append((each.case.requirement, result))
        if bench is not None:
            evidence.add(bench.recording)
    return model.KitResult.of(kit.id, list(_judged(done)))


def _judged(done: Sequence[tuple[Requirement, model.CaseResult]]) -> Iterator[model.RequirementResult]:
    in_order = sorted(done, key=lambda each: each[0].id)
    for requirement, group in groupby(in_order, key=lambda each: each[0]):
        yield model.RequirementResult.of(requirement.id, requirement.level, [result for _, result in group])


def _run_case(each: Run, bench: Any) -> model.CaseResult:  # noqa: ANN401 -- the bench of the case's role
    begun = time.monotonic()
    try:
        each.do(bench)
    except Breach as breach:
        return _failed(each, breach, time.monotonic() - begun)
    except Exception as error:  # noqa: BLE001 -- whatever a subject does is a result
        return _failed(each, _unforeseen(error), time.monotonic() - begun)
    seconds = round(time.monotonic() - begun, 3)
    return model.CaseResult(case=each.id, negative=each.case.negative, result="passed", seconds=seconds)


def _unforeseen(error: Exception) -> Breach:
    """Return what an error says without its text, which may quote what was sent."""
    return Breach(
        Text("得到应答", "an answer"),
        seen={"error": type(error).__name__},
        fix=Text("被测方是否仍在运行、能否连通", "see whether the subject still runs and can be reached"),
    )


def _failed(each: Run, breach: Breach, seconds: float) -> model.CaseResult:
    finding = model.Finding(
        expected=breach.expected,
        sent=breach.sent,
        seen=breach.seen,
        difference=tuple(model.Difference.model_validate(row) for row in breach.difference),
        fix=breach.fix,
        owner=breach.owner,
        clause=each.case.requirement.source,
        exchanges=breach.exchanges,
    )
    return model.CaseResult(
        case=each.id, negative=each.case.negative, result="failed", seconds=round(seconds, 3), finding=finding
    )


def suite_digest() -> str:
    """Return ``sha256:…`` over the package's files and the requirements: what exactly was run."""
    digest = hashlib.sha256(requirements_source())
    for name, entry in sorted(_files(files("xinqiao_conformance"), ""), key=lambda each: each[0]):
        digest.update(name.encode() + b"\0" + entry.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"


def _files(folder: Traversable, below: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(entry, f"{below}{entry.name}/")
        else:
            yield below + entry.name, entry


def _now() -> datetime:
    return datetime.now(UTC)
