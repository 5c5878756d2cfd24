"""A load generator for gRPC: sends prepared inputs as single calls or as streams, closed loop, and times each.

A process of its own, as ``bench.load`` is; grpcio's client takes more of a processor than that, so a server that has
as many cores as its client gives more than what is measured here.
"""

import asyncio
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc

from bench.load import read_requests
from xinqiao.exchange.v1.exchange_pb import SubmitReply

__all__ = ["run"]

_SERVICE = "/xinqiao.exchange.v1.Exchange"
# Of one stream: as many as the gateway takes at once.
_AHEAD = 64


class _Times:
    """Latencies (seconds) and statuses."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()

    def note(self, began: float, raw: bytes) -> None:
        """Note an answer to what was sent at ``began``."""
        self.latencies.append(time.perf_counter() - began)
        self.statuses[SubmitReply.from_binary(raw).http_status] += 1


async def _call(channel: Any, inputs: Iterator[bytes], times: _Times) -> None:
    submit = channel.unary_unary(f"{_SERVICE}/Submit")
    for each in inputs:
        began = time.perf_counter()
        if began >= times.until:
            return
        times.note(began, await submit(each))


async def _stream(channel: Any, inputs: Iterator[bytes], times: _Times) -> None:
    call = channel.stream_stream(f"{_SERVICE}/SubmitStream")()
    began: deque[float] = deque()
    room = asyncio.Semaphore(_AHEAD)

    async def write() -> None:
        for each in inputs:
            await room.acquire()
            if time.perf_counter() >= times.until:
                break
            began.append(time.perf_counter())
            await call.write(each)
        await call.done_writing()

    writer = asyncio.create_task(write())
    while isinstance(raw := await call.read(), bytes):
        times.note(began.popleft(), raw)
        room.release()
    await writer


async def run(port: int, inputs: list[bytes], kind: str, at_once: int, seconds: float) -> dict[str, Any]:
    """Send for so many seconds; ``kind`` is ``unary`` or ``stream``, ``at_once`` how many calls are under way."""
    left = iter(inputs)
    options = (("grpc.use_local_subchannel_pool", 1),)
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) for _ in range(min(at_once, 4))]
    for each in channels:
        await each.channel_ready()
    started = time.perf_counter()
    times = _Times(started + seconds)
    send = {"unary": _call, "stream": _stream}[kind]
    await asyncio.gather(*(send(channels[number % len(channels)], left, times) for number in range(at_once)))
    taken = time.perf_counter() - started
    for each in channels:
        await each.close(None)
    found = sorted(times.latencies)
    return {
        "per_second": len(found) / taken,
        "p50_ms": found[len(found) // 2] * 1000,
        "p99_ms": found[int(len(found) * 0.99)] * 1000,
        "statuses": {str(status): count for status, count in times.statuses.items()},
    }


def main() -> None:
    """``python -m bench.grpc_load PORT FILE KIND AT_ONCE SECONDS``: print the figures as JSON."""
    port, path, kind, at_once, seconds = sys.argv[1:]
    inputs = list(read_requests(Path(path)))
    print(json.dumps(asyncio.run(run(int(port), inputs, kind, int(at_once), float(seconds)))))


if __name__ == "__main__":
    main()
