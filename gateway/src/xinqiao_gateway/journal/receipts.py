"""Receipts from rows: what was accepted, when, where in the journal, and the proof that it is in a signed batch."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from xinqiao.evidence import Tree, leaf_hash
from xinqiao_gateway.journal import tables

__all__ = ["Proofs", "leaf_of", "proofs_of", "receipt_body"]

Row = Mapping[str, Any] | RowMapping

# What a leaf commits to, beside the digests of the two ciphertexts.
_WITNESSED = (
    "position", "batch", "channel", "interface", "partner_key", "digest", "message_id", "message_type", "sender",
    "receiver", "case_id", "correlation_id", "partner_serial", "business_date", "replaces", "test",
    "case_state", "accepted_at",
)  # fmt: skip


def leaf_of(row: Row, raw_digest: bytes, canonical_digest: bytes) -> bytes:
    """Return the leaf hash of a message row; digests are SHA-256 over ciphertext (empty where there is none)."""
    witnessed = json.dumps([row[name] for name in _WITNESSED], ensure_ascii=True, separators=(",", ":"))
    return leaf_hash(witnessed.encode() + raw_digest + canonical_digest)


@dataclass(frozen=True, slots=True)
class Proofs:
    """The proofs of one batch; built once, asked for each of its rows."""

    batch: int
    first_position: int
    tree: Tree
    previous: bytes
    chain: bytes
    signature: str

    def of(self, position: int) -> dict[str, Any]:
        """Return the canonical ``InclusionProof`` of the row at a position of this batch."""
        index = position - self.first_position
        leaves = self.tree.levels[0]
        proof = {
            "batch": str(self.batch),
            "leafIndex": index,
            "treeSize": len(leaves),
            "leaf": leaves[index].hex(),
            "previous": self.previous.hex(),
            "chain": self.chain.hex(),
            "signature": self.signature,
        }
        path = [each.hex() for each in self.tree.path(index)]
        return proof | {"path": path} if path else proof


def receipt_body(row: Row, digest: str, proofs: Proofs) -> dict[str, Any]:
    """Return the body of a Receipt for a row; ``digest`` is the SHA-256 of the message's body."""
    return {
        "acceptedMessageId": row["message_id"],
        "acceptedAt": row["accepted_at"],
        "position": str(row["position"]),
        "digest": {"algorithm": "SHA256", "value": digest},
        "proof": proofs.of(row["position"]),
    }


def proofs_of(connection: Connection, batches: Iterable[int]) -> dict[int, Proofs]:
    """Rebuild the proofs of stored batches from their leaves."""
    wanted = set(batches)
    if not wanted:
        return {}
    b = tables.batches.c
    return {
        row.batch: Proofs(
            row.batch,
            row.first_position,
            Tree.over(_leaves(connection, row.first_position, row.size)),
            row.previous,
            row.chain,
            row.signature,
        )
        for row in connection.execute(select(tables.batches).where(b.batch.in_(wanted)))
    }


def _leaves(connection: Connection, first: int, size: int) -> Sequence[bytes]:
    m = tables.messages.c
    within = m.position.between(first, first + size - 1)
    return connection.execute(select(m.leaf).where(within).order_by(m.position)).scalars().all()
