"""Files that people choose on a page, on their way into the documents store: what each is shows its content alone.

Neither the name nor what the browser says of a file counts. A file that is refused is read to its end and forgotten,
and what is wrong with it stands beside its field.
"""

import asyncio
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from starlette.requests import Request

from xinqiao.errors import BodyTooLarge, ContentGone, DocumentRefused, MalformedRequest, Retryable
from xinqiao.finding import Text
from xinqiao_gateway.documents import Announced, Documents, Upload
from xinqiao_gateway.fronts.h5.form_data import LARGEST_FORM, FormData, ReceivedFile
from xinqiao_gateway.fronts.h5.model import Visit
from xinqiao_gateway.fronts.h5.multipart import Pace, Part, parts_of_form
from xinqiao_gateway.fronts.h5.words import said_with, word

__all__ = ["Slot", "Slots", "TakesFiles", "receive_files"]

_HEAD = 1024
_PIECE = 262_144
_LONGEST_NAME = 200
_BAD_NAME = re.compile(r"[<>\"'&`\\/:*?|\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
# A scan holds none of these; a file that is two things at once does.
_ACTIVE = re.compile(rb"<script|<html|<!doctype|<iframe|/javascript|/launch|/embeddedfile", re.IGNORECASE)
_LONGEST_MARK = 16
_ARCHIVE_END, _TAIL = b"PK\x05\x06", 65_600


@dataclass(frozen=True, slots=True)
class Slot:
    """One field for files: how many more it takes, and which kinds of which size (bytes)."""

    most: int
    accept: tuple[str, ...]
    largest: int


Slots = Mapping[str, Slot]


@runtime_checkable
class TakesFiles(Protocol):
    """A step whose page has fields for files."""

    def slots(self, visit: Visit) -> Slots:
        """Return its fields by their names."""
        ...


async def receive_files(
    request: Request, documents: Documents, channel_id: str, slots: Slots, version: int
) -> FormData:
    """Read a form with files, each file into the store as it comes.

    Of a form of another version the files are not kept: nobody will refer to them. Raises ``MalformedRequest``,
    ``BodyTooLarge``, ``SlowBody`` or ``ClientDisconnect``.
    """
    # Room for files that are too large or too many, so that their problem can be shown.
    largest = LARGEST_FORM + 2 * sum(max(each.most, 1) * each.largest for each in slots.values())
    announced = request.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > largest:
        raise BodyTooLarge(f"{announced} bytes, at most {largest} are taken")
    pace = Pace(largest, documents.settings.patience, documents.settings.least_rate)
    form = _Form(documents, channel_id, slots, version)
    try:
        async for part in parts_of_form(request.headers.get("Content-Type", ""), request.receive, pace):
            await form.take(part)
    finally:
        form.close()
    return FormData(form.fields, form.files)


@dataclass(slots=True)
class _Form:
    """A form that is being read."""

    documents: Documents
    channel_id: str
    slots: Slots
    version: int
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[ReceivedFile]] = field(default_factory=dict)
    _typed: bytearray = field(default_factory=bytearray)
    _size: int = 0
    _file: "_File | None" = None

    async def take(self, part: Part) -> None:
        """Take the next piece of a part."""
        if part.file_name is None:
            self._take_field(part)
        elif part.first:
            self._file = self._begun(part.name, part.file_name)
        elif self._file is not None and not part.last:
            await self._file.write(part.data)
        elif self._file is not None:
            self.files.setdefault(part.name, []).append(await self._file.finish())
            self._file = None

    def _take_field(self, part: Part) -> None:
        if part.first:
            self._typed = bytearray()
        self._size += len(part.data)
        if self._size > LARGEST_FORM:
            raise BodyTooLarge(f"what is typed has more than {LARGEST_FORM} bytes")
        self._typed += part.data
        if part.last:
            self.fields.setdefault(part.name, []).append(_text(self._typed))

    def _begun(self, name: str, file_name: str) -> "_File | None":
        """Begin a file; None for a field that nothing was chosen in, or whose page is an older one."""
        slot = self.slots.get(name)
        if slot is None or not file_name or self.fields.get("version") != [str(self.version)]:
            return None
        called = unicodedata.normalize("NFC", file_name).strip()
        problem = None
        if _BAD_NAME.search(called) or not called or len(called) > _LONGEST_NAME:
            problem = word("upload_bad_name")
        elif len([each for each in self.files.get(name, []) if each.reference]) >= slot.most:
            problem = word("upload_too_many")
        return _File(self.documents, self.channel_id, slot, called, problem)

    def close(self) -> None:
        """Leave nothing behind of a file that broke off."""
        if self._file is not None:
            self._file.close()


@dataclass(slots=True)
class _File:
    """A file that is being read; with a problem it is read to its end and no more."""

    documents: Documents
    channel_id: str
    slot: Slot
    name: str
    problem: Text | None
    _gathered: bytearray = field(default_factory=bytearray)
    _before: bytes = b""
    _tail: bytes = b""
    _size: int = 0
    _upload: Upload | None = None
    _media_type: str = ""

    async def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self._size += len(data)
        if self.problem is None and self._size > self.slot.largest:
            self._refuse(said_with("upload_too_large", size=_megabytes(self.slot.largest)))
        if self.problem is not None:
            return
        self._gathered += data
        if len(self._gathered) >= _PIECE:
            await self._flush()

    async def _flush(self) -> None:
        data = bytes(self._gathered)
        self._gathered.clear()
        if _ACTIVE.search(self._before + data):
            self._refuse(word("upload_active"))
            return
        self._before = data[-_LONGEST_MARK:]
        self._tail = (self._tail + data)[-_TAIL:]
        try:
            if self._upload is None:
                self._upload = await asyncio.to_thread(self._begun, data[:_HEAD])
            await asyncio.to_thread(self._upload.write, data)
        except DocumentRefused:
            self._refuse(word("upload_wrong_kind"))
        except Retryable:
            self._refuse(word("upload_no_room"))

    def _begun(self, head: bytes) -> Upload:
        self._media_type = _media_type(self.documents, self.channel_id, self.slot.accept, head)
        return self.documents.begin(Announced(self.channel_id, None, self._media_type))

    async def finish(self) -> ReceivedFile:
        """Return what became of it."""
        if self.problem is None and not self._size:
            self._refuse(word("upload_empty"))
        if self.problem is None and self._gathered:
            await self._flush()
        if self.problem is None and _ARCHIVE_END in self._tail:
            self._refuse(word("upload_active"))
        if self.problem is None and self._upload is not None:
            return await self._stored(self._upload)
        self.close()
        return ReceivedFile(self.name, None, self.problem)

    async def _stored(self, upload: Upload) -> ReceivedFile:
        try:
            facts = (await asyncio.to_thread(upload.finish)).facts
        except (DocumentRefused, ContentGone):
            self._refuse(word("upload_wrong_kind"))
            return ReceivedFile(self.name, None, self.problem)
        except Retryable:
            self._refuse(word("upload_no_room"))
            return ReceivedFile(self.name, None, self.problem)
        upload.close()
        digest = {"algorithm": "SHA256", "value": facts.sha256}
        reference = {"name": self.name, "mediaType": self._media_type, "digest": digest, "size": str(facts.size)}
        return ReceivedFile(self.name, reference, None)

    def _refuse(self, problem: Text) -> None:
        self.problem = problem
        self.close()

    def close(self) -> None:
        """Leave nothing behind."""
        if self._upload is not None:
            self._upload.close()
            self._upload = None


def _media_type(documents: Documents, channel_id: str, accept: tuple[str, ...], head: bytes) -> str:
    """Return what a file is by its first bytes. Raises ``DocumentRefused`` for none of what is taken."""
    kinds = documents.kinds(channel_id)
    for media_type in accept:
        if media_type in set(kinds):
            for begins in kinds.find(media_type).begins:
                if all(head.startswith(bytes.fromhex(code), at) for at, code in begins.items()):
                    return media_type
    raise DocumentRefused("it is none of the kinds that are taken here")


def _text(typed: bytearray) -> str:
    try:
        return typed.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedRequest("the form is not UTF-8") from error


def _megabytes(size: int) -> str:
    return f"{size / 1_048_576:g} MB" if size >= 1_048_576 else f"{size / 1024:g} KB"
