"""Verification: recompute every witness, tree and chain value and check every batch's signature.

Evidence covers raw inputs, messages and batches, up to the last batch that is there: that later ones were cut off
shows only against a receipt, or a chain value, kept elsewhere. Cases, deliveries and exceptions are working state.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from xinqiao.errors import SealInvalid
from xinqiao.evidence import CHAIN_START, CHAIN_TYPE, Tree, chain_value, leaf_hash
from xinqiao.seal import KeyRing, Sealed, open_seal
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.receipts import witness_of

__all__ = ["Verification", "verify"]

_m, _b, _k = tables.messages.c, tables.batches.c, tables.data_keys.c


@dataclass(slots=True)
class Verification:
    """How much was read, the last chain value (hex; worth keeping elsewhere), and each breach found, in words."""

    batches: int
    messages: int
    chain: str
    breaches: list[str]


def verify(connection: Connection, keys: KeyRing) -> Verification:
    """Read the whole journal, a batch at a time, and name every changed, missing or reordered row."""
    result = Verification(0, 0, CHAIN_START.hex(), [])
    previous, number, position = CHAIN_START, 0, 0
    for batch in connection.execute(select(tables.batches).order_by(_b.batch)).mappings():
        rows = list(_messages(connection, batch["first_position"], batch["size"]))
        number, expected = number + 1, position + 1
        result.breaches += _numbering(batch, number, [row["position"] for row, _ in rows], expected)
        result.breaches += [f"message {row['position']} differs from its witness" for row, same in rows if not same]
        result.breaches += [f"message {row['position']} has no key" for row, _ in rows if row["wrapped"] is None]
        result.breaches += _chained(batch, [leaf_hash(row["commitment"], row["witness"]) for row, _ in rows], previous)
        result.breaches += _signed(batch, keys)
        previous, number = batch["chain"], batch["batch"]
        position = rows[-1][0]["position"] if rows else position
        result.batches, result.messages = result.batches + 1, result.messages + len(rows)
    last = connection.execute(select(_m.position).order_by(_m.position.desc()).limit(1)).scalar() or 0
    if last > position:
        result.breaches.append(f"messages {position + 1} to {last} belong to no batch")
    result.chain = previous.hex()
    return result


def _messages(connection: Connection, first: int, size: int) -> Iterator[tuple[Any, bool]]:
    """Yield the messages of a batch, and whether each is what its witness says."""
    query = (
        select(tables.messages, tables.raws.c.content, tables.raws.c.content_type, tables.raws.c.signature, _k.wrapped)
        .join(tables.raws, tables.raws.c.raw_id == _m.raw_id)
        .outerjoin(tables.data_keys, _k.scope == _m.scope)
        .where(_m.position.between(first, first + size - 1))
        .order_by(_m.position)
    )
    for row in connection.execute(query).mappings():
        yield row, row["witness"] == witness_of(row, row)


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
    try:
        open_seal(Sealed(batch["chain"], CHAIN_TYPE, batch["signature"]), keys, max_age=None)
    except SealInvalid as error:
        return [f"batch {batch['batch']}: {error.detail}"]
    return []
