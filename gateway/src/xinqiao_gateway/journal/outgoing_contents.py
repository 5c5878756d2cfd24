"""The bytes of files that go out, as the journal keeps them: in parts, encrypted under a key of the file's own."""

from sqlalchemy import select

from xinqiao.errors import ContentGone
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.outgoing_tables import outgoing_contents, outgoing_files
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.journal.vault import DataKey

__all__ = ["content_of", "manifest_of", "sealed_manifest", "sealed_parts"]

_PART = 1_048_576
_MANIFEST = "manifest"

_f, _c, _k = outgoing_files.c, outgoing_contents.c, tables.data_keys.c


def sealed_parts(key: DataKey, content: bytes) -> list[bytes]:
    """Return a content encrypted, in parts of a mebibyte."""
    pieces = [content[at : at + _PART] for at in range(0, len(content), _PART)]
    return [key.encrypt(piece, _purpose(key.scope, number)) for number, piece in enumerate(pieces)]


def sealed_manifest(key: DataKey, manifest: bytes) -> bytes:
    """Return a manifest encrypted."""
    return key.encrypt(manifest, _purpose(key.scope, _MANIFEST))


def content_of(reading: Reading, file_id: int, scope: str) -> list[bytes]:
    """Return the bytes of a file, in parts. Raises ``ContentGone`` where its key was destroyed."""
    key = _key(reading, scope)
    query = select(_c.part, _c.content).where(_c.file_id == file_id).order_by(_c.part)
    with reading.engine.begin() as connection:
        return [key.decrypt(row.content, _purpose(scope, row.part)) for row in connection.execute(query)]


def manifest_of(reading: Reading, file_id: int, scope: str) -> bytes | None:
    """Return the manifest of a file, None where it has none. Raises ``ContentGone``."""
    key = _key(reading, scope)
    with reading.engine.begin() as connection:
        blob = connection.execute(select(_f.manifest).where(_f.file_id == file_id)).scalar()
    return None if blob is None else key.decrypt(blob, _purpose(scope, _MANIFEST))


def _key(reading: Reading, scope: str) -> DataKey:
    with reading.engine.begin() as connection:
        wrapped = connection.execute(select(_k.wrapped).where(_k.scope == scope)).scalar()
    if not wrapped:
        raise ContentGone("the key of a file that goes out is gone")
    return reading.vault.open_key(scope, wrapped)


def _purpose(scope: str, part: int | str) -> str:
    return f"{scope} {part}"
