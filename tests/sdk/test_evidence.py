"""Inclusion proofs: every leaf of every tree is proven, and nothing else is."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.errors import SealInvalid
from xinqiao.evidence import CHAIN_START, CHAIN_TYPE, Tree, chain_value, leaf_hash, verify_proof
from xinqiao.seal import KeyRing, new_key, seal

KEY = new_key("gateway-1")
KEYS = KeyRing([KEY.public()])


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def proof_of(size: int, index: int, batch: int = 7) -> dict[str, Any]:
    tree = Tree.over(leaves(size))
    chain = chain_value(CHAIN_START, batch, size, tree.root)
    return {
        "batch": str(batch),
        "leafIndex": index,
        "treeSize": size,
        "path": [each.hex() for each in tree.path(index)],
        "leaf": tree.levels[0][index].hex(),
        "previous": CHAIN_START.hex(),
        "chain": chain.hex(),
        "signature": seal(chain, CHAIN_TYPE, KEY).signature,
    }


def root_by_definition(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1: split at the largest power of two below the size."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = root_by_definition(hashes[:split]), root_by_definition(hashes[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("size", range(1, 40))
def test_the_tree_has_the_shape_of_rfc_6962(size: int) -> None:
    assert Tree.over(leaves(size)).root == root_by_definition(leaves(size))


@given(st.integers(1, 256).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_every_leaf_is_proven(case: tuple[int, int]) -> None:
    assert verify_proof(proof_of(*case), KEYS) == "gateway-1"


@pytest.mark.parametrize(
    "change",
    [
        {"leaf": "00" * 32},
        {"leafIndex": 4},
        {"leafIndex": -1},
        {"leafIndex": 11},
        {"treeSize": 12},
        {"path": []},
        {"path": ["00" * 32] * 9},
        {"batch": "8"},
        {"previous": "11" * 32},
        {"chain": "11" * 32},
        {"signature": seal(b"other", CHAIN_TYPE, KEY).signature},
        {"signature": seal(bytes(32), CHAIN_TYPE, new_key("stranger-1")).signature},
    ],
)
def test_a_changed_proof_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SealInvalid):
        verify_proof(proof_of(11, 3) | change, KEYS)
