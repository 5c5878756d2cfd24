"""Who may enter the embedded SFTP server, with what, and how much of it they may use."""

import hashlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
import yaml
from structlog.testing import capture_logs

from tests.gateway.sftp.serving import Served, make_key, serving
from xinqiao.errors import KeyUnusable, NotFound, SettingsInvalid
from xinqiao_gateway.fronts.sftp.server.front import SftpServer
from xinqiao_gateway.fronts.sftp.server.keys import allow_key, host_key, login_keys, revoke_key


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = {"bytes": 100_000, "largest": 60_000, "files": 4, "handles": 3, "failures": 1000}
    with serving(tmp_path_factory.mktemp("sftp"), **limits) as found:
        yield found


def refused(served: Served, channel: str, key: str) -> bool:
    try:
        with served.client(channel, key):
            return False
    except paramiko.AuthenticationException:
        return True


@pytest.mark.parametrize(
    ("channel", "key"), [("bank", "stranger"), ("bank", "insurer"), ("nobody", "bank"), ("..", "bank"), ("", "bank")]
)
def test_only_a_channels_own_key_opens(served: Served, channel: str, key: str) -> None:
    assert refused(served, channel, key)


def test_one_channel_sees_nothing_of_another(served: Served) -> None:
    (served.data / "files" / "insurer" / "out" / "nav.csv").write_text("1")
    with served.client("bank") as client:
        for path in ("/out/nav.csv", "/insurer/out/nav.csv", "/../insurer/out/nav.csv"):
            with pytest.raises(FileNotFoundError):
                client.stat(path)
    with served.client("insurer") as client:
        assert client.listdir("/out") == ["done", "nav.csv"]


def test_no_password_opens(served: Served) -> None:
    transport = served.transport()
    try:
        with pytest.raises(paramiko.BadAuthenticationType) as refusal:
            transport.auth_password("bank", "secret")
        assert refusal.value.allowed_types == ["publickey"]
    finally:
        transport.close()


def test_there_is_no_shell_no_command_and_no_forwarding(served: Served) -> None:
    transport = served.transport()
    try:
        transport.auth_publickey("bank", paramiko.Ed25519Key.from_private_key_file(str(served.keys["bank"])))
        for begin in (
            lambda channel: channel.invoke_shell(),
            lambda channel: channel.exec_command("id"),
            lambda channel: channel.exec_command("scp -t /in"),
            lambda channel: channel.invoke_subsystem("netconf"),
        ):
            with pytest.raises(paramiko.SSHException):
                begin(transport.open_session(timeout=10))  # type: ignore[no-untyped-call]
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1), timeout=10)
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("kind", "old"),
    [
        ("_preferred_ciphers", "aes128-ctr"),
        ("_preferred_ciphers", "aes256-cbc"),
        ("_preferred_kex", "diffie-hellman-group14-sha256"),
        ("_preferred_keys", "rsa-sha2-512"),
    ],
)
def test_there_is_no_way_down_to_what_is_not_offered(served: Served, kind: str, old: str) -> None:
    transport = paramiko.Transport(("127.0.0.1", served.port))
    setattr(transport, kind, (old,))
    try:
        with pytest.raises(paramiko.SSHException):
            transport.start_client(timeout=10)
    finally:
        transport.close()


def test_a_cipher_is_offered_that_settings_name(tmp_path: Path) -> None:
    with serving(tmp_path, ciphers=["aes256-ctr"]) as served, served.client() as client:
        assert client.listdir("/in") == []


def test_the_hosts_key_is_made_once_and_shown(served: Served) -> None:
    transport = served.transport()
    try:
        shown = host_key(served.data)
        (only,) = login_keys(served.data / "keys")
        assert transport.get_remote_server_key().asbytes() == only.blob
        assert (only.fingerprint, only.line) == (shown.fingerprint, shown.line)
        assert shown == host_key(served.data)
        assert (served.data / "keys" / "ssh_host_ed25519").stat().st_mode & 0o777 == 0o600
    finally:
        transport.close()


def test_a_file_an_inbox_and_their_number_have_their_limits(served: Served) -> None:
    with served.client() as client:
        with pytest.raises(OSError, match="at most 60000 bytes"), client.open("/in/big.csv", "wb") as file:
            file.write(os.urandom(60_001))
        with client.open("/in/one.csv", "wb") as file:
            file.write(os.urandom(60_000))
        with pytest.raises(OSError, match="at most 100000 bytes"), client.open("/in/two.csv", "wb") as file:
            file.write(os.urandom(40_001))
        assert [each.name for each in (served.files / "in").iterdir()] == ["one.csv"]
        client.open("/in/three.csv", "wb").close()
        with pytest.raises(OSError, match="files lie here"):
            client.open("/in/four.csv", "wb")
        for name in client.listdir("/in"):
            client.remove(f"/in/{name}")


def test_what_is_spared_of_the_disk_is_not_written_to(tmp_path: Path) -> None:
    with serving(tmp_path, spare=2**60) as served, served.client() as client:
        with pytest.raises(OSError, match="the disk has no room now"):
            client.open("/in/a.csv", "wb")
        assert client.listdir("/in") == []


def test_handles_have_their_limit(served: Served) -> None:
    (served.files / "out" / "a").write_text("1")
    with served.client() as client:
        files = [client.open("/out/a") for _ in range(3)]
        with pytest.raises(OSError, match="3 files and folders are open"):
            client.open("/out/a")
        files[0].close()
        assert client.open("/out/a").read() == b"1"


def test_connections_of_a_channel_have_their_limit(tmp_path: Path) -> None:
    with serving(tmp_path, connections=1) as served, served.client(), served.client("insurer") as other:
        with pytest.raises((paramiko.SSHException, EOFError, OSError)), served.client() as second:
            second.listdir("/in")
        assert other.listdir("/in") == []


def test_a_packet_that_is_none_ends_the_session(served: Served) -> None:
    for bad in (struct.pack(">I", 0), struct.pack(">I", 2**31), struct.pack(">IB", 5, 3)):
        with served.client() as client:
            channel = client.get_channel()
            assert channel is not None
            channel.sendall(bad + struct.pack(">IBI", 5, 5, 1) * 2)
            with pytest.raises((EOFError, OSError, paramiko.SSHException)):
                client.listdir("/in")
    with served.client() as client:
        assert client.listdir("/in") == []


def test_whoever_does_not_log_in_is_shown_out(tmp_path: Path) -> None:
    with serving(tmp_path, login=0.2, idle=0.2) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as silent:
            while silent.recv(4096):
                pass
        with served.client() as idle:
            channel = idle.get_channel()
            assert channel is not None
            assert channel.recv(1) == b""


def test_who_only_connects_does_not_keep_others_out(served: Served) -> None:
    silent = [socket.create_connection(("127.0.0.1", served.port), timeout=10) for _ in range(16)]
    try:
        with pytest.raises((paramiko.SSHException, EOFError, OSError)), served.client():
            pass
    finally:
        for each in silent:
            each.close()
    deadline = time.monotonic() + 10
    while not opened(served):
        assert time.monotonic() < deadline


def opened(served: Served) -> bool:
    try:
        with served.client() as client:
            return client.listdir("/in") == []
    except (paramiko.SSHException, EOFError, OSError):
        return False


def test_failed_logins_have_their_limit(tmp_path: Path) -> None:
    with serving(tmp_path, failures=2) as served, capture_logs() as logs:
        assert refused(served, "bank", "stranger")
        assert refused(served, "bank", "stranger")
        deadline = time.monotonic() + 10
        while sum(each["event"] == "login failed" for each in logs) < 2:
            assert time.monotonic() < deadline
        with pytest.raises((paramiko.SSHException, EOFError, OSError)), served.client():
            pass
        assert [each["why"] for each in logs if each["event"] == "connection refused"] == ["too many failed logins"]


def test_logs_hold_no_name_of_a_person(served: Served) -> None:
    with capture_logs() as logs, served.client() as client:
        client.listdir("/in")
    assert "somebody" not in str(logs)
    digest = login_keys(served.data / "channels" / "bank" / "ssh")[0].fingerprint
    assert [each["key"] for each in logs if each["event"] == "logged in"] == [digest]


def test_keys_are_taken_up_by_a_reload_and_who_lost_his_is_shown_out(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        ssh = served.data / "channels" / "bank" / "ssh"
        with served.client() as client, served.client("insurer") as other:
            allow_key(ssh, served.keys["stranger"].with_suffix(".pub"))
            revoke_key(ssh, login_keys_of(served.keys["bank"])[0])
            served.reload()
            with pytest.raises((EOFError, OSError, paramiko.SSHException)):
                client.listdir("/in")
            assert other.listdir("/in") == []
        assert refused(served, "bank", "bank")
        with served.client("bank", "stranger") as client:
            assert client.listdir("/in") == []
        (ssh / "broken.pub").write_text("ssh-ed25519 AAAA")
        served.reload()
        assert refused(served, "bank", "stranger")
        assert not refused(served, "insurer", "insurer")


def login_keys_of(private: Path) -> list[str]:
    folder = private.parent / (private.name + "-only")
    folder.mkdir()
    (folder / "key.pub").write_bytes(private.with_suffix(".pub").read_bytes())
    return [each.fingerprint for each in login_keys(folder)]


def test_stopping_leaves_an_upload_as_far_as_it_came(tmp_path: Path) -> None:
    with serving(tmp_path) as served, served.client() as client:
        file = client.open("/in/long.csv", "wb")
        file.write(b"begun")
        file.flush()
        served.runner.run(served.server.stop())
        assert [each.name for each in (served.files / "in").iterdir()] == []
        assert (served.files / ".uploads" / "long.csv").read_bytes() == b"begun"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", served.port), timeout=1).close()


def test_a_port_that_is_taken_is_said(served: Served) -> None:
    with pytest.raises(SettingsInvalid, match="sftp_port: cannot listen"):
        served.runner.run(SftpServer(served.gateway).start())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no public key"),
        ("# nobody\n", "holds no public key"),
        ("ssh-dss AAAA", "a line begins with one of"),
        ('command="sh" ssh-ed25519 AAAA', "without options"),
        ("ssh-ed25519 !!!", "cannot be read as ssh-ed25519"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "is no public key"),
    ],
)
def test_a_file_that_is_no_public_key_is_refused(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "key.pub"
    file.write_text(content)
    with pytest.raises(KeyUnusable, match=said):
        allow_key(tmp_path / "ssh", file)
    assert not (tmp_path / "ssh").exists()


def test_keys_are_kept_once_without_the_comment_and_can_be_revoked(tmp_path: Path) -> None:
    ssh, key = tmp_path / "ssh", make_key(tmp_path / "key").with_suffix(".pub")
    (added,) = allow_key(ssh, key)
    assert allow_key(ssh, key) == []
    (file,) = ssh.iterdir()
    assert file.read_text() == added.line + "\n"
    with pytest.raises(NotFound):
        revoke_key(ssh, "SHA256:" + hashlib.sha256(b"").hexdigest())
    revoke_key(ssh, added.fingerprint)
    assert login_keys(ssh) == ()


def test_a_profile_names_the_folders_and_the_largest_file(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        profile = served.data / "channels" / "bank" / "channel.yaml"
        files = {"inbox": "send/today", "results": "recv", "largest": 10, "manifest": "none", "seal": "none"}
        push = {"url": "folder:nav", "files": {"temporary": ".half"}}
        profile.write_text(yaml.safe_dump(yaml.safe_load(profile.read_text()) | {"files": files, "push": push}))
        served.reload()
        (served.files / "nav" / "a.half").write_text("1")
        with served.client() as client:
            assert sorted(client.listdir("/")) == ["nav", "recv", "send"]
            assert client.listdir("/send") == ["today"]
            assert client.listdir("/nav") == ["done"]
            with pytest.raises(OSError, match="at most 10 bytes"), client.open("/send/today/a", "wb") as file:
                file.write(b"12345678901")
            with client.open("/send/today/b", "wb") as file:
                file.write(b"1234567890")
        assert (served.files / "send" / "today" / "b").read_bytes() == b"1234567890"
