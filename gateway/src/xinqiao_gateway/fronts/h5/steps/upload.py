"""``upload``: files that people choose, as references in the message; their contents are in the documents store."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, Field

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.standard import field_at
from xinqiao_gateway.documents import shipped_kinds
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.model import STRICT, Context, Problem, Row, Said, Section, Shown, StepSpec, Taken, Visit
from xinqiao_gateway.fronts.h5.tree import put, value_at
from xinqiao_gateway.fronts.h5.uploading import Slot, Slots
from xinqiao_gateway.fronts.h5.words import said_with

__all__ = ["UploadStep"]

_ADD = "upload"


class Item(BaseModel):
    """One place for files: ``into`` is the path of a file reference in the message, or of a list of them."""

    model_config = STRICT

    into: str
    title: Said
    note: Said | None = None
    most: int = Field(1, ge=1, le=10)
    needed: bool = False


class UploadSpec(StepSpec):
    """An upload in a flow's file: what kinds of files it takes, up to which size (bytes)."""

    items: tuple[Item, ...] = Field(min_length=1, max_length=10)
    accept: tuple[str, ...] = ("image/jpeg", "image/png", "application/pdf")
    largest: int = Field(8_388_608, ge=1024, le=104_857_600)


@dataclass(frozen=True, slots=True)
class Place:
    """An item on a page: the files that are there, and whether there is room for more."""

    name: str
    item: Item
    files: Sequence[Json]
    room: int
    problem: Problem | None

    @property
    def id(self) -> str:
        """The id of its field."""
        return f"f-{self.name}"


class UploadStep:
    """A step that takes files."""

    def __init__(self, spec: UploadSpec, body: str) -> None:
        self.spec = spec
        self._lists = tuple(_is_list(body, item.into) for item in spec.items)
        for media_type in spec.accept:
            if media_type not in set(shipped_kinds()):
                raise ValueError(f"{media_type} is no kind of documents")

    @classmethod
    def read(cls, entry: Mapping[str, Any], body: str | None) -> Self:
        """Read a step of a flow's file. Raises ``ValueError``."""
        if body is None:
            raise ValueError("files are part of a message; say which: body: …")
        return cls(UploadSpec.model_validate(entry), body)

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the references go."""
        return tuple(item.into for item in self.spec.items)

    def slots(self, visit: Visit) -> Slots:
        """Return what the fields of its page take now."""
        return {
            f"file.{number}": Slot(item.most - len(self._files(visit.body, number)), self.spec.accept,
                                   self.spec.largest)
            for number, item in enumerate(self.spec.items)
        }  # fmt: skip

    def sections(self, visit: Visit) -> Sequence[Section]:
        """Return the names of the files."""
        rows = []
        for number, item in enumerate(self.spec.items):
            names = [each["name"] for each in self._files(visit.body, number)]
            if names:
                rows.append(Row(item.title.text, said_with("upload_count", count=str(len(names))), "; ".join(names)))
        return (Section(self.spec.title.text, tuple(rows)),) if rows else ()

    def wrong(self, visit: Visit, context: Context) -> Sequence[Problem]:  # noqa: ARG002
        """Return which needed files are missing."""
        return [
            Problem(said_with("upload_missing", zh_title=item.title.zh, en_title=item.title.en), field=f"file.{number}")
            for number, item in enumerate(self.spec.items)
            if item.needed and not self._files(visit.body, number)
        ]

    async def show(self, visit: Visit, context: Context, problems: Sequence[Problem] = ()) -> Shown:  # noqa: ARG002
        """Return the files that are there, and fields for more."""
        beside = {each.field: each for each in problems}
        places = []
        for number, item in enumerate(self.spec.items):
            name, files = f"file.{number}", self._files(visit.body, number)
            places.append(Place(name, item, files, item.most - len(files), beside.get(name)))
        values = {"places": places, "accept": ",".join(self.spec.accept), "largest": _size(self.spec.largest)}
        return Shown("upload.html.j2", {**values, "size": _size}, tuple(problems))

    async def keep(self, visit: Visit, form: FormData, context: Context) -> Visit:  # noqa: ARG002
        """Refer to what came, and no longer to what was removed. The contents are in the store already."""
        body = copy.deepcopy(visit.body)
        for number, item in enumerate(self.spec.items):
            name, files = f"file.{number}", [*self._files(visit.body, number)]
            kept = [each for index, each in enumerate(files) if form.act != f"remove:{name}[{index}]"]
            for each in form.files.get(name, []):
                if each.reference and each.reference["digest"] not in [there["digest"] for there in kept]:
                    kept.append(each.reference)
            if kept != files:
                put(body, item.into, (kept[: item.most] if self._lists[number] else kept[0]) if kept else None)
        return visit.with_content(body=body)

    async def take(self, visit: Visit, form: FormData, context: Context) -> Taken:
        """Take files; the step is done by the button that goes on."""
        kept = await self.keep(visit, form, context)
        refused = tuple(_refused(form))
        if refused:
            return Taken(kept, refused)
        if form.act == _ADD or form.act.startswith("remove:"):
            return Taken(kept, stay=True)
        return Taken(kept, tuple(self.wrong(kept, context)))

    def _files(self, body: Json, number: int) -> Sequence[Json]:
        found = value_at(body, self.spec.items[number].into)
        return [] if found is None else found if self._lists[number] else [found]


def _refused(form: FormData) -> Iterator[Problem]:
    for name, files in form.files.items():
        for each in files:
            if each.problem:
                text = Text(f"“{each.name[:60]}”：{each.problem.zh}", f"“{each.name[:60]}”: {each.problem.en}")
                yield Problem(text, field=name)


def _is_list(body: str, path: str) -> bool:
    field = field_at(body, f"{body}.{path}")
    kind = field.schema.get("type", "object") if field else ""
    if field is None or kind not in {"array", "object"}:
        raise ValueError(f"{path} is no file reference of {body}")
    return bool(kind == "array")


def _size(size: int | str) -> str:
    number = int(size)
    return f"{number / 1_048_576:.1f} MB" if number >= 1_048_576 else f"{max(number // 1024, 1)} KB"
