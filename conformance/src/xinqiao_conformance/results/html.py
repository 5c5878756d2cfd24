"""The report for people: one page in both languages, whose findings are work orders."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import orjson

from xinqiao.finding import Text
from xinqiao_conformance.kits import kit_named
from xinqiao_conformance.requirements import Requirement, UnknownRequirement, requirement_of
from xinqiao_conformance.results.model import CaseResult, Finding, KitResult, RequirementResult, Results
from xinqiao_conformance.results.pages import page

__all__ = ["HOW", "html_of"]

# Work orders on one page; results.json has them all.
_MOST_ORDERS = 300
HOW: Mapping[str, Text] = {
    "run": Text("测试工具实际运行了被测系统", "the suite ran the system"),
    "recordings": Text("依据报文往来记录判读，未运行被测系统", "judged from recordings; the system was not run"),
    "channel": Text("通过网关渠道测试所连接的地址", "the address that a gateway's channel is set to was tested"),
}
_OWNERS: Mapping[str, Text] = {
    "subject": Text("被测方", "the subject"),
    "gateway": Text("网关方", "the gateway"),
    "suite": Text("测试工具维护方", "the suite"),
}


@dataclass(frozen=True, slots=True)
class _Order:
    """A work order: one finding, numbered over the whole page, with every case of a kit that found the same."""

    number: int
    kit: str
    found: tuple[tuple[RequirementResult, CaseResult, Finding], ...]

    @property
    def finding(self) -> Finding:
        return self.found[0][2]

    @property
    def owner(self) -> Text:
        return _OWNERS[self.finding.owner]

    @property
    def requirements(self) -> list[RequirementResult]:
        return list({each.id: each for each, _, _ in self.found}.values())

    @property
    def about(self) -> Requirement | None:
        """The requirement, where it is one."""
        return _known(self.requirements[0].id) if len(self.requirements) == 1 else None

    @property
    def cases(self) -> list[CaseResult]:
        return [case for _, case, _ in self.found]

    @property
    def exchanges(self) -> list[int]:
        return sorted({number for _, _, finding in self.found for number in finding.exchanges})

    @property
    def level(self) -> str:
        return "MUST" if any(each.level == "MUST" for each in self.requirements) else "SHOULD"


def html_of(results: Results) -> str:
    """Return the report as one HTML file."""
    orders = list(_orders(results))
    return page(
        "report.html.j2",
        results=results,
        subject=results.declaration.subject,
        how=HOW[results.how],
        titles={each.kit: _title(each) for each in results.kits},
        about=_known,
        orders=orders[:_MOST_ORDERS],
        more=len(orders[_MOST_ORDERS:]),
        places={
            (order.kit, each.id): order.number
            for order in reversed(orders[:_MOST_ORDERS])
            for each in order.requirements
        },
        idle=sorted({each.id for kit in results.kits for each in kit.requirements if each.result == "not_run"}),
        cases=[case for kit in results.kits for case in kit.cases],
    )


def _orders(results: Results) -> Iterator[_Order]:
    """Yield what is to be mended; what must be met comes first."""
    alike: dict[tuple[str, bytes], list[tuple[RequirementResult, CaseResult, Finding]]] = {}
    for kit in results.kits:
        for each in kit.requirements:
            for case in each.cases:
                if case.finding is not None:
                    alike.setdefault((kit.kit, _said(case.finding)), []).append((each, case, case.finding))
    found = [_Order(0, kit, tuple(rows)) for (kit, _), rows in alike.items()]
    found.sort(key=lambda order: order.level != "MUST")
    for number, order in enumerate(found, start=1):
        yield replace(order, number=number)


def _said(finding: Finding) -> bytes:
    """Return what tells a finding from others, wherever it was found."""
    return orjson.dumps(finding.model_dump(mode="json", exclude={"clause", "exchanges"}), option=orjson.OPT_SORT_KEYS)


def _title(kit: KitResult) -> Text:
    """Return the name of a kit; results of another version of the suite may have one that this one does not know."""
    try:
        return kit_named(kit.kit).title
    except ValueError:
        return Text(kit.kit, kit.kit)


def _known(requirement: str) -> Requirement | None:
    try:
        return requirement_of(requirement)
    except UnknownRequirement:
        return None
