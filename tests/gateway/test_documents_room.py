"""Room for documents: full disks, quotas, and what other channels have under way."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.storing import CHUNK, PDF, documents_in, files, pdf, put, sha256
from xinqiao.errors import JournalUnavailable, Overloaded, Retryable
from xinqiao_gateway.documents import Announced, Directory, Writing

ROOT = Path(__file__).parents[2]


class FullDisk(Directory):
    """A directory whose files cannot grow beyond the room of a header."""

    def __init__(self, root: Path, fails_at: str) -> None:
        super().__init__(root)
        self.fails_at = fails_at

    def begin(self, room: int = 0) -> Writing:
        writing = super().begin(room)
        if room:
            setattr(writing, self.fails_at, self._full)
        return writing

    def _full(self, *_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("fails_at", ["write", "keep"])
def test_a_full_disk_means_retry_later_and_leaves_nothing_of_the_content(tmp_path: Path, fails_at: str) -> None:
    documents = documents_in(tmp_path, store=FullDisk(tmp_path / "documents", fails_at))
    with pytest.raises(JournalUnavailable, match="No space left on device"):
        put(documents, pdf(3 * CHUNK))
    assert not [name for name in files(tmp_path) if "content" in name or ".incoming" in name]


def test_a_file_that_the_system_does_not_let_grow_means_retry_later_and_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path; from tests.gateway.storing import *\n"
        "from xinqiao.errors import JournalUnavailable\n"
        "documents = documents_in(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: put(documents, pdf(3 * CHUNK))\n"
        "except JournalUnavailable as error: print(error.detail)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        check=False, cwd=ROOT, timeout=60, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "documents cannot be stored now: File too large\n"
    assert files(tmp_path) == []


def test_no_body_is_taken_for_which_there_is_no_room(tmp_path: Path) -> None:
    for documents in (documents_in(tmp_path, quota=2000, largest={PDF: 2001}), documents_in(tmp_path, spare=2**60)):
        with pytest.raises(Overloaded, match="has no room for it now"):
            documents.begin(Announced("bank", sha256(b""), PDF))
    assert issubclass(Overloaded, Retryable)
    assert files(tmp_path) == []


def test_room_is_promised_given_back_and_counted_again_after_a_start(tmp_path: Path) -> None:
    documents = documents_in(tmp_path, quota=4000)
    first = documents.begin(Announced("bank", sha256(pdf(2000)), PDF, 2000))
    with pytest.raises(Overloaded):
        documents.begin(Announced("bank", sha256(pdf(2001)), PDF, 2001))
    first.close()
    put(documents, pdf(2000), announced=2000)
    for each in (documents, documents_in(tmp_path, quota=4000)):
        with pytest.raises(Overloaded):
            put(each, pdf(1001), announced=1001)
    documents.remove(sha256(pdf(2000)), by="li.na", reason="sent by mistake")
    assert put(documents, pdf(1001), announced=1001).new


def test_a_channel_with_all_its_transfers_under_way_waits_and_others_do_not(tmp_path: Path) -> None:
    documents = documents_in(tmp_path, parallel=1)
    with documents.transfer("bank"):
        with pytest.raises(Overloaded), documents.transfer("bank"):
            pass
        with documents.transfer("insurer"):
            pass
    with documents.transfer("bank"):
        pass
