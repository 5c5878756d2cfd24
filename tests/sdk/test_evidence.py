"""Receipts prove themselves: every leaf of every tree, and nothing else."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.errors import SealInvalid
from xinqiao.evidence import (
    CHAIN_START,
    CHAIN_TYPE,
    Tree,
    chain_value,
    leaf_hash,
    receipt_commitment,
    verify_receipt,
)
from xinqiao.message import content_digest
from xinqiao.seal import KeyRing, new_key, seal
from xinqiao.testing import example

KEY = new_key("gateway-1")
KEYS = KeyRing([KEY.public()])
MESSAGE = example("kycApplication")
SALT, WITNESS = "5a" * 32, "77" * 32
AT = "2026-01-15T09:30:00.000000Z"


def receipt_of(size: int, index: int, batch: int = 7, signed: datetime | None = None) -> dict[str, Any]:
    message_id, digest = MESSAGE["header"]["messageId"], content_digest(MESSAGE)
    own = leaf_hash(receipt_commitment(message_id, AT, 42, digest, SALT), bytes.fromhex(WITNESS))
    leaves = [own if number == index else leaf_hash(b"", bytes([number % 256])) for number in range(size)]
    tree = Tree.over(leaves)
    proof = {
        "batch": str(batch),
        "leafIndex": index,
        "treeSize": size,
        "path": [each.hex() for each in tree.path(index)],
        "salt": SALT,
        "witness": WITNESS,
        "previous": CHAIN_START.hex(),
        "signature": seal(chain_value(CHAIN_START, batch, size, tree.root), CHAIN_TYPE, KEY, signed).signature,
    }
    return {
        "acceptedMessageId": message_id,
        "acceptedAt": AT,
        "position": "42",
        "digest": {"algorithm": "SHA256", "value": digest},
        "proof": proof,
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
    leaves = [leaf_hash(b"", str(number).encode()) for number in range(size)]
    assert Tree.over(leaves).root == root_by_definition(leaves)


@given(st.integers(1, 256).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_a_receipt_at_any_leaf_proves_itself(case: tuple[int, int]) -> None:
    assert verify_receipt(receipt_of(*case), KEYS, MESSAGE) == "gateway-1"


@pytest.mark.parametrize(
    "change",
    [
        {"acceptedMessageId": "019bf0a0-7c00-7000-8000-00000000ffff"},
        {"acceptedAt": "2026-01-15T09:30:00.000001Z"},
        {"position": "43"},
        {"position": "x"},
        {"digest": {"algorithm": "SHA256", "value": "00" * 32}},
        {"digest": None},
        {"proof": {}},
    ],
)
def test_a_receipt_that_says_something_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SealInvalid):
        verify_receipt(receipt_of(11, 3) | change, KEYS)


@pytest.mark.parametrize(
    "change",
    [
        {"salt": "00" * 32},
        {"witness": "00" * 32},
        {"witness": "zz"},
        {"leafIndex": 4},
        {"leafIndex": -1},
        {"leafIndex": 11},
        {"leafIndex": "3"},
        {"treeSize": 12},
        {"path": []},
        {"path": ["00" * 32] * 9},
        {"batch": "8"},
        {"batch": "-1"},
        {"previous": "11" * 32},
        {"signature": seal(b"other", CHAIN_TYPE, KEY).signature},
        {"signature": seal(bytes(32), CHAIN_TYPE, new_key("stranger-1")).signature},
    ],
)
def test_a_changed_proof_is_refused(change: dict[str, Any]) -> None:
    receipt = receipt_of(11, 3)
    with pytest.raises(SealInvalid):
        verify_receipt(receipt | {"proof": receipt["proof"] | change}, KEYS)


def test_a_receipt_that_a_clock_signed_that_was_ahead_proves_itself() -> None:
    assert verify_receipt(receipt_of(5, 3, signed=datetime(2999, 1, 1, tzinfo=UTC)), KEYS, MESSAGE) == "gateway-1"


def test_a_receipt_for_another_message_or_other_content_is_refused() -> None:
    other = {**MESSAGE, "kycApplication": MESSAGE["kycApplication"] | {"purpose": "其他"}}
    for message in (other, example("kycApplication", messageId="019bf0a0-7c00-7000-8000-00000000ffff")):
        with pytest.raises(SealInvalid):
            verify_receipt(receipt_of(11, 3), KEYS, message)
