"""What a check of a channel found, for people and for machines."""

from dataclasses import dataclass, field
from typing import Any

from xinqiao_adapters.coverage import Coverage

__all__ = ["CheckReport", "Proved"]


@dataclass(slots=True)
class Proved:
    """Generated messages of one interface: how many there were, and how many the partner's format could hold.

    Of those held, ``reduced`` had first lost the values that were refused, each with its finding.
    """

    generated: int = 0
    held: int = 0
    reduced: int = 0

    def as_json(self) -> dict[str, int]:
        """Return the counts."""
        return {"generated": self.generated, "held": self.held, "reduced": self.reduced}


@dataclass
class CheckReport:
    """What a check found. ``passed`` is false where a law is broken or something is shown by no sample and no case.

    ``messages`` is what the generated messages of each interface proved.
    """

    channel: str
    problems: list[str] = field(default_factory=list)
    samples: int = 0
    records: int = 0
    cases: int = 0
    rows: int = 0
    coverage: dict[str, Coverage] = field(default_factory=dict)
    messages: dict[str, Proved] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {
            "channel": self.channel,
            "passed": self.passed,
            "samples": self.samples,
            "records": self.records,
            "cases": self.cases,
            "rows": self.rows,
            "problems": self.problems,
            "coverage": {name: each.as_json() for name, each in self.coverage.items()},
            "messages": {name: each.as_json() for name, each in self.messages.items()},
        }

    def as_text(self) -> str:
        """Return the report for people."""
        lines = [self.headline, *(f"  {name}: {each.as_text()}" for name, each in self.coverage.items())]
        return "\n".join([*lines, *(f"  ✗ {problem}" for problem in self.problems)])

    @property
    def headline(self) -> str:
        """One line that counts what was checked."""
        generated = sum(each.generated for each in self.messages.values())
        held = sum(each.held for each in self.messages.values())
        return (
            f"{self.channel}: {self.samples} samples with {self.records} records, {self.cases} cases, "
            f"{self.rows} rows, {held} of {generated} generated messages held, "
            f"{len(self.problems)} {'problem' if len(self.problems) == 1 else 'problems'}"
        )
