"""What changed between two runs: what fails now and did not, what was mended, what is gone and what is new.

Where suite, standard or declaration are not the same, that is said first: it may be the cause of all the rest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from xinqiao.finding import Text
from xinqiao.message import Json, timestamp
from xinqiao_conformance.results.model import KitResult, RequirementResult, Results

__all__ = ["KINDS", "Change", "Comparison", "Ground", "Kind", "compare"]

Kind = Literal[
    "newly_failing", "still_failing", "mended", "not_seen", "seen_again", "requirement_gone", "requirement_new",
    "kit_gone", "kit_new", "case_gone", "case_new",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ground:
    """Something that both runs stand on and that is not the same in both."""

    what: str
    before: str
    after: str

    def as_json(self) -> Json:
        """Return it for machines."""
        return {"what": self.what, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Change:
    """One change: ``name`` is a kit, a requirement or a case. ``warning``: of what should be met, not must.

    ``cases``: of a requirement that fails, how many of its cases do; of one that was mended, how many had.
    """

    kind: Kind
    kit: str
    name: str
    warning: bool = False
    cases: int = 0

    def as_json(self) -> Json:
        """Return it for machines."""
        counted = {"cases": self.cases} if self.cases else {}
        return {"kind": self.kind, "kit": self.kit, "name": self.name, "warning": self.warning, **counted}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed, in the order of the kits."""

    grounds: tuple[Ground, ...]
    changes: tuple[Change, ...]

    @property
    def regression(self) -> bool:
        """Whether something that must be met fails now and did not, or a kit that had passed is gone."""
        return any(each.kind in ("newly_failing", "kit_gone") and not each.warning for each in self.changes)

    def of(self, kind: Kind) -> list[Change]:
        """Return the changes of a kind."""
        return [each for each in self.changes if each.kind == kind]

    def as_json(self) -> Json:
        """Return it for machines."""
        return {
            "regression": self.regression,
            "grounds": [each.as_json() for each in self.grounds],
            "changes": [each.as_json() for each in self.changes],
        }


KINDS: Mapping[Kind, Text] = {
    "newly_failing": Text("新出现的不符合", "newly failing"),
    "kit_gone": Text("不再声明的套件", "kits gone"),
    "mended": Text("已整改", "mended"),
    "still_failing": Text("仍不符合", "still failing"),
    "kit_new": Text("新声明的套件", "new kits"),
    "not_seen": Text("记录中不再可见的要求", "requirements no longer seen"),
    "seen_again": Text("记录中可见的要求", "requirements seen now"),
    "requirement_gone": Text("不再测试的要求", "requirements gone"),
    "requirement_new": Text("新增的要求", "new requirements"),
    "case_gone": Text("减少的用例", "cases gone"),
    "case_new": Text("新增的用例", "new cases"),
}


def compare(before: Results, after: Results) -> Comparison:
    """Compare two runs, of which ``after`` is the later."""
    kits_before, kits_after = ({each.kit: each for each in results.kits} for results in (before, after))
    changes: list[Change] = []
    for name in dict.fromkeys((*kits_before, *kits_after)):
        one, other = kits_before.get(name), kits_after.get(name)
        if other is None and one is not None:
            # A kit that had failed takes nothing away.
            changes.append(Change("kit_gone", name, name, warning=one.verdict == "failed"))
        elif other is not None:
            changes += _of_kit(one, other)
    return Comparison(tuple(_grounds(before, after)), tuple(changes))


def _grounds(before: Results, after: Results) -> Iterator[Ground]:
    for what, one, other in (
        ("standard", before.standard, after.standard),
        ("suite version", before.suite.version, after.suite.version),
        ("suite digest", before.suite.digest, after.suite.digest),
        ("how", before.how, after.how),
        ("institution", before.declaration.subject.institution, after.declaration.subject.institution),
        ("product", _product(before), _product(after)),
        ("declaration", before.declaration.digest, after.declaration.digest),
    ):
        if one != other:
            yield Ground(what, one, other)
    if before.finished_at > after.finished_at:
        yield Ground("later first", timestamp(before.finished_at), timestamp(after.finished_at))


def _product(results: Results) -> str:
    subject = results.declaration.subject
    return f"{subject.product} {subject.version}".strip()


def _of_kit(one: KitResult | None, other: KitResult) -> Iterator[Change]:
    if one is None:
        yield Change("kit_new", other.kit, other.kit)
    old = {each.id: each for each in one.requirements} if one else {}
    new = {each.id: each for each in other.requirements}
    for name in sorted({*old, *new}):
        if name not in new:
            yield Change("requirement_gone", other.kit, name)
            continue
        if name not in old and one is not None:
            yield Change("requirement_new", other.kit, name)
        yield from _of_requirement(other.kit, old.get(name), new[name])


def _of_requirement(kit: str, before: RequirementResult | None, after: RequirementResult) -> Iterator[Change]:
    warning = after.level != "MUST"
    lacked = _failed(before) if before is not None else 0
    if after.result == "failed":
        yield Change("still_failing" if lacked else "newly_failing", kit, after.id, warning, _failed(after))
    elif after.result == "passed":
        if lacked:
            yield Change("mended", kit, after.id, warning, lacked)
        elif before is not None and before.result == "unseen":
            yield Change("seen_again", kit, after.id, warning)
    elif before is not None and before.result != "unseen":
        # What shows nothing of it mends nothing.
        yield Change("not_seen", kit, after.id, warning)
    if before is not None:
        old, new = ({each.case for each in found.cases} for found in (before, after))
        yield from (Change("case_gone", kit, each, warning) for each in sorted(old - new))
        yield from (Change("case_new", kit, each, warning) for each in sorted(new - old))


def _failed(requirement: RequirementResult) -> int:
    return sum(each.result == "failed" for each in requirement.cases)
