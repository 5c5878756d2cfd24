"""Verification: recompute every witness, tree and chain value and check every batch's signature.

Evidence covers raw inputs, messages and batches, up to the last batch that is there: that later ones were cut off
shows only against a receipt, or a chain value, kept elsewhere. Cases, deliveries and exceptions are working state.

Contents in an archive are not here to be read: of them this proves the digests, that the gateway signed once that a
file holds them, and, where the folder of the files is named, that they are there. Without it these contents are not
looked at, and counted so: whoever may write here could delete contents and put an old claim of the gateway back.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from xinqiao.errors import KeyUnusable, SealInvalid, SealMissing
from xinqiao.evidence import CHAIN_START, CHAIN_TYPE, Tree, chain_value, leaf_hash
from xinqiao.seal import KeyRing, Sealed, open_stored
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.archive import CLAIM_TYPE, claim
from xinqiao_gateway.journal.files import piece_type
from xinqiao_gateway.journal.receipts import digest_of, witness_of
from xinqiao_gateway.journal.vault import Vault

__all__ = ["Verification", "verify"]

_m, _r, _b, _k = tables.messages.c, tables.raws.c, tables.batches.c, tables.data_keys.c
_e, _a = tables.erasures.c, tables.archives.c
_raw_keys, _raw_erasures = tables.data_keys.alias("raw_keys"), tables.erasures.alias("raw_erasures")


@dataclass(slots=True)
class Verification:
    """How much was read, the last chain value (hex; worth keeping elsewhere), and each breach found, in words.

    ``archived``: messages of which a content is in an archive; the evidence is the same without it.
    ``not_looked_at``: how many of these are in a file that was not looked at, and so not proved to be there.
    """

    batches: int
    messages: int
    chain: str
    breaches: list[str]
    archived: int = field(default=0, compare=False)
    not_looked_at: int = field(default=0, compare=False)


def verify(
    connection: Connection, keys: KeyRing, vault: Vault | None = None, archives: Path | None = None
) -> Verification:
    """Read the whole journal, a batch at a time, and name every changed, missing or reordered row.

    With ``vault`` each data key is opened, too: one that was overwritten is named. ``archives`` is the folder of
    all the archives' files.
    """
    result = Verification(0, 0, CHAIN_START.hex(), [])
    looked_at = _look_at_archives(connection, keys, archives, result)
    previous, number, position = CHAIN_START, 0, 0
    for batch in connection.execute(select(tables.batches).order_by(_b.batch)).mappings():
        rows = list(_messages(connection, batch["first_position"], batch["size"]))
        number, expected = number + 1, position + 1
        result.breaches += _numbering(batch, number, [row["position"] for row in rows], expected)
        result.breaches += [said for row in rows for said in (*_differs(row), *_lost(row), *_misplaced(row, batch))]
        result.breaches += _unusable(rows, vault) if vault else []
        result.breaches += _chained(batch, [leaf_hash(row["commitment"], row["witness"]) for row in rows], previous)
        result.breaches += _signed(batch, keys)
        previous, number = batch["chain"], batch["batch"]
        position = rows[-1]["position"] if rows else position
        result.batches, result.messages = result.batches + 1, result.messages + len(rows)
        away = [row["archive_id"] for row in rows if row["archive_id"] is not None and _is_gone(row)]
        result.archived += len(away)
        result.not_looked_at += sum(each not in looked_at for each in away)
    last = connection.execute(select(_m.position).order_by(_m.position.desc()).limit(1)).scalar() or 0
    if last > position:
        result.breaches.append(f"messages {position + 1} to {last} belong to no batch")
    result.chain = previous.hex()
    return result


def _messages(connection: Connection, first: int, size: int) -> Iterator[Any]:
    """Yield the messages of a batch with their inputs, keys, erasures and archive."""
    query = (
        select(
            tables.messages,
            _r.content,
            _r.content_digest,
            _r.content_type,
            _r.signature,
            _r.scope.label("raw_scope"),
            _k.wrapped,
            _e.erasure_id,
            _raw_keys.c.wrapped.label("raw_wrapped"),
            _raw_erasures.c.erasure_id.label("raw_erasure_id"),
            _a.archive_id,
        )
        .join(tables.raws, _r.raw_id == _m.raw_id)
        .outerjoin(tables.data_keys, _k.scope == _m.scope)
        .outerjoin(tables.erasures, _e.scope == _m.scope)
        .outerjoin(_raw_keys, _raw_keys.c.scope == _r.scope)
        .outerjoin(_raw_erasures, _raw_erasures.c.scope == _r.scope)
        .outerjoin(tables.archives, _m.position.between(_a.first_position, _a.last_position))
        .where(_m.position.between(first, first + size - 1))
        .order_by(_m.position)
    )
    yield from connection.execute(query).mappings()


def _differs(row: Any) -> list[str]:  # noqa: ANN401
    """Return whether a message, or a content of it that is still here, is another than its witness says."""
    kept = ((row["content"], row["content_digest"]), (row["canonical"], row["canonical_digest"]))
    same = all(digest_of(content) == digest for content, digest in kept if content)
    return (
        []
        if same and row["witness"] == witness_of(row, row)
        else [f"message {row['position']} differs from its witness"]
    )


def _is_gone(row: Any) -> bool:  # noqa: ANN401
    """Say whether a content that the witness knows is not here."""
    kept = ((row["content"], row["content_digest"]), (row["canonical"], row["canonical_digest"]))
    return any(not content and digest != digest_of(None) for content, digest in kept)


def _lost(row: Any) -> list[str]:  # noqa: ANN401
    """Return what of a message is neither here, nor archived, nor erased."""
    lost = []
    if not row["wrapped"] and row["erasure_id"] is None:
        lost.append(f"message {row['position']} has no key")
    if not row["raw_wrapped"] and row["raw_erasure_id"] is None:
        lost.append(f"the input of message {row['position']} has no key")
    if _is_gone(row) and row["archive_id"] is None:
        lost.append(f"message {row['position']} has lost its content")
    return lost


def _misplaced(row: Any, batch: Any) -> list[str]:  # noqa: ANN401
    """Return what no witness covers and yet must agree: the scope of the input, the time of the batch."""
    said = []
    is_piece = row["raw_scope"].startswith("file:") and row["content_type"] == piece_type(row["raw_scope"])
    if not is_piece and row["raw_scope"] not in {row["scope"], f"input:{row['raw_id']}"}:
        said.append(f"the input of message {row['position']} is under another key than its own")
    if row["accepted_at"] != batch["accepted_at"]:
        said.append(f"message {row['position']} was accepted at another time than batch {batch['batch']} says")
    return said


def _unusable(rows: Sequence[Any], vault: Vault) -> list[str]:
    """Return the data keys that the master key does not open, by the first message that needs each."""
    wanted = {(row[scope], row[key]): row["position"] for row in reversed(rows)
              for scope, key in (("scope", "wrapped"), ("raw_scope", "raw_wrapped")) if row[key]}  # fmt: skip
    said = []
    for (scope, wrapped), position in wanted.items():
        try:
            vault.open_key(scope, wrapped)
        except (KeyUnusable, ValueError):  # what is too short to be a key at all is a ValueError
            said.append(f"a key of message {position} does not open")
    return said


def _look_at_archives(connection: Connection, keys: KeyRing, folder: Path | None, result: Verification) -> set[int]:
    """Name each archive that does not hold whole batches once, that nobody signed, or whose file is not the one.

    Return those whose file is.
    """
    first, last = tables.batches.alias("first"), tables.batches.alias("last")
    query = (
        select(
            tables.archives,
            first.c.first_position.label("start"),
            (last.c.first_position + last.c.size - 1).label("end"),
            last.c.chain,
        )
        .outerjoin(first, first.c.batch == _a.first_batch)
        .outerjoin(last, last.c.batch == _a.last_batch)
        .order_by(_a.first_position)
    )
    before, looked_at = 0, set()
    for row in connection.execute(query).mappings():
        named = f"archive {row['archive_id']} ({row['file'][:60]})"
        is_whole = (row["start"], row["end"]) == (row["first_position"], row["last_position"])
        before, overlaps = row["last_position"], row["first_position"] <= before
        if not is_whole or overlaps:
            result.breaches.append(f"{named} is no archive of whole batches")
        elif (wrong := _unsigned(claim(row, row["chain"]), CLAIM_TYPE, row["signature"], keys)) is not None:
            result.breaches.append(f"{named} is nothing that the gateway said: {wrong}")
        elif folder is not None and (wrong := _other_file(folder / row["file"], row["digest"])) is not None:
            result.breaches.append(f"{named} {wrong}")
        elif folder is not None:
            looked_at.add(row["archive_id"])
    return looked_at


def _other_file(file: Path, digest: str) -> str | None:
    """Say why a file is not the one that was archived; None where it is."""
    try:
        with file.open("rb") as stored:
            same = hashlib.file_digest(stored, "sha256").hexdigest() == digest
    except OSError as error:
        return f"cannot be read: {file}: {error.strerror}"
    return None if same else "is another file than the one that was archived"


def _numbering(batch: Any, expected_batch: int, positions: list[int], expected: int) -> list[str]:  # noqa: ANN401
    breaches = []
    if batch["batch"] != expected_batch:
        breaches.append(f"batch {expected_batch} is missing")
    if positions != list(range(expected, expected + batch["size"])):
        said = f"holds positions {positions[:5]}…, expected {batch['size']} from {expected}"
        breaches.append(f"batch {batch['batch']} {said}")
    return breaches


def _chained(batch: Any, leaves: list[bytes], previous: bytes) -> list[str]:  # noqa: ANN401
    root = Tree.over(leaves).root if leaves else b""
    chain = chain_value(previous, batch["batch"], len(leaves), root)
    if (root, chain, previous) == (batch["root"], batch["chain"], batch["previous"]):
        return []
    return [f"batch {batch['batch']} does not follow from its messages and the batch before"]


def _signed(batch: Any, keys: KeyRing) -> list[str]:  # noqa: ANN401
    wrong = _unsigned(batch["chain"], CHAIN_TYPE, batch["signature"], keys)
    return [] if wrong is None else [f"batch {batch['batch']}: {wrong}"]


def _unsigned(content: bytes, content_type: str, signature: str, keys: KeyRing) -> str | None:
    """Say why a signature is none of these keys over this content; None where it is one."""
    try:
        open_stored(Sealed(content, content_type, signature), keys)
    except (SealInvalid, SealMissing) as error:
        return error.detail
    return None
