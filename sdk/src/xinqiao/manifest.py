"""The manifest 清单 of a batch file: what is in it, said and sealed by who sends it.

It is one small file beside the data file: the standard's message ``batchManifest``, then, on a line of its own, the
detached seal over the bytes before that line's break. Results of batches are sealed in the same way.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

from xinqiao.message import Json, new_message_id, timestamp, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, SigningKey, seal
from xinqiao.standard import STANDARD_VERSION

__all__ = ["Batch", "Contents", "manifest_of", "sealed_manifest", "split_seal", "with_seal"]

_SEAL = re.compile(rb"[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Contents:
    """A data file: ``digest`` is its SHA-256 in hex, ``size`` in bytes, ``controls`` are its control totals."""

    name: str
    media_type: str
    digest: str
    size: int
    records: int
    controls: tuple[Json, ...] = ()

    @classmethod
    def of(cls, path: Path, media_type: str, records: int, controls: Sequence[Json] = ()) -> Self:
        """Describe a file; it is read once, a piece at a time."""
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                size += len(piece)
        return cls(path.name, media_type, digest.hexdigest(), size, records, tuple(controls))


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of a business day: which of the day it is, and between whom (institution codes).

    ``own_number`` is given by who does not number by day and sequence. ``all_or_nothing``: whether one refused record
    refuses all; None leaves that to the interfaces. ``replaces`` is the number of the batch that this one corrects.
    """

    sender: str
    receiver: str
    day: date
    sequence: int
    cut_off: datetime | None = None
    test: bool = False
    own_number: str = ""
    all_or_nothing: bool | None = None
    replaces: str = ""

    @property
    def number(self) -> str:
        """The batch number, such as 20260122-1."""
        return self.own_number or f"{self.day:%Y%m%d}-{self.sequence}"


def manifest_of(batch: Batch, contents: Contents | None, at: datetime | None = None) -> Json:
    """Return the manifest of a batch with one data file; without one it says that there are no records."""
    header = {
        "messageId": new_message_id(),
        "standardVersion": STANDARD_VERSION,
        "sender": batch.sender,
        "receiver": batch.receiver,
        "businessDate": batch.day.isoformat(),
        "createdAt": timestamp(at or datetime.now(UTC)),
    } | ({"test": True} if batch.test else {})
    body: Json = {"batchNo": batch.number, "businessDate": batch.day.isoformat(), "sequence": batch.sequence}
    body |= {"cutOff": timestamp(batch.cut_off)} if batch.cut_off else {}
    body |= {} if batch.all_or_nothing is None else {"allOrNothing": batch.all_or_nothing}
    body |= {"replacesBatchNo": batch.replaces} if batch.replaces else {}
    return {"header": header, "batchManifest": body | _files(contents)}


def _files(contents: Contents | None) -> Json:
    if contents is None:
        return {"recordCount": "0"}
    count, digest = str(contents.records), {"algorithm": "SHA256", "value": contents.digest}
    media_type = contents.media_type.partition(";")[0].strip().lower()
    file: Json = {"name": contents.name, "mediaType": media_type, "digest": digest, "size": str(contents.size)}
    controls = {"controlTotals": list(contents.controls)} if contents.controls else {}
    return {"files": [{"file": file, "recordCount": count} | controls], "recordCount": count} | controls


def sealed_manifest(message: Json, key: SigningKey, at: datetime | None = None) -> bytes:
    """Return a manifest as it is sent."""
    return with_seal(write_json(message), key, at)


def with_seal(content: bytes, key: SigningKey, at: datetime | None = None) -> bytes:
    """Return JSON, or lines of it, with its seal on a line of its own below."""
    signature = seal(content, CONTENT_TYPE_JSON, key, at).signature.encode("ascii")
    return b"".join((content, b"\n", signature, b"\n"))


def split_seal(raw: bytes) -> tuple[bytes, str]:
    """Return a file's content and its seal, the last line; an empty one where there is none."""
    content, _, last = raw.rstrip(b"\r\n").rpartition(b"\n")
    if _SEAL.fullmatch(last.strip()):
        return content.removesuffix(b"\r"), last.strip().decode("ascii")
    return raw, ""
