"""Live traffic held against the standard: looks at a channel, and drift from its certificate."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from tests.gateway.conftest import BANK, CORE, Site
from tests.gateway.delivery.partner import http
from tests.gateway.live_traffic import (
    NAME,
    certify,
    decision,
    ended,
    gateway_of,
    kyc,
    of_another_case,
    pushed_to,
    run,
    watch,
)
from xinqiao.errors import NotValid, ProfileInvalid, UnknownChannel
from xinqiao.message import Json
from xinqiao.outcome import rejection
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.certification.traffic import sampled
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.journal.vault import Vault


def test_traffic_that_breaks_nothing_is_green_and_says_what_it_looked_at(site: Site) -> None:
    site.send("partner", kyc()).raise_for_status()
    site.send("core", decision()).raise_for_status()
    status, look = watch(site)
    assert status == 0
    # The decision waits for the partner to fetch it: nothing was exchanged by that yet.
    assert (look["exchanges"], look["whole"], look["broken"], look["drift"]) == (1, True, [], [])
    assert look["checks"]["passed"] > 5
    assert look["certificate"]["state"] == "none"


def test_what_the_traffic_breaks_is_named_with_the_message_it_was_seen_in(site: Site) -> None:
    second = of_another_case(site)
    status, look = watch(site)
    assert status == 1
    (broken,) = look["broken"]
    named = {name: broken[name] for name in ("requirement", "check", "count", "messages", "path", "drift")}
    assert named == {
        "requirement": "ENV-010", "check": "one_case", "count": 1, "messages": [second], "path": "header.caseId",
        "drift": False,
    }  # fmt: skip
    assert "ENV-010" in run("channel", "watch", "partner", "--share", "1", "--data", str(site.data)).stdout


def test_drift_is_what_the_certificate_says_is_met_and_the_traffic_breaks(site: Site) -> None:
    of_another_case(site)
    certify(site, "ENV-005", "ENV-010")
    _, look = watch(site)
    assert (look["drift"], look["certificate"]["state"]) == (["ENV-010"], "valid")
    listed = run("channel", "list", "--data", str(site.data))
    assert "偏离 drift: ENV-010" in listed.stdout
    rows = json.loads(run("channel", "list", "--data", str(site.data), "--json").stdout)
    (row,) = (each for each in rows if each["channel"] == "partner")
    assert (row["look"]["drift"], row["look"]["broken"]) == (["ENV-010"], ["ENV-010"])


def test_what_the_certificate_does_not_say_is_no_drift(site: Site) -> None:
    of_another_case(site)
    certify(site, "ENV-005")
    _, look = watch(site)
    assert (look["drift"], [each["requirement"] for each in look["broken"]]) == ([], ["ENV-010"])


@pytest.mark.parametrize(
    "state", ["expired", "tampered", "foreign_key", "other_results", "other_subject", "malformed", "trusted", "bare"]
)
def test_a_certificate_counts_only_where_it_is_to_be_relied_on(site: Site, state: str) -> None:
    of_another_case(site)
    stranger = new_key("industry-1")
    folder = certify(
        site,
        "ENV-010",
        key=stranger if state in {"foreign_key", "trusted"} else None,
        institution=CORE["code"] if state == "other_subject" else BANK,
        ended=state == "expired",
    )
    path = folder / "certificate.json"
    if state == "tampered":
        path.write_bytes(path.read_bytes().replace("示例银行".encode(), "示例银衍".encode()))
    elif state == "malformed":
        path.write_bytes(b"{}")
    elif state == "other_results":
        (folder / "results.json").write_bytes(b'{"kits": []}')
    elif state == "bare":
        (folder / "results.json").unlink()
    elif state == "trusted":
        (folder / "issuers").mkdir()
        write_key(stranger.public(), folder / "issuers" / "industry.jwk")
    _, look = watch(site)
    expected = {"trusted": "valid", "bare": "valid"}.get(state, state)
    assert (look["certificate"]["state"], look["drift"]) == (expected, ["ENV-010"] if state == "trusted" else [])
    assert bool(look["certificate"]["detail"]) is (state != "trusted")


def test_only_a_share_of_the_cases_is_looked_at_and_always_the_same(site: Site) -> None:
    cases = [f"CASE-{number}" for number in range(30)]
    for each in cases:
        site.send("partner", kyc(each)).raise_for_status()
    looks = [watch(site, "--share", "0.3")[1]["exchanges"] for _ in range(2)]
    assert looks[0] == looks[1]
    assert 0 < looks[0] < 30
    chosen = sampled(Vault(bytes(32)), 0.3)
    assert [chosen(each) for each in cases] == [sampled(Vault(bytes(32)), 0.3)(each) for each in cases]
    assert all(sampled(Vault(bytes(32)), 1)(each) for each in cases)


def test_what_was_accepted_before_is_not_looked_at(site: Site) -> None:
    of_another_case(site)
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert watch(site, "--since", later)[1]["exchanges"] == 0


def test_a_channel_that_is_not_served_cannot_be_watched(site: Site) -> None:
    done = run("channel", "watch", "nobody", "--data", str(site.data))
    assert isinstance(done.exception, UnknownChannel)


def asked(site: Site, text: str) -> None:
    path = site.data / "channels" / "partner" / "channel.yaml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


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
    return [each for each in logs if each["event"].startswith(("live", "look at live"))]


def test_the_running_gateway_looks_by_itself_counts_and_says_so_once(live: tuple[Site, Gateway]) -> None:
    site, gateway = live
    of_another_case(site)
    certify(site, "ENV-010")
    (said,) = turned(site, gateway)
    assert (said["event"], said["requirements"], said["drift"]) == (
        "live traffic breaks the standard", ["ENV-010"], ["ENV-010"],
    )  # fmt: skip
    assert NAME not in json.dumps(said, ensure_ascii=False)
    metrics = gateway.metrics.exposition().decode()
    assert 'xinqiao_live_broken_requirements{channel="partner"} 1.0' in metrics
    assert 'xinqiao_live_drift_requirements{channel="partner"} 1.0' in metrics
    assert turned(site, gateway) == []


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
    (said,) = turned(site, gateway)
    assert (said["event"], said["channel"]) == ("look at live traffic failed", "partner")


@pytest.mark.parametrize("text", ["conformance: {share: 2}\n", "conformance: {shares: 1}\n"])
def test_a_section_that_cannot_be_is_refused(site: Site, text: str) -> None:
    asked(site, text)
    with pytest.raises(ProfileInvalid, match="conformance"):
        open_installation(site.data)


@pytest.mark.parametrize(("status", "broken"), [(422, []), (409, ["TRN-001"])])
def test_how_a_partner_refuses_is_held_against_the_error_table(tmp_path: Path, status: int, broken: list[str]) -> None:
    def refuses(got: Json) -> Iterator[bytes]:
        yield http(status, orjson.dumps(rejection(CORE["code"], BANK, NotValid("1"), got["header"]["messageId"])))

    with pushed_to(tmp_path, refuses) as site:
        site.send("partner", kyc()).raise_for_status()
        ended(site)
        _, look = watch(site, channel="core")
    assert [each["requirement"] for each in look["broken"]] == broken
    assert look["exchanges"] == 1
