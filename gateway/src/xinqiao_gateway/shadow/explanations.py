"""Explanations: why some differences are as they should be, said by a person, until a day."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from xinqiao_adapters.marked import Mark, read_marked, validated
from xinqiao_gateway.shadow.comparison import Difference, DifferenceClass

__all__ = ["Explanation", "Placed", "read_explanations"]

Said = Annotated[str, Field(min_length=1)]


def _day(said: str) -> str:
    try:
        date.fromisoformat(said)
    except ValueError:
        raise ValueError("a day is written 2026-12-31") from None
    return said


class Explanation(BaseModel):
    """One explanation. ``where``, ``ours`` and ``theirs`` are patterns: ``*`` stands for any text.

    ``where`` is a path without indices (``kycApplication.applicant.documents[].number``, ``answer.Head/RetMsg``);
    ``ours`` and ``theirs`` are held against the values themselves, and an empty one against nothing being there.
    ``kind`` is a class of differences. ``until`` is the last day on which it counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    where: Said
    kind: DifferenceClass | None = Field(None, alias="class")
    ours: str | None = None
    theirs: str | None = None
    why: Said
    by: Said
    until: Annotated[str, AfterValidator(_day)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    explained: list[Explanation]


class Placed:
    """An explanation, where it stands, and its patterns ready to be asked."""

    def __init__(self, explanation: Explanation, mark: Mark) -> None:
        self.explanation = explanation
        self.mark = mark
        self._where = _pattern(explanation.where)
        self._ours = None if explanation.ours is None else _pattern(explanation.ours)
        self._theirs = None if explanation.theirs is None else _pattern(explanation.theirs)

    def counts(self, today: date) -> bool:
        """Whether its last day has not passed."""
        return today <= date.fromisoformat(self.explanation.until)

    def explains(self, difference: Difference) -> bool:
        """Whether a difference is of its class, at its place, with its values."""
        return (
            self.explanation.kind in (None, difference.kind)
            and self._where.fullmatch(difference.pattern) is not None
            and _fits(self._ours, difference.ours)
            and _fits(self._theirs, difference.theirs)
        )


def read_explanations(path: Path) -> list[Placed]:
    """Read an ``explained.yaml``. Raises ``ProfileInvalid`` with file and line for what it may not say."""
    marked = read_marked(path)
    found = validated(marked, _File)
    return [Placed(each, marked.mark(("explained", place))) for place, each in enumerate(found.explained)]


def _pattern(said: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, said.split("*"))), re.DOTALL)


def _fits(pattern: re.Pattern[str] | None, value: str | None) -> bool:
    return pattern is None or pattern.fullmatch(value or "") is not None
