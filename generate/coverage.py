"""``docs/conformance/coverage.md``: each requirement with its cases and mutants, or why it has none."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from xinqiao_conformance.case import Case, cases
from xinqiao_conformance.kits import kits
from xinqiao_conformance.mutants import Mutant, mutants
from xinqiao_conformance.requirements import Requirement, requirements

_HEAD = """\
# Coverage 覆盖

<!-- Generated from the requirements, the suite's cases and its mutants by make generate. Do not edit. -->

Every requirement that can be observed from outside has cases, and mutants that they must find: implementations that
break it. *Runs* are the cases as they are run over all kits with every feature; *negative* are those in which the suite
does something wrong or hostile, or checks a refusal.

凡可从外部观察的要求均有用例，并有专门违反该要求、必须被查出的变异体。
*运行* 为全部套件、全部特性下的用例次数；*反例* 为测试工具有意出错、发起恶意输入或核对拒绝的用例。
"""


def write_coverage(path: Path) -> None:
    """Write the page."""
    runs = _runs()
    path.write_text("\n".join([_HEAD, *_summary(runs), *_covered(runs), *_untested()]), encoding="utf-8")


def _runs() -> list[Case]:
    """Return the case of each run there is, in all kits, for a subject that supports everything."""
    features = {name for each in cases() for name in each.needs}
    of_kits = ((kit, each) for kit in kits() for each in cases() if each.is_for(kit, features))
    return [run.case for kit, each in of_kits for run in each.runs(kit)]


def _summary(runs: list[Case]) -> Iterable[str]:
    tested = requirements(shown_by="suite")
    mechanical = sum(each.mechanical for each in mutants())
    negative = 100 * sum(each.negative for each in runs) // len(runs)
    return [
        f"* {len(requirements())} requirements, {len(tested)} of them observable from outside",
        f"* {len(kits())} kits, {len(cases())} cases, {len(runs)} runs, {negative} % negative",
        f"* {len(mutants())} mutants, {mechanical} of them made mechanically",
        "",
    ]


def _covered(runs: list[Case]) -> Iterable[str]:
    run, negative = (Counter(each.requirement.id for each in some) for some in (runs, (r for r in runs if r.negative)))
    tested_as = {
        each.id: sorted({case.role for case in cases() if case.requirement is each}) for each in requirements()
    }
    broken: dict[str, list[Mutant]] = {}
    for each in mutants():
        broken.setdefault(each.breaks, []).append(each)
    yield "## Tested 以用例检验"
    yield ""
    yield "| requirement 要求 | level | role 角色 | runs 运行 | negative 反例 | mutants 变异体 | mechanical 机制生成 |"
    yield "|---|---|---|---|---|---|---|"
    for one in requirements(shown_by="suite"):
        of_it = broken.get(one.id, [])
        counts = (run[one.id], negative[one.id], len(of_it), sum(each.mechanical for each in of_it))
        yield f"| {_named(one)} | {one.level} | {', '.join(tested_as[one.id])} | {' | '.join(map(str, counts))} |"
    yield ""


def _untested() -> Iterable[str]:
    yield "## Not observable from outside 无法从外部观察"
    yield ""
    yield "| requirement 要求 | level | why 原因 |"
    yield "|---|---|---|"
    for one in requirements(shown_by="inspection"):
        why = f"{one.reason.zh}<br>{one.reason.en}" if one.reason else ""
        yield f"| {_named(one)} | {one.level} | {why} |"
    yield ""


def _named(one: Requirement) -> str:
    return f"`{one.id}` {one.text.zh}<br>{one.text.en}"
