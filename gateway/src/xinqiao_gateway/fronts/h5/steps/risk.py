"""``risk``: a questionnaire as data (``questionnaires/*.yaml``): answers have scores, their sums are levels C1–C5."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import Any, Self

import yaml
from pydantic import BaseModel, Field, model_validator

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.model import STRICT, Context, Problem, Row, Said, Section, Shown, StepSpec, Taken, Visit
from xinqiao_gateway.fronts.h5.words import word

__all__ = ["Questionnaire", "RiskStep", "questionnaire"]

_CHINA = timezone(timedelta(hours=8))


class Option(BaseModel):
    """An answer: its text and score. ``lowest``: who gives it is of the lowest category, whatever the sum."""

    model_config = STRICT

    zh: str
    en: str
    score: int = Field(ge=0, le=100)
    lowest: bool = False


class Question(BaseModel):
    """A question with its answers by letter."""

    model_config = STRICT

    zh: str
    en: str
    options: dict[str, Option] = Field(min_length=2)


class Questionnaire(BaseModel):
    """A questionnaire: from which sum on each level is reached, and for how many days an assessment holds."""

    model_config = STRICT

    id: str
    version: str
    title: Said
    valid_days: int = Field(ge=1, le=366)
    levels: dict[str, int]
    questions: dict[str, Question] = Field(min_length=1, max_length=60)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if list(self.levels) != ["C1", "C2", "C3", "C4", "C5"] or sorted(self.levels.values()) != list(
            self.levels.values()
        ):
            raise ValueError("levels are C1 to C5, each with the least sum that it takes, in rising order")
        return self

    def level(self, score: int, *, lowest: bool) -> str:
        """Return the level of a sum of scores."""
        reached = [level for level, least in self.levels.items() if score >= least]
        return "C1" if lowest or not reached else reached[-1]


@cache
def questionnaire(name: str) -> Questionnaire:
    """Return a questionnaire by the name of its file. Raises ``ValueError`` where there is none."""
    file = files("xinqiao_gateway.fronts.h5") / "questionnaires" / f"{name}.yaml"
    if not file.is_file():
        raise ValueError(f"there is no questionnaire {name}")
    return Questionnaire.model_validate(yaml.safe_load(file.read_bytes()))


class RiskSpec(StepSpec):
    """A risk questionnaire in a flow's file; ``into`` is the path of the assessment."""

    questionnaire: str
    into: str = "riskAssessment"


class RiskStep:
    """A step that asks a questionnaire and fills in the assessment."""

    def __init__(self, spec: RiskSpec) -> None:
        self.spec = spec
        self._asked = questionnaire(spec.questionnaire)

    @classmethod
    def read(cls, entry: Mapping[str, Any], body: str | None) -> Self:
        """Read a step of a flow's file. Raises ``ValueError``."""
        if body is None:
            raise ValueError("an assessment is part of a message; say which: body: …")
        return cls(RiskSpec.model_validate(entry))

    @property
    def paths(self) -> tuple[str, ...]:
        """It fills in the whole assessment."""
        return (self.spec.into,)

    def sections(self, visit: Visit) -> Sequence[Section]:
        """Return the level, and how many questions were answered."""
        found = visit.body.get(self.spec.into)
        if not found:
            return ()
        count = str(len(found["answers"]))
        rows = (Row(word("risk_level"), found["level"], found["level"]), Row(word("answers"), count, count))
        return (Section(self._asked.title.text, rows),)

    async def show(self, visit: Visit, context: Context, problems: Sequence[Problem] = ()) -> Shown:  # noqa: ARG002
        """Return the questions with what was answered."""
        given = visit.own(self.spec.step)
        beside = {each.field: each for each in problems}
        values = {"questionnaire": self._asked, "given": given, "beside": beside, "into": self.spec.into}
        return Shown("risk.html.j2", values, tuple(problems))

    async def keep(self, visit: Visit, form: FormData, context: Context) -> Visit:
        """Take the answers given so far; the assessment is there once all are."""
        given = {
            name: answer
            for name, question in self._asked.questions.items()
            if (answer := form.one(f"q.{name}")) in question.options
        }
        whole = len(given) == len(self._asked.questions)
        assessed = self._assessment(given, context.now) if whole else None
        body = {name: part for name, part in visit.body.items() if name != self.spec.into}
        kept = visit.with_own(self.spec.step, given)
        return kept.with_content(body=body | ({self.spec.into: assessed} if assessed else {}))

    async def take(self, visit: Visit, form: FormData, context: Context) -> Taken:
        """Take the answers, all of them."""
        kept = await self.keep(visit, form, context)
        return Taken(kept, tuple(self.wrong(kept, context)))

    def wrong(self, visit: Visit, context: Context) -> Sequence[Problem]:  # noqa: ARG002
        """Return the questions without an answer."""
        given = visit.own(self.spec.step)
        return [_unanswered(name, number) for number, name in enumerate(self._asked.questions, 1) if name not in given]

    def _assessment(self, given: Json, now: float) -> Json:
        chosen = {name: (question, question.options[given[name]]) for name, question in self._asked.questions.items()}
        score = sum(option.score for _, option in chosen.values())
        lowest = any(option.lowest for _, option in chosen.values())
        day = datetime.fromtimestamp(now, UTC).astimezone(_CHINA).date()
        return {
            "level": self._asked.level(score, lowest=lowest),
            "assessedOn": day.isoformat(),
            "validUntil": (day + timedelta(days=self._asked.valid_days)).isoformat(),
            "score": score,
            "questionnaire": self._asked.id,
            "questionnaireVersion": self._asked.version,
            "minimumRiskCategory": lowest,
            "answers": [
                {"question": name, "answer": given[name], "questionText": question.zh, "answerText": option.zh,
                 "score": option.score}
                for name, (question, option) in chosen.items()
            ],
        }  # fmt: skip


def _unanswered(name: str, number: int) -> Problem:
    said = word("risk_unanswered")
    return Problem(Text(said.zh.format(number=number), said.en.format(number=number)), field=f"q.{name}")
