"""Documents in their store: what is taken and what is not, and what is left when something goes wrong."""

import subprocess
import sys
import threading
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from tests.gateway.storing import CHUNK, NOW, PDF, documents_in, files, flipped, got, pdf, put, sha256, sm3
from xinqiao.errors import (
    ContentGone,
    DocumentRefused,
    InternalError,
    MalformedQuery,
    NotFound,
    SettingsInvalid,
)
from xinqiao_gateway.documents import Announced, Directory, DocumentDigest, Documents, Facts, Removed, Stored
from xinqiao_gateway.journal.vault import Vault

ROOT = Path(__file__).parents[2]
ZIP = b"PK\x03\x04" + bytes(22)


def archive(*names: str) -> bytes:
    """Return local headers of a zip archive, as far as anybody looks at them."""
    return b"".join(ZIP + len(name).to_bytes(2, "little") + b"\0\0" + name.encode() + b"content" for name in names)


TAKEN = [
    (PDF, b"%PDF-1.4 ..."), ("image/jpeg", b"\xff\xd8\xff\xe0 JFIF"), ("image/png", b"\x89PNG\r\n\x1a\n..."),
    ("image/tiff", b"II*\0...."), ("image/tiff", b"MM\0*...."), ("video/mp4", b"\0\0\0\x18ftypisom"),
    ("audio/wav", b"RIFF\x10\0\0\0WAVEfmt "), ("audio/mpeg", b"ID3\x04..."), ("audio/mpeg", b"\xff\xfb\x90"),
    ("application/ofd", archive("Doc_0/Document.xml", "OFD.xml")), ("text/plain", "合同编号 1".encode()),
    ("text/plain", "合同编号 1".encode("gb18030")), ("application/xml", b"\xef\xbb\xbf\n<?xml version='1.0'?><a/>"),
    ("text/xml", b"<contract/>"),
]  # fmt: skip
REFUSED = [
    (PDF, b"GIF89a", "does not begin as application/pdf does"),
    (PDF, b"%PD", "does not begin as application/pdf does"),
    (PDF, b"\n%PDF-1.7", "does not begin as application/pdf does"),
    (PDF, b"", "it is empty"),
    ("audio/wav", b"RIFF\x10\0\0\0AVI LIST", "does not begin"),
    ("application/ofd", archive("word/document.xml"), "the archive holds no OFD.xml"),
    ("application/zip", archive("a"), "'application/zip' is not taken here"),
    ("text/html", b"<p>", "'text/html' is not taken here"),
    ("", b"%PDF-1.7", "'' is not taken here"),
    ("application/xml", b"contract", "does not begin"),
    ("text/xml", b"<!DOCTYPE html><html>", "does not begin"),
    ("text/xml", b" <HTML>", "does not begin"),
    ("text/plain", b"MZ\x90\0\x03", "holds control characters"),
    ("text/plain", b"abc \xff\xff", "not text/plain in UTF-8 or GB18030"),
    ("text/plain", b"abc \xe4", "not text/plain in UTF-8 or GB18030"),
]


def test_a_document_comes_back_as_it_was_and_is_found_by_either_digest(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(3 * CHUNK + 5)
    facts = Facts(PDF, len(content), sha256(content).value, sm3(content).value, NOW)
    assert put(documents, content) == Stored(facts, new=True)
    again = documents_in(tmp_path)
    assert [got(again, each) for each in (sha256(content), sm3(content))] == [content, content]
    assert again.verify(sm3(content)) == facts
    assert list(again.digests()) == [sha256(content)]
    assert documents.missing({"file": {"name": "a.pdf", "digest": {"algorithm": "SM3", "value": facts.sm3}}}) == []


def test_a_document_named_by_sm3_is_kept_like_any_other(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(100)
    assert put(documents, content, digest=sm3(content)).new
    assert got(documents, sha256(content)) == content


def test_nothing_of_a_content_can_be_read_from_the_disk(tmp_path: Path) -> None:
    content = pdf(2 * CHUNK)
    put(documents_in(tmp_path), content)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "documents").rglob("*") if path.is_file())
    assert b"%PDF" not in stored
    assert PDF.encode() not in stored
    modes = {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "documents").rglob("*")}
    assert modes == {"0o700", "0o600"}
    with pytest.raises(InternalError, match="master key is another"):
        Documents(Directory(tmp_path / "documents"), Vault(bytes(32)), documents_in(tmp_path).settings).verify(
            sha256(content)
        )


def test_the_same_document_again_is_no_second_one(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(100)
    first = put(documents, content)
    before = files(tmp_path)
    assert put(documents, content) == replace(first, new=False)
    assert files(tmp_path) == before
    assert put(documents, content, channel="insurer").new
    assert documents.holders(sha256(content)) == ["bank", "insurer"]


def test_nothing_tells_that_another_channel_sent_the_document_before(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), b"<contract/>"
    stored = [
        put(documents, content, channel=channel, media_type=media_type)
        for channel, media_type in (("bank", "text/xml"), ("insurer", "text/plain"))
    ]
    assert [(each.facts.media_type, each.new) for each in stored] == [("text/xml", True), ("text/plain", True)]


def test_a_channel_that_knows_only_the_digest_comes_to_nothing(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(100)
    put(documents, content)
    with pytest.raises(DocumentRefused, match="the content is not that of sha256:"):
        put(documents, pdf(99), channel="insurer", digest=sha256(content))
    assert documents.holders(sha256(content)) == ["bank"]


@pytest.mark.parametrize(("media_type", "content"), TAKEN)
def test_each_kind_is_taken_for_what_it_begins_with(tmp_path: Path, media_type: str, content: bytes) -> None:
    documents = documents_in(tmp_path)
    bytewise = [content[at : at + 1] for at in range(len(content))]
    assert put(documents, content, media_type=media_type, pieces=bytewise).facts.media_type == media_type


@pytest.mark.parametrize(("media_type", "content", "said"), REFUSED)
def test_what_is_not_what_it_says_is_refused_and_leaves_nothing(
    tmp_path: Path, media_type: str, content: bytes, said: str
) -> None:
    documents = documents_in(tmp_path)
    with pytest.raises(DocumentRefused) as refused:
        put(documents, content, media_type=media_type)
    assert said in refused.value.detail
    assert files(tmp_path) == []


def test_a_wrong_digest_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    for digest in (sha256(b"another"), sm3(b"another")):
        with pytest.raises(DocumentRefused, match=f"not that of {digest}"):
            put(documents_in(tmp_path), pdf(100), digest=digest)
    assert files(tmp_path) == []


def test_a_document_that_is_too_large_is_refused_before_it_comes_and_while_it_comes(tmp_path: Path) -> None:
    documents = documents_in(tmp_path, largest={PDF: 100})
    assert put(documents, pdf(100)).new
    with pytest.raises(DocumentRefused, match="101 bytes; application/pdf may have 100"):
        documents.begin(Announced("bank", sha256(b""), PDF, 101))
    with pytest.raises(DocumentRefused, match="more than the 100 bytes"):
        put(documents, pdf(101))
    with pytest.raises(DocumentRefused, match="more than the 50 bytes that were announced"):
        put(documents, pdf(60), announced=50)
    with pytest.raises(DocumentRefused, match="50 bytes came of the 60"):
        put(documents, pdf(50), announced=60)
    assert list(documents.digests()) == [sha256(pdf(100))]


def test_sizes_of_settings_and_profiles_say_what_is_taken(tmp_path: Path) -> None:
    sizes = {"bank": {"application/zip": 1000, PDF: 0}}
    documents = documents_in(tmp_path, largest={PDF: 200}, channel_sizes=lambda channel: sizes.get(channel, {}))
    assert put(documents, archive("a"), media_type="application/zip").new
    for channel, media_type in (("bank", PDF), ("insurer", "application/zip")):
        with pytest.raises(DocumentRefused, match="is not taken here"):
            put(documents, pdf(10), media_type=media_type, channel=channel)
    with pytest.raises(DocumentRefused, match="may have 200"):
        put(documents, pdf(10), announced=201, channel="insurer")
    with pytest.raises(SettingsInvalid, match=r"documents\.largest: 'video/quicktime'"):
        documents_in(tmp_path, largest={"video/quicktime": 1})


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    documents = documents_in(tmp_path)
    with documents.begin(Announced("bank", sha256(b""), PDF)) as upload:
        upload.write(pdf(3 * CHUNK))
        assert len(files(tmp_path)) == 1
    assert files(tmp_path) == []


def test_what_a_crash_leaves_is_removed_at_the_next_start_and_what_is_under_way_is_not(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from tests.gateway.storing import *\n"
        "upload = documents_in(Path(sys.argv[1])).begin(Announced('bank', sha256(b''), PDF))\n"
        "upload.write(pdf(3 * CHUNK)); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, cwd=ROOT, timeout=60)
    assert (done.returncode, len(files(tmp_path))) == (9, 1)
    documents = documents_in(tmp_path)
    assert files(tmp_path) == []
    with documents.begin(Announced("bank", sha256(pdf(9)), PDF)) as upload:
        documents_in(tmp_path)
        upload.write(pdf(9))
        assert upload.finish().new


def test_memory_does_not_grow_with_the_document(tmp_path: Path) -> None:
    documents, piece = documents_in(tmp_path), pdf(CHUNK)
    size = 80 * CHUNK
    digest = sha256(piece * 80)
    tracemalloc.start()
    try:
        put(documents, b"", digest=digest, pieces=(piece for _ in range(80)))
        with documents.open(digest) as opened:
            assert sum(map(len, opened.pieces())) == size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size // 4


def test_two_uploads_of_one_document_at_once_are_one_document(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(5 * CHUNK)
    together, stored = threading.Barrier(4, timeout=30), []

    def send(channel: str) -> None:
        with documents.begin(Announced(channel, sha256(content), PDF)) as upload:
            upload.write(content)
            together.wait()
            stored.append(upload.finish())

    senders = [threading.Thread(target=send, args=(channel,)) for channel in ("bank", "bank", "insurer", "core")]
    for each in senders:
        each.start()
    for each in senders:
        each.join(30)
    assert len(stored) == 4
    assert (got(documents, sha256(content)), list(documents.digests())) == (content, [sha256(content)])
    assert not [name for name in files(tmp_path) if ".incoming" in name]


# --- removal -------------------------------------------------------------------------------------------------


def test_a_removed_document_is_gone_and_its_tombstone_says_what_it_was(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(100)
    put(documents, content)
    tombstone = Removed(sha256(content).value, PDF, 100, NOW, "li.na", "request of the person concerned")
    assert documents.remove(sm3(content), by="li.na", reason="request of the person concerned") == tombstone
    again = documents_in(tmp_path)
    assert (list(again.removed()), list(again.digests())) == ([tombstone], [])
    for digest in (sha256(content), sm3(content)):
        with pytest.raises(ContentGone):
            again.open(digest)
        with pytest.raises(ContentGone):
            again.remove(digest, by="li.na", reason="again")
    with pytest.raises(ContentGone):
        put(again, content)
    assert put(again, content, channel="insurer").new


def test_an_operator_brings_a_removed_document_back(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(100)
    put(documents, content)
    documents.remove(sha256(content), by="li.na", reason="the wrong one")
    with documents.begin(Announced("bank", sha256(content), PDF), restore=True) as upload:
        upload.write(content)
        assert upload.finish().new
    assert got(documents, sha256(content)) == content


def test_a_tombstone_that_was_changed_is_found(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(100)
    put(documents, content)
    documents.remove(sha256(content), by="li.na", reason="a reason")
    (path,) = (each for each in (tmp_path / "documents/removed").rglob("*") if each.is_file())
    path.write_bytes(flipped(path.read_bytes(), 80))
    with pytest.raises(InternalError, match="its tombstone was changed"):
        documents.open(sha256(content))


def test_what_never_came_is_not_found(tmp_path: Path) -> None:
    documents = documents_in(tmp_path)
    for digest in (sha256(b"x"), sm3(b"x")):
        assert not documents.exists(digest)
        assert documents.holders(digest) == []
        for ask in (documents.open, documents.verify):
            with pytest.raises(NotFound):
                ask(digest)
        with pytest.raises(NotFound):
            documents.remove(digest, by="li.na", reason="a reason")


@pytest.mark.parametrize("text", ["", "abc", "md5:" + "0" * 64, "A" * 64, "sha256:" + "0" * 63, "../" + "0" * 61])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(MalformedQuery):
        DocumentDigest.parse(text)


def test_missing_names_each_file_once_and_leaves_out_what_is_here_or_is_no_file(tmp_path: Path) -> None:
    documents, content = documents_in(tmp_path), pdf(100)
    put(documents, content)

    def file(digest: DocumentDigest) -> dict[str, object]:
        return {"name": "scan.pdf", "digest": {"algorithm": digest.algorithm, "value": digest.value}}

    absent = {"algorithm": "SHA256", "value": "ab" * 32}
    message = {
        "header": {"messageId": "1"},
        "kycApplication": {
            "applicant": {"documents": [{"image": file(sha256(content)), "furtherImages": [file(sm3(b"x"))]}]},
            "consent": {"textDigest": absent, "report": file(sm3(b"x"))},
            "odd": [{"name": "x", "digest": {"algorithm": "SHA256"}}, {"name": "x", "digest": {"algorithm": 1}}],
        },
    }
    assert documents.missing(message) == [str(sm3(b"x"))]
