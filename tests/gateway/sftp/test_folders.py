"""Folders: the same promises from one here and one on a partner's server; who the server is, and who we are."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncssh
import pytest
from asyncssh.sftp import SFTPServerHandler
from paramiko import Message
from paramiko.sftp import CMD_STATUS
from structlog.testing import capture_logs

from tests.gateway.sftp.partner_server import PASSWORD, PartnerServer, serving, write_secret
from xinqiao.errors import DestinationDown, FileRefused, HostUntrusted, KeyUnusable, SettingsInvalid
from xinqiao_gateway.fronts.sftp.client import Client, Writing
from xinqiao_gateway.fronts.sftp.folder import BLOCK, UNSURE, Entry, Folder
from xinqiao_gateway.fronts.sftp.local_folder import LocalFolder

OTHER = {"password_file": "other"}
CONTENT = os.urandom(3_000_000)


@pytest.fixture(scope="module")
def client_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture(scope="module")
def rsa_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-rsa", key_size=2048)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PartnerServer]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture(params=["local", "remote"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Folder, Path]]:
    """A folder, and where its files really are."""
    if request.param == "local":
        yield LocalFolder(tmp_path / "own"), tmp_path / "own"
        return
    with serving(tmp_path) as running:
        folder = running.folder()
        yield folder, running.root
        folder.close()


def read(folder: Folder, name: str, offset: int = 0) -> bytes:
    with folder.read(name, offset) as source:
        return b"".join(iter(lambda: source.read(BLOCK), b""))


def write(folder: Folder, name: str, content: bytes, offset: int = 0) -> None:
    with folder.write(name, offset) as sink:
        for start in range(0, len(content), BLOCK):
            sink.write(content[start : start + BLOCK])


def test_what_is_written_is_listed_read_renamed_and_removed(place: tuple[Folder, Path]) -> None:
    folder, root = place
    folder.make_folder("in/deep")
    write(folder, "in/a.tmp", CONTENT)
    folder.rename("in/a.tmp", "in/deep/a.csv")
    assert read(folder, "in/deep/a.csv") == (root / "in/deep/a.csv").read_bytes() == CONTENT
    found = folder.stat("in/deep/a.csv")
    assert (found.name, found.size, found.kind) == ("a.csv", len(CONTENT), "file")
    assert folder.entries("in/deep") == [found]
    assert [(each.name, each.kind) for each in folder.entries("in")] == [("deep", "folder")]
    folder.remove("in/deep/a.csv")
    assert folder.entries("in/deep") == []


def test_a_read_and_a_write_go_on_from_an_offset(place: tuple[Folder, Path]) -> None:
    folder, root = place
    write(folder, "a", CONTENT[:1_000_000])
    write(folder, "a", CONTENT[1_000_000:], offset=1_000_000)
    assert (root / "a").read_bytes() == CONTENT
    assert read(folder, "a", 2_999_990) == CONTENT[2_999_990:]
    with pytest.raises(OSError, match="less than"):
        write(folder, "a", b"x", offset=len(CONTENT) + 1)


def test_what_is_written_anew_is_nothing_of_the_old(place: tuple[Folder, Path]) -> None:
    folder, root = place
    write(folder, "a", b"long and old")
    write(folder, "a", b"new")
    assert (root / "a").read_bytes() == b"new"


def test_a_file_of_no_bytes_is_a_file(place: tuple[Folder, Path]) -> None:
    folder, _ = place
    write(folder, "empty", b"")
    assert read(folder, "empty") == b""


def test_a_rename_replaces_nothing(place: tuple[Folder, Path]) -> None:
    folder, root = place
    write(folder, "a", b"one")
    write(folder, "b", b"two")
    with pytest.raises(FileExistsError):
        folder.rename("a", "b")
    assert ((root / "a").read_bytes(), (root / "b").read_bytes()) == (b"one", b"two")


def test_what_is_not_there_is_said_to_be_missing(place: tuple[Folder, Path]) -> None:
    folder, _ = place
    write(folder, "other", b"")
    for act in (folder.stat, folder.remove, folder.entries, lambda name: read(folder, name)):
        with pytest.raises(FileNotFoundError):
            act("missing")
    with pytest.raises(FileNotFoundError):
        folder.rename("missing", "b")


@pytest.mark.parametrize(
    "name",
    ["..", "../a", "a/../../b", "a//b", "./a", "a\nb", "a\0b", "a\\b", "x" * 256, " a", "a\u202egnp.exe", "a\udcff"],
)
def test_a_name_that_leads_elsewhere_or_deceives_is_refused(place: tuple[Folder, Path], name: str) -> None:
    folder, _ = place
    for act in (folder.stat, folder.remove, folder.make_folder, folder.entries):
        with pytest.raises(FileRefused):
            act(name)
    with pytest.raises(FileRefused):
        write(folder, name, b"")
    with pytest.raises(FileRefused):
        read(folder, name)
    with pytest.raises(FileRefused):
        folder.rename("a", name)


def test_a_link_is_shown_as_one_and_never_followed(place: tuple[Folder, Path]) -> None:
    folder, root = place
    write(folder, "a", b"a")
    secret = root.parent / "secret"
    secret.write_bytes(b"secret")
    (root / "link").symlink_to(secret)
    assert {each.name: each.kind for each in folder.entries()} == {"a": "file", "link": "link"}
    with pytest.raises(FileRefused):
        read(folder, "link")


def test_a_folder_here_is_not_left_by_links_nor_waits_for_a_pipe(tmp_path: Path) -> None:
    folder, outside = LocalFolder(tmp_path / "own"), tmp_path / "outside"
    folder.make_folder("in")
    outside.mkdir()
    (outside / "a").write_bytes(b"theirs")
    (tmp_path / "own" / "away").symlink_to(outside)
    (tmp_path / "own" / "link").symlink_to(outside / "a")
    os.mkfifo(tmp_path / "own" / "pipe")
    for act in (
        lambda: folder.entries("away"),
        lambda: read(folder, "away/a"),
        lambda: write(folder, "away/b", b""),
        lambda: write(folder, "link", b"mine"),
        lambda: folder.rename("link", "in/b"),
        lambda: read(folder, "pipe"),
        lambda: write(folder, "pipe", b""),
        lambda: folder.make_folder("away/deep"),
        lambda: read(folder, "in"),
    ):
        with pytest.raises(FileRefused):
            act()
    assert sorted(each.name for each in outside.iterdir()) == ["a"]
    assert (outside / "a").read_bytes() == b"theirs"


def test_a_rename_that_a_crash_broke_off_is_ended_by_the_next(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "own")
    write(folder, "a", b"one")
    os.link(tmp_path / "own" / "a", tmp_path / "own" / "b")
    folder.rename("a", "b")
    assert [each.name for each in folder.entries()] == ["b"]


def test_where_a_disk_cannot_rename_without_replacing_a_link_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xinqiao_gateway.fronts.sftp.moving._RENAME", None)
    folder = LocalFolder(tmp_path / "own")
    write(folder, "a", b"one")
    write(folder, "b", b"two")
    with pytest.raises(FileExistsError):
        folder.rename("a", "b")
    folder.rename("a", "c")
    assert [each.name for each in folder.entries()] == ["b", "c"]


def test_a_folder_here_is_held_by_one_alone_where_its_disk_has_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = LocalFolder(tmp_path / "own"), LocalFolder(tmp_path / "own")
    assert (first.hold(), first.hold(), second.hold()) == (True, True, False)
    first.close()
    assert (second.hold(), first.hold()) == (True, False)
    with monkeypatch.context() as without:
        without.setattr("fcntl.flock", fails(errno.ENOLCK))
        assert first.hold()
        first.close()
        without.setattr("fcntl.flock", fails(errno.EIO))
        with pytest.raises(OSError, match="no lock"):
            first.hold()
    second.close()


def fails(code: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(code, "no lock")

    return fail


def test_a_folder_here_that_cannot_be_one_is_a_fault_of_the_installation(tmp_path: Path) -> None:
    (tmp_path / "own").write_bytes(b"a file")
    with pytest.raises(SettingsInvalid):
        LocalFolder(tmp_path / "own").entries()


def test_a_server_of_small_answers_gives_the_whole_file(server: PartnerServer) -> None:
    (server.root / "a").write_bytes(CONTENT)
    server.behaviour.small = 1000
    folder = server.folder()
    assert read(folder, "a", 5) == CONTENT[5:]
    folder.close()


def test_a_server_that_says_what_it_takes_at_once_is_asked_for_as_much(
    server: PartnerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (server.root / "a").write_bytes(CONTENT)
    for extensions, most in ((SFTPServerHandler._extensions, BLOCK), ([], 32_768)):
        monkeypatch.setattr(SFTPServerHandler, "_extensions", extensions)
        server.behaviour.sizes.clear()
        folder = server.folder()
        assert read(folder, "a") == CONTENT
        write(folder, "b", CONTENT)
        assert (server.root / "b").read_bytes() == CONTENT
        assert max(server.behaviour.sizes) == most
        folder.close()


def test_a_server_that_speaks_something_else_is_down(server: PartnerServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "_read_packet", lambda _: (CMD_STATUS, b""))
    with pytest.raises(DestinationDown, match="and not its version"):
        server.folder().entries()


def test_a_server_that_reads_nothing_more_is_down_within_its_time(tmp_path: Path) -> None:
    with serving(tmp_path, narrow=True) as server:
        folder = server.folder(timeout=0.5)
        server.behaviour.deaf_from = 0
        with pytest.raises(DestinationDown):
            write(folder, "a", CONTENT * 4)
        folder.close()


def test_what_may_be_renamed_and_not_looked_at_is_renamed(server: PartnerServer) -> None:
    folder = server.folder()
    write(folder, "a", b"1")
    server.behaviour.denied.add("stat")
    folder.rename("a", "b")
    assert [each.name for each in server.root.iterdir()] == ["b"]
    folder.close()


def test_a_server_that_lists_without_end_or_gives_more_than_asked_is_not_followed(
    server: PartnerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xinqiao_gateway.fronts.sftp.remote_folder._MOST_ENTRIES", 500)
    folder = server.folder()
    server.behaviour.invented = [f"file-{number}".encode() for number in range(501)]
    with pytest.raises(FileRefused, match="more than 500 entries"):
        folder.entries()
    (server.root / "a").write_bytes(CONTENT)
    server.behaviour.generous = True
    with pytest.raises(OSError, match="where it was asked for"):
        read(folder, "a")
    folder.close()


def test_a_path_may_begin_at_the_servers_root(server: PartnerServer) -> None:
    (server.root / "send").mkdir()
    folder = server.folder("/send")
    write(folder, "a", b"1")
    folder.make_folder("/recv")
    folder.rename("a", "/recv/a")
    assert (server.root / "recv" / "a").read_bytes() == b"1"
    folder.close()


def test_a_home_folder_is_where_the_login_leads(server: PartnerServer) -> None:
    (server.root / "send").mkdir()
    (server.root / "send" / "a").write_bytes(b"1")
    for path, expected in (("/~", "send"), ("/~/send", "a")):
        folder = server.folder(path)
        assert [each.name for each in folder.entries()] == [expected]
        folder.close()


def test_what_a_server_forbids_is_an_error_of_that_file(server: PartnerServer) -> None:
    (server.root / "a").write_bytes(b"1")
    folder = server.folder()
    server.behaviour.denied |= {"list", "write", "remove", "rename", "mkdir"}
    for act in (
        folder.entries,
        lambda: write(folder, "b", b""),
        lambda: folder.remove("a"),
        lambda: folder.rename("a", "b"),
        lambda: folder.make_folder("deep"),
    ):
        with pytest.raises(PermissionError, match="权限不足"):
            act()
    assert read(folder, "a") == b"1"
    folder.close()


def test_a_broken_line_is_said_and_the_next_call_connects_anew(server: PartnerServer) -> None:
    (server.root / "a").write_bytes(CONTENT)
    folder = server.folder()
    server.behaviour.breaks_after = 1_000_000
    with pytest.raises(DestinationDown):
        read(folder, "a")
    assert read(folder, "a") == CONTENT
    server.behaviour.breaks_after = 5_900_000
    with pytest.raises(DestinationDown):
        write(folder, "b", CONTENT * 2)
    there = folder.stat("b").size - UNSURE
    assert there > 0
    write(folder, "b", (CONTENT * 2)[there:], there)
    assert read(folder, "b") == CONTENT * 2
    folder.close()


def test_a_server_that_is_away_or_says_nothing_is_down_within_its_time(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        pass
    with pytest.raises(DestinationDown, match=r"127\.0\.0\.1"):
        running.folder().entries()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        running.port = deaf.getsockname()[1]
        with pytest.raises(DestinationDown):
            running.folder(timeout=0.2).entries()


def test_a_server_that_falls_silent_is_waited_for_no_longer_than_the_profile_says(server: PartnerServer) -> None:
    (server.root / "a").write_bytes(CONTENT)
    server.behaviour.silent_from = 2_500_000
    folder = server.folder(timeout=0.5)
    with pytest.raises(DestinationDown):
        read(folder, "a")
    server.behaviour.silent_from = None
    assert read(folder, "a", 2_400_000) == CONTENT[2_400_000:]
    folder.close()


@pytest.mark.parametrize("at", [0, 40_000, len(CONTENT) - 1])
def test_a_piece_that_was_not_written_is_an_error_also_when_it_is_the_last(server: PartnerServer, at: int) -> None:
    folder = server.folder()
    server.behaviour.full_at = at
    with pytest.raises(OSError, match="磁盘已满"):
        write(folder, "a", CONTENT)
    server.behaviour.full_at = None
    write(folder, "a", CONTENT)
    assert read(folder, "a") == CONTENT
    folder.close()


class OutOfTurn(Client):
    """The library's client, whose server answers the last request first, and could not write the one at byte 32768."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, Any, int]] = []

    def _async_request(self, about: Any, command: int, handle: bytes, offset: int, *rest: Any) -> int:
        self.asked.append((len(self.asked), about, int(offset)))
        return len(self.asked) - 1

    def _read_response(self, wanted: int) -> tuple[int, Message]:
        while True:
            number, about, offset = self.asked.pop()
            answer = Message()
            answer.add_int(4 if offset == 32_768 else 0)
            answer.add_string("no room")
            answer.rewind()
            if number == wanted:
                self._convert_status(answer)
                return CMD_STATUS, answer
            about._async_response(CMD_STATUS, answer, number)


def test_an_answer_that_comes_out_of_turn_is_looked_at() -> None:
    file: Any = SimpleNamespace(handle=b"handle")
    writing = Writing(OutOfTurn(), file, 0)
    writing.write(b"x" * 100_000)
    with pytest.raises(OSError, match="no room"):
        writing.finish()


def test_an_unknown_host_key_is_never_learned_and_nothing_is_said_to_it(server: PartnerServer) -> None:
    folder = server.folder(host_keys=[f"SHA256:{'A' * 43}"])
    for _ in range(2):
        with capture_logs() as logs, pytest.raises(HostUntrusted, match=server.fingerprint.replace("+", r"\+")):
            folder.entries()
        assert [(each["event"], each["kind"]) for each in logs] == [("alarm", "host_key")]
    assert server.behaviour.asked == []


def test_a_host_key_may_be_a_line_of_known_hosts_and_the_next_one_be_named_already(server: PartnerServer) -> None:
    line = f"[127.0.0.1]:22 {server.host_key.export_public_key().decode().strip()}"
    folder = server.folder(host_keys=[f"SHA256:{'A' * 43}", line])
    assert folder.entries() == []
    assert folder.origin == f"sftp bank@127.0.0.1 host key {server.fingerprint}"
    folder.close()


def test_a_changed_host_key_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as before:
        port = before.port
        folder = before.folder()
        assert folder.entries() == []
    with pytest.raises(DestinationDown):
        folder.entries()
    with serving(tmp_path, port=port), pytest.raises(HostUntrusted):
        folder.entries()


def test_a_wrong_password_is_refused_and_not_shown(server: PartnerServer) -> None:
    write_secret(server.secrets / "other", b"wrong battery\n")
    with pytest.raises(KeyUnusable, match="refuses the login") as found:
        server.folder(**OTHER).entries()
    assert "wrong battery" not in str(found.value)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [(b"", 0o600, "is empty"), (PASSWORD.encode(), 0o644, "chmod 600"), (None, 0, "No such file")],
)
def test_a_secret_that_is_missing_empty_or_open_to_others_is_not_used(
    server: PartnerServer, content: bytes | None, mode: int, said: str
) -> None:
    path = server.secrets / "other"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(KeyUnusable, match=said):
        server.folder(**OTHER).entries()


@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
@pytest.mark.parametrize("kind", ["client_key", "rsa_key"])
def test_a_key_opens_and_another_does_not(tmp_path: Path, request: pytest.FixtureRequest, kind: str, form: str) -> None:
    known: asyncssh.SSHKey = request.getfixturevalue(kind)
    stranger = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    with serving(tmp_path, password=None, clients=[known]) as server:
        write_secret(server.secrets / "key", known.export_private_key(form))
        write_secret(server.secrets / "stranger", stranger.export_private_key())
        folder = server.folder(password_file=None, key_file="key")
        assert folder.entries() == []
        folder.close()
        with pytest.raises(KeyUnusable, match="refuses the login"):
            server.folder(password_file=None, key_file="stranger").entries()


@pytest.mark.parametrize("kind", ["client_key", "rsa_key"])
def test_a_certificate_opens_and_the_bare_key_does_not(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    client_key: asyncssh.SSHKey = request.getfixturevalue(kind)
    authority = asyncssh.generate_private_key("ssh-ed25519")
    certificate = authority.generate_user_certificate(client_key, "gateway", principals=["bank"])
    with serving(tmp_path, password=None, authority=authority) as server:
        write_secret(server.secrets / "key", client_key.export_private_key())
        write_secret(server.secrets / "key-cert.pub", certificate.export_certificate())
        means: dict[str, Any] = {"password_file": None, "key_file": "key"}
        folder = server.folder(**means, certificate_file="key-cert.pub")
        assert folder.entries() == []
        folder.close()
        with pytest.raises(KeyUnusable, match="refuses the login"):
            server.folder(**means).entries()


def test_a_key_file_that_is_none_says_what_it_should_be(server: PartnerServer, client_key: asyncssh.SSHKey) -> None:
    write_secret(server.secrets / "key", client_key.export_private_key())
    write_secret(server.secrets / "none", b"hello")
    write_secret(server.secrets / "locked", client_key.export_private_key("pkcs8-pem", passphrase=PASSWORD))
    write_secret(server.secrets / "key.pub", client_key.export_public_key())
    for login, said in (
        ({"key_file": "none"}, "no private key"),
        ({"key_file": "locked"}, "ssh-keygen -p"),
        ({"key_file": "key", "certificate_file": "none"}, "no OpenSSH certificate"),
        ({"key_file": "key", "certificate_file": "key.pub"}, "cert.pub"),
    ):
        with pytest.raises(KeyUnusable, match=said):
            server.folder(**login).entries()


def test_times_of_a_server_are_taken_as_they_are(server: PartnerServer) -> None:
    (server.root / "a").write_bytes(b"1")
    for moment in (0, 4_000_000_000):
        os.utime(server.root / "a", (moment, moment))
        folder = server.folder()
        assert folder.stat("a") == Entry("a", 1, moment)
        folder.close()


def test_a_server_that_says_kinds_in_its_lines_alone_is_understood(server: PartnerServer) -> None:
    server.behaviour.bare = [b"drwxr-xr-x bak", b"lrwxrwxrwx link", b"-rw-r--r-- a", b"b"]
    folder = server.folder()
    assert folder.entries() == [
        Entry("a", 1, 0), Entry("b", 1, 0), Entry("bak", 1, 0, "folder"), Entry("link", 1, 0, "link"),
    ]  # fmt: skip
    folder.close()
