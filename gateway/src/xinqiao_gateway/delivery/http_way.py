"""The way out over HTTP: a POST for each message."""

import asyncio

import httpx

from xinqiao_adapters.security.sealer import Outgoing
from xinqiao_gateway.channels import Push
from xinqiao_gateway.delivery.clients import Clients
from xinqiao_gateway.delivery.way import Exchange
from xinqiao_gateway.telemetry.traces import handed_on

__all__ = ["HttpWay"]

_LONGEST_REPLY = 1_048_576
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


class HttpWay:
    """Posts to one address."""

    def __init__(self, push: Push) -> None:
        self._push = push
        self._clients = Clients(push.timeout)

    async def send(self, outgoing: Outgoing) -> Exchange:
        """Post, follow no redirect, read a bounded answer within the time limit.

        A compressed answer is not read: a few bytes may stand for gigabytes.
        """
        headers = {"Content-Type": outgoing.content_type, **handed_on(outgoing.headers), "Accept-Encoding": "identity"}
        try:
            async with (
                asyncio.timeout(self._push.timeout),
                self._clients.lent() as client,
                client.stream("POST", self._push.url, content=outgoing.content, headers=headers) as response,
            ):
                if "Content-Encoding" in response.headers:
                    return Exchange(fault="the answer is compressed")
                content = bytearray()
                async for chunk in response.aiter_raw():
                    content += chunk
                    if len(content) > _LONGEST_REPLY:
                        return Exchange(fault="the answer is longer than 1 MiB")
                return Exchange(response.status_code, response.headers, bytes(content))
        except _NOT_SENT as error:
            return Exchange(fault=type(error).__name__, sent=False)
        except (httpx.RequestError, TimeoutError) as error:
            return Exchange(fault=type(error).__name__)

    async def close(self) -> None:
        """Close the connections that are not in use."""
        await self._clients.close()
