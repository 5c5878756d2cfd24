"""A load generator: sends prepared HTTP requests over keep-alive connections and notes how long each took.

A process of its own, so that it shares no interpreter with what it measures.
"""

import asyncio
import json
import sys
import time
from pathlib import Path


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection with one request under way at a time; reads only what it must."""

    def __init__(self, requests: list[bytes], taken: "_Counter", results: list[tuple[float, int]]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests, self._taken, self._results = requests, taken, results
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        number = self._taken.take()
        if number is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._started = time.perf_counter()
        self._transport.write(self._requests[number])

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._buffer = b""
        self._results.append((time.perf_counter() - self._started, int(head.split(b" ", 2)[1])))
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))


class _Counter:
    def __init__(self, end: int) -> None:
        self._next, self._end = 0, end

    def take(self) -> int | None:
        if self._next == self._end:
            return None
        self._next += 1
        return self._next - 1


async def run(port: int, requests: list[bytes], connections: int) -> dict[str, float | dict[str, int]]:
    """Send all requests over so many connections; return throughput (1/s), p50 and p99 (ms) and statuses."""
    results: list[tuple[float, int]] = []
    taken = _Counter(len(requests))
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    protocols = [
        (await loop.create_connection(lambda: _Connection(requests, taken, results), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for protocol in protocols))
    seconds = time.perf_counter() - started
    times = sorted(took for took, _ in results)
    statuses: dict[str, int] = {}
    for _, status in results:
        statuses[str(status)] = statuses.get(str(status), 0) + 1
    return {
        "per_second": len(results) / seconds,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
        "statuses": statuses,
    }


def main() -> None:
    """``python -m bench.load PORT FILE CONNECTIONS``: FILE holds requests, each after its length (8 hex digits)."""
    port, path, connections = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    content, requests, at = path.read_bytes(), [], 0
    while at < len(content):
        length = int(content[at : at + 8], 16)
        requests.append(content[at + 8 : at + 8 + length])
        at += 8 + length
    print(json.dumps(asyncio.run(run(port, requests, connections))))


if __name__ == "__main__":
    main()
