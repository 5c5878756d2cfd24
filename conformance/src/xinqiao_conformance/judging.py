"""Judges recorded traffic as the kits that a declaration names: for a bank that runs nothing for us.

A passive check that the recording breaks is a failed case. What the recording shows nothing of, or hides behind masks,
is not run: nothing is said of it, and nothing is claimed.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby

from xinqiao.errors import ContentRefused, SettingsInvalid
from xinqiao.finding import Text
from xinqiao.recording import Context, Judged, Recorded, Recording
from xinqiao.recording.checking import judged
from xinqiao.recording.checks import checks
from xinqiao_conformance.case import cases
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import CouldNotRun
from xinqiao_conformance.passive import where
from xinqiao_conformance.requirements import requirement_of
from xinqiao_conformance.results import model
from xinqiao_conformance.running import Silent, Watch, results_of

__all__ = ["judge"]

_FIX = Text(
    "按要求的出处修正后，另交一份记录", "mend it by the source of the requirement, and hand in another recording"
)
# As many exchanges are named; whoever breaks a requirement more often has enough to do.
_MOST_NAMED = 100


def judge(
    declaration: Declaration, recording: Recording, patience: float | None = None, watch: Watch | None = None
) -> model.Results:
    """Judge a masked recording of the declared subject. Without ``patience`` (seconds) no silence is judged.

    Raises ``ContentRefused`` where it is not masked, ``SettingsInvalid`` where it is of somebody else, and what reading
    it raises.
    """
    _require_fitting(declaration, recording)
    started = datetime.now(UTC)
    told = watch or Silent()
    kits = [_judged_kit(declaration, each, recording, patience, told) for each in declaration.kits]
    evidence = model.Evidence(root=recording.root, exchanges=sum(1 for _ in recording))
    return results_of(declaration, kits, started, evidence, how="recordings")


def _require_fitting(declaration: Declaration, recording: Recording) -> None:
    if not recording.head.masked:
        raise ContentRefused(f"{recording.path} 未脱敏，请先脱敏 is not masked, mask it first: xinqiao recording mask")
    declared = declaration.subject.institution
    if recording.head.subject != declared:
        raise SettingsInvalid(
            f"记录与声明的机构不同 {recording.path} is of {recording.head.subject}, the declaration of {declared}"
        )


def _judged_kit(
    declaration: Declaration, kit: Kit, recording: Recording, patience: float | None, watch: Watch
) -> model.KitResult:
    chosen = [each for each in checks().values() if kit.role in each.roles]
    if not chosen:
        raise CouldNotRun(
            f"{kit.id}: no check reads recordings of this role 此角色不能由记录判读; 请用 xinqiao-conformance run"
        )
    watch.begin(kit, len(chosen))
    context = Context(recording.head, kit.role, patience=patience)
    found: list[Judged] = []
    for check in chosen:
        found.append(judged(check, _of_kit(recording, kit), context))
        watch.done(_case_of(found[-1]))
    return model.KitResult.of(kit.id, _requirements(declaration, kit, found))


def _of_kit(recording: Iterable[Recorded], kit: Kit) -> Iterator[Recorded]:
    """Yield the exchanges of a kit: by its transport, of its business; what cannot be read is of any."""
    theirs = {*kit.about.partner, *kit.about.trust}
    for each in recording:
        if each.transport == kit.transport and (each.body is None or each.body in theirs):
            yield each


def _requirements(declaration: Declaration, kit: Kit, found: Sequence[Judged]) -> Iterator[model.RequirementResult]:
    """Yield every requirement that the suite would run, and those that checks are of; most show nothing."""
    wanted = {each.requirement.id for each in cases() if each.is_for(kit, declaration.supports)}
    in_order = sorted(found, key=lambda each: each.check.requirement)
    by_requirement = {name: list(group) for name, group in groupby(in_order, key=lambda each: each.check.requirement)}
    for name in sorted(wanted | by_requirement.keys()):
        told = _telling(by_requirement.get(name, ()))
        requirement = requirement_of(name)
        yield model.RequirementResult.of(requirement.id, requirement.level, [_case_of(each) for each in told])


def _telling(found: Sequence[Judged]) -> list[Judged]:
    """Return the checks of one requirement that say something of it.

    Where masks hide what one of them looks at, the others do not show that the whole of it is met.
    """
    failed = [each for each in found if each.state == "failed"]
    if failed or any(each.state == "not_observable" for each in found):
        return failed
    return [each for each in found if each.state == "passed"]


def _case_of(found: Judged) -> model.CaseResult:
    """Return a check as a case."""
    name = f"recorded.{found.check.id}"
    if found.state != "failed":
        result = "passed" if found.state == "passed" else "unseen"
        return model.CaseResult(case=name, negative=False, result=result, seconds=0.0)
    first = found.found[0]
    seen = where(first)
    finding = model.Finding(
        expected=first.expected,
        seen=seen,
        difference=(model.Difference.model_validate(seen),),
        fix=_FIX,
        clause=requirement_of(found.check.requirement).source,
        exchanges=tuple(dict.fromkeys(each.exchange for each in found.found))[:_MOST_NAMED],
    )
    return model.CaseResult(case=name, negative=False, result="failed", seconds=0.0, finding=finding)
