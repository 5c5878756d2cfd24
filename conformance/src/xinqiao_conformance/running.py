"""Runs the kits of a declaration, case by case, and says what became of each."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import groupby
from typing import Any, Protocol

from xinqiao.errors import SettingsInvalid
from xinqiao.finding import Text
from xinqiao.standard import STANDARD_VERSION
from xinqiao_conformance.benches import BENCHES
from xinqiao_conformance.case import Run, cases
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Breach, CouldNotRun, Unseen
from xinqiao_conformance.requirements import Requirement
from xinqiao_conformance.results import model

__all__ = ["Silent", "Watch", "planned", "results_of", "run", "suite_digest", "unasked"]

# So many cases in a row that had no answer: nobody waits for the same in all the others.
_MOST_SILENT = 15
# Packages whose files decide what is found: the suite, and the SDK with its checks, rules and vectors.
_DECIDING = ("xinqiao", "xinqiao_conformance")
_UNDECIDING = ("__pycache__", ".pyc")


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
        raise CouldNotRun(f"{kit.id}: 没有用例 the suite has no cases for it")
    return sorted(chosen, key=lambda each: (each.case.is_last, each.case.requirement.id, each.id))


def unasked(supports: frozenset[str], kit: Kit) -> dict[str, list[str]]:
    """Return the features of which nothing was asked, since they are not declared: each with its requirements."""
    found: dict[str, set[str]] = {}
    for each in cases():
        for feature in each.needs - supports if each.is_for(kit, each.needs) else ():
            found.setdefault(feature, set()).add(each.requirement.id)
    return {feature: sorted(found[feature]) for feature in sorted(found)}


def _require_exercised(declaration: Declaration) -> None:
    """Hold a declaration to what is tested of it: no certificate names a feature that nothing was asked of."""
    of_kits = [each for kit in declaration.kits for each in cases() if each.is_for(kit, each.needs)]
    asked = sorted({name for each in of_kits for name in each.needs})
    idle = sorted(declaration.supports.difference(asked))
    if idle:
        raise SettingsInvalid(
            f"supports: {', '.join(idle)}: 所声明的套件不检验此特性，请删去 no kit that is declared tests it: leave it "
            f"out; 这些套件的特性 features of these kits: {', '.join(asked) or '—'}"
        )


def run(declaration: Declaration, evidence: Evidence, watch: Watch | None = None) -> model.Results:
    """Run every kit that is declared; what was exchanged is added to ``evidence``, masked.

    Raises ``CouldNotRun`` and ``ConfigurationError`` where the set-up is wrong: nothing is said about the subject then.
    """
    for kit in declaration.kits:
        planned(declaration, kit)
    _require_exercised(declaration)
    started = _now()
    kits = [_run_kit(declaration, kit, evidence, watch or Silent()) for kit in declaration.kits]
    return results_of(declaration, kits, started, model.Evidence(root=evidence.root(), exchanges=len(evidence)))


def results_of(
    declaration: Declaration,
    kits: Sequence[model.KitResult],
    started: datetime,
    evidence: model.Evidence,
    how: model.How = "run",
) -> model.Results:
    """Return what was found of a declaration, as of now."""
    return model.Results.of(
        kits,
        standard=STANDARD_VERSION,
        suite=model.SuiteVersion(version=version("xinqiao-conformance"), digest=suite_digest()),
        declaration=model.Declared(
            digest=declaration.digest,
            subject=model.Subject(**declaration.subject.model_dump()),
            supports=tuple(sorted(declaration.supports)),
        ),
        how=how,
        started_at=started,
        finished_at=_now(),
        evidence=evidence,
    )


def _run_kit(declaration: Declaration, kit: Kit, evidence: Evidence, watch: Watch) -> model.KitResult:
    runs = planned(declaration, kit)
    watch.begin(kit, len(runs))
    done: list[tuple[Requirement, model.CaseResult]] = []
    silent = 0
    with ExitStack() as stack:
        bench, gone = stack.enter_context(BENCHES[kit.role](declaration, kit)), None
        for each in runs:
            result = _failed(each, gone, 0.0) if gone else _run_case(each, bench)
            silent = silent + 1 if result.result == "failed" and result.seconds >= declaration.patience else 0
            if silent >= _MOST_SILENT:
                gone = _fallen_silent(declaration)
            watch.done(result)
            done.append((each.case.requirement, result))
        evidence.add(bench.recording)
    return model.KitResult.of(kit.id, list(_judged(done)))


def _fallen_silent(declaration: Declaration) -> Breach:
    seen = {"casesWithoutAnAnswer": _MOST_SILENT, "patience": declaration.patience}
    return Breach(Text("在期限内得到应答", "an answer in time"), seen=seen, fix=_STILL_THERE)


def _judged(done: Sequence[tuple[Requirement, model.CaseResult]]) -> Iterator[model.RequirementResult]:
    in_order = sorted(done, key=lambda each: each[0].id)
    for requirement, group in groupby(in_order, key=lambda each: each[0]):
        yield model.RequirementResult.of(requirement.id, requirement.level, [result for _, result in group])


def _run_case(each: Run, bench: Any) -> model.CaseResult:  # noqa: ANN401 -- the bench of the case's role
    begun = time.monotonic()
    try:
        each.do(bench)
    except Unseen:
        return _done(each, "unseen", begun)
    except Breach as breach:
        return _failed(each, breach, time.monotonic() - begun)
    except CouldNotRun as error:
        return _failed(each, _prevented(error), time.monotonic() - begun)
    except Exception as error:  # noqa: BLE001 -- whatever a subject does is a result
        return _failed(each, _unforeseen(error), time.monotonic() - begun)
    return _done(each, "passed", begun)


def _done(each: Run, result: model.Outcome, begun: float) -> model.CaseResult:
    seconds = round(time.monotonic() - begun, 3)
    return model.CaseResult(case=each.id, negative=each.case.negative, result=result, seconds=seconds)


def _prevented(error: CouldNotRun) -> Breach:
    """Return why the suite could not do a case; what it says of itself holds nothing of the subject's."""
    return Breach(Text("用例可以执行", "a case that can be run"), seen={"error": str(error)}, owner="suite")


_STILL_THERE = Text("被测方是否仍在运行、能否连通", "see whether the subject still runs and can be reached")


def _unforeseen(error: Exception) -> Breach:
    """Return what an error says without its text, which may quote what was sent."""
    return Breach(
        Text("得到应答", "an answer"),
        seen={"error": type(error).__name__},
        fix=_STILL_THERE,
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


@cache
def suite_digest() -> str:
    """Return ``sha256:…`` over all files that decide what is found: what exactly was run."""
    digest = hashlib.sha256()
    for package in _DECIDING:
        for name, entry in sorted(_files(files(package), f"{package}/"), key=lambda each: each[0]):
            digest.update(name.encode() + b"\0" + hashlib.sha256(entry.read_bytes()).digest())
    return f"sha256:{digest.hexdigest()}"


def _files(folder: Traversable, below: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.name.endswith(_UNDECIDING):
            continue
        if entry.is_dir():
            yield from _files(entry, f"{below}{entry.name}/")
        else:
            yield below + entry.name, entry


def _now() -> datetime:
    return datetime.now(UTC)
