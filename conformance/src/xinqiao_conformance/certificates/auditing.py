"""Whether results are what this suite writes over the evidence beside them, before anybody signs them.

Nothing in ``results.json`` proves who wrote it. What can be derived again is: the cases that the suite plans for each
kit, the root of the evidence, and of judged recordings every verdict. Who ran what against whom only those know who
were there: an issuer runs the suite itself, or says whom it believes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from xinqiao.errors import NotValid, SettingsInvalid
from xinqiao.recording import Recording
from xinqiao.standard import STANDARD_VERSION
from xinqiao_conformance.case import Run
from xinqiao_conformance.declaration import Declaration, Reach, Subject
from xinqiao_conformance.judging import judge
from xinqiao_conformance.kits import kit_named
from xinqiao_conformance.results.model import KitResult, Results
from xinqiao_conformance.running import planned, suite_digest

__all__ = ["require_derived"]

_NAMED = 5
# No silence lasts so long: what was judged with less patience and passed, passes with this.
_TEN_YEARS = 3650 * 86_400.0
# requirement, its level, case, whether it is negative
Row = tuple[str, str, str, bool]


def require_derived(results: Results, evidence: Path, declaration: Declaration | None = None) -> None:
    """Hold results to what this suite derives from its own cases, the evidence, and the declaration if it is given.

    Raises ``NotValid`` where they are another suite's or were changed, ``SettingsInvalid`` where the evidence is not
    there, and what reading it raises.
    """
    if results.standard != STANDARD_VERSION:
        raise NotValid(f"results are of standard {results.standard}, this suite is of {STANDARD_VERSION}")
    if (own := suite_digest()) != results.suite.digest:
        raise NotValid(
            f"results are of the suite {results.suite.version} {results.suite.digest}, this is {own}; certify them "
            "with the suite that ran, or run again with this one"
        )
    if declaration is not None:
        _require_declared(results, declaration)
    recording = _opened(evidence)
    _require_evidence(results, recording)
    said = _said(results, recording)
    if results.how == "recordings":
        _require_judged_alike(results, recording, said)
    else:
        for kit, found in zip(said.kits, results.kits, strict=True):
            _require_complete(found, planned(said, kit))


def _require_declared(results: Results, declaration: Declaration) -> None:
    said = results.declaration
    pairs = (
        ("digest", said.digest, declaration.digest),
        ("subject", said.subject.model_dump(), declaration.subject.model_dump()),
        ("kits", [each.kit for each in results.kits], [each.id for each in declaration.kits]),
        ("supports", sorted(said.supports), sorted(declaration.supports)),
    )
    for name, found, declared in pairs:
        if found != declared:
            raise NotValid(f"{name} of the results is {found}, of the declaration {declared}: run what is declared")


def _opened(evidence: Path) -> Recording:
    if not evidence.is_file():
        raise SettingsInvalid(f"{evidence} is not there: the evidence of the run is certified with its results")
    return Recording.open(evidence)


def _require_evidence(results: Results, recording: Recording) -> None:
    if not recording.head.masked:
        raise NotValid(f"{recording.path} is not masked, and evidence is")
    count = sum(1 for _ in recording)
    pairs = (
        ("exchanges", results.evidence.exchanges, count),
        ("root", results.evidence.root, recording.root),
        ("institution", results.declaration.subject.institution, recording.head.subject),
    )
    for name, said, found in pairs:
        if said != found:
            raise NotValid(f"{recording.path} is not the evidence of these results: {name} is {found}, they say {said}")


def _require_complete(kit: KitResult, runs: Iterable[Run]) -> None:
    """Hold a kit to the cases that are planned for it: each once, none more."""
    abouts = ((each.case.requirement, each) for each in runs)
    expected: Counter[Row] = Counter((of.id, of.level, each.id, each.case.negative) for of, each in abouts)
    found = Counter(_rows(kit))
    if missing := sorted((expected - found).keys()):
        raise NotValid(f"{kit.kit} lacks what this suite runs: {_named(missing)}")
    if foreign := sorted((found - expected).keys()):
        raise NotValid(f"{kit.kit} holds what this suite does not run: {_named(foreign)}")


def _rows(kit: KitResult) -> Iterator[Row]:
    for each in kit.requirements:
        yield from ((each.id, each.level, case.case, case.negative) for case in each.cases)


def _named(rows: Iterable[Row]) -> str:
    said = [f"{requirement} ({level}) {case}" for requirement, level, case, _ in rows]
    return ", ".join(said[:_NAMED]) + (f" and {len(said) - _NAMED} more" if len(said) > _NAMED else "")


def _require_judged_alike(results: Results, recording: Recording, declared: Declaration) -> None:
    """Judge the recording again; with how much patience silence was judged the results do not say."""
    said = [_verdicts(each) for each in results.kits]
    if not any(
        said == [_verdicts(each) for each in judge(declared, recording, patience).kits]
        for patience in (None, _TEN_YEARS)
    ):
        raise NotValid(f"these results are not what this suite finds in {recording.path}: judge it again")


def _said(results: Results, recording: Recording) -> Declaration:
    """Return the declaration that results say they are of."""
    said = results.declaration
    try:
        return Declaration(
            subject=Subject(**said.subject.model_dump()),
            kits=tuple(kit_named(each.kit) for each in results.kits),
            supports=frozenset(said.supports),
            reach=Reach(manual=True),
            patience=_TEN_YEARS,
            test=recording.head.test,
            digest=said.digest,
        )
    except ValueError as error:
        raise NotValid(f"no declaration says what these results do: {_wrong(error)}") from error


def _wrong(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    found = error.errors(include_input=False, include_url=False)
    return "; ".join(
        f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}" for each in found
    )


def _verdicts(kit: KitResult) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """Return what of a kit is the same whenever a recording is judged."""
    return [
        (each.id, each.level, each.result, [(case.case, case.result) for case in each.cases])
        for each in kit.requirements
    ]
