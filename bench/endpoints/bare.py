"""The limit: an ASGI application without a framework that keeps bodies, as bytes, in one transaction a batch.

Nothing is read, verified, checked, encrypted or proved. SQLite with WAL and synchronous=FULL, as the gateway's. With
``BARE_KEY`` (a public JWK's file) it verifies each signature, reads the message strictly and checks schema and rules:
no gateway that does can be faster in one process.
"""

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.finding import errors_in
from xinqiao.message import read_json
from xinqiao.seal import SIGNATURE_HEADER, KeyRing, Sealed, open_seal, read_verifying_key
from xinqiao.validation import check

Event = MutableMapping[str, Any]
_LARGEST_BATCH = 256

_waiting: queue.SimpleQueue[tuple[bytes, asyncio.Future[int]]] = queue.SimpleQueue()


async def app(scope: Event, receive: Callable[[], Awaitable[Event]], send: Callable[[Event], Awaitable[None]]) -> None:
    """Serve one request: 202 and the row's number once it is durable."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    chunks, more = [], True
    while more:
        event = await receive()
        chunks.append(event.get("body", b""))
        more = event.get("more_body", False)
    content = b"".join(chunks)
    if "BARE_KEY" in os.environ and scope["method"] == "POST":
        _check(dict(scope["headers"]), content)
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    _waiting.put((content, future))
    answer = b'{"id":%d}' % await future
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def _check(headers: dict[bytes, bytes], content: bytes) -> None:
    signature = headers[SIGNATURE_HEADER.lower().encode()].decode()
    open_seal(Sealed(content, headers[b"content-type"].decode(), signature), _keys())
    if errors_in(check(read_json(content))):
        raise ValueError("the message is not valid")


@cache
def _keys() -> KeyRing:
    return KeyRing([read_verifying_key(Path(os.environ["BARE_KEY"]))])


async def _live(receive: Callable[[], Awaitable[Event]], send: Callable[[Event], Awaitable[None]]) -> None:
    await receive()
    threading.Thread(target=_write, args=(os.environ["BARE_DATABASE"],), daemon=True).start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def _write(path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
        connection.execute(statement)
    connection.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, content BLOB NOT NULL)")
    number = 0
    while True:
        batch = [_waiting.get()]
        while len(batch) < _LARGEST_BATCH and not _waiting.empty():
            batch.append(_waiting.get())
        connection.execute("BEGIN IMMEDIATE")
        rows = [(number + index, content) for index, (content, _) in enumerate(batch, 1)]
        connection.executemany("INSERT INTO messages VALUES (?, ?)", rows)
        connection.execute("COMMIT")
        futures = [future for _, future in batch]
        futures[0].get_loop().call_soon_threadsafe(_resolve, futures, number + 1)
        number += len(batch)


def _resolve(futures: list[asyncio.Future[int]], first: int) -> None:
    for number, future in enumerate(futures, first):
        if not future.done():
            future.set_result(number)
