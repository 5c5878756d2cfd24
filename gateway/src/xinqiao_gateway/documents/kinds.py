"""Which documents are taken: media types with what they begin with and how large they may be (``kinds.yaml``)."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from xinqiao.errors import DocumentRefused

__all__ = ["Kind", "Kinds", "Sizes", "shipped_kinds"]

Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$")]
MediaType = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9.+-]{1,80}$")]
Sizes = dict[MediaType, Annotated[int, Field(ge=0)]]


class Kind(BaseModel):
    """One media type; see ``kinds.yaml`` for what each part means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title_zh: str
    title_en: str
    largest: int
    begins: tuple[dict[int, Hex], ...] = ()
    entry: str | None = None
    text: Literal["plain", "xml"] | None = None
    named: bool = False


class Kinds:
    """The kinds that are taken in one place, by media type."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = dict(kinds)

    def with_sizes(self, sizes: Mapping[str, int]) -> "Kinds":
        """Return them with other largest sizes; 0 means not taken, and a size names what is taken only where named.

        Raises ``KeyError`` for a media type that is not among the shipped ones: nothing tells what it looks like.
        """
        changed = {
            media_type: self._kinds[media_type].model_copy(update={"largest": size, "named": False})
            for media_type, size in sizes.items()
        }
        return Kinds(self._kinds | changed)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(each for each, kind in self._kinds.items() if kind.largest and not kind.named))

    def find(self, media_type: str) -> Kind:
        """Return the kind of a media type. Raises ``DocumentRefused`` for one that is not taken."""
        kind = self._kinds.get(media_type)
        if kind is None or kind.named or not kind.largest:
            raise DocumentRefused(f"{media_type[:80]!r} is not taken here; taken are {', '.join(self)}")
        return kind


@cache
def shipped_kinds() -> Kinds:
    """Return what ``kinds.yaml`` says."""
    said = yaml.safe_load(files("xinqiao_gateway.documents").joinpath("kinds.yaml").read_text(encoding="utf-8"))
    return Kinds(TypeAdapter(dict[MediaType, Kind]).validate_python(said))
