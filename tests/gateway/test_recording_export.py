"""``recording export``: an incident, or a channel's traffic, as a masked recording that shows it again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.conftest import BANK, CORE, Site
from tests.gateway.delivery.partner import says, takes
from tests.gateway.live_traffic import NAME, decision, ended, export, gateway_of, kyc, of_another_case, pushed_to, watch
from xinqiao.cli import main as sdk
from xinqiao.errors import BodyTooLarge, NotFound, UnknownChannel
from xinqiao.message import Json
from xinqiao.recording import Recorded, Recording, is_token
from xinqiao_gateway.installation import add_channel
from xinqiao_gateway.journal.erasure import erase_case


def test_a_case_exports_as_a_masked_recording_that_shows_the_incident_again(site: Site, tmp_path: Path) -> None:
    of_another_case(site)
    site.send("partner", kyc("CASE-3")).raise_for_status()
    to = tmp_path / "incident.jsonl"
    done = export(site, to, "--channel", "partner", "--json")
    assert done.exit_code == 0, done.output
    assert NAME not in to.read_text(encoding="utf-8")
    recording = Recording.open(to)
    assert json.loads(done.stdout)["root"] == recording.root
    assert (recording.head.subject, recording.head.masked) == (BANK, True)
    first = next(iter(recording))
    assert first.message is not None
    assert is_token(first.message["kycApplication"]["applicant"]["name"])
    assert sdk(["recording", "check", str(to), "--role", "sender"]) == 1


def test_one_case_alone_is_in_its_recording(site: Site, tmp_path: Path) -> None:
    of_another_case(site)
    to = tmp_path / "case.jsonl"
    assert export(site, to, "--case", "CASE-1").exit_code == 0
    assert [(each.by, each.case_id) for each in Recording.open(to)] == [("subject", "CASE-1")]
    assert sdk(["recording", "check", str(to), "--role", "sender"]) == 0


def test_what_a_partner_was_sent_is_in_it_with_what_it_answered(site: Site, tmp_path: Path) -> None:
    site.send("partner", kyc()).raise_for_status()
    site.send("core", decision()).raise_for_status()
    fetch(site)
    to = tmp_path / "case.jsonl"
    export(site, to, "--case", "CASE-1")
    _, told = Recording.open(to)
    assert (told.by, told.body) == ("peer", "kycDecision")
    assert told.answer is not None
    assert told.answer.message is not None
    assert told.answer.message["receipt"]["acceptedMessageId"] == told.message_id


def fetch(site: Site) -> None:
    """Pull what waits for the partner, and acknowledge it."""
    journal = gateway_of(site).journal
    assert site.http.portal is not None
    (waiting,) = site.http.portal.call(journal.waiting, "partner", 0, 10)
    site.http.portal.call(journal.acknowledge, "partner", waiting.cursor)


def test_each_attempt_at_a_partner_that_was_busy_is_an_exchange(tmp_path: Path) -> None:
    answers = iter([says(503), takes])

    def busy_once(got: Json) -> Iterator[bytes]:
        return iter(next(answers)(got))

    to = tmp_path / "core.jsonl"
    with pushed_to(tmp_path, busy_once) as site:
        site.send("partner", kyc()).raise_for_status()
        ended(site)
        assert export(site, to, "--channel", "core").exit_code == 0
    first, second = Recording.open(to)
    assert (first.attempt, first.answer and first.answer.status) == (1, 503)
    assert (second.attempt, second.answer and second.answer.message is not None) == (2, True)


def test_the_same_is_seen_on_postgresql(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres").journal_url()
    with pushed_to(tmp_path, takes, f"journal_url: {url}\n") as site:
        second = of_another_case(site)
        ended(site)
        _, look = watch(site)
        assert [each["messages"] for each in look["broken"]] == [[second]]
        to = tmp_path / "core.jsonl"
        assert export(site, to, "--channel", "core", "--since", "2026-01-01").exit_code == 0
    assert {each.by for each in Recording.open(to)} == {"peer"}


def test_what_was_erased_is_left_out_of_a_recording_and_counted(site: Site, tmp_path: Path) -> None:
    of_another_case(site)
    parties = "|".join(sorted([BANK, CORE["code"]]))
    portal, at = site.http.portal, "2026-11-23T00:00:00.000000Z"
    assert portal is not None
    portal.call(gateway_of(site).journal.run, lambda c: erase_case(c, "CASE-2", False, parties, "a request", at))
    to = tmp_path / "rest.jsonl"
    done = export(site, to, "--channel", "partner", "--json")
    assert json.loads(done.stdout)["gone"] == 1
    assert [each.case_id for each in Recording.open(to)] == ["CASE-1"]
    done = export(site, tmp_path / "gone.jsonl", "--case", "CASE-2")
    assert isinstance(done.exception, NotFound)
    assert "were erased or archived" in str(done.exception)
    assert [each.name for each in tmp_path.glob("*.jsonl")] == ["rest.jsonl"]


def test_an_export_that_ends_midway_leaves_nothing(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_another_case(site)
    folder = tmp_path / "out"
    folder.mkdir()
    append = Recording.append

    def full(recording: Recording, recorded: Recorded) -> int:
        # The first is written, the second ends it.
        if append(recording, recorded) == 2:
            raise BodyTooLarge("full")
        return 1

    monkeypatch.setattr(Recording, "append", full)
    assert isinstance(export(site, folder / "case.jsonl", "--channel", "partner").exception, BodyTooLarge)
    assert list(folder.iterdir()) == []


def test_a_recording_is_never_overwritten(site: Site, tmp_path: Path) -> None:
    site.send("partner", kyc()).raise_for_status()
    to = tmp_path / "case.jsonl"
    to.write_text("mine")
    done = export(site, to, "--case", "CASE-1")
    assert isinstance(done.exception, FileExistsError)
    assert to.read_text() == "mine"


def test_an_export_says_what_it_cannot_do(site: Site, tmp_path: Path) -> None:
    to = tmp_path / "none.jsonl"
    assert export(site, to).exit_code == 2
    assert isinstance(export(site, to, "--case", "CASE-9").exception, NotFound)
    assert isinstance(export(site, to, "--channel", "partner").exception, NotFound)
    assert isinstance(export(site, to, "--channel", "nobody").exception, UnknownChannel)
    assert not to.exists()


def test_a_case_of_several_partners_asks_for_the_channel(site: Site, tmp_path: Path) -> None:
    site.send("partner", kyc()).raise_for_status()
    sandbox = kyc()
    sandbox["header"]["test"] = True
    add_channel(
        site.data, "sandbox-core", extends="canonical", keys=[site.data / "channels/core/keys/1.jwk"],
        institution=CORE, test=True,
    )  # fmt: skip
    site.admin("/v1/reload", "POST")
    site.send("sandbox", sandbox).raise_for_status()
    done = export(site, tmp_path / "case.jsonl", "--case", "CASE-1")
    assert done.exit_code == 2
    assert "partner, sandbox" in done.output
