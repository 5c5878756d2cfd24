"""Laws of the chunk format: whatever the size, a content comes back, and nothing but that content does."""

import hashlib
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.errors import InternalError
from xinqiao_gateway.documents.chunks import CHUNK, TAG, Encryption, decrypted, encrypted_size

KEY = bytes(range(32))
BORDERS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK]
sizes = st.sampled_from(BORDERS) | st.integers(0, 3 * CHUNK)


def content_of(size: int) -> bytes:
    return hashlib.shake_128(b"content").digest(size)


def encrypted(content: bytes, cuts: list[int], key: bytes = KEY) -> bytes:
    encryption, places = Encryption(key), [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    parts = [encryption.feed(content[start:end]) for start, end in pairwise(places)]
    return b"".join(parts) + encryption.end()


def read(blob: bytes, size: int, key: bytes = KEY) -> bytes:
    return b"".join(decrypted(key, io.BytesIO(blob), size))


@given(sizes, st.lists(st.integers(0, 3 * CHUNK), max_size=5))
def test_a_content_comes_back_however_it_was_cut_into_pieces(size: int, cuts: list[int]) -> None:
    content = content_of(size)
    blob = encrypted(content, cuts)
    assert (len(blob), blob == encrypted(content, [])) == (encrypted_size(size), True)
    assert read(blob, size) == content


@given(sizes, st.data())
def test_a_flipped_bit_is_found_and_all_that_came_before_it_is_right(size: int, data: st.DataObject) -> None:
    content = content_of(size)
    blob = bytearray(encrypted(content, []))
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= 1 << data.draw(st.integers(0, 7))
    came: list[bytes] = []
    with pytest.raises(InternalError):
        came.extend(decrypted(KEY, io.BytesIO(bytes(blob)), size))
    assert b"".join(came) == content[: place // (CHUNK + TAG) * CHUNK]


@given(st.integers(CHUNK + 1, 3 * CHUNK), st.data())
def test_chunks_in_any_other_order_number_or_length_are_found(size: int, data: st.DataObject) -> None:
    blob = encrypted(content_of(size), [])
    chunks = [blob[at : at + CHUNK + TAG] for at in range(0, len(blob), CHUNK + TAG)]
    other = data.draw(st.lists(st.sampled_from(chunks), max_size=4).filter(lambda each: each != chunks))
    with pytest.raises(InternalError):
        read(b"".join(other), size)


@given(sizes, sizes)
def test_a_content_is_read_with_its_own_size_only(size: int, other: int) -> None:
    blob = encrypted(content_of(size), [])
    if size == other:
        assert read(blob, other) == content_of(size)
    else:
        with pytest.raises(InternalError):
            read(blob, other)


@given(st.integers(CHUNK + 1, 3 * CHUNK), st.data())
def test_a_content_cut_at_a_chunk_is_found_even_by_who_is_told_the_shorter_size(size: int, data: st.DataObject) -> None:
    kept = data.draw(st.integers(1, (size - 1) // CHUNK))
    with pytest.raises(InternalError):
        read(encrypted(content_of(size), [])[: kept * (CHUNK + TAG)], kept * CHUNK)


def test_a_content_is_read_with_its_own_key_only() -> None:
    with pytest.raises(InternalError):
        read(encrypted(content_of(100), []), 100, bytes(32))
