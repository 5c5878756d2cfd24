"""Documents over HTTP: who may put them, who may get them, and what a stranger learns."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import orjson
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from tests.gateway.conftest import BANK, CORE, PARTNER, TRUST, Site, message
from tests.gateway.storing import CHUNK, PDF, blob, documents_in, files, pdf, put, sha256, sm3
from xinqiao.message import Json
from xinqiao.seal import SIGNATURE_HEADER, access_token, new_key, seal, write_key
from xinqiao_gateway.documents import DocumentDigest, Documents
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.fronts.rest.documents import DOCUMENT_PATH, Document
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation

INSURER = {"name": "示例保险", "type": "insurer", "code": "91110000100000002N"}
CONTENT = pdf(2 * CHUNK + 10)


@dataclass(frozen=True)
class Desk(Site):
    """A gateway with its documents."""

    gateway: Gateway
    documents: Documents
    folder: Path

    def ask(
        self, method: str, channel: str, digest: DocumentDigest | str, content: Any = None, **given: Any
    ) -> httpx.Response:
        path = f"/v1/channels/{channel}/documents/{digest}"
        at = given.pop("at", None)
        headers = {"Authorization": f"Bearer {access_token(given.pop('key', self.key), path, at)}"}
        headers |= {"Content-Type": given.pop("media_type", PDF)} if content is not None else {}
        return self.http.request(method, path, content=content, headers=headers | given.pop("headers", {}), **given)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    key = new_key("partner-1")
    public = tmp_path / "partner.pub.jwk"
    write_key(key.public(), public)
    data = tmp_path / "data"
    for channel, institution in (("partner", PARTNER), ("core", CORE)):
        add_channel(data, channel, extends="canonical", keys=[public], institution=institution)
    gateway = Gateway(open_installation(data))
    folder = tmp_path / "store"
    documents = documents_in(folder, largest={PDF: 10 * CHUNK})
    app = build_app(gateway)
    app.router.routes.insert(0, Route(DOCUMENT_PATH, Document(gateway, documents), methods=["PUT", "GET"]))
    with TestClient(app, raise_server_exceptions=False) as http:
        yield Desk(data, key, http, gateway, documents, folder)


def reason(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, orjson.loads(response.content)["rejection"]["reason"]


def referring(digest: DocumentDigest, **parties: str) -> Json:
    """Return a message whose first file is a document."""
    found = message("kycApplication", **parties)
    image = found["kycApplication"]["applicant"]["documents"][0]["image"]
    image["digest"] = {"algorithm": digest.algorithm, "value": digest.value}
    return found


def test_a_document_is_put_once_and_comes_back_to_whom_it_belongs(desk: Desk) -> None:
    digest = sha256(CONTENT)
    described = {"sha256": digest.value, "sm3": sm3(CONTENT).value, "mediaType": PDF, "size": str(len(CONTENT))}
    for status in (201, 200):
        answer = desk.ask("PUT", "partner", digest, CONTENT)
        assert (answer.status_code, orjson.loads(answer.content)) == (status, described)
    for name in (digest.value, str(digest), str(sm3(CONTENT))):
        got = desk.ask("GET", "partner", name)
        assert (got.status_code, got.content) == (200, CONTENT)
    head = desk.ask("HEAD", "partner", digest)
    wanted = {
        "content-type": PDF,
        "content-length": str(len(CONTENT)),
        "repr-digest": f"sha-256=:{base64.b64encode(bytes.fromhex(digest.value)).decode()}:",
        "content-disposition": "attachment",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }
    assert (head.status_code, head.content, dict(head.headers)) == (200, b"", wanted)


def test_a_document_by_sm3_is_put_like_any_other(desk: Desk) -> None:
    assert desk.ask("PUT", "partner", sm3(CONTENT), CONTENT).status_code == 201
    assert desk.ask("GET", "partner", sha256(CONTENT)).content == CONTENT


def test_a_small_document_may_be_sealed_like_a_message(desk: Desk) -> None:
    content = pdf(1000)
    path = f"/v1/channels/partner/documents/{sha256(content)}"
    headers = {"Content-Type": PDF, SIGNATURE_HEADER: seal(content, PDF, desk.key).signature}
    assert desk.http.put(path, content=content, headers=headers).status_code == 201
    assert reason(desk.http.put(path, content=pdf(999), headers=headers)) == (401, "signature_invalid")
    large = pdf(1_048_577)
    assert reason(desk.http.put(path, content=large, headers=headers)) == (413, "body_too_large")


def test_without_a_token_for_this_very_path_nothing_is_done(desk: Desk) -> None:
    digest, stranger = sha256(CONTENT), new_key("partner-1")
    old = datetime.now(UTC) - timedelta(minutes=10)
    for given in ({"key": stranger}, {"at": old}, {"headers": {"Authorization": ""}}):
        for method, content in (("PUT", CONTENT), ("GET", None), ("HEAD", None)):
            assert desk.ask(method, "partner", digest, content, **given).status_code == 401
    other = access_token(desk.key, f"/v1/channels/partner/documents/{sm3(CONTENT)}")
    answer = desk.ask("PUT", "partner", digest, CONTENT, headers={"Authorization": f"Bearer {other}"})
    assert reason(answer) == (401, "not_authorized")
    assert files(desk.folder) == []


def test_what_is_not_what_it_says_is_refused_with_its_reason(desk: Desk) -> None:
    cases = [
        (sha256(CONTENT), b"another", PDF), (sha256(b"GIF89a"), b"GIF89a", PDF),
        (sha256(CONTENT), CONTENT, "text/html"), (sha256(CONTENT), CONTENT, ""),
        (sha256(pdf(11 * CHUNK)), pdf(11 * CHUNK), PDF),
    ]  # fmt: skip
    for digest, content, media_type in cases:
        answer = desk.ask("PUT", "partner", digest, content, media_type=media_type)
        assert reason(answer) == (422, "document_refused")
    assert reason(desk.ask("PUT", "partner", "md5:1", CONTENT)) == (400, "malformed_query")
    assert reason(desk.ask("PUT", "nobody", sha256(CONTENT), CONTENT)) == (404, "unknown_channel")
    assert files(desk.folder) == []


def test_who_a_message_with_the_document_reaches_may_read_it(desk: Desk) -> None:
    desk.ask("PUT", "partner", sha256(CONTENT), CONTENT)
    sent = referring(sha256(CONTENT))
    assert desk.send("partner", sent).status_code == 202
    message_id = sent["header"]["messageId"]
    assert reason(desk.ask("GET", "core", sha256(CONTENT))) == (404, "not_found")
    for digest in (sm3(CONTENT), sha256(CONTENT)):
        got = desk.ask("GET", "core", digest, params={"message": message_id})
        assert (got.status_code, got.content) == (200, CONTENT)
    assert desk.ask("GET", "core", sha256(CONTENT)).content == CONTENT
    assert desk.documents.holders(sha256(CONTENT)) == ["core", "partner"]


def test_a_message_that_waits_for_a_person_lets_nobody_in(desk: Desk) -> None:
    desk.ask("PUT", "partner", sha256(CONTENT), CONTENT)
    desk.send("partner", message("kycApplication"))
    parked = message("contractSealed")
    parked["contractSealed"]["documents"][0]["digest"]["value"] = sha256(CONTENT).value
    assert desk.send("partner", parked).status_code == 202
    message_id = parked["header"]["messageId"]
    (delivery,) = desk.gateway.journal.reading.message(message_id)["deliveries"]
    assert delivery["state"] == "parked"
    assert reason(desk.ask("GET", "core", sha256(CONTENT), params={"message": message_id})) == (404, "not_found")


def test_a_stranger_learns_nothing(desk: Desk) -> None:
    """The answer for a document of somebody else is, but for its own id and time, that for none."""
    there, absent = sha256(CONTENT), sha256(b"absent")
    desk.ask("PUT", "partner", there, CONTENT)
    other = referring(absent)
    own = referring(there, sender=TRUST, receiver=TRUST)
    by_core = [referring(digest, sender=TRUST, receiver=BANK) for digest in (there, absent)]
    assert desk.send("partner", other).status_code == 202
    for each in (own, *by_core):
        desk.send("core", each)
    ids = [each["header"]["messageId"] for each in (other, own, *by_core)]

    def seen(digest: DocumentDigest, message_id: str | None) -> Json:
        answer = desk.ask("GET", "core", digest, params={"message": message_id} if message_id else {})
        body = orjson.loads(answer.content)["rejection"]
        return {"status": answer.status_code, "body": {each: body[each] for each in body if each != "rejectedAt"}}

    assert all(seen(there, each) == seen(absent, each) for each in (None, *ids, "unknown", "x" * 100))
    assert {seen(there, each)["status"] for each in (None, *ids)} == {404}
    assert desk.ask("PUT", "core", there, CONTENT).status_code == 201


def test_a_reference_gives_nothing_that_its_sender_does_not_have(desk: Desk) -> None:
    """The bank writes about a document of the core that it does not have; the core has it, the bank still not."""
    put(desk.documents, CONTENT, channel="insurer")
    sent = referring(sha256(CONTENT))
    assert desk.send("partner", sent).status_code == 202
    wanted = {"message": sent["header"]["messageId"]}
    assert reason(desk.ask("GET", "core", sha256(CONTENT), params=wanted)) == (404, "not_found")


def test_a_removed_document_is_gone_for_who_had_it_and_unknown_to_all_others(desk: Desk) -> None:
    desk.ask("PUT", "partner", sha256(CONTENT), CONTENT)
    desk.documents.remove(sha256(CONTENT), by="li.na", reason="a reason")
    assert reason(desk.ask("GET", "partner", sha256(CONTENT))) == (410, "content_gone")
    assert reason(desk.ask("PUT", "partner", sha256(CONTENT), CONTENT)) == (410, "content_gone")
    assert reason(desk.ask("GET", "core", sha256(CONTENT))) == (404, "not_found")


def test_a_damaged_header_is_a_fault_of_this_side_without_details(desk: Desk) -> None:
    desk.ask("PUT", "partner", sha256(CONTENT), CONTENT)
    path = blob(desk.folder, sha256(CONTENT))
    path.write_bytes(b"Y" + path.read_bytes()[1:])
    answer = desk.ask("GET", "partner", sha256(CONTENT))
    assert reason(answer) == (500, "internal_error")
    assert b"changed" not in answer.content


def test_too_many_transfers_of_a_channel_are_asked_to_come_later(desk: Desk) -> None:
    desk.ask("PUT", "partner", sha256(CONTENT), CONTENT)
    held = [desk.documents.transfer("partner") for _ in range(4)]
    for each in held:
        each.__enter__()
    for method, content in (("PUT", CONTENT), ("GET", None)):
        answer = desk.ask(method, "partner", sha256(CONTENT), content)
        assert (reason(answer), answer.headers["Retry-After"]) == ((503, "overloaded"), "2")
    for each in held:
        each.__exit__(None, None, None)
    assert desk.ask("GET", "partner", sha256(CONTENT)).status_code == 200


# --- below HTTP: bodies that break off, drip, or are not taken -------------------------------------------------


async def exchange(
    desk: Desk,
    documents: Documents,
    events: list[Message | None],
    *,
    method: str = "PUT",
    clock: Callable[[], float] = lambda: 0.0,
    stuck: bool = False,
) -> list[Message]:
    """Drive the route itself: an event None never comes; ``stuck``: nobody takes the body of the answer."""
    path = f"/v1/channels/partner/documents/{sha256(CONTENT)}"
    token = f"Bearer {access_token(desk.key, path)}"
    scope: Scope = {
        "type": "http", "method": method, "path": path, "query_string": b"", "root_path": "",
        "headers": [(b"authorization", token.encode()), (b"content-type", PDF.encode())],
        "path_params": {"channel": "partner", "digest": str(sha256(CONTENT))},
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        event = events.pop(0) if events else None
        return await asyncio.Future() if event is None else event

    async def send(event: Message) -> None:
        if stuck and event.get("body"):
            await asyncio.Future()
        sent.append(event)

    await asyncio.wait_for(Document(desk.gateway, documents, clock)(scope, receive, send), 30)
    return sent


def body(content: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": content, "more_body": more}


async def test_an_upload_that_breaks_off_is_not_answered_and_leaves_nothing(desk: Desk) -> None:
    events: list[Message | None] = [body(CONTENT[: CHUNK + 5]), {"type": "http.disconnect"}]
    assert await exchange(desk, desk.documents, events) == []
    assert files(desk.folder) == []


async def test_a_body_that_stops_coming_is_asked_to_come_later(desk: Desk) -> None:
    documents = documents_in(desk.folder, patience=0.01)
    sent = await exchange(desk, documents, [body(CONTENT[:CHUNK]), None])
    assert (sent[0]["status"], b"nothing came for" in sent[1]["body"]) == (503, True)
    assert files(desk.folder) == []


async def test_a_body_that_drips_is_ended(desk: Desk) -> None:
    ticks = iter(range(0, 10_000, 20))
    events: list[Message | None] = [body(CONTENT[at : at + 1]) for at in range(100)]
    sent = await exchange(desk, desk.documents, events, clock=lambda: next(ticks))
    assert (sent[0]["status"], b"more slowly than 16384 bytes" in sent[1]["body"]) == (503, True)
    assert (len(events) > 90, files(desk.folder)) == (True, [])


async def test_a_document_damaged_within_is_cut_short_before_the_damage(desk: Desk) -> None:
    put(desk.documents, CONTENT, channel="partner")
    path = blob(desk.folder, sha256(CONTENT))
    stored = bytearray(path.read_bytes())
    stored[1024 + CHUNK + 100] ^= 1
    path.write_bytes(stored)
    sent = await exchange(desk, desk.documents, [], method="GET")
    came = b"".join(each.get("body", b"") for each in sent[1:])
    assert (sent[0]["status"], came) == (200, CONTENT[:CHUNK])
    assert all(each["more_body"] for each in sent[1:])


async def test_a_document_that_nobody_takes_is_given_up(desk: Desk) -> None:
    documents = documents_in(desk.folder, patience=0.01)
    put(documents, CONTENT, channel="partner")
    sent = await exchange(desk, documents, [], method="GET", stuck=True)
    assert [each["type"] for each in sent] == ["http.response.start"]
    with documents.transfer("partner"):
        pass
