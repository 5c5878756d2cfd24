"""Forms with files (multipart/form-data) as they come: parts in order, never a whole file in memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from xinqiao.errors import BodyTooLarge, MalformedRequest, SlowBody

__all__ = ["Pace", "Part", "is_multipart", "parts_of_form"]

_MOST_PARTS = 300
_LONGEST_HEADERS = 4096


@dataclass(frozen=True, slots=True)
class Pace:
    """What a body may be: its size (bytes), how long nothing may come (s), the least rate on the whole (bytes/s)."""

    largest: int
    patience: float
    least_rate: int


@dataclass(slots=True)
class Part:
    """A piece of a part: the field's name, the file's where it is a file; ``first`` and ``last`` of its part."""

    name: str
    file_name: str | None
    data: bytes = b""
    first: bool = False
    last: bool = False


class _Collector:
    """What the parser says, as pieces of parts."""

    def __init__(self) -> None:
        self.pieces: list[Part] = []
        self.ended = False
        self._count = 0
        self._field, self._value = b"", b""
        self._headers: dict[str, bytes] = {}
        self._name: str = ""
        self._file_name: str | None = None

    def on_part_begin(self) -> None:
        self._count += 1
        self._headers = {}
        if self._count > _MOST_PARTS:
            raise MalformedRequest(f"a form has at most {_MOST_PARTS} parts")

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]
        self._check_headers()

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_headers()

    def on_header_end(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = self._value
        self._field = self._value = b""

    def on_headers_finished(self) -> None:
        kind, options = parse_options_header(self._headers.get("content-disposition", b""))
        name, file_name = options.get(b"name"), options.get(b"filename")
        if kind != b"form-data" or name is None:
            raise MalformedRequest("a part of the form has no name")
        self._name = name.decode("utf-8", "replace")
        self._file_name = None if file_name is None else file_name.decode("utf-8", "replace")
        self.pieces.append(Part(self._name, self._file_name, first=True))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.pieces.append(Part(self._name, self._file_name, data[start:end]))

    def on_part_end(self) -> None:
        self.pieces.append(Part(self._name, self._file_name, last=True))

    def on_end(self) -> None:
        self.ended = True

    def _check_headers(self) -> None:
        if len(self._field) + len(self._value) > _LONGEST_HEADERS or len(self._headers) > 10:
            raise MalformedRequest("a part of the form has more headers than a browser sends")


def is_multipart(content_type: str) -> bool:
    """Say whether a body is a form with files."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


async def parts_of_form(content_type: str, receive: Receive, pace: Pace) -> AsyncIterator[Part]:
    """Yield the pieces of a form's parts as they come.

    Raises ``MalformedRequest``, ``BodyTooLarge``, ``SlowBody``, or ``ClientDisconnect``.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= 200:
        raise MalformedRequest("the form names no boundary of its parts")
    collector = _Collector()
    names = (
        "on_part_begin", "on_header_field", "on_header_value", "on_header_end", "on_headers_finished",
        "on_part_data", "on_part_end", "on_end",
    )  # fmt: skip
    parser = MultipartParser(boundary, {name: getattr(collector, name) for name in names})  # type: ignore[arg-type]  # a dict of callbacks by their names
    async for chunk in _chunks(receive, pace):
        try:
            parser.write(chunk)
        except FormParserError as error:
            raise MalformedRequest("the form cannot be read") from error
        pieces, collector.pieces = collector.pieces, []
        for piece in pieces:
            yield piece
    if not collector.ended:
        raise MalformedRequest("the form broke off")


async def _chunks(receive: Receive, pace: Pace) -> AsyncIterator[bytes]:
    started, size, more = time.monotonic(), 0, True
    while more:
        try:
            async with asyncio.timeout(pace.patience):
                event = await receive()
        except TimeoutError as error:
            raise SlowBody(f"nothing came for {pace.patience:g} s") from error
        if event["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = event.get("body", b""), event.get("more_body", False)
        size += len(chunk)
        if size > pace.largest:
            raise BodyTooLarge(f"more than the {pace.largest} bytes that are taken")
        if time.monotonic() - started > pace.patience + size / pace.least_rate:
            raise SlowBody(f"the body comes more slowly than {pace.least_rate} bytes a second")
        yield chunk
