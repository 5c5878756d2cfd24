"""End to end: from acceptance by the gateway to arrival at a receiver that answers with receipts."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench.endpoints.contenders import Place, serve_gateway
from bench.endpoints.requests import kyc, signed
from bench.endpoints.rounds import send
from bench.endpoints.serving import free_port, serving
from xinqiao.seal import SIGNATURE_HEADER, SigningKey, seal

__all__ = ["measure_delivery"]

_PATIENCE = 120.0


def measure_delivery(place: Place, count: int, calls: int, rate: float) -> dict[str, Any]:
    """Drain ``count`` messages; then send ``calls`` more, ``rate`` a second, and time each from answer to arrival."""
    receiver_port = free_port()
    with (
        serve_gateway(place, f"http://127.0.0.1:{receiver_port}/") as port,
        _receiver(place.folder, port, receiver_port),
    ):
        started = time.time()
        send(place.folder, port, [signed(place.key) for _ in range(count)], 32, _PATIENCE)
        arrived = sorted(_arrivals(receiver_port, count).values())
        answered = dict(_calls(port, place.key, calls, rate))
        arrivals = _arrivals(receiver_port, count + calls)
    waits = sorted(max(arrivals[each] - at, 0.0) for each, at in answered.items())
    return {
        "messages": count,
        "drained_per_second": count / (arrived[-1] - started),
        "rate": rate,
        "p50_ms": waits[len(waits) // 2] * 1000,
        "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
    }


@contextmanager
def _receiver(folder: Path, gateway: int, port: int) -> Iterator[None]:
    keys = httpx.get(f"http://127.0.0.1:{gateway}/v1/keys", trust_env=False).json()["keys"]
    key_file = folder / "gateway.pub.jwk"
    key_file.write_bytes(orjson.dumps(keys[0]))
    app = "bench.endpoints.receiver:app"
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]))
    with serving(command, f"http://127.0.0.1:{port}/", {"RECEIVER_KEY": str(key_file), "PYTHONPATH": path}):
        yield


def _calls(port: int, key: SigningKey, count: int, rate: float) -> Iterator[tuple[str, float]]:
    """Yield the id of each message that was sent, and when it was answered (Unix s)."""
    url = f"http://127.0.0.1:{port}/v1/channels/bench/messages"
    with httpx.Client(trust_env=False) as client:
        for _ in range(count):
            sealed = seal(kyc(), "application/json", key)
            headers = {"Content-Type": sealed.content_type, SIGNATURE_HEADER: sealed.signature}
            response = client.post(url, content=sealed.content, headers=headers).raise_for_status()
            yield response.json()["receipt"]["acceptedMessageId"], time.time()
            time.sleep(1 / rate)


def _arrivals(port: int, count: int) -> dict[str, float]:
    """Wait until so many messages have arrived; return when each did (Unix s)."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        found: dict[str, float] = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).json()
        if len(found) >= count:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(found)} of {count} messages arrived")
        time.sleep(0.2)
