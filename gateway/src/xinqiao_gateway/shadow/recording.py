"""What was recorded: a partner's requests, what the older system answered, and what it handed on to its core.

Either a folder with a folder for each case, or a file of JSON Lines with a case on each line, for recordings of any
size. Both are read case by case. A case that is not whole is told by its name and does not stop the others.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinqiao.errors import ProfileInvalid, Rejected
from xinqiao.message import read_value
from xinqiao_adapters.marked import read_marked, validated

__all__ = ["Broken", "Case", "Part", "Recording"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FORWARDED = re.compile(r"forwarded(?:-[0-9]+)?")
_ABOUT = "about.yaml"
# A line may hold a batch of a partner's, in Base64, and what became of it.
_LONGEST_LINE = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes that went over the wire; an empty content type is the channel's own. ``status`` is an answer's in HTTP."""

    content: bytes
    content_type: str = ""
    signature: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True)
class Case:
    """One request, the answer to it (None where none was recorded), and what was handed on: nothing, or several."""

    name: str
    request: Part
    answer: Part | None
    forwarded: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """A case that cannot be replayed, and why."""

    name: str
    problem: str


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _About(_Strict):
    """``about.yaml`` of a case: what bytes do not say themselves."""

    request_type: str = Field("", alias="requestType")
    signature: str = ""
    answer_type: str = Field("", alias="answerType")
    answer_status: Annotated[int, Field(ge=100, le=599, alias="answerStatus")] = 200
    forwarded_type: str = Field("", alias="forwardedType")


class _Recorded(_Strict):
    """Bytes in a line: ``text`` (UTF-8) or ``base64``."""

    text: str | None = None
    base64: str | None = None
    content_type: str = Field("", alias="contentType")
    signature: str = ""
    status: Annotated[int, Field(ge=100, le=599)] = 200

    @model_validator(mode="after")
    def _one_of_two(self) -> "_Recorded":
        if (self.text is None) == (self.base64 is None):
            raise ValueError("give text or base64")
        return self

    def part(self) -> Part:
        """Return the bytes. Raises ``ValueError`` where they are no Base64."""
        content = (self.text or "").encode() if self.base64 is None else base64.b64decode(self.base64, validate=True)
        return Part(content, self.content_type, self.signature, self.status)


class _Line(_Strict):
    case: str
    request: _Recorded
    answer: _Recorded | None = None
    forwarded: list[_Recorded] = []


class Recording:
    """A recording at a path: a folder, or a file of JSON Lines."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_folder(self) -> bool:
        """Whether each case is a folder."""
        return self.path.is_dir()

    def cases(self, file: BinaryIO | None = None) -> Iterator[Case | Broken]:
        """Yield the cases in order: folders by name, lines as they stand.

        ``file`` is the file of lines already opened, so that its reading can be watched.
        """
        if self.is_folder:
            yield from (_case_of_folder(self.path / name) for name in self.names())
        elif file is not None:
            yield from _cases_of_lines(file)
        else:
            with self.path.open("rb") as opened:
                yield from _cases_of_lines(opened)

    def names(self) -> list[str]:
        """Return the names of the folders of cases, in order."""
        return sorted(each.name for each in self.path.iterdir() if each.is_dir())


def _case_of_folder(folder: Path) -> Case | Broken:
    if not _NAME.fullmatch(folder.name):
        return Broken(
            _safe(folder.name), "the name of a case has up to 64 letters, digits, dots, dashes and underscores"
        )
    try:
        return _read_folder(folder)
    except (ValueError, ProfileInvalid) as error:
        return Broken(folder.name, str(getattr(error, "detail", "") or error).replace(f"{folder}/", ""))
    except OSError as error:
        return Broken(folder.name, f"cannot be read: {error.strerror}")


def _read_folder(folder: Path) -> Case:
    about = _About()
    found: dict[str, list[Path]] = {"request": [], "answer": [], "forwarded": []}
    for path in sorted(folder.iterdir(), key=lambda path: (len(path.stem), path.name)):
        stem = "forwarded" if _FORWARDED.fullmatch(path.stem) else path.stem
        if path.name == _ABOUT:
            about = validated(read_marked(path), _About)
        elif stem in found:
            found[stem].append(path)
        else:
            raise ValueError(f"{_safe(path.name)} is no request, answer, forwarded or {_ABOUT}")
    if len(found["request"]) != 1 or len(found["answer"]) > 1:
        raise ValueError(f"{len(found['request'])} requests and {len(found['answer'])} answers; a case has one request")
    answers = [Part(path.read_bytes(), about.answer_type, status=about.answer_status) for path in found["answer"]]
    return Case(
        folder.name,
        Part(found["request"][0].read_bytes(), about.request_type, about.signature),
        answers[0] if answers else None,
        tuple(Part(path.read_bytes(), about.forwarded_type) for path in found["forwarded"]),
    )


def _cases_of_lines(file: BinaryIO) -> Iterator[Case | Broken]:
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if not line.endswith(b"\n") and len(line) == _LONGEST_LINE:
            yield Broken(f"line {number}", f"longer than {_LONGEST_LINE} bytes; the rest of the file was not read")
            return
        if line.strip():
            yield _case_of_line(line, number)


def _case_of_line(line: bytes, number: int) -> Case | Broken:
    name = f"line {number}"
    try:
        value = read_value(line)
        name = _named(value, name)
        said = _Line.model_validate(value)
        answer = said.answer.part() if said.answer else None
        return Case(name, said.request.part(), answer, tuple(each.part() for each in said.forwarded))
    except Rejected as error:
        return Broken(name, f"no JSON: {error.detail}")
    except ValidationError as error:
        return Broken(name, _said(error))
    except ValueError:  # no Base64, or not even ASCII
        return Broken(name, "its base64 is none")


def _named(value: Any, otherwise: str) -> str:  # noqa: ANN401 -- whatever a line holds
    name = value.get("case") if isinstance(value, dict) else None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else otherwise


def _said(error: ValidationError) -> str:
    """Return what is wrong, without the values that are: they may be anybody's."""
    found = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'line'}: {each['msg']}" for each in found[:3])


def _safe(name: str) -> str:
    return "".join(each if (each.isascii() and each.isalnum()) or each in "._-" else "?" for each in name[:40])
