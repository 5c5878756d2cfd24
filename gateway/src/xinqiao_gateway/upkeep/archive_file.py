"""The archive file: ``archive-<first>-<last>.jsonl.gz`` with its sealed manifest, written and checked as a stream.

One JSON object a line: ``head`` (version, range, chain before and after), then for each batch its row, its raw inputs
and its messages with all columns; bytes are base64. Contents are ciphertext: the data keys stay in the journal, so
destroying one there erases here too. Checking needs this file, its manifest and the gateway's public key, no journal.
"""

import base64
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from xinqiao.errors import SealInvalid, SettingsInvalid
from xinqiao.evidence import CHAIN_TYPE, Tree, chain_value, leaf_hash
from xinqiao.message import Json
from xinqiao.seal import KeyRing, Sealed, SigningKey, open_stored
from xinqiao_gateway.journal.archive import Span
from xinqiao_gateway.journal.receipts import Row, digest_of, witness_of
from xinqiao_gateway.upkeep.manifest import digest_of_file, open_manifest, sync_folder, write_manifest

__all__ = ["Batch", "Told", "batches_of", "check_archive", "manifest_path", "write_archive"]

_VERSION = 1
_LONGEST_LINE = 256 * 1024 * 1024

Told = Callable[[int], None]


@dataclass(slots=True)
class Batch:
    """One batch as the archive holds it: its row, its raw inputs and its messages."""

    row: Row
    raws: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)


def manifest_path(file: Path) -> Path:
    """Return where the manifest of an archive stands."""
    return file.with_name(file.name.removesuffix(".jsonl.gz") + ".manifest.json")


def write_archive(
    folder: Path,
    span: Span,
    chains: tuple[bytes, bytes],
    rows: Iterable[tuple[str, Row]],
    at: str,
    key: SigningKey,
    told: Told,
) -> Path:
    """Write an archive and its manifest durably and return its path; one that is there already is replaced.

    ``chains``: the chain value before the first batch and that of the last; ``at``: when, as the standard writes it;
    ``told`` hears of each batch written.
    """
    file = folder / f"archive-{span.first_batch}-{span.last_batch}.jsonl.gz"
    before, after = (each.hex() for each in chains)
    head = {"version": _VERSION, **asdict(span), "before": before, "after": after}
    made = file.with_name(f".{file.name}")
    with made.open("wb") as stored:
        os.fchmod(stored.fileno(), 0o600)
        with gzip.GzipFile(filename="", mode="wb", fileobj=stored, mtime=0, compresslevel=1) as lines:
            lines.write(_line("head", head))
            for kind, row in rows:
                lines.write(_line(kind, row))
                if kind == "batch":
                    told(1)
        stored.flush()
        os.fsync(stored.fileno())
    digest, size = digest_of_file(made), made.stat().st_size
    made.replace(file)
    sync_folder(folder)
    said = head | {"kind": "archive", "file": file.name, "sha256": digest, "bytes": size, "created_at": at}
    write_manifest(manifest_path(file), said, key)
    return file


def check_archive(file: Path, keys: KeyRing, told: Told) -> Json:
    """Read an archive whole and return its manifest; ``told`` hears of each batch.

    Raises ``SealInvalid`` for a manifest of somebody else, and a file that is not the manifest's or whose evidence
    does not hold; ``SettingsInvalid`` where there is no such file.
    """
    for _ in batches_of(file, keys, told):
        pass
    return open_manifest(manifest_path(file), keys)


def batches_of(file: Path, keys: KeyRing, told: Told) -> Iterator[Batch]:
    """Yield an archive's batches, each checked: witnesses, digests, tree, chain, signature. Raises as check_archive.

    What was yielded counts only once the end is reached: the file's own digest is looked at first, though.
    """
    manifest = open_manifest(manifest_path(file), keys)
    if manifest.get("kind") != "archive" or manifest.get("version") != _VERSION:
        raise SettingsInvalid(f"{manifest_path(file)} is no manifest of an archive of version {_VERSION}")
    with _reading(file):
        if digest_of_file(file) != manifest["sha256"]:
            raise SealInvalid(f"{file} is not the file that its manifest describes: its SHA-256 differs")
        previous, count = bytes.fromhex(manifest["before"]), manifest["first_batch"]
        for batch in _batches(file, manifest):
            _check(batch, count, previous, keys)
            previous, count = batch.row["chain"], count + 1
            told(1)
            yield batch
    if (previous.hex(), count) != (manifest["after"], manifest["last_batch"] + 1):
        raise SealInvalid(f"{file} ends at batch {count - 1}, its manifest at {manifest['last_batch']}")


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise SealInvalid(f"{file} is damaged: {type(error).__name__}") from error
    except OSError as error:
        raise SettingsInvalid(f"{file}: {error.strerror}") from error


def _batches(file: Path, manifest: Json) -> Iterator[Batch]:
    current: Batch | None = None
    with gzip.open(file, "rb") as packed:
        for kind, row in _lines(io.BufferedReader(packed)):
            if kind == "head":
                if any(row[name] != manifest[name] for name in row):
                    raise SealInvalid(f"{file} says another range than its manifest")
            elif kind == "batch":
                if current:
                    yield current
                current = Batch(row)
            elif current is None:
                raise SealInvalid(f"{file} has a {kind} before the first batch")
            else:
                (current.raws if kind == "raw" else current.messages).append(row)
    if current:
        yield current


def _lines(packed: io.BufferedReader) -> Iterator[tuple[str, Json]]:
    while line := packed.readline(_LONGEST_LINE):
        ((kind, row),) = orjson.loads(line).items()
        yield kind, {name: _bytes_of(value) for name, value in row.items()}


def _line(kind: str, row: Row) -> bytes:
    return orjson.dumps({kind: {str(name): _text_of(value) for name, value in row.items()}}) + b"\n"


def _text_of(value: Any) -> Any:  # noqa: ANN401 -- a column of any type
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value


def _bytes_of(value: Any) -> Any:  # noqa: ANN401 -- as above
    return base64.b64decode(value["b64"], validate=True) if isinstance(value, dict) else value


def _check(batch: Batch, number: int, previous: bytes, keys: KeyRing) -> None:
    """Recompute the evidence of a batch from what the archive holds. Raises ``SealInvalid``."""
    row, raws = batch.row, {raw["raw_id"]: raw for raw in batch.raws}
    first = row["first_position"]
    numbered = row["batch"] == number and [each["position"] for each in batch.messages] == list(
        range(first, first + row["size"])
    )
    if not numbered:
        raise SealInvalid(f"batch {number} of the archive is incomplete")
    for raw in batch.raws:
        if digest_of(raw["content"]) != raw["content_digest"]:
            raise SealInvalid(f"raw input {raw['raw_id']} of the archive differs from its digest")
    for message in batch.messages:
        same = digest_of(message["canonical"]) == message["canonical_digest"]
        if not same or witness_of(message, raws[message["raw_id"]]) != message["witness"]:
            raise SealInvalid(f"message {message['position']} of the archive differs from its witness")
    root = Tree.over([leaf_hash(each["commitment"], each["witness"]) for each in batch.messages]).root
    if (row["previous"], chain_value(previous, number, row["size"], root)) != (previous, row["chain"]):
        raise SealInvalid(f"batch {number} of the archive does not follow from the batch before")
    open_stored(Sealed(row["chain"], CHAIN_TYPE, row["signature"]), keys)
