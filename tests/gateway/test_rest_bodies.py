"""Bodies before they are known to be anybody's: an operator's, a document's, and pages of what waits."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.types import Message

from tests.gateway.conftest import BANK, CORE, PARTNER, TRUST, Site, message
from xinqiao.message import Json
from xinqiao.seal import access_token, new_key, write_key
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

_PIECE = b"x" * 65_536


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    key = new_key("partner-1")
    write_key(key.public(), tmp_path / "partner.pub.jwk")
    for channel, institution in (("partner", PARTNER), ("core", CORE)):
        keys = [tmp_path / "partner.pub.jwk"]
        add_channel(tmp_path / "data", channel, extends="canonical", keys=keys, institution=institution)
    (tmp_path / "data" / "gateway.yaml").write_text("concurrency: 2\nbody_timeout: 0.05\n")
    return Gateway(open_installation(tmp_path / "data"))


class Endless:
    """A body that does not end; ``taken`` is how much of it was read."""

    def __init__(self) -> None:
        self.taken = 0

    async def __call__(self) -> Message:
        self.taken += len(_PIECE)
        return {"type": "http.request", "body": _PIECE, "more_body": True}


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def answered(gateway: Gateway, path: str, headers: dict[str, str], receive: Any, method: str = "POST") -> str:
    """Return the reason with which a request is refused."""
    sent: list[Message] = []

    async def send(event: Message) -> None:
        sent.append(event)

    given = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "root_path": "",
             "query_string": b"", "headers": given, "scheme": "http", "http_version": "1.1", "server": ("a", 1),
             "client": ("b", 2)}  # fmt: skip
    await asyncio.wait_for(build_app(gateway)(scope, receive, send), 10)
    reason: str = orjson.loads(b"".join(each.get("body", b"") for each in sent))["rejection"]["reason"]
    return reason


@pytest.fixture
def admin(gateway: Gateway) -> Iterator[dict[str, str]]:
    yield {"Authorization": f"Bearer {gateway.installation.admin_token}"}
    gateway.journal.close()


@pytest.mark.parametrize("path", ["/v1/proposals", "/v1/deliveries/replay", "/v1/exceptions/1/proposals"])
async def test_nothing_is_read_of_a_stranger(gateway: Gateway, admin: dict[str, str], path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": admin["Authorization"][:-1] + "!"}):
        body = Endless()
        assert (await answered(gateway, path, headers, body), body.taken) == ("not_authorized", 0)


async def test_an_operators_body_has_a_largest_size(gateway: Gateway, admin: dict[str, str]) -> None:
    body = Endless()
    assert await answered(gateway, "/v1/proposals", admin, body) == "body_too_large"
    assert body.taken <= 2 * 1024 * 1024 + len(_PIECE)
    body = Endless()
    announced = admin | {"Content-Length": "2097153"}
    assert (await answered(gateway, "/v1/proposals", announced, body), body.taken) == ("body_too_large", 0)


async def test_an_operators_body_has_a_time_to_arrive(gateway: Gateway, admin: dict[str, str]) -> None:
    assert await answered(gateway, "/v1/proposals", admin, _never) == "slow_body"


async def test_a_signed_document_takes_a_place_of_its_channel_while_it_is_read(
    gateway: Gateway, admin: dict[str, str]
) -> None:
    path, headers = f"/v1/channels/partner/documents/{'a' * 64}", {"Xinqiao-Signature": "x"}
    waiting = [asyncio.create_task(answered(gateway, path, headers, _never, "PUT")) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    body = Endless()
    assert (await answered(gateway, path, headers, body, "PUT"), body.taken) == ("rate_limited", 0)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    body = Endless()
    announced = headers | {"Content-Length": str(10 << 20)}
    assert (await answered(gateway, path, announced, body, "PUT"), body.taken) == ("body_too_large", 0)


def _page(site: Site, after: int = 0) -> Json:
    path = "/v1/channels/core/messages"
    token = {"Authorization": f"Bearer {access_token(site.key, path)}"}
    answer = site.http.get(f"{path}?after={after}", headers=token)
    answer.raise_for_status()
    page: Json = orjson.loads(answer.content)
    return page


def _ids(page: Json) -> list[str]:
    return [orjson.loads(base64.b64decode(each["content"]))["header"]["messageId"] for each in page["messages"]]


def test_a_fault_of_an_adapter_makes_one_dead_letter_and_stops_no_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (message("kycApplication", case, sender=BANK, receiver=TRUST) for case in ("A", "B"))
    for each in (bad, good):
        assert site.send("partner", each).status_code == 202
    encode = ServedChannel.encode

    def faulty(self: ServedChannel, found: Json, original: bytes | None) -> Any:
        if found["header"]["messageId"] == bad["header"]["messageId"]:
            raise KeyError("a fault of the adapter")
        return encode(self, found, original)

    monkeypatch.setattr(ServedChannel, "encode", faulty)
    assert _ids(_page(site)) == [good["header"]["messageId"]]
    assert [each["state"] for each in site.admin("/v1/deliveries?state=dead")] == ["dead"]


def test_a_page_ends_where_it_is_large_enough_and_goes_on_from_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xinqiao_gateway.fronts.rest.exchange._LARGEST_CONTENT", 1)
    sent = [message("kycApplication", case) for case in ("A", "B")]
    for each in sent:
        assert site.send("partner", each).status_code == 202
    first = _page(site)
    second = _page(site, int(first["cursor"]))
    assert [_ids(first), _ids(second)] == [[each["header"]["messageId"]] for each in sent]
