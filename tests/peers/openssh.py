"""OpenSSH as a peer: its ``sftp`` as a client, its ``sshd`` as an unprivileged server with its own configuration."""

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.gateway.sftp.serving import free_port

_CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized_keys
TrustedUserCAKeys {folder}/issuer.pub
PidFile none
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding no
Subsystem sftp internal-sftp {options}
"""


@dataclass(frozen=True)
class Sshd:
    """A running sshd. ``key`` opens it, and so does a key that ``issuer`` signed for ``user``."""

    folder: Path
    port: int
    user: str

    @property
    def key(self) -> Path:
        return self.folder / "client"

    @property
    def issuer(self) -> Path:
        return self.folder / "issuer"

    @property
    def host_key(self) -> str:
        return fingerprint(self.folder / "host.pub")


def program(name: str) -> str:
    """Return the path of a program; one that is missing is a failure."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found is not None, f"{name} is not installed; see tests/peers/README.md"
    return found


def new_key(path: Path) -> Path:
    """Make a key as a partner does."""
    run(program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "somebody@bank", "-f", str(path))
    return path


def certify(key: Path, issuer: Path, *principals: str) -> Path:
    """Sign a key for an hour; return the certificate."""
    named = ("-n", ",".join(principals)) if principals else ()
    run(program("ssh-keygen"), "-q", "-s", str(issuer), "-I", "test", *named, "-V", "-5m:+1h", f"{key}.pub")
    return key.with_name(f"{key.name}-cert.pub")


def fingerprint(public: Path) -> str:
    """Return what ``ssh-keygen -l`` says of a key."""
    return run(program("ssh-keygen"), "-lf", str(public)).split()[1]


def run(*command: str) -> str:
    """Run a program and return what it says; its failure is one of the test."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sftp(port: int, user: str, key: Path, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``sftp`` with a script of its commands, as a partner's job does; it ends at the first that fails.

    ``options`` go before those that make it quiet and trusting.
    """
    command = sftp_command(port, user, key, *options)
    return subprocess.run(command, input=script, capture_output=True, text=True, timeout=60, check=False)


def sftp_command(port: int, user: str, key: Path, *options: str) -> list[str]:
    """Return the command that runs ``sftp`` with a script on its standard input."""
    return [
        program("sftp"), "-b", "-", "-P", str(port), "-i", str(key), "-o", "IdentitiesOnly=yes", *options,
        "-o", "LogLevel=ERROR", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-F", "none",
        f"{user}@127.0.0.1",
    ]  # fmt: skip


@contextmanager
def sshd(folder: Path, options: str = "-u 0077") -> Iterator[Sshd]:
    """Run an sshd that serves whoever runs the tests; ``options`` are those of its ``internal-sftp``."""
    folder.mkdir()
    for name in ("host", "client", "issuer"):
        new_key(folder / name)
    shutil.copy(folder / "client.pub", folder / "authorized_keys")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it wants it where it could change to another user
    found = Sshd(folder, free_port(), getpass.getuser())
    (folder / "sshd_config").write_text(_CONFIGURATION.format(port=found.port, folder=folder, options=options))
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([program("sshd"), "-D", "-e", "-f", str(folder / "sshd_config")], stderr=out)
    try:
        deadline = time.monotonic() + 20
        while b"Server listening" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        yield found
    finally:
        process.terminate()
        process.wait(10)
