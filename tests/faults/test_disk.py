"""A real gateway process whose disk is full: no file of it may grow; then there is room again."""

import http.client
import resource
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.crash.site import EAST, Node, Site
from tests.faults.conftest import PATIENCE
from tests.gateway.conftest import message
from xinqiao.message import Json, write_json
from xinqiao.seal import SIGNATURE_HEADER, seal


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    site = Site(tmp_path)
    site.add_partners("http://127.0.0.1:9")
    node = Node(site)
    node.spawn()
    node.wait_until_healthy()
    yield node
    node.stop()


def allow(node: Node, largest: int) -> None:
    """Say how large a file of the process may become (bytes); beyond it a write fails."""
    assert node.process is not None
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


def send(node: Node, sent: Json) -> tuple[int, str | None, Json]:
    content = write_json(sent)
    signature = seal(content, "application/json", node.site.key).signature
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=PATIENCE)
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
    connection.request("POST", "/v1/channels/east/messages", content, headers)
    response = connection.getresponse()
    answer = response.status, response.getheader("Retry-After"), orjson.loads(response.read())
    connection.close()
    return answer


def fresh() -> Json:
    return message("subscriptionOrder", None, sender=EAST)


def receipt(node: Node, sent: Json) -> Json:
    status, _, answer = send(node, sent)
    assert status in {200, 202}, answer
    found: Json = answer["receipt"]
    return found


def test_a_process_whose_disk_is_full_says_later_and_goes_on_when_there_is_room(node: Node) -> None:
    accepted = [(each, receipt(node, each)) for each in (fresh() for _ in range(3))]
    # Its log on standard error is smaller than this, and its journal larger: only the journal cannot grow.
    allow(node, 65_536)
    refused = [fresh() for _ in range(3)]
    for each in refused:
        status, retry_after, answer = send(node, each)
        assert (status, answer["rejection"]["reason"]) == (503, "journal_unavailable")
        assert retry_after is not None
    allow(node, resource.RLIM_INFINITY)
    after = [(each, receipt(node, each)) for each in refused]
    for each, first in accepted + after:
        assert receipt(node, each) == first
    events = [orjson.loads(line)["event"] for line in node.log_text().splitlines() if line.startswith("{")]
    assert [each for each in events if each.startswith("journal ")] == ["journal unavailable", "journal available"]
    node.stop()
    assert node.site.verify() == []
    assert len(node.site.stored()) == 6
