"""The fields of JR/T 0017 and the file types that have them: data, with its source, in ``dictionary.json``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Literal

__all__ = ["Dictionary", "Field", "FileType", "dictionary"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field: ``type`` is C (text), A (code) or N (digits, ``decimals`` of them after an implied point)."""

    name: str
    type: Literal["C", "A", "N"]
    width: int
    decimals: int
    meaning: str


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of data file: its Chinese title and all its fields in the order of the standard."""

    code: str
    title: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Dictionary:
    """Fields by name, file types by code."""

    fields: Mapping[str, Field]
    files: Mapping[str, FileType]

    def field(self, name: str) -> Field | None:
        """Return a field by its name in any case: some partners write all names in capitals."""
        return self.fields.get(name) or self._folded.get(name.casefold())

    @cached_property
    def _folded(self) -> Mapping[str, Field]:
        return {name.casefold(): each for name, each in self.fields.items()}


@cache
def dictionary() -> Dictionary:
    """Return the dictionary."""
    data = json.loads(files(__package__).joinpath("dictionary.json").read_text(encoding="utf-8"))
    return Dictionary(
        {name: _field(name, *row) for name, row in data["fields"].items()},
        {code: FileType(code, each["title"], tuple(each["fields"].split())) for code, each in data["files"].items()},
    )


def _field(name: str, kind: Literal["C", "A", "N"], width: int, *rest: str | int) -> Field:
    decimals = int(rest[0]) if kind == "N" else 0
    return Field(name, kind, width, decimals, str(rest[-1]))
