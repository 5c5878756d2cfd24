"""A gateway in a folder: a partner bank and a core that speak the standard, and the shipped demo bank."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import orjson
import pytest
from starlette.testclient import TestClient

from xinqiao.message import Json, new_message_id, timestamp, write_json
from xinqiao.seal import SIGNATURE_HEADER, SigningKey, new_key, seal, write_key
from xinqiao.testing import example
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

BANK, TRUST = "91110000100000000R", "913100001000100012"
PARTNER = {"name": "合作银行", "type": "bank", "code": BANK}
CORE = {"name": "信托核心", "type": "trust-company", "code": TRUST}


@dataclass(frozen=True)
class Site:
    """A gateway over HTTP, with the key that all its channels trust."""

    data: Path
    key: SigningKey
    http: TestClient

    def post(
        self,
        channel: str,
        content: bytes,
        content_type: str = "application/json",
        *,
        key: SigningKey | None = None,
        signature: str | None = None,
    ) -> httpx.Response:
        if signature is None:
            signature = seal(content, content_type, key or self.key).signature
        headers = {"Content-Type": content_type} | ({SIGNATURE_HEADER: signature} if signature else {})
        return self.http.post(f"/v1/channels/{channel}/messages", content=content, headers=headers)

    def send(self, channel: str, message: Json) -> httpx.Response:
        return self.post(channel, write_json(message))

    def admin(self, path: str, method: str = "GET") -> Any:
        token = (self.data / "admin.token").read_text()
        response = self.http.request(method, path, headers={"Authorization": f"Bearer {token}"})
        response.raise_for_status()
        return orjson.loads(response.content)


def message(body: str, case_id: str | None = "CASE-1", *, sender: str = BANK, receiver: str = TRUST) -> Json:
    """Return a valid example with ids of its own."""
    found = example(body, messageId=new_message_id(), createdAt=timestamp(), sender=sender, receiver=receiver)
    header = {name: part for name, part in found["header"].items() if name not in {"caseId", "channelId", "test"}}
    return {**found, "header": header | ({"caseId": case_id} if case_id else {})}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    key = new_key("partner-1")
    public = tmp_path / "partner.pub.jwk"
    write_key(key.public(), public)
    data = tmp_path / "data"
    add_channel(data, "partner", extends="canonical", keys=[public], institution=PARTNER)
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE)
    add_channel(data, "sandbox", extends="canonical", keys=[public], institution=PARTNER, test=True)
    with TestClient(build_app(Gateway(open_installation(data)))) as http:
        yield Site(data, key, http)
