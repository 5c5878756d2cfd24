"""The clients of a channel: a connection for each that is busy, kept while it works."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import pytest

from xinqiao_gateway.delivery.clients import Clients


@dataclass
class Partner:
    """Answers each request once ``go_on`` is set, and remembers by which connection it came."""

    go_on: asyncio.Event
    url: str = ""
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        number = len(self.connections)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(number)
                await self.go_on.wait()
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    found = Partner(asyncio.Event())
    found.go_on.set()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    yield found
    server.close()
    await server.wait_closed()


@pytest.fixture
async def clients(partner: Partner) -> AsyncIterator[Clients]:
    found = Clients(2.0)
    yield found
    await found.close()


async def exchange(clients: Clients, partner: Partner) -> None:
    async with clients.lent() as client:
        assert (await client.get(partner.url)).status_code == 204


async def asked(partner: Partner, count: int) -> None:
    async with asyncio.timeout(10):
        while len(partner.asked) < count:
            await asyncio.sleep(0.01)


async def test_one_after_the_other_share_a_connection(clients: Clients, partner: Partner) -> None:
    for _ in range(3):
        await exchange(clients, partner)
    assert partner.asked == [1, 1, 1]


async def test_each_that_is_busy_has_a_connection_of_its_own(clients: Clients, partner: Partner) -> None:
    partner.go_on.clear()
    both = [asyncio.create_task(exchange(clients, partner)) for _ in range(2)]
    await asked(partner, 2)
    partner.go_on.set()
    await asyncio.gather(*both)
    await exchange(clients, partner)
    assert sorted(partner.asked[:2]) == [1, 2]
    assert len(partner.connections) == 2


async def test_one_that_was_cut_off_is_not_lent_again(clients: Clients, partner: Partner) -> None:
    partner.go_on.clear()
    cut = asyncio.create_task(exchange(clients, partner))
    await asked(partner, 1)
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut
    partner.go_on.set()
    await exchange(clients, partner)
    assert partner.asked == [1, 2]


async def test_those_that_a_burst_has_left_over_are_closed_once_they_are_unused_for_long() -> None:
    clients = Clients(2.0, keep_alive=0.0)
    async with clients.lent() as first, clients.lent() as second:
        assert first is not second
    async with clients.lent() as third:
        assert (first.is_closed, second.is_closed, third.is_closed) == (True, True, False)
    await clients.close()


async def test_those_that_a_burst_has_left_over_are_kept_for_a_while(clients: Clients) -> None:
    async with clients.lent() as first, clients.lent() as second:
        pass
    async with clients.lent() as again:
        assert again is first
    assert not second.is_closed


async def test_what_did_not_connect_is_not_what_took_too_long() -> None:
    clients = Clients(2.0)
    async with clients.lent() as client:
        assert client.timeout == httpx.Timeout(2.0, connect=1.0)
    await clients.close()
    assert client.is_closed
