"""Evidence of acceptance: Merkle trees in the shape of RFC 6962 §2.1 and the check of a receipt's proof.

A journal commits batches. Each batch is a tree over its rows; ``chain`` ties it to the batch before and is
signed once. Hashes are SHA-256, hexadecimal at the edges.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xinqiao.errors import SealInvalid
from xinqiao.seal import KeyRing, Sealed, open_seal

__all__ = ["CHAIN_START", "CHAIN_TYPE", "Tree", "chain_value", "leaf_hash", "verify_proof"]

CHAIN_START = bytes(32)
CHAIN_TYPE = "application/vnd.xinqiao.chain"


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 over 0x00 and its content."""
    return hashlib.sha256(b"\x00" + content).digest()


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


def verify_proof(proof: dict[str, Any], keys: KeyRing) -> str:
    """Check a receipt's inclusion proof against the gateway's keys and return the kid that signed it.

    Raises ``SealInvalid`` where the path does not lead to the signed chain value.
    """
    index, size = proof["leafIndex"], proof["treeSize"]
    path = [bytes.fromhex(each) for each in proof.get("path", ())]
    root = _root_from(bytes.fromhex(proof["leaf"]), index, size, path) if 0 <= index < size else None
    if root is None:
        raise SealInvalid("the inclusion path does not fit the tree")
    chain = chain_value(bytes.fromhex(proof["previous"]), int(proof["batch"]), size, root)
    if chain.hex() != proof["chain"]:
        raise SealInvalid("the inclusion path leads to another chain value")
    return open_seal(Sealed(chain, CHAIN_TYPE, proof["signature"]), keys, max_age=None)
