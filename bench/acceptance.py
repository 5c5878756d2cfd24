"""Signed, validated, durable acceptance of a 2 KB KYC by one gateway process, beside the peer, interleaved."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from xinqiao.message import new_message_id, timestamp, write_json
from xinqiao.seal import SIGNATURE_HEADER, SigningKey, new_key, seal, write_key
from xinqiao.testing import example
from xinqiao_gateway.installation import add_channel

BANK, TRUST = "91110000100000000R", "913100001000100012"
ROUNDS = 3
REQUESTS = 6000
CONNECTIONS = 32
_TITLES = {
    "gateway": "gateway: signed, validated, encrypted, in a proven batch",
    "peer": "peer: FastAPI + pydantic + SQLAlchemy, one row",
}


def measure() -> dict[str, Any]:
    """Run both, interleaved; return the figures of each round and the median ratio."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        work = Path(folder)
        key = new_key("bench-1")
        with _gateway(work, key) as gateway, _peer(work) as peer:
            rounds = [_round(work, key, gateway, peer) for _ in range(ROUNDS)]
    ratios = [each["gateway"]["per_second"] / each["peer"]["per_second"] for each in rounds]
    return {"rounds": rounds, "ratio": statistics.median(ratios)}


def report(console: Console, result: dict[str, Any]) -> None:
    """Print what was measured."""
    console.print(
        f"\n[bold]acceptance[/bold]: {CONNECTIONS} connections, {REQUESTS} requests a round, {ROUNDS} rounds; "
        "SQLite, fsync on every commit"
    )
    table = Table("round", "what", "messages/s", "p50 ms", "p99 ms")
    for number, each in enumerate(result["rounds"], 1):
        for name, title in _TITLES.items():
            found = each[name]
            figures = (f"{found['per_second']:.0f}", f"{found['p50_ms']:.1f}", f"{found['p99_ms']:.1f}")
            table.add_row(str(number), title, *figures)
    console.print(table)
    console.print(f"ratio gateway / peer, median of {ROUNDS}: [bold]{result['ratio']:.2f}[/bold]")


def _round(work: Path, key: SigningKey, gateway: int, peer: int) -> dict[str, Any]:
    return {
        "gateway": _load(work, gateway, lambda: _signed_request(key)),
        "peer": _load(work, peer, _plain_request),
    }


def _load(work: Path, port: int, request: Callable[[], bytes]) -> dict[str, Any]:
    path = work / "requests"
    requests = (request() for _ in range(REQUESTS))
    path.write_bytes(b"".join(b"%08x" % len(each) + each for each in requests))
    command = [sys.executable, "-m", "bench.load", str(port), str(path), str(CONNECTIONS)]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    if set(result["statuses"]) != {"202"}:
        raise RuntimeError(f"not everything was accepted: {result['statuses']}")
    return result


def _kyc() -> bytes:
    header = {"messageId": new_message_id(), "createdAt": timestamp(), "sender": BANK, "receiver": TRUST}
    message = example("kycApplication", **header)
    message["header"]["caseId"] = f"BENCH-{header['messageId']}"
    message["header"].pop("channelId", None)
    return write_json(message)


def _signed_request(key: SigningKey) -> bytes:
    sealed = seal(_kyc(), "application/json", key)
    head = f"POST /v1/channels/bench/messages HTTP/1.1\r\nHost: x\r\n{SIGNATURE_HEADER}: {sealed.signature}\r\n"
    return _http(head, sealed.content)


def _plain_request() -> bytes:
    return _http("POST /messages HTTP/1.1\r\nHost: x\r\n", _kyc())


def _http(head: str, content: bytes) -> bytes:
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


@contextmanager
def _gateway(work: Path, key: SigningKey) -> Iterator[int]:
    data = work / "gateway"
    write_key(key.public(), work / "bench.pub.jwk")
    core = {"name": "core", "type": "trust-company", "code": TRUST}
    bank = {"name": "bank", "type": "bank", "code": BANK}
    add_channel(data, "core", extends="canonical", keys=[work / "bench.pub.jwk"], institution=core)
    add_channel(data, "bench", extends="canonical", keys=[work / "bench.pub.jwk"], institution=bank)
    port = 18700
    command = [sys.executable, "-m", "xinqiao_gateway", "serve", "--data", str(data), "--port", str(port)]
    with _serving(command, port, "/v1/health", {}):
        yield port


@contextmanager
def _peer(work: Path) -> Iterator[int]:
    port = 18701
    command = [
        sys.executable, "-m", "uvicorn", "bench.peer:app", "--port", str(port), "--log-level", "warning",
        "--no-access-log",
    ]  # fmt: skip
    with _serving(command, port, "/openapi.json", {"PEER_DATABASE": f"sqlite:///{work / 'peer.db'}"}):
        yield port


@contextmanager
def _serving(command: list[str], port: int, path: str, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_it_serves(f"http://127.0.0.1:{port}{path}")
        yield
    finally:
        process.terminate()
        process.wait(15)


def _wait_until_it_serves(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(url, trust_env=False).raise_for_status()
            return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
