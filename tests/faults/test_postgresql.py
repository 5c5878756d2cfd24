"""A PostgreSQL that stops, crashes, forbids writing, is locked, or cuts connections in the middle of a commit."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.conftest import Enter, House, Pragmas, endure, fresh
from tests.postgres import Postgres


@pytest.fixture
def up(postgres: Postgres) -> Iterator[Postgres]:
    """Leave the session's server running, whatever a test did to it."""
    yield postgres
    postgres.stop()
    postgres.start()


def connect(url: str, database: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
    address = url.replace("postgresql+psycopg:", "postgresql:")
    if database:
        address = f"{address.rpartition('/')[0]}/{database}"
    return psycopg.connect(address, autocommit=True)


def cut(url: str) -> int:
    """Cut the gateway's connections; return how many."""
    name = url.rpartition("/")[2]
    ask = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    with connect(url, "postgres") as connection:
        return len(connection.execute(ask, (name,)).fetchall())


@pytest.mark.parametrize("crashes", [False, True])
def test_a_server_that_stops_and_starts(enter: Enter, up: Postgres, crashes: bool) -> None:
    house = enter(up.url())
    endure(house, up.crash if crashes else up.stop, up.start)


def test_a_database_that_forbids_writing(enter: Enter, postgres: Postgres) -> None:
    url = postgres.url()
    name = url.rpartition("/")[2]
    house = enter(url)

    def forbid(value: str) -> None:
        with connect(url, "postgres") as connection:
            connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}'.encode())
        cut(url)

    endure(house, lambda: forbid("on"), lambda: forbid("off"))


def test_a_table_that_is_locked(enter: Enter, postgres: Postgres, pragmas: Pragmas) -> None:
    pragmas.said = ["SET LOCAL lock_timeout = '200ms'"]
    url = postgres.url()
    house = enter(url)
    with connect(url) as other:
        other.autocommit = False
        endure(house, lambda: other.execute("LOCK TABLE raws IN ACCESS EXCLUSIVE MODE"), other.rollback)


def test_connections_that_are_cut_while_many_commit(enter: Enter, postgres: Postgres) -> None:
    url = postgres.url()
    house = enter(url)
    ended = threading.Event()
    senders = [threading.Thread(target=send_until, args=(house, ended)) for _ in range(4)]
    for each in senders:
        each.start()
    cuts = 0
    for _ in range(100):
        seen = len(house.sent)
        cuts += cut(url)
        if cuts >= 15:
            break
        # Go on where something was accepted since, so that each cut meets commits under way.
        while len(house.sent) <= seen and any(each.is_alive() for each in senders):
            ended.wait(0.005)
    ended.set()
    for each in senders:
        each.join(60)
        assert not each.is_alive()
    assert cuts >= 15
    house.check_once()


def send_until(house: House, ended: threading.Event) -> None:
    """Send message after message, each until it has a receipt."""
    while not ended.is_set():
        each = fresh()
        for _ in range(200):
            response = house.send(each)
            if response.status_code in {200, 202}:
                break
            assert response.status_code == 503
