"""The embedded SFTP server, from the side of a partner's client: what it sees, what it may do, what is refused."""

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from paramiko.sftp import CMD_CLOSE
from structlog.testing import capture_logs

from tests.gateway.sftp.serving import Served, serving

REFUSED = (FileNotFoundError, PermissionError)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("sftp")) as found:
        yield found


@pytest.fixture
def client(served: Served) -> Iterator[paramiko.SFTPClient]:
    with served.client() as found:
        yield found


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_partner_sees_three_folders_and_nothing_of_the_rest(served: Served, client: paramiko.SFTPClient) -> None:
    (served.files / "archive").mkdir(exist_ok=True)
    (served.files / "archive" / "secret.csv").write_text("x")
    assert sorted(client.listdir("/")) == ["in", "out", "result"]
    assert client.normalize("../../..") == "/"
    for path in ("/archive", "/archive/secret.csv", "/.uploads", "/../../etc/passwd"):
        with pytest.raises(REFUSED):
            client.stat(path)
    with pytest.raises(REFUSED):
        client.open("/archive/secret.csv")


def test_an_upload_appears_whole_when_its_client_closes_it(served: Served, client: paramiko.SFTPClient) -> None:
    content = os.urandom(700_000)
    with capture_logs() as logs:
        with client.open("/in/orders.csv", "wb") as file:
            file.write(content[:500_000])
            file.flush()
            assert client.stat("/in/orders.csv").st_size == 500_000
            assert not (served.files / "in" / "orders.csv").exists()
            file.write(content[500_000:])
        assert client.stat("/in/orders.csv").st_size == len(content)
    assert (served.files / "in" / "orders.csv").read_bytes() == content
    assert served.heard()[-1] == "bank"
    assert [(each["event"], each["file"], each["size"], each["digest"]) for each in logs if "digest" in each] == [
        ("file uploaded", "/in/0eb8b631122e", len(content), hashlib.sha256(content).hexdigest())
    ]
    assert "orders" not in str(logs)  # it could be a person's name
    client.remove("/in/orders.csv")
    assert "orders.csv" not in names(served.files / "in")


def test_an_upload_that_was_broken_off_never_appears_and_is_gone_on_with(served: Served) -> None:
    content = os.urandom(300_000)
    with served.client() as client:
        file = client.open("/in/long.csv", "wb")
        file.write(content[:200_000])
        file.flush()
        assert client.stat("/in/long.csv").st_size == 200_000
    with served.client() as client:
        assert "long.csv" not in names(served.files / "in")
        with pytest.raises(OSError, match="broken off"):
            client.rename("/in/long.csv", "/in/done.csv")
        assert client.stat("/in/long.csv").st_size == 200_000
        with reopened(client, "/in/long.csv") as file:
            file.seek(200_000)
            file.write(content[200_000:])
        assert (served.files / "in" / "long.csv").read_bytes() == content
        client.remove("/in/long.csv")


def test_an_upload_that_a_crash_left_under_two_names_is_not_written_to_again(served: Served) -> None:
    inbox, archive = served.files / "in", served.files / "archive"
    archive.mkdir(exist_ok=True)
    (inbox / "daily.csv").write_bytes(b"whole")
    os.link(inbox / "daily.csv", served.files / ".uploads" / "daily.csv")
    served.reload()
    (inbox / "daily.csv").rename(archive / "daily.csv")
    with served.client() as client, client.open("/in/daily.csv", "wb") as file:
        file.write(b"the next day's")
    assert (archive / "daily.csv").read_bytes() == b"whole"
    assert (inbox / "daily.csv").read_bytes() == b"the next day's"
    for path in (inbox, archive):
        (path / "daily.csv").unlink()


def reopened(client: paramiko.SFTPClient, path: str) -> paramiko.SFTPFile:
    """Open an upload to go on with it, once the connection that had it is gone."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return client.open(path, "r+b")
        except OSError as error:
            if "another connection" not in str(error) or time.monotonic() > deadline:
                raise


def test_files_come_by_temporary_name_and_rename_too(served: Served, client: paramiko.SFTPClient) -> None:
    with client.open("/in/.a.csv.filepart", "wb") as file:
        file.write(b"1")
    client.rename("/in/.a.csv.filepart", "/in/a.csv")
    assert names(served.files / "in") == ["a.csv"]
    with client.open("/in/b.csv", "wb") as file:
        file.write(b"2")
    with pytest.raises(OSError, match="a file of that name"):
        client.rename("/in/b.csv", "/in/a.csv")
    with pytest.raises(OSError, match="not done here"):
        client.posix_rename("/in/b.csv", "/in/a.csv")
    assert (served.files / "in" / "a.csv").read_bytes() == b"1"
    client.remove("/in/a.csv")
    client.remove("/in/b.csv")


@pytest.mark.parametrize("mode", ["wb", "r+b", "ab"])
def test_what_is_there_whole_is_never_written_over(served: Served, client: paramiko.SFTPClient, mode: str) -> None:
    (served.files / "in" / "taken.csv").write_bytes(b"whole")
    with pytest.raises(OSError, match="there already"):
        client.open("/in/taken.csv", mode)
    assert (served.files / "in" / "taken.csv").read_bytes() == b"whole"
    (served.files / "in" / "taken.csv").unlink()


def test_two_connections_do_not_write_one_file(served: Served, client: paramiko.SFTPClient) -> None:
    with served.client() as other, client.open("/in/one.csv", "wb") as file:
        file.write(b"first")
        for attempt in (lambda: other.open("/in/one.csv", "wb"), lambda: other.remove("/in/one.csv")):
            with pytest.raises(OSError, match="another connection"):
                attempt()
    assert (served.files / "in" / "one.csv").read_bytes() == b"first"
    client.remove("/in/one.csv")


def test_what_is_for_the_partner_is_read_moved_and_removed(served: Served, client: paramiko.SFTPClient) -> None:
    content = os.urandom(600_000)
    for name in ("nav.csv", "old.csv", "half.csv.part", ".hidden"):
        (served.files / "out" / name).write_bytes(content)
    assert sorted(client.listdir("/out")) == ["done", "nav.csv", "old.csv"]
    with client.open("/out/nav.csv", "rb") as file:
        file.prefetch()
        assert file.read() == content
    client.rename("/out/nav.csv", "/out/done/nav.csv")
    client.remove("/out/old.csv")
    client.remove("/out/done/nav.csv")
    with pytest.raises(OSError, match="no such file"):
        client.open("/out/half.csv.part")
    with pytest.raises(OSError, match="files are put into /in"):
        client.open("/out/mine.csv", "wb")
    for name in ("half.csv.part", ".hidden"):
        (served.files / "out" / name).unlink()


def test_results_are_read_and_stay(served: Served, client: paramiko.SFTPClient) -> None:
    (served.files / "result" / "a.csv.result").write_bytes(b"ok")
    with client.open("/result/a.csv.result") as file:
        assert file.read() == b"ok"
    with pytest.raises(OSError, match="results stay"):
        client.remove("/result/a.csv.result")
    with pytest.raises(OSError, match="renamed in /in"):
        client.rename("/result/a.csv.result", "/in/a.csv")


@pytest.mark.parametrize(
    "name",
    ["/in/../../bank.csv", "/in/a\nb", "/in/a\x00b", "/in/..", "/in/a\\b", "/in/sub/a.csv", "/etc/passwd", "/a.csv",
     "/in/\u202evsc.exe", "/in/" + "x" * 201, "/in/ a.csv", "/in"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_or_cannot_be_read_is_refused(
    served: Served, client: paramiko.SFTPClient, name: str
) -> None:
    with pytest.raises(REFUSED):
        client.open(name, "wb")
    with pytest.raises(REFUSED):
        client.mkdir(name)
    assert names(served.files / "in") == []
    assert names(served.files / ".uploads") == []


def test_a_name_that_is_not_utf_8_is_refused(served: Served, client: paramiko.SFTPClient) -> None:
    with pytest.raises(OSError, match="UTF-8"):
        client.open(b"/in/\xb6\xa9\xb5\xa5.csv", "wb")
    assert names(served.files / ".uploads") == []


def test_a_name_has_one_spelling(served: Served, client: paramiko.SFTPClient) -> None:
    with client.open("/in/cafe\u0301 订单.csv", "wb") as file:
        file.write(b"1")
    assert names(served.files / "in") == ["caf\u00e9 订单.csv"]
    assert client.listdir("/in") == ["caf\u00e9 订单.csv"]
    client.remove("/in/caf\u00e9 订单.csv")


def test_links_are_neither_made_nor_followed_nor_shown(served: Served, client: paramiko.SFTPClient) -> None:
    with pytest.raises(OSError, match="links"):
        client.symlink("/etc/passwd", "/in/link")
    (served.files / "in" / "link").symlink_to("/etc/passwd")
    (served.files / "out" / "link").symlink_to("/etc/passwd")
    os.mkfifo(served.files / "out" / "pipe")
    assert client.listdir("/in") == []
    assert client.listdir("/out") == ["done"]
    for attempt in (
        lambda: client.open("/out/link"), lambda: client.open("/out/pipe"), lambda: client.stat("/out/link"),
        lambda: client.readlink("/out/link"), lambda: client.rename("/in/link", "/in/x"),
        lambda: client.remove("/in/link"),
    ):  # fmt: skip
        with pytest.raises(REFUSED):
            attempt()
    for path in ("in/link", "out/link", "out/pipe"):
        (served.files / path).unlink()


def test_a_folder_that_became_a_link_is_not_entered(
    served: Served, client: paramiko.SFTPClient, tmp_path: Path
) -> None:
    inbox = served.files / "in"
    inbox.rename(tmp_path / "in")
    inbox.symlink_to("/etc")
    try:
        for attempt in (
            lambda: client.listdir("/in"),
            lambda: client.open("/in/passwd"),
            lambda: client.stat("/in/passwd"),
        ):
            with pytest.raises(OSError, match="regular"):
                attempt()
    finally:
        inbox.unlink()
        (tmp_path / "in").rename(inbox)


def test_times_and_modes_are_taken_without_effect_and_sizes_refused(
    served: Served, client: paramiko.SFTPClient
) -> None:
    with client.open("/in/t.csv", "wb") as file:
        file.write(b"12345")
        file.flush()
        file.truncate(5)
        with pytest.raises(OSError, match="not set"):
            file.truncate(1)
    client.utime("/in/t.csv", (1, 1))
    client.chmod("/in/t.csv", 0o777)
    assert (served.files / "in" / "t.csv").stat().st_mode & 0o777 == 0o600
    for attempt in (lambda: client.truncate("/in/t.csv", 1), lambda: client.chown("/in/t.csv", 1, 1)):
        with pytest.raises(OSError, match="not set"):
            attempt()  # type: ignore[no-untyped-call]
    client.remove("/in/t.csv")


def test_an_upload_whose_write_was_refused_is_no_file(served: Served, client: paramiko.SFTPClient) -> None:
    file = client.open("/in/order.csv", "wb")
    file.write(b"abcdef")
    file.seek(100)
    with pytest.raises(OSError, match="go on from there"):
        file.write(b"a hole before it")
    with pytest.raises(OSError, match="6 bytes are here"):
        client._request(CMD_CLOSE, file.handle)  # type: ignore[attr-defined]
    assert names(served.files / "in") == []
    with capture_logs() as logs, client.open("/in/order.csv", "ab") as file:
        file.write(b"gh")
    assert (served.files / "in" / "order.csv").read_bytes() == b"abcdefgh"
    assert [each["digest"] for each in logs if "digest" in each] == [hashlib.sha256(b"abcdefgh").hexdigest()]
    client.remove("/in/order.csv")


def test_the_digest_is_of_what_is_there_at_the_end(served: Served, client: paramiko.SFTPClient) -> None:
    with capture_logs() as logs, client.open("/in/order.csv", "wb") as file:
        file.write(b"abcdef")
        file.seek(2)
        file.write(b"CD")
        file.seek(6)
        file.write(b"gh")
    assert [each["digest"] for each in logs if "digest" in each] == [hashlib.sha256(b"abCDefgh").hexdigest()]
    client.remove("/in/order.csv")
