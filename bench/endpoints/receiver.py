"""A receiver that keeps to the standard, as an ASGI application without a framework; it notes when each id arrived.

``GET`` answers what arrived: a JSON object of message ids and Unix times (s). Any ``POST`` is a pushed message.
"""

import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import orjson

from bench.endpoints.requests import TRUST
from xinqiao.message import Json
from xinqiao.receiver import MemorySeen, Receiver
from xinqiao.seal import SIGNATURE_HEADER, KeyRing, read_verifying_key

Event = MutableMapping[str, Any]

_arrivals: dict[str, float] = {}


def _note(message: Json) -> None:
    _arrivals[message["header"]["messageId"]] = time.time()


_receiver = Receiver(
    KeyRing(
        [read_verifying_key(Path(os.environ["RECEIVER_KEY"]))],
    ),
    _note,
    MemorySeen(),
    institution=TRUST,
)


async def app(scope: Event, receive: Callable[[], Awaitable[Event]], send: Callable[[Event], Awaitable[None]]) -> None:
    """Serve one request."""
    if scope["type"] == "lifespan":
        return
    if scope["method"] == "GET":
        await _answer(send, 200, orjson.dumps(_arrivals))
        return
    chunks, more = [], True
    while more:
        event = await receive()
        chunks.append(event.get("body", b""))
        more = event.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    signature = headers.get(SIGNATURE_HEADER.lower(), "")
    status, content = _receiver.receive(b"".join(chunks), headers.get("content-type", ""), signature)
    await _answer(send, status, content)


async def _answer(send: Callable[[Event], Awaitable[None]], status: int, content: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
