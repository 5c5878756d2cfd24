"""Acceptance over gRPC, single calls and streams, beside REST on the same gateway, in interleaved rounds.

A ratio is the median of the rounds' ratios to REST.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.endpoints.contenders import Place, serve_gateway
from bench.endpoints.requests import BANK, TRUST, kyc, signed
from bench.endpoints.rounds import send
from bench.endpoints.serving import free_port
from bench.load import write_requests
from xinqiao.exchange.v1.exchange_pb import SealedMessage
from xinqiao.seal import SigningKey, new_key, seal, write_key
from xinqiao_gateway.installation import add_channel

__all__ = ["ROUNDS", "SECONDS", "measure", "report"]

ROUNDS, SECONDS, REQUESTS, AT_ONCE = 5, 4.0, 12_000, 32
# How it is sent, and how many are under way: calls, or streams.
KINDS = {
    "rest": ("REST", AT_ONCE),
    "unary": ("gRPC, single calls", AT_ONCE),
    "stream": ("gRPC, one stream", 1),
    "streams": ("gRPC, four streams", 4),
}


def measure(rounds: int = ROUNDS, seconds: float = SECONDS) -> dict[str, Any]:
    """Run all kinds in turn, ``rounds`` times."""
    key = new_key("bench-1")
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as name, _gateway(Path(name), key) as (rest, grpc):
        found = [
            {kind: _sent(Path(name), key, kind, grpc if kind != "rest" else rest, seconds) for kind in KINDS}
            for _ in range(rounds + 1)
        ][1:]  # the first warms up
    figures = ("per_second", "p50_ms", "p99_ms")
    return {
        "effort": [rounds, seconds],
        "found": {kind: {each: median(one[kind][each] for one in found) for each in figures} for kind in KINDS},
        "ratios": {
            kind: median(each[kind]["per_second"] / each["rest"]["per_second"] for each in found) for kind in KINDS
        },
    }


def report(console: Console, result: dict[str, Any]) -> None:
    """Print the table."""
    rounds, seconds = result["effort"]
    console.print(f"\n[bold]grpc[/bold]: medians of {rounds} interleaved rounds of {seconds} s; clients in Python")
    table = Table("how", "under way", "messages/s", "p50 ms", "p99 ms", "× REST")
    for kind, each in result["found"].items():
        title, at_once = KINDS[kind]
        figures = [f"{each['per_second']:.0f}", f"{each['p50_ms']:.1f}", f"{each['p99_ms']:.1f}"]
        table.add_row(title, str(at_once), *figures, f"{result['ratios'][kind]:.2f}")
    console.print(table)


@contextmanager
def _gateway(work: Path, key: SigningKey) -> Iterator[tuple[int, int]]:
    """Run a gateway with both fronts; yield the ports of REST and gRPC."""
    data, public, port = work / "gateway", work / "bench.pub.jwk", free_port()
    write_key(key.public(), public)
    for channel, kind, code in (("core", "trust-company", TRUST), ("bench", "bank", BANK)):
        about = {"name": channel, "type": kind, "code": code}
        add_channel(data, channel, extends="canonical", keys=[public], institution=about)
    (data / "gateway.yaml").write_text(f"grpc_port: {port}\n", encoding="utf-8")
    with serve_gateway(Place(work, key, "")) as rest:
        yield rest, port


def _sent(work: Path, key: SigningKey, kind: str, port: int, seconds: float) -> dict[str, Any]:
    """Send one round. Raises ``RuntimeError`` where anything was not accepted."""
    if kind == "rest":
        return send(work, port, [signed(key) for _ in range(REQUESTS)], AT_ONCE, seconds)
    path = work / "inputs"
    write_requests(path, (_input(key) for _ in range(REQUESTS)))
    arguments = (str(port), str(path), "unary" if kind == "unary" else "stream", str(KINDS[kind][1]), str(seconds))
    done = subprocess.run([sys.executable, "-m", "bench.grpc_load", *arguments], check=True, capture_output=True)
    result: dict[str, Any] = json.loads(done.stdout)
    if set(result["statuses"]) != {"202"}:
        raise RuntimeError(f"not everything was accepted: {result['statuses']}")
    return result


def _input(key: SigningKey) -> bytes:
    sealed = seal(kyc(), "application/json", key)
    return SealedMessage(
        channel_id="bench",
        content=sealed.content,
        content_type=sealed.content_type,
        signature=sealed.signature,
    ).to_binary()
