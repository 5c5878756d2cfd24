"""The stage: the gateway, the bank and the core as processes of their own on free ports."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from xinqiao.seal import new_key, write_key
from xinqiao_adapters.loader import load_profile
from xinqiao_gateway.demo.partner import Partner
from xinqiao_gateway.fronts.sftp.server.keys import allow_key, host_key
from xinqiao_gateway.installation import add_channel, open_installation
from xinqiao_gateway.settings import read_settings, settings_file

__all__ = ["DemoFailed", "Stage"]

_PATIENCE = 30.0
_TAIL = 15
# The channel of the partner that docks in every way.
_DOCKED = "demo-partner"


class DemoFailed(Exception):
    """The demo did not come to what it should show; the message says where, ``process`` whose log tells more."""

    def __init__(self, reason: str, process: str = "gateway") -> None:
        self.process = process
        super().__init__(reason)


class Stage:
    """Starts and stops everybody. Use it as a context manager: nothing is left running.

    Raises ``DemoFailed`` where ``folder`` is not empty, or somebody does not start or answer.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.data = folder / "gateway"
        self._keys = folder / "partners"
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._port, self._grpc_port, self._sftp_port = _free_port(), _free_port(), _free_port()
        self.gateway_url = f"http://127.0.0.1:{self._port}"
        self.urls: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:
            self._tear_down()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._tear_down()

    def log(self, process: str) -> list[str]:
        """Return the last lines that a process wrote."""
        path = self._log(process)
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:] if path.exists() else []

    def _log(self, process: str) -> Path:
        return self.data / f"{process}.log"

    def _set_up(self) -> None:
        if self._folder.exists() and (not self._folder.is_dir() or any(self._folder.iterdir())):
            raise DemoFailed(f"{self._folder} is not empty: the demo begins with an empty or missing folder")
        self._keys.mkdir(parents=True)
        token = open_installation(self.data).admin_token
        self._admin = httpx.Client(
            base_url=self.gateway_url, headers={"Authorization": f"Bearer {token}"}, timeout=10, trust_env=False
        )
        ports = {"grpc_port": self._grpc_port, "sftp_port": self._sftp_port}
        settings_file(self.data).write_text(yaml.safe_dump(ports), encoding="utf-8")
        for role in ("bank", "core"):
            self._add_simulated(role)
        self.partner = self._added_partner()
        self.start_gateway()

    def _add_simulated(self, role: str) -> None:
        key = new_key(f"{role}-1")
        write_key(key, self._keys / f"{role}.jwk")
        write_key(key.public(), self._keys / f"{role}.pub.jwk")
        command = [
            str(Path(sys.executable).parent / "xinqiao-conformance"), "simulate", role,
            "--gateway", self.gateway_url, "--channel", f"demo-{role}", "--key", str(self._keys / f"{role}.jwk"),
            "--gateway-key", str(self.data / "keys" / "gateway.pub.jwk"),
        ]  # fmt: skip
        self.urls[role] = self._start(role, command)
        add_channel(
            self.data,
            f"demo-{role}",
            extends=f"demo-{role}",
            keys=[self._keys / f"{role}.pub.jwk"],
            push_url=f"{self.urls[role]}/messages",
        )

    def _added_partner(self) -> Partner:
        """Add the partner that docks in every way, with a key to seal with and one to log in with."""
        key, ssh_key = new_key("partner-1"), self._keys / "ssh-key"
        write_key(key.public(), self._keys / "partner.pub.jwk")
        login = Ed25519PrivateKey.generate()
        ssh_key.write_bytes(login.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        ssh_key.chmod(0o600)
        public = self._keys / "ssh-key.pub"
        public.write_bytes(login.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
        path = add_channel(self.data, _DOCKED, extends=_DOCKED, keys=[self._keys / "partner.pub.jwk"])
        allow_key(path.parent / "ssh", public)
        profile = load_profile(_DOCKED, [self.data / "channels"]).profile
        return Partner(
            channel=_DOCKED,
            sender=profile.institution.code,
            receiver=read_settings(self.data).institution_code,
            key=key,
            url=self.gateway_url,
            grpc=f"grpc://127.0.0.1:{self._grpc_port}",
            sftp_port=self._sftp_port,
            host_key=host_key(self.data).fingerprint,
            secrets=self._keys,
        )

    def start_gateway(self) -> None:
        """Start the gateway and wait until it answers."""
        command = [
            sys.executable,
            "-m",
            "xinqiao_gateway",
            "serve",
            "--data",
            str(self.data),
            "--port",
            str(self._port),
        ]
        process = self._spawn("gateway", command, subprocess.DEVNULL)
        deadline = time.monotonic() + _PATIENCE
        while not self._healthy():
            if process.poll() is not None:
                raise DemoFailed(f"the gateway ended with status {process.returncode} before it answered")
            if time.monotonic() > deadline:
                raise DemoFailed(f"the gateway did not answer within {_PATIENCE:.0f} s")
            time.sleep(0.05)

    def _healthy(self) -> bool:
        try:
            return self._admin.get("/v1/health").is_success
        except httpx.TransportError:
            return False

    def kill_gateway(self) -> None:
        """End the gateway as a power cut would (SIGKILL)."""
        process = self._processes.pop("gateway")
        process.send_signal(signal.SIGKILL)
        process.wait(_PATIENCE)

    def query(self, path: str) -> Any:  # noqa: ANN401 -- JSON
        """Ask the gateway's query API."""
        return _answer("gateway", lambda: self._admin.get(path))

    def do(self, role: str, step: str) -> dict[str, Any]:
        """Let the bank or the core take a step and return what came of it."""
        url = f"{self.urls[role]}/do/{step}"
        done: dict[str, Any] = _answer(role, lambda: httpx.post(url, timeout=_PATIENCE + 60, trust_env=False))
        return done

    def events(self, role: str) -> list[dict[str, Any]]:
        """Return what the bank or the core did and saw."""
        url = f"{self.urls[role]}/events"
        events: list[dict[str, Any]] = _answer(role, lambda: httpx.get(url, timeout=10, trust_env=False))
        return events

    def _start(self, role: str, command: Sequence[str]) -> str:
        """Start a simulated partner and return the address that its first line says."""
        process = self._spawn(role, command, subprocess.PIPE)
        assert process.stdout is not None  # noqa: S101 -- asked for
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(_PATIENCE) else ""
        try:
            url: str = json.loads(line)["url"]
        except (ValueError, LookupError, TypeError) as error:
            raise DemoFailed(f"the simulated {role} did not start; it said {line!r}", role) from error
        return url

    def _spawn(self, name: str, command: Sequence[str], output: int) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        with self._log(name).open("a", encoding="utf-8") as log:
            try:
                process = subprocess.Popen(command, stdout=output, stderr=log, text=True, env=environment)  # noqa: S603
            except OSError as error:
                raise DemoFailed(f"{command[0]}: {error.strerror}; is everything installed?", name) from error
        self._processes[name] = process
        return process

    def _tear_down(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
        if hasattr(self, "_admin"):
            self._admin.close()


def _answer(process: str, ask: Callable[[], httpx.Response]) -> Any:  # noqa: ANN401 -- JSON
    """Return what a process answered. Raises ``DemoFailed`` where it did not, or said no."""
    try:
        response = ask()
        if response.is_success:
            return response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise DemoFailed(f"the {process} did not answer: {type(error).__name__}: {error}", process) from error
    asked = f"{response.request.method} {response.request.url}"
    raise DemoFailed(f"{asked}: HTTP {response.status_code}: {response.text[:1000]}", process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
