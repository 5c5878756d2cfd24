"""The running gateway's own looks at live traffic: what it counts and says, and what keeps it from looking."""

import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.gateway.conftest import Site
from tests.gateway.live_traffic import NAME, asked, certify, gateway_of, kyc, of_another_case, run
from tests.postgres import Postgres
from xinqiao_gateway.certification.look import Look, Seen, judged_look
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation


@pytest.fixture
def live(site: Site) -> tuple[Site, Gateway]:
    """The site, once the profile of its partner asks for looks."""
    asked(site, "conformance: {share: 1}\n")
    site.admin("/v1/reload", "POST")
    return site, gateway_of(site)


def turned(site: Site, gateway: Gateway) -> list[Any]:
    """Let the gateway look once, and return what it logged."""
    assert site.http.portal is not None
    with capture_logs() as logs:
        site.http.portal.call(gateway.live_watch.turn)
    return [each for each in logs if each["event"].startswith(("live", "look at live", "certificate"))]


def test_the_running_gateway_looks_by_itself_counts_and_says_so_once(live: tuple[Site, Gateway]) -> None:
    site, gateway = live
    second = of_another_case(site)
    certify(site, "ENV-010")
    (said,) = turned(site, gateway)
    assert (said["event"], said["requirements"], said["drift"], said["first"]) == (
        "live traffic breaks the standard", ["ENV-010"], ["ENV-010"], {"ENV-010": second},
    )  # fmt: skip
    assert NAME not in json.dumps(said, ensure_ascii=False)
    metrics = gateway.metrics.exposition().decode()
    assert 'xinqiao_live_broken_requirements{channel="partner"} 1.0' in metrics
    assert 'xinqiao_live_drift_requirements{channel="partner"} 1.0' in metrics
    assert turned(site, gateway) == []


def test_a_certificate_that_expired_is_said_and_what_was_drift_is_none_any_more(live: tuple[Site, Gateway]) -> None:
    site, gateway = live
    of_another_case(site)
    certify(site, "ENV-010")
    turned(site, gateway)
    certify(site, "ENV-010", ended=True)
    expired, broken = turned(site, gateway)
    assert (expired["event"], expired["state"]) == ("certificate not relied on", "expired")
    assert (broken["requirements"], broken["drift"]) == (["ENV-010"], [])
    certify(site, "ENV-005", "ENV-010")
    (broken,) = turned(site, gateway)
    assert broken["drift"] == ["ENV-010"]


async def test_the_first_node_on_a_database_leads_from_its_start(tmp_path: Path, postgres: Postgres) -> None:
    (tmp_path / "gateway.yaml").write_text(f"journal_url: {postgres.journal_url()}\n")
    gateway = Gateway(open_installation(tmp_path))
    await gateway.start()
    try:
        assert await gateway.journal.leads()
    finally:
        await gateway.stop()


def test_one_node_looks_and_others_show_no_figures_of_theirs(
    live: tuple[Site, Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, gateway = live
    of_another_case(site)
    turned(site, gateway)
    assert gateway.live_watch.found == {"partner": (1, 0)}

    async def another_leads() -> bool:
        return False

    monkeypatch.setattr(gateway.journal, "leads", another_leads)
    assert turned(site, gateway) == []
    assert gateway.live_watch.found == {}


def test_the_running_gateway_turns_the_clock_by_what_it_sees(live: tuple[Site, Gateway]) -> None:
    site, gateway = live
    site.send("partner", kyc()).raise_for_status()
    turned(site, gateway)
    said = json.loads(run("channel", "clock", "partner", "--data", str(site.data), "--json").stdout)
    assert [each["stage"] for each in said["stages"]] == ["first_message", "first_green"]


def test_a_look_that_cannot_be_kept_is_told_all_the_same(live: tuple[Site, Gateway]) -> None:
    site, gateway = live
    of_another_case(site)
    (site.data / "channels" / "partner" / "certification" / "look.json").mkdir(parents=True)
    broken, failed = turned(site, gateway)
    assert (broken["event"], failed["event"]) == ("live traffic breaks the standard", "look at live traffic failed")
    assert gateway.live_watch.found == {"partner": (1, 0)}


def test_looks_leave_what_is_served_as_it_is(live: tuple[Site, Gateway]) -> None:
    site, gateway = live
    certify(site, "ENV-010")
    turned(site, gateway)
    assert site.admin("/v1/reload", "POST")["channels"] == {"added": [], "changed": [], "removed": []}


def test_a_channel_that_does_not_ask_for_it_is_not_looked_at(site: Site) -> None:
    of_another_case(site)
    gateway = gateway_of(site)
    assert turned(site, gateway) == []
    assert gateway.live_watch.found == {}


def test_a_look_that_fails_is_said_and_others_go_on(live: tuple[Site, Gateway]) -> None:
    site, gateway = live
    issuers = certify(site, "ENV-010") / "issuers"
    issuers.mkdir()
    (issuers / "broken.jwk").write_text("no key")
    of_another_case(site)
    asked(site, "conformance: {share: 1}\n", channel="sandbox")
    site.admin("/v1/reload", "POST")
    (said,) = turned(site, gateway)
    assert (said["event"], said["channel"]) == ("look at live traffic failed", "partner")
    assert gateway.live_watch.found == {"sandbox": (0, 0)}


def test_what_a_check_stumbles_over_keeps_no_other_channel_from_being_looked_at(
    live: tuple[Site, Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, gateway = live
    asked(site, "conformance: {share: 1}\n", channel="sandbox")
    site.admin("/v1/reload", "POST")

    def stumbles(seen: Seen, *others: Any) -> Look:
        if seen.channel == "partner":
            raise KeyError(NAME)
        return judged_look(seen, *others)

    monkeypatch.setattr("xinqiao_gateway.certification.watch.judged_look", stumbles)
    (said,) = turned(site, gateway)
    assert (said["event"], said["channel"]) == ("look at live traffic failed", "partner")
    assert gateway.live_watch.found == {"sandbox": (0, 0)}
