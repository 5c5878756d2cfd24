"""Debian's ``sftp`` against the embedded server: what a partner's engineer does by hand and in jobs."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from tests.gateway.sftp.serving import Served, serving
from tests.peers.openssh import certify, fingerprint, new_key, program, run, sftp, sftp_command
from xinqiao_gateway.fronts.sftp.server.keys import allow_key, host_key


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("sftp")) as found:
        yield found


def done(served: Served, script: str, *options: str) -> str:
    found = sftp(served.port, "bank", served.keys["bank"], script, *options)
    assert found.returncode == 0, found.stderr
    return found.stdout


def failed(served: Served, script: str) -> str:
    found = sftp(served.port, "bank", served.keys["bank"], script)
    assert found.returncode != 0, found.stdout
    return found.stderr


def test_a_session_by_hand(served: Served, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "orders.csv").write_bytes(content)
    (served.files / "out" / "nav.csv").write_bytes(content)
    said = done(
        served,
        f"""
        cd in
        put {tmp_path}/orders.csv orders.csv.part
        rename orders.csv.part orders.csv
        put -p {tmp_path}/orders.csv again.csv
        ls -l
        cd ../out
        get *.csv {tmp_path}
        rename nav.csv done/nav.csv
        ls -l done
        pwd
        """,
    )
    assert (served.files / "in" / "orders.csv").read_bytes() == content
    assert (served.files / "in" / "again.csv").read_bytes() == content
    assert (tmp_path / "nav.csv").read_bytes() == content
    assert re.search(r"^-rw------- .* 3000000 .* (/in/)?orders.csv$", said, re.MULTILINE)
    assert re.search(r"3000000 .*nav.csv$", said, re.MULTILINE)
    assert "Remote working directory: /out" in said
    done(served, "rm /in/*\nrm /out/done/nav.csv\n")
    assert list((served.files / "in").iterdir()) == []


def test_an_upload_that_was_killed_is_gone_on_with_by_reput(served: Served, tmp_path: Path) -> None:
    content = os.urandom(5_000_000)
    (tmp_path / "long.csv").write_bytes(content)
    with served.client() as client:
        file = client.open("/in/long.csv", "wb")
        file.write(content[:2_000_000])
        file.flush()
        assert client.stat("/in/long.csv").st_size == 2_000_000
    assert "2000000" in done(served, "ls -l /in")
    assert not (served.files / "in" / "long.csv").exists()
    done(served, f"reput {tmp_path}/long.csv /in/long.csv")
    assert (served.files / "in" / "long.csv").read_bytes() == content
    done(served, f"reget /in/long.csv {tmp_path}/back.csv\nrm /in/long.csv")
    assert (tmp_path / "back.csv").read_bytes() == content


def test_an_upload_whose_client_was_killed_never_appears(served: Served, tmp_path: Path) -> None:
    (tmp_path / "slow.csv").write_bytes(os.urandom(4_000_000))
    part = served.files / ".uploads" / "slow.csv"
    command = sftp_command(served.port, "bank", served.keys["bank"], "-l", "4000")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as client:
        assert client.stdin is not None
        client.stdin.write(f"put {tmp_path}/slow.csv /in/slow.csv\n".encode())
        client.stdin.flush()
        until(lambda: part.exists() and part.stat().st_size > 0)
        client.kill()
    until(lambda: "another connection" not in sftp(served.port, "bank", served.keys["bank"], "rm /in/slow.csv").stderr)
    assert not (served.files / "in" / "slow.csv").exists()
    assert not part.exists()


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("put {file} /in/../../outside.csv", "ermission denied"),
        ("put {file} /elsewhere/a.csv", "ermission denied"),
        ("put {file} /out/a.csv", "ermission denied"),
        ("put {file} /in/there.csv", "Failure|already"),
        ("get /../../etc/passwd {file}", "not found|no such file|ermission denied"),
        ("ln -s /etc/passwd /in/link", "ermission denied"),
        ("ln /in/there.csv /in/link", "not support|nsupported"),
        ("mkdir /in/sub", "ermission denied"),
        ("rmdir /in", "ermission denied"),
        ("rename /in/there.csv /out/done/there.csv", "ermission denied"),
        ("chown 0 /in/there.csv", "ownership"),
        ("rm /result/a.csv.result", "ermission denied"),
    ],
)
def test_what_is_not_allowed_is_refused(served: Served, tmp_path: Path, command: str, said: str) -> None:
    (tmp_path / "file").write_bytes(b"1")
    for path in ("in/there.csv", "result/a.csv.result"):
        (served.files / path).write_bytes(b"whole")
    assert re.search(said, failed(served, command.format(file=tmp_path / "file")))
    assert [each.name for each in (served.files / "in").iterdir()] == ["there.csv"]
    assert (served.files / "in" / "there.csv").read_bytes() == b"whole"


def test_the_host_key_is_what_the_operator_reads_out(served: Served, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{served.port} {host_key(served.data).line}\n")
    done(served, "pwd", "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes")
    assert fingerprint(served.data / "keys" / "ssh_host_ed25519.pub") == host_key(served.data).fingerprint
    found = run(program("ssh-keygen"), "-yf", str(served.data / "keys" / "ssh_host_ed25519"))
    assert found.split()[:2] == host_key(served.data).line.split()


def test_a_certificate_opens_the_channel_that_it_names_and_no_other(served: Served, tmp_path: Path) -> None:
    issuer = new_key(tmp_path / "issuer")
    for channel in ("bank", "insurer"):
        allow_key(served.data / "channels" / channel / "ssh", issuer.with_suffix(".pub"), issuer=True)
    served.reload()
    named, unnamed = new_key(tmp_path / "named"), new_key(tmp_path / "unnamed")
    certify(named, issuer, "bank")
    certify(unnamed, issuer)
    other = new_key(tmp_path / "other")
    certify(other, new_key(tmp_path / "another-issuer"), "bank")
    opened = {
        (key.name, channel): sftp(served.port, channel, key, "pwd").returncode == 0
        for key in (named, unnamed, other, issuer)
        for channel in ("bank", "insurer")
    }
    assert {name for name, is_open in opened.items() if is_open} == {("named", "bank")}


def test_an_issuer_of_one_channel_opens_no_other_by_a_change_of_the_user(served: Served, tmp_path: Path) -> None:
    issuer, key = new_key(tmp_path / "issuer"), new_key(tmp_path / "key")
    allow_key(served.data / "channels" / "bank" / "ssh", issuer.with_suffix(".pub"), issuer=True)
    served.reload()
    certified = paramiko.Ed25519Key.from_private_key_file(str(key))
    certified.load_certificate(str(certify(key, issuer, "bank", "insurer")))
    # It asks for the login once, and may then name one user after the other.
    transport = paramiko.ServiceRequestingTransport(("127.0.0.1", served.port))  # type: ignore[attr-defined]
    transport.start_client(timeout=10)
    try:
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey("bank", paramiko.Ed25519Key.from_private_key_file(str(served.keys["stranger"])))
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey("insurer", certified)
        transport.auth_publickey("bank", certified)
        assert transport.is_authenticated()
    finally:
        transport.close()


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "Ciphers=aes128-cbc"),
        ("-o", "KexAlgorithms=diffie-hellman-group14-sha1"),
        ("-o", "HostKeyAlgorithms=ssh-rsa"),
    ],
)
def test_old_algorithms_are_not_spoken(served: Served, options: tuple[str, ...]) -> None:
    found = sftp(served.port, "bank", served.keys["bank"], "pwd", *options, "-o", "LogLevel=INFO")
    assert found.returncode != 0
    assert "no matching" in found.stderr


def test_neither_a_shell_nor_a_password_opens(served: Served) -> None:
    found = sftp(served.port, "bank", served.keys["stranger"], "pwd")
    assert (found.returncode != 0, "Permission denied (publickey)" in found.stderr) == (True, True)
