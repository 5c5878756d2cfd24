"""Isolation: p99 of a quiet channel alone, and beside channels that flood, send large files, drip, or hang.

Rounds are interleaved; a ratio is the median, over the rounds, of p99 beside a neighbour and p99 alone. The quiet
channel sends in an open loop, so that what waits is seen.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench.endpoints.requests import BANK, TRUST
from bench.endpoints.rounds import send
from bench.endpoints.serving import free_port, serving
from bench.load import read_requests, run, write_requests
from xinqiao.message import Json, new_message_id, timestamp, write_json
from xinqiao.seal import SIGNATURE_HEADER, SigningKey, new_key, seal, write_key
from xinqiao.testing import example
from xinqiao_gateway.installation import add_channel

__all__ = ["AIM", "NEIGHBOURS", "measure", "report"]

AIM = 2.0
NEIGHBOURS = {
    "alone": "alone",
    "flood": "a channel that sends over 64 connections, as fast as it is answered",
    "files": "a channel that sends 1,000 messages in each input, over 4 connections",
    "drip": "64 senders that drip their bodies",
    "hang": "a destination that takes what is sent to it and never answers",
}
ROUNDS, SECONDS, RATE = 5, 6.0, 50.0
EAST, WEST = "91110000100020003J", "91110000100020004M"
_FLOODING = 64


def measure(rounds: int = ROUNDS, seconds: float = SECONDS) -> dict[str, Any]:
    """Return p50 and p99 (ms) of the quiet channel for each neighbour, and the ratios of p99."""
    key = new_key("bench-1")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in NEIGHBOURS}
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as name, _gateway(Path(name), key) as (port, _hang):
        folder = Path(name)
        for number in range(rounds + 1):
            for neighbour in NEIGHBOURS:
                requests = [_request(key, "quiet", [_order(BANK, TRUST)]) for _ in range(int(seconds * RATE))]
                with _beside(neighbour, folder, port, key, seconds + 2):
                    result = send(folder, port, requests, 64, seconds, RATE)
                if number:  # the first round warms
                    found[neighbour].append(result)
    ratios = {
        name: [each["p99_ms"] / alone["p99_ms"] for each, alone in zip(all_of, found["alone"], strict=True)]
        for name, all_of in found.items()
    }
    return {
        "rounds": rounds,
        "seconds": seconds,
        "rate": RATE,
        "aim": AIM,
        "quiet": {
            name: {figure: median(each[figure] for each in all_of) for figure in ("p50_ms", "p99_ms")}
            for name, all_of in found.items()
        },
        "ratios": {name: {"median": median(each), "worst": max(each)} for name, each in ratios.items()},
    }


def report(console: Console, result: dict[str, Any]) -> None:
    """Print the table."""
    console.print(
        f"\n[bold]isolation[/bold]: a quiet channel at {result['rate']:.0f}/s; medians of {result['rounds']} "
        f"interleaved rounds of {result['seconds']:.0f} s"
    )
    table = Table("beside", "p50 ms", "p99 ms", "p99 × alone", "worst round", "aim")
    for name, quiet in result["quiet"].items():
        ratio = result["ratios"][name]
        figures = [
            f"{quiet['p50_ms']:.1f}",
            f"{quiet['p99_ms']:.1f}",
            f"{ratio['median']:.2f}",
            f"{ratio['worst']:.2f}",
        ]
        table.add_row(NEIGHBOURS[name], *figures, "" if name == "alone" else f"≤ {result['aim']:g}")
    console.print(table)


@contextmanager
def _gateway(folder: Path, key: SigningKey) -> Iterator[tuple[int, int]]:
    """Run a gateway with a quiet channel, a noisy one, a core that pulls, and a destination that hangs."""
    data, public = folder / "data", folder / "bench.pub.jwk"
    write_key(key.public(), public)
    with _hanging() as hang:
        url = f"http://127.0.0.1:{hang}/"
        for name, kind, code, push in (
            ("quiet", "bank", BANK, None),
            ("core", "trust-company", TRUST, None),
            ("noisy", "platform", EAST, None),
            ("hanging", "platform", WEST, url),
        ):
            institution = {"name": name, "type": kind, "code": code}
            add_channel(data, name, extends="canonical", keys=[public], institution=institution, push_url=push)
        port = free_port()
        command = [sys.executable, "-m", "xinqiao_gateway", "serve", "--data", str(data), "--port", str(port)]
        with serving(command, f"http://127.0.0.1:{port}/v1/health", {}):
            yield port, hang


@contextmanager
def _hanging() -> Iterator[int]:
    """Run a destination that takes connections and says nothing."""
    port = free_port()
    said = "import socket,time\ns=socket.create_server(('127.0.0.1',int(__import__('sys').argv[1])))\nkept=[]\n"
    process = subprocess.Popen([sys.executable, "-c", said + "while True: kept.append(s.accept())", str(port)])
    try:
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def _beside(neighbour: str, folder: Path, port: int, key: SigningKey, seconds: float) -> Iterator[None]:
    """Run a neighbour in a process of its own while the body runs."""
    if neighbour == "alone":
        yield
        return
    path = folder / f"requests-{neighbour}"
    write_requests(path, _requests(neighbour, key))
    command = [sys.executable, "-m", "bench.isolation", neighbour, str(port), str(path), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        yield
    finally:
        process.kill()
        process.wait()


def _requests(neighbour: str, key: SigningKey) -> list[bytes]:
    match neighbour:
        case "flood":
            return [_request(key, "noisy", [_order(EAST, TRUST)]) for _ in range(12_000)]
        case "files":
            return [_request(key, "noisy", [_order(EAST, TRUST) for _ in range(1000)]) for _ in range(24)]
        case "hang":
            return [_request(key, "noisy", [_order(EAST, WEST)]) for _ in range(400)]
        case _:
            return [_request(key, "noisy", [_order(EAST, TRUST)])]


def _order(sender: str, receiver: str) -> Json:
    found = example(
        "subscriptionOrder", messageId=new_message_id(), createdAt=timestamp(), sender=sender, receiver=receiver
    )
    header = {name: part for name, part in found["header"].items() if name not in {"caseId", "channelId", "test"}}
    return {**found, "header": header}


def _request(key: SigningKey, channel: str, messages: list[Json]) -> bytes:
    content = write_json(messages[0]) if len(messages) == 1 else orjson.dumps(messages)
    signature = seal(content, "application/json", key).signature
    head = f"POST /v1/channels/{channel}/messages HTTP/1.1\r\nHost: x\r\n{SIGNATURE_HEADER}: {signature}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


async def _drip(port: int, request: bytes, seconds: float) -> None:
    """Send a request a byte at a time, again where the gateway ends it."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for byte in request:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            pass
        finally:
            writer.close()


async def _be(neighbour: str, port: int, requests: list[bytes], seconds: float) -> None:
    print("begun", flush=True)
    match neighbour:
        case "drip":
            await asyncio.gather(*(_drip(port, requests[0], seconds) for _ in range(_FLOODING)))
        case "hang":
            await run(port, requests, 8, seconds, len(requests) / seconds)
        case _:
            await run(port, requests, _FLOODING if neighbour == "flood" else 4, seconds, 0.0)


def main() -> None:
    """``python -m bench.isolation NEIGHBOUR PORT FILE SECONDS``: be one."""

    neighbour, port, path, seconds = sys.argv[1:]
    asyncio.run(_be(neighbour, int(port), list(read_requests(Path(path))), float(seconds)))


if __name__ == "__main__":
    main()
