"""Documents that somebody tampered with on the disk: every change is found."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gateway.storing import CHUNK, blob, documents_in, flipped, pdf, put, sha256, sm3
from xinqiao.errors import InternalError

STORED = CHUNK + 16
TAMPERING: dict[str, Callable[[bytes], bytes]] = {
    "a bit of a chunk": lambda found: flipped(found, 1024 + STORED + 7),
    "a bit of the last tag": lambda found: flipped(found, len(found) - 1),
    "cut at a chunk's border": lambda found: found[: 1024 + 2 * STORED],
    "cut within a chunk": lambda found: found[:-3],
    "cut behind the header": lambda found: found[:1024],
    "two chunks swapped": lambda found: (
        found[:1024] + found[1024 + STORED : 1024 + 2 * STORED] + found[1024 : 1024 + STORED]
        + found[1024 + 2 * STORED :]
    ),
    "a chunk left out": lambda found: found[:1024] + found[1024 + STORED :],
    "a chunk twice": lambda found: found[: 1024 + STORED] + found[1024:],
    "something added": lambda found: found + b"\0",
    "the header's mark": lambda found: flipped(found, 0),
    "the header's length": lambda found: flipped(found, 5),
    "the wrapped key": lambda found: flipped(found, 20),
    "the sealed facts": lambda found: flipped(found, 100),
    "the header's zeros": lambda found: flipped(found, 1023),
    "empty": lambda found: b"",
}  # fmt: skip


@pytest.mark.parametrize("change", TAMPERING.values(), ids=TAMPERING)
def test_tampering_is_found_and_the_same_document_sent_again_repairs_it(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    documents, content = documents_in(tmp_path), pdf(3 * CHUNK + 100)
    put(documents, content)
    path = blob(tmp_path, sha256(content))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InternalError):
        documents.verify(sha256(content))
    assert put(documents, content).new
    assert documents.verify(sha256(content)).size == len(content)


def test_a_damaged_document_can_be_removed(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(100)
    put(documents, content)
    blob(tmp_path, sha256(content)).write_bytes(b"")
    assert documents.remove(sha256(content), by="li.na", reason="damaged").sha256 == sha256(content).value
    assert not documents.exists(sha256(content))


def test_one_document_put_in_the_place_of_another_is_found(tmp_path: Path) -> None:
    documents, one, other = documents_in(tmp_path), pdf(100), pdf(101)
    put(documents, one)
    put(documents, other)
    blob(tmp_path, sha256(one)).write_bytes(blob(tmp_path, sha256(other)).read_bytes())
    with pytest.raises(InternalError, match="its header was changed"):
        documents.verify(sha256(one))
    value = sm3(one).value
    (tmp_path / "documents/sm3" / value[:2] / value[2:4] / value).write_text(sha256(other).value)
    with pytest.raises(InternalError, match=f"it is not that of {sm3(one)}"):
        documents.open(sm3(one))


def test_a_holder_that_the_gateway_did_not_write_is_none(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(100)
    put(documents, content)
    value = sha256(content).value
    own = tmp_path / "documents/holders" / value[:2] / value[2:4] / value / "bank"
    (own.parent / "insurer").write_bytes(own.read_bytes())
    assert documents.holders(sha256(content)) == ["bank"]
