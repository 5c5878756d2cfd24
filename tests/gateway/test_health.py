"""Health and readiness, as load balancers and Kubernetes ask for them."""

import asyncio
import threading
from collections import namedtuple
from pathlib import Path

import orjson
import pytest
from sqlalchemy import event

from tests.gateway.conftest import Site
from tests.postgres import Postgres
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.fitness import _known_head, schema_fits
from xinqiao_gateway.surveillance import Readiness, Surveillance

ALL = {"writing": True, "beating": True, "space": True, "schema": True, "serving": True}
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def gateway(site: Site) -> Gateway:
    found = site.http.app.state.gateway  # type: ignore[attr-defined]
    assert isinstance(found, Gateway)
    assert site.http.portal is not None
    site.http.portal.call(found.surveillance.turn)
    return found


def ready(site: Site) -> tuple[int, object]:
    token = (site.data / "admin.token").read_text()
    response = site.http.get("/v1/ready", headers={"Authorization": f"Bearer {token}"})
    return response.status_code, orjson.loads(response.content)


def test_a_gateway_that_takes_messages_is_alive_and_ready(site: Site, gateway: Gateway) -> None:
    assert bool(gateway.surveillance.readiness())
    assert site.http.get("/v1/health").json() == {"status": "ok"}
    assert ready(site) == (200, {"status": "ready", "conditions": ALL})


def test_details_are_for_whoever_has_the_admin_token(site: Site, gateway: Gateway) -> None:
    assert gateway.surveillance.readiness() == Readiness(**ALL)
    assert site.http.get("/v1/ready").json() == {"status": "ready"}
    wrong = site.http.get("/v1/ready", headers={"Authorization": "Bearer wrong"})
    assert wrong.json() == {"status": "ready"}


def test_one_that_cannot_write_is_alive_and_not_ready(
    site: Site, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway.surveillance.readiness()
    monkeypatch.setattr(Journal, "healthy", lambda _journal: False)
    assert site.http.get("/v1/health").status_code == 200
    assert ready(site) == (503, {"status": "not ready", "conditions": ALL | {"writing": False}})
    assert site.http.get("/v1/ready").headers["Retry-After"] == "2"


def test_one_whose_last_beat_is_older_than_15_seconds_is_not_ready(site: Site, gateway: Gateway) -> None:
    at = gateway.journal.now()
    gateway.journal.now = lambda: at + 14
    assert ready(site)[0] == 200
    gateway.journal.now = lambda: at + 30
    assert ready(site) == (503, {"status": "not ready", "conditions": ALL | {"beating": False}})


def test_one_that_is_about_to_stop_is_not_ready(site: Site, gateway: Gateway) -> None:
    gateway.surveillance.draining = True
    assert ready(site) == (503, {"status": "not ready", "conditions": ALL | {"serving": False}})


def test_one_on_a_full_disk_is_not_ready_until_there_is_space(
    site: Site, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site.http.portal is not None
    with monkeypatch.context() as full:
        full.setattr("shutil.disk_usage", lambda _path: Usage(10**12, 10**12, 1000))
        site.http.portal.call(gateway.surveillance.turn)
        assert ready(site) == (503, {"status": "not ready", "conditions": ALL | {"space": False}})
    site.http.portal.call(gateway.surveillance.turn)
    assert ready(site)[0] == 200


def test_one_whose_database_another_version_has_upgraded_is_not_ready(site: Site, gateway: Gateway) -> None:
    assert site.http.portal is not None
    with gateway.journal.reading.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    site.http.portal.call(gateway.surveillance.turn)
    assert ready(site) == (503, {"status": "not ready", "conditions": ALL | {"schema": False}})


def test_no_connection_is_held_while_the_schemas_versions_are_read(gateway: Gateway) -> None:
    engine = gateway.journal.reading.engine
    known = []
    event.listen(engine, "checkout", lambda *_: known.append(_known_head.cache_info().currsize))
    _known_head.cache_clear()
    assert schema_fits(engine)
    assert known[0] == 1


async def test_one_that_stops_lets_the_look_under_way_end(tmp_path: Path, postgres: Postgres) -> None:
    (tmp_path / "gateway.yaml").write_text(f"journal_url: {postgres.url()}\n")
    gateway = Gateway(open_installation(tmp_path))
    looks, go_on = threading.Event(), threading.Event()
    held: list[object] = []

    def hold(_connection: object, record: object, _proxy: object) -> None:
        held.append(record)
        looks.set()
        go_on.wait(10)

    event.listen(gateway.journal.reading.engine, "checkout", hold)
    event.listen(gateway.journal.reading.engine, "checkin", lambda _connection, record: held.remove(record))
    await gateway.start()
    assert await asyncio.to_thread(looks.wait, 10)
    stopping = asyncio.create_task(gateway.stop())
    ended, _ = await asyncio.wait({stopping}, timeout=0.5)
    go_on.set()
    await stopping
    assert (ended, held) == (set(), [])


def test_one_that_was_never_looked_at_is_not_ready(site: Site, gateway: Gateway) -> None:
    fresh = Surveillance(gateway.journal, site.data)
    assert not fresh.readiness()
