"""Receipts from rows: what was accepted, when, where in the journal, and the proof that it is in a signed batch."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, select

from xinqiao.evidence import Tree, leaf_hash, receipt_commitment
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.vault import Vault

__all__ = ["Proofs", "commitment_of", "digest_of", "leaves_of", "proofs_of", "receipt_body", "witness_of"]

Row = Mapping[str, Any] | RowMapping

# What a witness commits to, beside the digests of the two ciphertexts.
_WITNESSED = (
    "position", "batch", "channel", "interface", "partner_key", "digest", "message_id", "message_type", "sender",
    "receiver", "case_id", "correlation_id", "partner_serial", "business_date", "replaces", "test", "case_state",
    "accepted_at", "scope",
)  # fmt: skip


def digest_of(content: bytes | None) -> bytes:
    """Return the digest by which the evidence knows a ciphertext, wherever that is kept."""
    return hashlib.sha256(content or b"").digest()


def witness_of(row: Row, raw: Row) -> bytes:
    """Return the digest of everything that the journal keeps of a message: columns, raw input, canonical form.

    Contents count as digests of their ciphertext: one that is archived or whose key is destroyed leaves the witness
    whole.
    """
    columns = [*(row[name] for name in _WITNESSED), raw["content_type"], raw["signature"]]
    contents = [raw["content_digest"].hex(), row["canonical_digest"].hex()]
    return hashlib.sha256(orjson.dumps([*columns, *contents])).digest()


def commitment_of(row: Row, digest: str, vault: Vault) -> bytes:
    """Return the digest of what a row's receipt says; ``digest`` is that of the message's content."""
    return receipt_commitment(row["message_id"], row["accepted_at"], row["position"], digest, _salt(row, vault))


def _salt(row: Row, vault: Vault) -> str:
    return vault.keyed_digest(f"salt {row['channel']} {row['interface']} {row['partner_key']}")


@dataclass(frozen=True, slots=True)
class Proofs:
    """The proofs of one batch; built once, asked for each of its rows."""

    batch: int
    first_position: int
    tree: Tree
    previous: bytes
    chain: bytes
    signature: str


def receipt_body(row: Row, digest: str, proofs: Proofs, vault: Vault) -> dict[str, Any]:
    """Return the body of a Receipt for a row; ``digest`` is that of the message's content."""
    index = row["position"] - proofs.first_position
    proof = {
        "batch": str(proofs.batch),
        "leafIndex": index,
        "treeSize": len(proofs.tree.levels[0]),
        "salt": _salt(row, vault),
        "witness": row["witness"].hex(),
        "previous": proofs.previous.hex(),
        "signature": proofs.signature,
    }
    path = [each.hex() for each in proofs.tree.path(index)]
    return {
        "acceptedMessageId": row["message_id"],
        "acceptedAt": row["accepted_at"],
        "position": str(row["position"]),
        "digest": {"algorithm": "SHA256", "value": digest},
        "proof": proof | ({"path": path} if path else {}),
    }


def proofs_of(connection: Connection, batches: Iterable[int]) -> dict[int, Proofs]:
    """Rebuild the proofs of stored batches from their leaves."""
    wanted = set(batches)
    if not wanted:
        return {}
    rows = connection.execute(select(tables.batches).where(tables.batches.c.batch.in_(wanted))).all()
    return {
        row.batch: Proofs(
            row.batch,
            row.first_position,
            Tree.over(leaves_of(connection, row.first_position, row.size)),
            row.previous,
            row.chain,
            row.signature,
        )
        for row in rows
    }


def leaves_of(connection: Connection, first: int, size: int) -> list[bytes]:
    """Return the leaf hashes of the messages from a position on, as stored."""
    m = tables.messages.c
    within = m.position.between(first, first + size - 1)
    rows = connection.execute(select(m.commitment, m.witness).where(within).order_by(m.position))
    return [leaf_hash(row.commitment, row.witness) for row in rows]
