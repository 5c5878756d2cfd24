"""Live traffic held against the standard: looks at a channel, and drift from its certificate."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import event

from tests.gateway.conftest import BANK, CORE, Site, message
from tests.gateway.delivery.partner import http, takes
from tests.gateway.live_traffic import (
    asked,
    certify,
    decision,
    ended,
    gateway_of,
    kyc,
    of_another_case,
    pushed_to,
    revoke,
    run,
    watch,
)
from xinqiao.cli import main as sdk
from xinqiao.errors import NotValid, ProfileInvalid, UnknownChannel
from xinqiao.message import Json
from xinqiao.outcome import rejection
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.certification.traffic import Asked, sample, sampled
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.journal.exchanges import Span, exchanges
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
    named = {name: broken[name] for name in ("requirement", "level", "check", "count", "messages", "path", "kits")}
    assert named == {
        "requirement": "ENV-010", "level": "MUST", "check": "one_case", "count": 1, "messages": [second],
        "path": "header.caseId", "kits": [],
    }  # fmt: skip
    said = run("channel", "watch", "partner", "--share", "1", "--data", str(site.data)).stdout
    assert "ENV-010" in said
    (command,) = (each.strip() for each in said.splitlines() if "recording export" in each)
    to = site.data.parent / "incident.jsonl"
    assert run(*command.replace("FILE", str(to)).split()[1:], "--data", str(site.data)).exit_code == 0
    assert sdk(["recording", "check", str(to), "--role", "sender"]) == 1


def test_since_when_it_is_broken_is_known_from_the_look_before(site: Site) -> None:
    first = of_another_case(site)
    _, before = watch(site)
    other = kyc("CASE-4", replaces=first)
    other["header"]["revision"] = 3
    site.send("partner", other).raise_for_status()
    _, look = watch(site)
    (was,), (broken,) = before["broken"], look["broken"]
    assert (broken["messages"], broken["since"], broken["first"]) == (
        [first, other["header"]["messageId"]], was["since"], first,
    )  # fmt: skip
    kept = site.data / "channels" / "partner" / "certification" / "look.json"
    kept.write_bytes(kept.read_bytes().replace(broken["since"].encode(), b"2020-01-01T00:00:00.000000Z"))
    _, look = watch(site)
    assert look["broken"][0]["since"] == "2020-01-01T00:00:00.000000Z"


def test_drift_is_what_the_certificate_says_is_met_and_the_traffic_breaks(site: Site) -> None:
    of_another_case(site)
    certify(site, "ENV-005", "ENV-010")
    _, look = watch(site)
    assert (look["drift"], look["certificate"]["state"]) == (["ENV-010"], "valid")
    assert look["broken"][0]["kits"] == ["sender/family-trust/rest"]
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
    ("kit", "drift"),
    [("sender/family-trust/grpc", ["ENV-010"]), ("file-partner/trading-day/sftp", []), ("receiver/abs/rest", [])],
)
def test_drift_is_of_the_role_and_transport_that_were_certified(site: Site, kit: str, drift: list[str]) -> None:
    of_another_case(site)
    certify(site, "ENV-010", kit=kit)
    assert watch(site)[1]["drift"] == drift


@pytest.mark.parametrize(
    "state",
    [
        "expired", "tampered", "foreign_key", "revoked", "other_results", "other_subject", "malformed", "trusted",
        "bare", "odd",
    ],
)  # fmt: skip
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
    elif state == "odd":
        certify(site, results=b'{"kits": [1]}')
    elif state == "revoked":
        revoke(site, path)
    elif state == "trusted":
        (folder / "issuers").mkdir()
        write_key(stranger.public(), folder / "issuers" / "industry.jwk")
    _, look = watch(site)
    expected = {"trusted": "valid", "bare": "valid", "odd": "valid"}.get(state, state)
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


def test_a_message_without_a_case_is_looked_at_with_the_one_that_it_corrects(site: Site) -> None:
    for _ in range(12):
        first = message("navReport", None)
        site.send("partner", first).raise_for_status()
        second = message("navReport", None)
        second["header"] |= {"revision": 2, "replaces": first["header"]["messageId"]}
        site.send("partner", second).raise_for_status()
    asked = Asked("2026-01-01T00:00:00.000000Z", 0.5, 1)
    chosen = sample(gateway_of(site).journal.reading, "partner", asked, 100).exchanges
    assert 0 < len(chosen) < 24
    assert all(second.position == first.position + 1 for first, second in zip(chosen[::2], chosen[1::2], strict=True))


def test_a_look_holds_no_more_than_it_may(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        site.send("partner", kyc(f"CASE-{number}")).raise_for_status()
    reading = gateway_of(site).journal.reading
    found = exchanges(reading, Span("partner"), 4)
    assert ([each.position for each in found.exchanges], found.whole) == ([3, 4, 5, 6], False)
    size = found.exchanges[-1].size
    found = exchanges(reading, Span("partner"), 100, most_bytes=2 * size + 1)
    assert ([each.position for each in found.exchanges], found.whole) == ([5, 6], False)
    assert exchanges(reading, Span("partner"), 6).whole
    monkeypatch.setattr("xinqiao_gateway.journal.exchanges._MOST_PASSED", 3)
    chosen = exchanges(reading, Span("partner"), 6, chosen=lambda case: case == "CASE-0")
    assert chosen == ([], False)


@pytest.mark.parametrize("span", [Span("core", since="2026-01-01"), Span("partner"), Span("core", case_id="CASE-1")])
def test_indexes_lead_to_what_a_channel_exchanged(site: Site, span: Span) -> None:
    reading, asked = gateway_of(site).journal.reading, []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(reading.engine, "before_cursor_execute", keep)
    exchanges(reading, span, 10)
    event.remove(reading.engine, "before_cursor_execute", keep)
    with reading.engine.begin() as connection:
        plans = [
            row[3]
            for statement, parameters in asked
            if "raws" in statement
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert len(plans) > 3
    # No table is read whole, and no list of deliveries that is as long as the channel is old.
    wrong = [each for each in plans if each.startswith("SCAN") or "channel_lane" in each or "channel_state" in each]
    assert wrong == []


def test_an_answer_that_never_comes_is_missed_though_nothing_comes_after_it(tmp_path: Path) -> None:
    with pushed_to(tmp_path, takes) as site:
        asked(site, "conformance: {share: 1, patience: 1}\n", channel="core")
        site.send("partner", kyc()).raise_for_status()
        ended(site)
        deadline = time.monotonic() + 20
        while not (look := watch(site, channel="core")[1])["broken"]:
            assert time.monotonic() < deadline
        (broken,) = look["broken"]
        # It should be answered: that is told, and fails nothing but who is certified to answer.
        assert (broken["requirement"], broken["level"]) == ("PRC-015", "SHOULD")
        assert watch(site, channel="core")[0] == 0
        certify(site, "PRC-015", kit="receiver/family-trust/rest", institution=CORE["code"], channel="core")
        status, look = watch(site, channel="core")
        assert (status, look["drift"]) == (1, ["PRC-015"])


def test_what_was_accepted_before_is_not_looked_at(site: Site) -> None:
    of_another_case(site)
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert watch(site, "--since", later)[1]["exchanges"] == 0


def test_a_channel_that_is_not_served_cannot_be_watched(site: Site) -> None:
    done = run("channel", "watch", "nobody", "--data", str(site.data))
    assert isinstance(done.exception, UnknownChannel)


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
