"""What a shadow run found, counted for all cases and shown by a few: the same memory for ten cases and ten million.

Nothing in a report is personal: values are masked by the sensitivity of their field, and cases are named as recorded.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from xinqiao_gateway.shadow.comparison import Difference, DifferenceClass
from xinqiao_gateway.shadow.explanations import Placed
from xinqiao_gateway.shadow.recording import Broken

__all__ = ["Example", "ExplanationLine", "Row", "ShadowReport"]

# Examples of each row, and broken cases, that are shown.
_EXAMPLES = 5
_BROKEN = 100
# Paths are those of the standard and of one partner's answers; what a hostile recording adds is counted only.
_ROWS = 2000
State = Literal["used", "stale", "expired"]


@dataclass(frozen=True, slots=True)
class Example:
    """One difference as it may be shown."""

    case: str
    path: str
    ours: str | None
    theirs: str | None


@dataclass(slots=True)
class Row:
    """All differences of one class at one path (without indices)."""

    path: str
    kind: DifferenceClass
    count: int = 0
    explained: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def unexplained(self) -> int:
        """How many nobody has explained."""
        return self.count - self.explained

    def add(self, example: Example, *, explained: bool) -> None:
        """Count a difference, and keep it as an example: those that nobody has explained come before the others."""
        self.count += 1
        self.explained += explained
        if not explained and self.unexplained == 1:
            self.examples.clear()
        if len(self.examples) < _EXAMPLES and not (explained and self.unexplained):
            self.examples.append(example)

    def as_json(self) -> dict[str, Any]:
        """Return the row for machines."""
        counts = {"count": self.count, "explained": self.explained, "unexplained": self.unexplained}
        return {"path": self.path, "class": self.kind, **counts, "examples": [asdict(each) for each in self.examples]}


@dataclass(frozen=True, slots=True)
class ExplanationLine:
    """An explanation and how many differences it explains; ``stale`` explains none, ``expired`` may not any more."""

    where: str
    kind: str | None
    why: str
    by: str
    until: str
    at: str
    count: int
    state: State

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {"class" if name == "kind" else name: part for name, part in asdict(self).items()}


class ShadowReport:
    """Counts and examples; ``add`` and ``add_broken`` are called case by case."""

    def __init__(self, channel: str, core: str, explanations: Sequence[Placed], today: date) -> None:
        self.channel = channel
        self.core = core
        self.cases = 0
        self.alike = 0
        self.unlisted = 0
        self.broken_count = 0
        self.broken: list[Broken] = []
        self.classes: Counter[str] = Counter()
        self.explained: Counter[str] = Counter()
        self._rows: dict[tuple[str, str], Row] = {}
        self._explanations = explanations
        self._used: Counter[int] = Counter()
        self._today = today

    def add(self, case: str, differences: Iterable[Difference]) -> None:
        """Count a case and what differs in it."""
        self.cases += 1
        found = False
        for each in differences:
            found = True
            self._count(case, each)
        self.alike += not found

    def add_broken(self, broken: Broken) -> None:
        """Count a case that cannot be compared."""
        self.cases += 1
        self.broken_count += 1
        if len(self.broken) < _BROKEN:
            self.broken.append(broken)

    def _count(self, case: str, difference: Difference) -> None:
        explanation = self._explanation_of(difference)
        self.classes[difference.kind] += 1
        if explanation is not None:
            self.explained[difference.kind] += 1
            self._used[explanation] += 1
        row = self._row(difference)
        if row is None:
            self.unlisted += 1
        else:
            example = Example(case, difference.path, difference.shown_ours, difference.shown_theirs)
            row.add(example, explained=explanation is not None)

    def _explanation_of(self, difference: Difference) -> int | None:
        """Return the first explanation that counts and fits, None where nothing explains."""
        counting = (place for place, each in enumerate(self._explanations) if each.counts(self._today))
        return next((place for place in counting if self._explanations[place].explains(difference)), None)

    def _row(self, difference: Difference) -> Row | None:
        key = (difference.pattern, difference.kind)
        if key not in self._rows and len(self._rows) < _ROWS:
            self._rows[key] = Row(*key)
        return self._rows.get(key)

    # --- what is said ---------------------------------------------------------------------------------------------

    @property
    def differences(self) -> int:
        """How many differences there are."""
        return self.classes.total()

    @property
    def unexplained(self) -> int:
        """How many of them nobody has explained."""
        return self.differences - self.explained.total()

    @property
    def passed(self) -> bool:
        """Whether there were cases, all could be compared, and nothing that differs is unexplained."""
        return bool(self.cases) and not self.broken_count and not self.unexplained

    @property
    def rows(self) -> list[Row]:
        """The differences by path and class, those with the most that are unexplained first."""
        return sorted(self._rows.values(), key=lambda row: (-row.unexplained, -row.count, row.path, row.kind))

    @property
    def explanations(self) -> list[ExplanationLine]:
        """The explanations in their order."""
        return [self._line(number, each) for number, each in enumerate(self._explanations)]

    def _line(self, number: int, placed: Placed) -> ExplanationLine:
        said, count = placed.explanation, self._used[number]
        state: State = "expired" if not placed.counts(self._today) else "used" if count else "stale"
        return ExplanationLine(said.where, said.kind, said.why, said.by, said.until, str(placed.mark), count, state)

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {
            "channel": self.channel,
            "core": self.core,
            "passed": self.passed,
            "cases": self.cases,
            "alike": self.alike,
            "broken": {"count": self.broken_count, "cases": [asdict(each) for each in self.broken]},
            "differences": {"count": self.differences, "unexplained": self.unexplained, "unlisted": self.unlisted},
            "classes": {
                name: {"count": self.classes[name], "explained": self.explained[name]} for name in self.classes
            },
            "rows": [row.as_json() for row in self.rows],
            "explanations": [each.as_json() for each in self.explanations],
        }

    def as_html(self) -> str:
        """Return the report as a page, in Chinese and English."""
        return _page("report.html.j2", self)

    def as_markdown(self) -> str:
        """Return the report as Markdown, in Chinese and English."""
        return _page("report.md.j2", self)


def _cell(value: object) -> str:
    """Return a text that fits into a cell of Markdown."""
    text = "" if value is None else str(value)
    return "".join(f"\\{each}" if each in "\\|`*_<>[]" else each if each.isprintable() else " " for each in text)


def _page(template: str, report: ShadowReport) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    return environment.get_template(template).render(report=report, classes=_CLASSES, states=_STATES)


_CLASSES = {
    "missing_here": "我方缺少 missing here",
    "missing_there": "对照系统缺少 missing there",
    "different": "不一致 different",
    "refused_here": "仅我方拒绝 refused here only",
    "accepted_here": "仅我方受理 accepted here only",
}
_STATES = {"used": "有效 used", "stale": "已无对应差异 stale", "expired": "已过期 expired"}
