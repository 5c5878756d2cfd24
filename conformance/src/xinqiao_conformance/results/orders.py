"""Work orders: what is to be mended, each once with every case that found it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import orjson

from xinqiao.finding import Text
from xinqiao_conformance.requirements import Requirement, UnknownRequirement, requirement_of
from xinqiao_conformance.results.model import CaseResult, Finding, RequirementResult, Results
from xinqiao_conformance.results.quoting import Quote, quotes_of

__all__ = ["Order", "Row", "known", "orders_of"]

Row = tuple[RequirementResult, CaseResult, Finding]
# Orders that show the whole of what was sent and seen.
_IN_FULL = 10
_OWNERS: Mapping[str, Text] = {
    "subject": Text("被测方", "the subject"),
    "gateway": Text("网关方", "the gateway"),
    "suite": Text("测试工具维护方", "the suite"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A work order, numbered over the whole report: a requirement of a kit, what was expected, how to mend it.

    ``found`` are the cases that found it, of which the first is shown in full. What several requirements found alike,
    such as a subject that is down, is one order, too.
    """

    number: int
    kit: str
    found: tuple[Row, ...]

    @property
    def finding(self) -> Finding:
        """What the first case found."""
        return self.found[0][2]

    @property
    def case(self) -> CaseResult:
        """The first case."""
        return self.found[0][1]

    @property
    def quotes(self) -> list[Quote]:
        """What is shown of what was sent and seen."""
        return list(quotes_of(self.finding, in_full=self.number <= _IN_FULL))

    @property
    def owner(self) -> Text:
        """Whose matter it is."""
        return _OWNERS[self.finding.owner]

    @property
    def requirements(self) -> list[RequirementResult]:
        """The requirements that are not met, each once."""
        return list({each.id: each for each, _, _ in self.found}.values())

    @property
    def about(self) -> Requirement | None:
        """The requirement, where it is one that this suite knows."""
        return known(self.requirements[0].id) if len(self.requirements) == 1 else None

    @property
    def level(self) -> str:
        """MUST where one of the requirements must be met."""
        return "MUST" if any(each.level == "MUST" for each in self.requirements) else "SHOULD"


def orders_of(results: Results) -> list[Order]:
    """Return what is to be mended; what must be met comes first."""
    found = [Order(0, kit.kit, rows) for kit in results.kits for rows in _joined(_rows(kit.requirements))]
    found.sort(key=lambda order: order.level != "MUST")
    return [replace(order, number=number) for number, order in enumerate(found, start=1)]


def known(requirement: str) -> Requirement | None:
    """Return a requirement; results of another version of the suite may name one that this one does not know."""
    try:
        return requirement_of(requirement)
    except UnknownRequirement:
        return None


def _rows(requirements: tuple[RequirementResult, ...]) -> Iterator[Row]:
    for each in requirements:
        yield from ((each, case, case.finding) for case in each.cases if case.finding is not None)


def _joined(rows: Iterator[Row]) -> Iterator[tuple[Row, ...]]:
    """Join what is the same finding, then what is mended in the same way for the same requirement."""
    alike: dict[bytes, list[Row]] = {}
    for row in rows:
        alike.setdefault(_said(row[2], without={"clause", "exchanges"}), []).append(row)
    mended: dict[tuple[frozenset[str], bytes], list[Row]] = {}
    for same in alike.values():
        of = frozenset(each.id for each, _, _ in same)
        aside = {"clause", "exchanges", "sent", "seen", "difference"} if len(of) == 1 else {"clause", "exchanges"}
        mended.setdefault((of, _said(same[0][2], without=aside)), []).extend(same)
    yield from map(tuple, mended.values())


def _said(finding: Finding, *, without: set[str]) -> bytes:
    return orjson.dumps(finding.model_dump(mode="json", exclude=without), option=orjson.OPT_SORT_KEYS)
