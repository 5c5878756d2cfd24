"""Verification: recompute every leaf, tree and chain value and check every batch's signature."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from xinqiao.errors import SealInvalid
from xinqiao.evidence import CHAIN_START, CHAIN_TYPE, Tree, chain_value
from xinqiao.seal import KeyRing, Sealed, open_seal
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.receipts import leaf_of

__all__ = ["Verification", "verify"]

_m, _b = tables.messages.c, tables.batches.c


@dataclass(slots=True)
class Verification:
    """How much was read, and each breach found, in words."""

    batches: int
    messages: int
    breaches: list[str]


def verify(connection: Connection, keys: KeyRing) -> Verification:
    """Read the whole journal, a batch at a time, and name every changed, missing or reordered row."""
    result = Verification(0, 0, [])
    previous, number, position = CHAIN_START, 0, 0
    for batch in connection.execute(select(tables.batches).order_by(_b.batch)):
        rows = list(_leaves(connection, batch.first_position, batch.size))
        result.batches += 1
        result.messages += len(rows)
        number, expected = number + 1, position + 1
        result.breaches += _numbering(batch.batch, number, [row[0] for row in rows], expected, batch.size)
        result.breaches += [f"message {row[0]} differs from its leaf" for row in rows if row[1] != row[2]]
        chain = _chain(previous, batch.batch, [row[2] for row in rows])
        if chain != batch.chain or batch.previous != previous:
            result.breaches.append(f"batch {batch.batch} does not follow from its messages and the batch before")
        result.breaches += _signature(batch.batch, batch.chain, batch.signature, keys)
        previous, number, position = batch.chain, batch.batch, rows[-1][0] if rows else position
    last = connection.execute(select(_m.position).order_by(_m.position.desc()).limit(1)).scalar() or 0
    if last > position:
        result.breaches.append(f"messages {position + 1} to {last} belong to no batch")
    return result


def _leaves(connection: Connection, first: int, size: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield position, stored leaf and recomputed leaf of a batch's messages."""
    query = (
        select(tables.messages, tables.raws.c.content)
        .join(tables.raws, tables.raws.c.raw_id == _m.raw_id)
        .where(_m.position.between(first, first + size - 1))
        .order_by(_m.position)
    )
    for row in connection.execute(query).mappings():
        canonical = row["canonical"]
        digest = b"" if canonical is None else hashlib.sha256(canonical).digest()
        yield row["position"], row["leaf"], leaf_of(row, hashlib.sha256(row["content"]).digest(), digest)


def _chain(previous: bytes, batch: int, leaves: list[bytes]) -> bytes:
    return chain_value(previous, batch, len(leaves), Tree.over(leaves).root) if leaves else b""


def _numbering(batch: int, expected_batch: int, positions: list[int], expected: int, size: int) -> list[str]:
    breaches = []
    if batch != expected_batch:
        breaches.append(f"batch {expected_batch} is missing")
    if positions != list(range(expected, expected + size)):
        breaches.append(f"batch {batch} holds positions {positions[:5]}…, expected {size} from {expected}")
    return breaches


def _signature(batch: int, chain: bytes, signature: str, keys: KeyRing) -> list[str]:
    try:
        open_seal(Sealed(chain, CHAIN_TYPE, signature), keys, max_age=None)
    except SealInvalid as error:
        return [f"batch {batch}: {error.detail}"]
    return []
