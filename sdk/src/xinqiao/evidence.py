"""Evidence of acceptance: Merkle trees in the shape of RFC 6962 §2.1 and the check of a receipt's proof.

A journal commits batches. Each batch is a tree over its rows; its chain value ties it to the batch before and is
signed once. A leaf binds what a receipt says (``receipt_commitment``) to what the journal keeps (``witness``).
Hashes are SHA-256, hexadecimal at the edges.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from xinqiao.errors import SealInvalid
from xinqiao.message import Json, content_digest
from xinqiao.seal import KeyRing, Sealed, open_stored

__all__ = [
    "CHAIN_START",
    "CHAIN_TYPE",
    "Tree",
    "chain_value",
    "leaf_hash",
    "receipt_commitment",
    "verify_receipt",
]

CHAIN_START = bytes(32)
CHAIN_TYPE = "application/vnd.xinqiao.chain"


def receipt_commitment(message_id: str, accepted_at: str, position: int, digest: str, salt: str) -> bytes:
    """Return the digest of what a receipt says; ``digest`` and ``salt`` are hexadecimal."""
    said = orjson.dumps([message_id, accepted_at, str(position), digest, salt])
    return hashlib.sha256(said).digest()


def leaf_hash(commitment: bytes, witness: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 over 0x00 and its content (RFC 6962)."""
    return hashlib.sha256(b"\x00" + commitment + witness).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Tree:
    """All levels of a tree, leaves first. An odd last node moves up unchanged, which is RFC 6962's shape."""

    levels: tuple[tuple[bytes, ...], ...]

    @classmethod
    def over(cls, leaves: Sequence[bytes]) -> "Tree":
        """Build the tree over leaf hashes; at least one."""
        levels = [tuple(leaves)]
        while len(levels[-1]) > 1:
            below = levels[-1]
            pairs = [_node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
            levels.append((*pairs, *below[len(pairs) * 2 :]))
        return cls(tuple(levels))

    @property
    def root(self) -> bytes:
        """The root hash."""
        return self.levels[-1][0]

    def path(self, index: int) -> list[bytes]:
        """Return the sibling hashes from a leaf up (RFC 6962 §2.1.1)."""
        siblings = []
        for level in self.levels[:-1]:
            if (index ^ 1) < len(level):
                siblings.append(level[index ^ 1])
            index //= 2
        return siblings


def _root_from(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a path leads to, or None where its length does not fit the tree."""
    siblings = iter(path)
    node, last = leaf, size - 1
    try:
        while last > 0:
            if index % 2:
                node = _node_hash(next(siblings), node)
            elif index < last:
                node = _node_hash(node, next(siblings))
            index, last = index // 2, last // 2
    except StopIteration:
        return None
    return node if next(siblings, None) is None else None


def chain_value(previous: bytes, batch: int, tree_size: int, root: bytes) -> bytes:
    """Return the value that is signed for a batch.

    SHA-256 over the value before, the batch's number and size (8 bytes each, big-endian) and its root.
    """
    return hashlib.sha256(previous + batch.to_bytes(8, "big") + tree_size.to_bytes(8, "big") + root).digest()


def verify_receipt(receipt: Json, keys: KeyRing, message: Json | None = None) -> str:
    """Check that a receipt (its body) is in a signed batch of the gateway's journal; return the kid that signed it.

    With ``message``, also that the receipt is for it: same id, same content. Raises ``SealInvalid`` where anything
    does not fit, a malformed receipt included.
    """
    try:
        if message is not None:
            _check_subject(receipt, message)
        chain = _chain_of(receipt)
        signature = str(receipt["proof"]["signature"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise SealInvalid(f"the receipt is malformed: {type(error).__name__}") from error
    return open_stored(Sealed(chain, CHAIN_TYPE, signature), keys)


def _check_subject(receipt: Json, message: Json) -> None:
    if receipt["acceptedMessageId"] != message["header"]["messageId"]:
        raise SealInvalid("the receipt is for another message id")
    if receipt["digest"] != {"algorithm": "SHA256", "value": content_digest(message)}:
        raise SealInvalid("the receipt is for other content")


def _chain_of(receipt: dict[str, Any]) -> bytes:
    proof = receipt["proof"]
    index, size = proof["leafIndex"], proof["treeSize"]
    commitment = receipt_commitment(
        receipt["acceptedMessageId"],
        receipt["acceptedAt"],
        int(receipt["position"]),
        receipt["digest"]["value"],
        proof["salt"],
    )
    leaf = leaf_hash(commitment, bytes.fromhex(proof["witness"]))
    path = [bytes.fromhex(each) for each in proof.get("path", ())]
    root = _root_from(leaf, index, size, path) if 0 <= index < size else None
    if root is None:
        raise SealInvalid("the inclusion path does not fit the tree")
    return chain_value(bytes.fromhex(proof["previous"]), int(proof["batch"]), size, root)
