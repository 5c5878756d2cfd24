"""A load generator: sends prepared HTTP requests over keep-alive connections and notes how long each took.

Closed loop: each connection sends its next request once it has the answer to the one before. Open loop: requests are
due at fixed times, whatever the answers do, and a latency counts from when its request was due: what waits because
the server is slow is seen, and not left out. A process of its own, so that it shares no interpreter with what it
measures.
"""

import asyncio
import json
import struct
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["run", "write_requests"]

_LENGTH = struct.Struct(">I")


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    """Write the file that ``python -m bench.load`` reads: each request after its length (4 bytes)."""
    with path.open("wb") as file:
        file.writelines(_LENGTH.pack(len(each)) + each for each in requests)


def read_requests(path: Path) -> Iterator[bytes]:
    """Yield what ``write_requests`` wrote."""
    content, at = path.read_bytes(), 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size + length
        yield content[at - length : at]


class _Load:
    """Hands out requests, keeps idle connections, collects latencies (seconds) and statuses."""

    def __init__(self, requests: Sequence[bytes], until: float) -> None:
        self.requests, self.until = requests, until
        self.taken = 0
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        # The one that rested longest is next: none rests until the server closes it.
        self.idle: deque[_Connection] = deque()
        self.due: deque[float] = deque()
        self.is_open = False

    def free(self, connection: "_Connection") -> None:
        """Give a connection its next request, or let it rest."""
        now = time.perf_counter()
        if self.is_open:
            if self.due:
                connection.send(self.take(), self.due.popleft())
            else:
                self.idle.append(connection)
        elif now < self.until and self.taken < len(self.requests):
            connection.send(self.take(), now)
        else:
            connection.end()

    def take(self) -> bytes:
        """Return the next request."""
        self.taken += 1
        return self.requests[self.taken - 1]

    def answered(self, connection: "_Connection", status: int, seconds: float) -> None:
        """Note an answer; the connection is free."""
        self.latencies.append(seconds)
        self.statuses[status] += 1
        self.free(connection)

    async def keep_to_schedule(self, rate: float) -> None:
        """Make requests due at fixed times until the end of the requests or of the time."""
        started = time.perf_counter()
        total = min(len(self.requests), int((self.until - started) * rate))
        for number in range(total):
            due = started + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            if self.idle:
                self.idle.popleft().send(self.take(), due)
            else:
                self.due.append(due)
        while len(self.latencies) < total:
            await asyncio.sleep(0.01)


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection with one request under way at a time; reads only what it must."""

    def __init__(self, load: _Load) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._load = load
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at a time of ``time.perf_counter``."""
        self._due = due
        self._transport.write(request)

    def end(self) -> None:
        """Close; nothing more is sent."""
        self._transport.close()
        self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._buffer = b""
        self._load.answered(self, int(head.split(b" ", 2)[1]), time.perf_counter() - self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))


async def run(port: int, requests: Sequence[bytes], connections: int, seconds: float, rate: float) -> dict[str, Any]:
    """Send requests for so many seconds, or until there are no more; ``rate`` (1/s) 0 is a closed loop.

    Returns throughput (1/s), p50, p99 and p99.9 (ms), how many were answered, and statuses.
    """
    loop = asyncio.get_running_loop()
    load = _Load(requests, 0.0)
    opened = [await loop.create_connection(lambda: _Connection(load), "127.0.0.1", port) for _ in range(connections)]
    protocols = [protocol for _, protocol in opened]
    started = time.perf_counter()
    load.until, load.is_open = started + seconds, rate > 0
    for protocol in protocols:
        load.free(protocol)
    if rate > 0:
        schedule = asyncio.ensure_future(load.keep_to_schedule(rate))
        # A connection that is lost ends the run: its answer will not come.
        await asyncio.wait([schedule, *(each.done for each in protocols)], return_when=asyncio.FIRST_COMPLETED)
        lost = next((each.done for each in protocols if each.done.done()), schedule)
        await lost
    else:
        await asyncio.gather(*(each.done for each in protocols))
    return _summary(load, time.perf_counter() - started)


def _summary(load: _Load, seconds: float) -> dict[str, Any]:
    times = sorted(load.latencies)
    parts = {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999}
    return {
        "per_second": len(times) / seconds,
        "answered": len(times),
        **{name: times[int(len(times) * part)] * 1000 for name, part in parts.items()},
        "statuses": {str(status): count for status, count in load.statuses.items()},
    }


def main() -> None:
    """``python -m bench.load PORT FILE CONNECTIONS SECONDS RATE``: print the figures as JSON."""
    port, path, connections, seconds, rate = sys.argv[1:]
    requests = list(read_requests(Path(path)))
    print(json.dumps(asyncio.run(run(int(port), requests, int(connections), float(seconds), float(rate)))))


if __name__ == "__main__":
    main()
