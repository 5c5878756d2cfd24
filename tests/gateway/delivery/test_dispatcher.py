"""Delivery to a real destination: sealed, retried when it is down, in order, and given up with a reason."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from tests.gateway.conftest import BANK, CORE, PARTNER, TRUST, Site, message
from xinqiao.errors import NotValid
from xinqiao.message import Json
from xinqiao.outcome import receipt, rejection
from xinqiao.seal import SIGNATURE_HEADER, KeyRing, Sealed, new_key, open_seal, read_verifying_key, write_key
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation
from xinqiao_gateway.operators import Operators

Script = Callable[[Json], tuple[int, dict[str, str], bytes]]


@dataclass
class Destination:
    """A core over HTTP that answers by script and remembers what it got."""

    script: Script
    got: list[Sealed] = field(default_factory=list)
    url: str = ""

    def messages(self) -> list[Json]:
        return [orjson.loads(each.content) for each in self.got]


def takes(got: Json) -> tuple[int, dict[str, str], bytes]:
    body = {
        "acceptedMessageId": got["header"]["messageId"],
        "acceptedAt": "2026-01-15T09:30:00.000000Z",
        "position": "1",
        "digest": {"algorithm": "SHA256", "value": "0" * 64},
    }
    return 202, {}, orjson.dumps(receipt(TRUST, BANK, body))


def says(status: int, content: bytes = b"", **headers: str) -> Script:
    return lambda _got: (status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def refuses(got: Json) -> tuple[int, dict[str, str], bytes]:
    return 422, {}, orjson.dumps(rejection(TRUST, BANK, NotValid("2 findings"), got["header"]["messageId"]))


@pytest.fixture
def destination() -> Iterator[Destination]:
    destination = Destination(takes)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            destination.got.append(Sealed(content, self.headers["Content-Type"], self.headers[SIGNATURE_HEADER]))
            status, headers, answer = destination.script(orjson.loads(content))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    destination.url = f"http://127.0.0.1:{server.server_port}/messages"
    yield destination
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def site(tmp_path: Path, destination: Destination) -> Iterator[Site]:
    key = new_key("partner-1")
    public = tmp_path / "partner.pub.jwk"
    write_key(key.public(), public)
    data = tmp_path / "data"
    data.mkdir()
    (data / "gateway.yaml").write_text(
        "push_timeout: 5\nretry: {first: 0.02, cap: 0.05, give_up_after: 0.01, pause: 0.01, longest_pause: 0.05}\n"
    )
    add_channel(data, "partner", extends="canonical", keys=[public], institution=PARTNER)
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE, push_url=destination.url)
    with TestClient(build_app(Gateway(open_installation(data)))) as http:
        yield Site(data, key, http)


def settled(site: Site, *states: str) -> list[dict[str, Any]]:
    """Wait until the deliveries, oldest first, are in these states, and return them."""
    deadline = time.monotonic() + 20
    while True:
        deliveries: list[dict[str, Any]] = site.admin("/v1/deliveries")[::-1]
        if [each["state"] for each in deliveries] == list(states):
            return deliveries
        assert time.monotonic() < deadline, deliveries
        time.sleep(0.02)


def test_a_message_arrives_sealed_by_the_gateway(site: Site, destination: Destination) -> None:
    sent = message("kycApplication")
    site.send("partner", sent)
    settled(site, "delivered")
    assert destination.messages() == [sent]
    open_seal(destination.got[0], KeyRing([read_verifying_key(site.data / "keys" / "gateway.pub.jwk")]))


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (says(500), "unknown"),
        (says(503), "failed"),
        (says(429, Retry_After="0"), "failed"),
        (says(503, Retry_After="soon"), "failed"),
    ],
)
def test_a_destination_that_cannot_work_now_is_tried_again_with_the_same_message(
    site: Site, destination: Destination, failure: Script, outcome: str
) -> None:
    def first_fails(got: Json) -> tuple[int, dict[str, str], bytes]:
        return failure(got) if len(destination.got) == 1 else takes(got)

    destination.script = first_fails
    sent = message("kycApplication")
    site.send("partner", sent)
    (delivery,) = settled(site, "delivered")
    assert destination.messages() == [sent, sent]
    tried = [(each["outcome"], each["reason"]) for each in delivery["tried"]]
    assert tried == [(outcome, "destination_down"), ("delivered", "")]


def test_a_destination_that_stays_down_ends_in_a_dead_letter_that_a_replay_revives(
    site: Site, destination: Destination
) -> None:
    destination.script = says(503)
    site.send("partner", message("kycApplication"))
    (dead,) = settled(site, "dead")
    assert [each["detail"] for each in dead["tried"]] == ["HTTP 503"] * 3
    assert [each["kind"] for each in site.admin("/v1/exceptions")] == ["dead_letter"]
    destination.script = takes
    headers = {"Authorization": f"Bearer {Operators.load(site.data).add('anna')}"}
    done = site.http.post(f"/v1/deliveries/{dead['delivery_id']}/replay", headers=headers)
    assert orjson.loads(done.content) == {"channel": "core"}
    (delivered,) = settled(site, "delivered")
    assert [each["detail"] for each in delivered["tried"] if each["outcome"] == "replayed"] == ["anna"]
    assert site.admin("/v1/exceptions") == []


def test_a_destination_that_refuses_is_not_asked_again(site: Site, destination: Destination) -> None:
    destination.script = refuses
    site.send("partner", message("kycApplication"))
    (dead,) = settled(site, "dead")
    (attempt,) = dead["tried"]
    assert (attempt["outcome"], attempt["reason"]) == ("refused", "destination_refused")
    assert "not_valid" in attempt["detail"]


def takes_another(_got: Json) -> tuple[int, dict[str, str], bytes]:
    return takes(message("kycApplication"))


@pytest.mark.parametrize(
    "answer",
    [
        says(200, b"ok"),
        says(202, b"{}"),
        says(204),
        says(404, b"<html>"),
        says(200, b"x", Content_Encoding="gzip"),
        takes_another,
    ],
)
def test_success_is_claimed_only_on_a_receipt_for_this_message(
    site: Site, destination: Destination, answer: Script
) -> None:
    destination.script = answer
    site.send("partner", message("kycApplication"))
    (dead,) = settled(site, "dead")
    assert {each["outcome"] for each in dead["tried"]} == {"unknown"}


def test_an_answer_without_end_is_cut_off(site: Site, destination: Destination) -> None:
    destination.script = says(200, b"x" * 2_000_000)
    site.send("partner", message("kycApplication"))
    (dead,) = settled(site, "dead")
    assert {each["reason"] for each in dead["tried"]} == {"destination_down"}


def test_a_case_keeps_its_order_while_another_passes(site: Site, destination: Destination) -> None:
    def stuck(got: Json) -> tuple[int, dict[str, str], bytes]:
        return refuses(got) if got["header"]["caseId"] == "STUCK" else takes(got)

    destination.script = stuck
    for case_id in ("STUCK", "STUCK", "FREE", "FREE"):
        site.send("partner", message("kycApplication", case_id))
    settled(site, "dead", "pending", "delivered", "delivered")
    assert [each["header"]["caseId"] for each in destination.messages()].count("STUCK") == 1
