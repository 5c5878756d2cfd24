"""Does acceptance cost more with a million messages in the journal? An empty gateway and a full one, interleaved."""

import asyncio
import hashlib
import shutil
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.endpoints.contenders import Place, serve_gateway
from bench.endpoints.requests import kyc, signed
from bench.endpoints.rounds import send
from xinqiao.adapter import Decoded
from xinqiao.message import Header, content_digest, message_type, write_json
from xinqiao.seal import new_key, read_signing_key, write_key
from xinqiao_gateway import journal
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.journal import Entry, Submission

__all__ = ["measure_backlog"]

_CACHE = Path("build/bench")
_AT_ONCE = 1000
_CONNECTIONS = 32


def measure_backlog(folder: Path, count: int, rounds: int, seconds: float, requests: int) -> dict[str, Any]:
    """Return the microseconds that a message costs in each round, empty and full, and the ratio of the medians.

    The full journal stays in ``build/bench`` for the next run; what a run adds to it stays, too.
    """
    full = _filled(count)
    empty = replace(full, folder=folder)
    costs: dict[str, list[float]] = {"empty": [], "full": []}
    with serve_gateway(empty) as empty_port, serve_gateway(full) as full_port:
        for number in range(rounds + 1):
            for name, port in (("empty", empty_port), ("full", full_port)):
                sent = [signed(full.key) for _ in range(requests)]
                result = send(folder, port, sent, _CONNECTIONS, seconds)
                if number:  # the first round warms: of a file of 8 GB little is in memory
                    costs[name].append(1e6 / result["per_second"])
    ratio = statistics.median(costs["full"]) / statistics.median(costs["empty"])
    return {"messages": count, "cost_us": costs, "ratio": ratio}


def _filled(count: int) -> Place:
    """Return where a journal of so many messages is, and fill it where no run of this schema has."""
    folder = _CACHE / f"journal-{count}-{_schema()}"
    key_file = folder / "bench.jwk"
    if key_file.exists():
        return Place(folder, read_signing_key(key_file), "")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = Place(folder, new_key("bench-1"), "")
    with serve_gateway(place):
        pass
    asyncio.run(_fill(folder / "gateway", count))
    write_key(place.key, key_file)  # last: it says that the journal is full
    return place


def _schema() -> str:
    """Return a digest of the journal's migrations."""
    files = sorted((Path(journal.__file__).parent / "migrations/versions").glob("*.py"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()[:12]


async def _fill(data: Path, count: int) -> None:
    gateway = Gateway(open_installation(data))
    try:
        for start in range(0, count, _AT_ONCE):
            await gateway.journal.submit(_submission(gateway, min(_AT_ONCE, count - start)))
    finally:
        gateway.journal.close()


def _submission(gateway: Gateway, count: int) -> Submission:
    """Return so many messages as one input; its own bytes are as many as those of the messages."""
    contents = [kyc() for _ in range(count)]
    entries = tuple(_entry(gateway, each) for each in contents)
    return Submission(entries, b"[" + b",".join(contents) + b"]", "application/json", "", atomic=False)


def _entry(gateway: Gateway, content: bytes) -> Entry:
    channel = gateway.channels.find("bench")
    (decoded,) = channel.adapter.decode(content, "application/json")
    assert isinstance(decoded, Decoded)
    header, kind = Header.of(decoded.message), message_type(decoded.message)
    return Entry(
        header=header,
        message_type=kind,
        message=decoded.message,
        channel=channel.channel_id,
        interface=decoded.interface,
        key=decoded.key,
        digest=content_digest(decoded.message),
        canonical=write_json(decoded.message),
        destinations=gateway.channels.route(header, kind),
    )
