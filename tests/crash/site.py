"""An installation under test: partners' channels, and gateways as processes that are killed and started."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine, text

from tests.crash.verdict import Stored
from xinqiao.seal import KeyRing, new_key, read_verifying_key, write_key
from xinqiao_gateway.installation import add_channel, open_installation

__all__ = ["BANK", "EAST", "LEASE", "TRUST", "WEST", "Node", "Site"]

TRUST, BANK = "913100001000100012", "91110000100000000R"
EAST, WEST = "91110000100020003J", "91110000100020004M"
# Seconds after which another node takes over what a killed one was on.
LEASE = 5
_PATIENCE = 90.0
# Nothing may end as a dead letter only because it was tried often; waits are short, so that a run is.
_SETTINGS = {
    "XINQIAO_RETRY__FIRST": "0.05",
    "XINQIAO_RETRY__CAP": "0.5",
    "XINQIAO_PUSH_TIMEOUT": "3",
    "XINQIAO_LEASE": str(LEASE),
}


class Site:
    """The data folder, its partners and what their processes need; ``journal_url`` None is SQLite in the folder."""

    def __init__(self, folder: Path, journal_url: str | None = None) -> None:
        self.folder, self.data = folder, folder / "data"
        self.key = new_key("partner-1")
        self.environment = os.environ | _SETTINGS
        if journal_url:
            self.environment["XINQIAO_JOURNAL_URL"] = journal_url
        # Only to look: SQLite's own file must stay as the killed process left it.
        self.journal_url = journal_url or f"sqlite:///file:{self.data / 'journal.db'}?mode=ro&uri=true"
        open_installation(self.data)
        self.gateway_keys = KeyRing([read_verifying_key(self.data / "keys" / "gateway.pub.jwk")])

    def add_partners(self, address: str) -> None:
        """Add the channels: the core and two platforms that are pushed to, and a bank with a format of its own."""
        public = self.folder / "partner.pub.jwk"
        write_key(self.key.public(), public)
        for name, kind, code in (
            ("core", "trust-company", TRUST),
            ("east", "platform", EAST),
            ("west", "platform", WEST),
        ):
            institution = {"name": name, "type": kind, "code": code}
            url = f"{address}/{name}"
            add_channel(self.data, name, extends="canonical", keys=[public], institution=institution, push_url=url)
        add_channel(self.data, "demo-bank", extends="demo-bank", keys=[public])

    def stored(self) -> list[Stored]:
        """Return the journal's messages in the order of their positions."""
        query = "SELECT partner_serial, message_id, position, accepted_at FROM messages ORDER BY position"
        return [Stored(*row) for row in self.look(query)]

    def look(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Ask the journal's database over a connection of its own."""
        engine = create_engine(self.journal_url, poolclass=NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def verify(self) -> list[str]:
        """Run ``journal verify`` and return its breaches; its exit status must agree."""
        command = [sys.executable, "-m", "xinqiao_gateway", "journal", "verify", "--data", str(self.data), "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode == 0:
            return []
        try:
            return [f"journal verify: {each}" for each in json.loads(done.stdout)["breaches"]]
        except ValueError:
            return [f"journal verify: exit status {done.returncode}: {done.stderr[-500:]}"]


@dataclass(slots=True)
class Node:
    """One gateway process on a port of its own."""

    site: Site
    name: str = "node"
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> None:
        """Start the process and do not wait."""
        self.port = self.port or _free_port()
        command = [
            sys.executable,
            "-m",
            "xinqiao_gateway",
            "serve",
            "--data",
            str(self.site.data),
            "--port",
            str(self.port),
        ]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.site.environment, stdout=log, stderr=log)

    def wait_until_healthy(self) -> None:
        """Wait until it answers. Raises ``AssertionError`` with its last words where it ends or does not answer."""
        deadline = time.monotonic() + _PATIENCE
        while not self._healthy():
            self.check_alive()
            assert time.monotonic() < deadline, f"{self.name} did not answer:\n{self.log()}"
            time.sleep(0.02)

    def check_alive(self) -> None:
        """Raise ``AssertionError`` where it ended by itself."""
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{self.log()}"

    def signal(self, which: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(which)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.signal(signal.SIGKILL)
        self.ended()

    def ended(self) -> None:
        """Wait for its end after a signal."""
        if self.process is not None:
            self.process.wait(_PATIENCE)
            self.process = None

    def stop(self) -> None:
        """End it in order, and by force where that takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.ended()

    def log(self) -> str:
        """Return the end of what it wrote."""
        return self.log_text()[-3000:]

    def log_text(self) -> str:
        """Return everything that it wrote."""
        return self._log.read_text(errors="replace")

    @property
    def _log(self) -> Path:
        return self.site.folder / f"{self.name}.log"

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/v1/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
