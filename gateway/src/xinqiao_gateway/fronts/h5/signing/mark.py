"""The mark that somebody signs with: drawn on the page, or the full name typed where there is no script or no hand."""

import base64
import binascii
import unicodedata
from dataclasses import dataclass
from typing import Any

import orjson

from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.model import Problem
from xinqiao_gateway.fronts.h5.signing.png import LARGEST_PNG, is_plain_png
from xinqiao_gateway.fronts.h5.words import said_with, word

__all__ = ["LONGEST_STROKES", "Mark", "read_mark", "read_strokes"]

LONGEST_STROKES = 49_152
_PREFIX = "data:image/png;base64,"
_MOST_STROKES, _LEAST_POINTS, _MOST_POINTS, _FARTHEST = 200, 8, 4000, 86_400_000
_DOTS = str.maketrans(dict.fromkeys("•・∙‧．.", "·"))  # as names of minorities are typed


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark: an image with the strokes it was drawn by (x, y, milliseconds), or the name that was typed."""

    image: bytes = b""
    strokes: tuple[Any, ...] = ()
    typed: str = ""

    @property
    def form(self) -> str:
        """What the record says: drawn or typed."""
        return "drawn" if self.image else "typed"


def read_mark(form: FormData, name: str) -> tuple[Mark | None, Problem | None]:
    """Return the mark of somebody called ``name``, or what is wrong with it. A drawing goes first."""
    typed = form.one("typed")
    if typed and _plain(typed) != _plain(name):
        return None, Problem(said_with("sign_typed_wrong", name=name), field="typed")
    drawing = form.one("drawing")
    if not drawing:
        problem = None if typed else Problem(word("sign_mark_missing"), field="typed")
        return (Mark(typed=typed) if typed else None), problem
    image, strokes = _image(drawing), read_strokes(form.one("strokes"))
    if image is None or sum(map(len, strokes)) < _LEAST_POINTS:
        return None, Problem(word("sign_drawing_wrong"), field="typed")
    return Mark(image, strokes, typed), None


def _image(drawing: str) -> bytes | None:
    if not drawing.startswith(_PREFIX) or len(drawing) > LARGEST_PNG * 4 // 3 + 64:
        return None
    try:
        content = base64.b64decode(drawing.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return None
    return content if is_plain_png(content) else None


def read_strokes(text: str) -> tuple[Any, ...]:
    """Return strokes: lists of points of three whole numbers; none where it is anything else."""
    if len(text) > LONGEST_STROKES:
        return ()
    try:
        strokes = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ()
    if not isinstance(strokes, list) or len(strokes) > _MOST_STROKES:
        return ()
    if not all(isinstance(stroke, list) and all(map(_is_point, stroke)) for stroke in strokes):
        return ()
    return tuple(strokes) if sum(map(len, strokes)) <= _MOST_POINTS else ()


def _is_point(point: object) -> bool:
    return isinstance(point, list) and len(point) == 3 and all(type(n) is int and 0 <= n <= _FARTHEST for n in point)


def _plain(name: str) -> str:
    """Return a name without what differs between keyboards: widths, blanks, kinds of dots, case."""
    return "".join(unicodedata.normalize("NFKC", name).translate(_DOTS).split()).casefold()
