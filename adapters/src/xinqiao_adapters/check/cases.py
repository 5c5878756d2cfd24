"""Cases beside a profile (``tests.yaml``): what a mapping must do with one input, said by people.

The file is read here; ``case_run`` runs it. Errors name file and line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xinqiao_adapters.marked import Mark, read_marked, validated

__all__ = ["Case", "CaseFile", "PlacedCase", "PlacedCodes", "Value", "is_at_or_below", "read_cases"]

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)

Value = str | bool | int | None


class ExpectedFinding(BaseModel):
    """A finding that has to be there: its rule and, where said, its canonical path and the partner's place.

    ``partnerPath`` is the beginning of the place: the line and the record's number may be left out.
    """

    model_config = _STRICT

    rule: str
    path: str | None = None
    partner_path: str | None = Field(None, alias="partnerPath")


class Case(BaseModel):
    """One case. ``in``: partner's input → message; ``out``: message → partner's document; ``texts``: a row alone.

    The input is written inline or stands in a ``file`` beside the profile: for ``out`` it is a message in JSON.
    ``replace`` changes texts of an input, each of which stands there once; ``set`` changes fields of a message (null
    takes one away). ``expect`` are values by canonical path (``in``; one mapping for each message where there are
    several) or texts by the partner's path (``out``); null says that nothing is there, or that a text says nothing.
    """

    model_config = _STRICT

    name: Annotated[str, Field(min_length=1)]
    interface: str
    direction: Literal["in", "out"] = "in"
    input: str | None = None
    file: str | None = None
    replace: dict[str, str] = {}
    set: dict[str, Value] = {}
    expect: dict[str, Value] | list[dict[str, Value]] | None = None
    finding: ExpectedFinding | None = None
    path: str | None = None
    texts: dict[str, Value] | None = None

    @model_validator(mode="after")
    def _is_one_kind(self) -> "Case":
        if self.texts is not None:
            if self.path is None or self._documents():
                raise ValueError("texts go with the interface and the path of a row, and with nothing else")
        elif (self.input is None) == (self.file is None):
            raise ValueError("say the input: inline, or as a file")
        elif (self.expect is None) == (self.finding is None):
            raise ValueError("say what to expect, or the finding")
        elif (self.set and self.direction == "in") or (self.replace and self.direction == "out"):
            raise ValueError("replace changes an input (direction: in), set a message (direction: out)")
        elif self.direction == "out" and isinstance(self.expect, list):
            raise ValueError("one message goes out: expect is one mapping")
        return self

    def _documents(self) -> bool:
        said = (self.input, self.file, self.expect, self.finding)
        return any(each is not None for each in said) or bool(self.replace or self.set)


class _Cases(BaseModel):
    model_config = _STRICT

    cases: list[Case] = []
    codes: dict[str, dict[str, str]] = {}
    unmapped: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class PlacedCase:
    """A case and where it stands; files are looked for in the folder of ``mark``."""

    case: Case
    mark: Mark

    @property
    def folder(self) -> Path:
        """Where files of the case are."""
        return self.mark.file.parent


@dataclass(frozen=True, slots=True)
class PlacedCodes:
    """What the codes of a table mean, as the partner's own list says, and where it is written."""

    table: str
    meanings: Mapping[str, str]
    mark: Mark


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of a channel, what its codes mean, and the reasons why nobody reads some of the partner's paths."""

    cases: tuple[PlacedCase, ...] = ()
    codes: tuple[PlacedCodes, ...] = ()
    unmapped: tuple[tuple[str, Mark], ...] = ()

    def explains(self, path: str) -> bool:
        """Whether a reason is given for a partner's path, or for one above it."""
        return any(is_at_or_below(path, known) for known, _ in self.unmapped)


def is_at_or_below(path: str, other: str) -> bool:
    """Whether a partner's path is another, or leads below it."""
    return path == other or path.startswith(f"{other}/")


def read_cases(path: Path) -> CaseFile:
    """Read a ``tests.yaml``. Raises ``ProfileInvalid`` with file and line for what it may not say."""
    marked = read_marked(path)
    found = validated(marked, _Cases)
    cases = tuple(PlacedCase(case, marked.mark(("cases", place))) for place, case in enumerate(found.cases))
    codes = tuple(PlacedCodes(name, each, marked.mark(("codes", name))) for name, each in found.codes.items())
    return CaseFile(cases, codes, tuple((each, marked.mark(("unmapped", each))) for each in found.unmapped))
