"""``results.json``: what a run found, as it is written and read. Everything else is made from it.

Texts of requirements are not in it: who shows them looks them up by id. A file that contradicts itself (a case that
failed in a requirement that passed) cannot be made, and is refused when it is read.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from xinqiao.errors import MalformedRequest
from xinqiao.finding import Text
from xinqiao.message import read_json, timestamp
from xinqiao_conformance.observing import Owner
from xinqiao_conformance.results.files import read_within, write_whole

__all__ = [
    "MOST_BYTES",
    "RESULTS",
    "CaseResult",
    "Declared",
    "Difference",
    "Evidence",
    "Finding",
    "How",
    "KitResult",
    "Outcome",
    "RequirementResult",
    "Results",
    "Subject",
    "SuiteVersion",
    "Verdict",
    "parse_results",
    "read_results",
    "write_results",
]

RESULTS = "results.json"
# Unseen: nothing that it is about occurred.
Outcome = Literal["passed", "failed", "unseen"]
Verdict = Literal["passed", "failed"]
# What was looked at: the subject was run; recordings of it were read; a channel of a gateway was run against it.
How = Literal["run", "recordings", "channel"]

MOST_BYTES = 64 << 20
_MOST_TEXT = 4_000
_LISTED = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]")


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("control characters and marks that nobody sees are not expected here")
    return value


def _text(value: object) -> Text:
    """Take a text in both languages, as the suite or as JSON has it."""
    if isinstance(value, dict) and value.keys() == {"zh", "en"}:
        value = Text(value["zh"], value["en"])
    if not isinstance(value, Text) or not all(isinstance(each, str) and len(each) <= _MOST_TEXT for each in value):
        raise ValueError(f"a text has zh and en, each a string of at most {_MOST_TEXT} characters")
    return value


Bilingual = Annotated[Text, PlainValidator(_text), PlainSerializer(Text.as_json)]
Moment = Annotated[AwareDatetime, PlainSerializer(timestamp)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Line = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_one_line)]
Count = Annotated[int, Field(ge=0, lt=2**53)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Difference(_Part):
    """A place where what was seen is not what was expected; null where nothing is there."""

    path: Annotated[str, Field(max_length=1_000)]
    expected: JsonValue = None
    seen: JsonValue = None


class Finding(_Part):
    """Why a case failed, all of it masked. ``clause`` is the source of the requirement, ``exchanges`` are numbers of
    the recording; ``owner`` is whose matter it is.
    """

    expected: Bilingual
    sent: dict[str, JsonValue] | None = None
    seen: dict[str, JsonValue] | None = None
    difference: tuple[Difference, ...] = Field(default=(), max_length=1_000)
    fix: Bilingual | None = None
    owner: Owner = "subject"
    clause: Annotated[str, Field(max_length=1_000)]
    exchanges: tuple[Count, ...] = Field(default=(), max_length=1_000)


class CaseResult(_Part):
    """What became of one case: a failed one has a finding, others have none."""

    case: Line
    negative: bool
    result: Outcome
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    finding: Finding | None = None

    @model_validator(mode="after")
    def _failed_for_a_reason(self) -> Self:
        if (self.result == "failed") != (self.finding is not None):
            raise ValueError(f"{self.case} {self.result} and has {'a' if self.finding else 'no'} finding")
        return self


class RequirementResult(_Part):
    """What became of one requirement, by its cases; recordings have none for what they do not show."""

    id: Annotated[str, Field(pattern=r"^[A-Z]{2,6}-[0-9]{3}$")]
    level: Literal["MUST", "SHOULD", "MAY"]
    result: Outcome
    cases: tuple[CaseResult, ...] = Field(max_length=10_000)

    @classmethod
    def of(cls, requirement: str, level: str, cases: Iterable[CaseResult]) -> Self:
        """Judge a requirement by its cases."""
        ran = tuple(cases)
        return cls.model_validate({"id": requirement, "level": level, "result": _outcome(ran), "cases": ran})

    @property
    def seconds(self) -> float:
        """How long its cases took."""
        return sum(each.seconds for each in self.cases)

    @model_validator(mode="after")
    def _follows_from_its_cases(self) -> Self:
        if self.result != _outcome(self.cases):
            raise ValueError(f"{self.id} is said to be {self.result}, by its cases it is {_outcome(self.cases)}")
        return self


def _outcome(cases: tuple[CaseResult, ...]) -> Outcome:
    found = {each.result for each in cases}
    return "failed" if "failed" in found else "passed" if "passed" in found else "unseen"


class KitResult(_Part):
    """What became of one kit. Its verdict follows from its requirements."""

    kit: Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+$", max_length=120)]
    verdict: Verdict
    requirements: tuple[RequirementResult, ...] = Field(max_length=1_000)

    @classmethod
    def of(cls, kit: str, requirements: Iterable[RequirementResult]) -> Self:
        """Judge a kit by its requirements."""
        judged = tuple(requirements)
        return cls(kit=kit, verdict=_verdict(judged), requirements=judged)

    @property
    def cases(self) -> tuple[CaseResult, ...]:
        """All cases of the kit."""
        return tuple(case for each in self.requirements for case in each.cases)

    @property
    def warnings(self) -> tuple[RequirementResult, ...]:
        """What should be met and is not: it fails nothing."""
        return tuple(each for each in self.requirements if each.level != "MUST" and each.result == "failed")

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        ids = [each.id for each in self.requirements]
        if len(set(ids)) != len(ids):
            raise ValueError(f"{self.kit} names a requirement twice")
        return self


def _verdict(requirements: tuple[RequirementResult, ...]) -> Verdict:
    """Judge: a MUST that failed fails, and so does a kit that shows nothing at all."""
    must = [each.result for each in requirements if each.level == "MUST"]
    return "failed" if "failed" in must or "passed" not in must else "passed"


class SuiteVersion(_Part):
    """The suite that was run, by its version and the digest of its cases and requirements."""

    version: Line
    digest: Digest


class Subject(_Part):
    """Who was tested: ``institution`` is a unified social credit code, ``product`` and ``version`` what they run."""

    name: Line
    institution: Annotated[str, Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")]
    product: Annotated[str, Field(max_length=400), AfterValidator(_one_line)] = ""
    version: Annotated[str, Field(max_length=400), AfterValidator(_one_line)] = ""


class Declared(_Part):
    """What was declared: by whom, with which features; ``digest`` is that of the file."""

    digest: Digest
    subject: Subject
    supports: tuple[Line, ...] = Field(default=(), max_length=100)


class Evidence(_Part):
    """The recording of the run: the root of the tree over its exchanges, and how many there are."""

    root: Digest
    exchanges: Count


class Results(_Part):
    """What a run found."""

    results: Literal["1"] = "1"
    standard: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+$")]
    suite: SuiteVersion
    declaration: Declared
    how: How = "run"
    started_at: Moment
    finished_at: Moment
    verdict: Verdict
    evidence: Evidence
    kits: tuple[KitResult, ...] = Field(max_length=200)

    @classmethod
    def of(cls, kits: Iterable[KitResult], **about: Any) -> Self:  # noqa: ANN401 -- the other fields, by name
        """Judge a run by its kits; ``about`` are the fields beside ``kits`` and ``verdict``."""
        judged = tuple(kits)
        return cls(kits=judged, verdict=_verdict_of_all(judged), **about)

    @model_validator(mode="after")
    def _follows_from_its_kits(self) -> Self:
        if len({each.kit for each in self.kits}) != len(self.kits):
            raise ValueError("a kit is there twice")
        for each in self.kits:
            if self.how != "recordings" and (idle := [one.id for one in each.requirements if not one.cases]):
                raise ValueError(f"{each.kit} says nothing of {', '.join(idle[:_LISTED])}: all that is declared is run")
            if each.verdict != _verdict(each.requirements):
                raise ValueError(f"{each.kit} is said to have {each.verdict}; its requirements say otherwise")
        if self.verdict != _verdict_of_all(self.kits):
            raise ValueError(f"the run is said to have {self.verdict}; its kits say otherwise")
        return self


def _verdict_of_all(kits: tuple[KitResult, ...]) -> Verdict:
    return "passed" if kits and all(each.verdict == "passed" for each in kits) else "failed"


def write_results(results: Results, path: Path) -> None:
    """Write ``results.json``, whole or not at all. Raises ``SettingsInvalid`` where it cannot be written."""
    said = results.model_dump(mode="json", by_alias=True)
    write_whole(path, orjson.dumps(said, option=orjson.OPT_INDENT_2) + b"\n")


def read_results(path: Path) -> Results:
    """Read ``results.json``. Raises ``SettingsInvalid`` where the file cannot be read, else as ``parse_results``."""
    return parse_results(read_within(path, MOST_BYTES), str(path))


def parse_results(raw: bytes, where: str = RESULTS) -> Results:
    """Parse the content of a ``results.json`` strictly.

    Raises ``MalformedJson``, ``DuplicateKey`` or ``WrongEncoding`` where it is no JSON, ``MalformedRequest`` where it
    is no such file or contradicts itself; ``where`` is how that names it.
    """
    read_json(raw)
    try:
        return Results.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise MalformedRequest(f"{where} is no {RESULTS} of this suite: {_listed(error)}") from error


def _listed(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False)
    said = [
        ": ".join(filter(None, (".".join(map(str, each["loc"])), each["msg"].removeprefix("Value error, "))))
        for each in problems[:_LISTED]
    ]
    more = f" (and {len(problems) - _LISTED} more)" if len(problems) > _LISTED else ""
    return "; ".join(said) + more
