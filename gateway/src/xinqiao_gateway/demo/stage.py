"""The stage: the gateway, the bank and the core as processes of their own on free ports."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from xinqiao.errors import ConfigurationError
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.installation import add_channel, open_installation

__all__ = ["Stage"]

_PATIENCE = 30.0


class Stage:
    """Starts and stops everybody. Use it as a context manager: nothing is left running."""

    def __init__(self, data: Path) -> None:
        self.data = data / "gateway"
        self._keys = data / "partners"
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._port = _free_port()
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

    def _set_up(self) -> None:
        self._keys.mkdir(parents=True)
        token = open_installation(self.data).admin_token
        self._admin = httpx.Client(
            base_url=self.gateway_url, headers={"Authorization": f"Bearer {token}"}, timeout=10, trust_env=False
        )
        for role in ("bank", "core"):
            self._add_partner(role)
        self.start_gateway()

    def _add_partner(self, role: str) -> None:
        key = new_key(f"{role}-1")
        write_key(key, self._keys / f"{role}.jwk")
        write_key(key.public(), self._keys / f"{role}.pub.jwk")
        command = [
            str(Path(sys.executable).parent / "xinqiao-conformance"), "simulate", role,
            "--gateway", self.gateway_url, "--channel", f"demo-{role}", "--key", str(self._keys / f"{role}.jwk"),
            "--gateway-key", str(self.data / "keys" / "gateway.pub.jwk"),
        ]  # fmt: skip
        ready = self._start(role, command)
        self.urls[role] = ready["url"]
        add_channel(
            self.data,
            f"demo-{role}",
            extends=f"demo-{role}",
            keys=[self._keys / f"{role}.pub.jwk"],
            push_url=f"{ready['url']}/messages",
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
        self._spawn("gateway", command, subprocess.DEVNULL)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                if self._admin.get("/v1/health").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise ConfigurationError(f"the gateway did not start; see {self.data / 'gateway.log'}")

    def kill_gateway(self) -> None:
        """End the gateway as a power cut would (SIGKILL)."""
        process = self._processes.pop("gateway")
        process.send_signal(signal.SIGKILL)
        process.wait(_PATIENCE)

    def query(self, path: str) -> Any:  # noqa: ANN401 -- JSON
        """Ask the gateway's query API."""
        response = self._admin.get(path)
        response.raise_for_status()
        return response.json()

    def do(self, role: str, step: str) -> dict[str, Any]:
        """Let the bank or the core take a step and return what came of it."""
        response = httpx.post(f"{self.urls[role]}/do/{step}", timeout=_PATIENCE + 60, trust_env=False)
        response.raise_for_status()
        done: dict[str, Any] = response.json()
        return done

    def events(self, role: str) -> list[dict[str, Any]]:
        """Return what the bank or the core did and saw."""
        events: list[dict[str, Any]] = httpx.get(f"{self.urls[role]}/events", timeout=10, trust_env=False).json()
        return events

    def _start(self, role: str, command: Sequence[str]) -> dict[str, Any]:
        process = self._spawn(role, command, subprocess.PIPE)
        assert process.stdout is not None  # noqa: S101 -- asked for
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(_PATIENCE) else ""
        if not line:
            raise ConfigurationError(f"the simulated {role} did not start; see {self.data / f'{role}.log'}")
        ready: dict[str, Any] = json.loads(line)
        return ready

    def _spawn(self, name: str, command: Sequence[str], output: int) -> subprocess.Popen[str]:
        with (self.data / f"{name}.log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(  # noqa: S603 -- our own commands
                command, stdout=output, stderr=log, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
            )
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
