"""Through a real gateway: a month's messages in large inputs, read back where they arrive; nothing is lost or changed.

``--records 351264`` is the full size of a real platform.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

import pytest

from tests.value import prepaid_ledgers, trading_ledgers
from tests.value.making import PARTNER, TRUST
from tests.value.prepaid_month import REGULATOR, PrepaidMonth
from tests.value.trading_month import TradingMonth
from xinqiao.message import Json, write_json
from xinqiao.seal import SigningKey, new_key, seal, write_key
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation
from xinqiao_gateway.intake import Raw
from xinqiao_gateway.journal import Accepted

LINES = "application/x-ndjson"
CHANNELS = {"platform": (PARTNER, "platform"), "core": (TRUST, "trust-company"), "regulator": (REGULATOR, "platform")}
# As many messages as one input takes.
LIMIT = 1000
RECORDS = 500


@pytest.fixture
def key() -> SigningKey:
    return new_key("value")


@pytest.fixture
async def gateway(tmp_path: Path, key: SigningKey) -> AsyncIterator[Gateway]:
    public = tmp_path / "value.pub.jwk"
    write_key(key.public(), public)
    for channel, (code, kind) in CHANNELS.items():
        institution = {"name": channel, "type": kind, "code": code}
        add_channel(tmp_path / "data", channel, extends="canonical", keys=[public], institution=institution)
    made = Gateway(open_installation(tmp_path / "data"))
    yield made
    made.journal.close()


@pytest.fixture
def records(request: pytest.FixtureRequest) -> int:
    """How many records of prepaid use pass the gateway."""
    return int(request.config.getoption("--records", default=RECORDS))


def inputs(messages: Iterable[Json]) -> Iterator[tuple[str, list[Json]]]:
    """Yield each day's messages of each channel, at most as many as one input takes."""
    channels = {code: channel for channel, (code, _) in CHANNELS.items()}
    order = list(CHANNELS)

    def place(message: Json) -> tuple[str, int]:
        return message["header"]["businessDate"], order.index(channels[message["header"]["sender"]])

    for (_, number), found in groupby(sorted(messages, key=place), key=place):
        held = list(found)
        for start in range(0, len(held), LIMIT):
            yield order[number], held[start : start + LIMIT]


async def submit(gateway: Gateway, key: SigningKey, messages: Iterable[Json]) -> None:
    for channel, batch in inputs(messages):
        content = b"\n".join(map(write_json, batch))
        raw = Raw(channel, content, LINES, seal(content, LINES, key).signature)
        acceptance = await gateway.intake.accept(raw)
        assert [each for each in acceptance.outcomes if not isinstance(each, Accepted)] == []


async def received(gateway: Gateway) -> list[Json]:
    """Return what all channels get, in the order in which it was made."""
    found: list[Json] = []
    for channel in CHANNELS:
        cursor = 0
        while page := await gateway.journal.waiting(channel, cursor, LIMIT):
            found += [each.message for each in page]
            cursor = page[-1].cursor
    return sorted(found, key=lambda each: str(each["header"]["createdAt"]))


async def _carried(
    gateway: Gateway, key: SigningKey, messages: list[Json], audit: Callable[[Iterable[Json]], list[str]]
) -> None:
    """Carry a month through the gateway; what arrives is what was sent, and both ledgers agree on it."""
    started = time.perf_counter()
    await submit(gateway, key, messages)
    accepted = time.perf_counter()
    arrived = await received(gateway)
    read = time.perf_counter()
    assert arrived == messages
    assert audit(arrived) == []
    rate = len(messages) / (accepted - started)
    audited = time.perf_counter() - read
    print(f"{len(messages)} messages: accepted {accepted - started:.1f} s ({rate:.0f}/s), ", end="")
    print(f"read back {read - accepted:.1f} s, audited {audited:.1f} s")


async def test_a_month_of_trading_arrives_to_the_last_unit(gateway: Gateway, key: SigningKey) -> None:
    await _carried(gateway, key, TradingMonth(3).messages(), trading_ledgers.audit)


async def test_a_month_of_prepaid_money_arrives_to_the_last_fen(
    gateway: Gateway, key: SigningKey, records: int
) -> None:
    await _carried(gateway, key, PrepaidMonth(records).messages(), prepaid_ledgers.audit)


async def test_what_is_sent_twice_arrives_once(gateway: Gateway, key: SigningKey) -> None:
    messages = PrepaidMonth(60).messages()
    for _ in range(2):
        await submit(gateway, key, messages)
    assert await received(gateway) == messages
