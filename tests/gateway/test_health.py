"""Health and readiness, as load balancers and Kubernetes ask for them."""

from collections import namedtuple

import orjson
import pytest

from tests.gateway.conftest import Site
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.journal import Journal
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


def test_one_that_was_never_looked_at_is_not_ready(site: Site, gateway: Gateway) -> None:
    fresh = Surveillance(gateway.journal, site.data)
    assert not fresh.readiness()
