"""Two gateways on one PostgreSQL share the work, and one takes over what the other was on when it was killed."""

import http.client
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import orjson

from tests.crash.load import Load
from tests.crash.run import Report, conclude, stage
from tests.crash.sender import ROUTES, Letter, letters
from tests.crash.site import LEASE, Node, Site
from tests.crash.verdict import Verdict
from tests.postgres import Postgres

LEASES = "SELECT delivery_id, lease, leased_until FROM deliveries WHERE state = 'leased'"
SECONDS = 120.0


@contextmanager
def two_nodes(site: Site) -> Iterator[list[Node]]:
    nodes = [Node(site, "first"), Node(site, "second")]
    try:
        for node in nodes:
            node.spawn()
            node.wait_until_healthy()
        yield nodes
    finally:
        for node in nodes:
            node.stop()


def send(load: Load, node: Node, letter: Letter) -> tuple[int, object]:
    with closing(http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)) as connection:
        status, content = load.post.send(connection, letter)
    return status, orjson.loads(content)


def killed_with_leases(site: Site, node: Node) -> list[tuple[int, str, float]]:
    """Kill a node while it and the other one hold leases, and return all of them; holders stand before the colon."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        node.signal(signal.SIGSTOP)
        leases = [(row[0], row[1], row[2]) for row in site.look(LEASES)]
        if len({lease.partition(":")[0] for _, lease, _ in leases}) == 2:
            node.kill()
            return leases
        node.signal(signal.SIGCONT)
        time.sleep(0.01)
    raise AssertionError("the two never held leases at the same time")


def test_a_message_accepted_by_one_node_is_known_to_the_other(postgres: Postgres) -> None:
    with stage(seed=2, journal_url=postgres.url()) as (site, receivers), two_nodes(site) as (first, second):
        load = Load(site, [first, second], receivers, seed=2, seconds=SECONDS)
        letter = next(letters(ROUTES[0], "SHARED"))
        accepted, repeated = send(load, first, letter), send(load, second, letter)
    assert (accepted[0], repeated[0]) == (202, 200)
    assert accepted[1] == repeated[1]


def test_two_nodes_share_the_work_and_one_takes_over_what_the_other_was_on(postgres: Postgres) -> None:
    report = Report()
    with stage(seed=3, journal_url=postgres.url()) as (site, receivers), two_nodes(site) as (first, second):
        load = Load(site, [first, second], receivers, seed=3, seconds=SECONDS)
        load.start()
        load.wait_for_progress(100, 40, SECONDS)
        leases = killed_with_leases(site, first)
        died = time.time()
        load.wait_for_progress(50, 20, 30)
        conclude(site, [second], load, receivers, report)
        delivered = {row[0] for row in site.look("SELECT delivery_id FROM deliveries WHERE state = 'delivered'")}
        shares = [node.log_text().count("delivery attempted") for node in (first, second)]
    assert report.verdict == Verdict()
    assert {delivery_id for delivery_id, _, _ in leases} <= delivered
    assert max(until for _, _, until in leases) <= died + LEASE
    assert min(shares) > 0, f"attempts of each node: {shares}"
