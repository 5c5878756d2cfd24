"""``judge``: a masked recording of somebody who runs nothing, judged as the kits that he declares."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.sdk.recording.stage import KEY, Stage, good_receiver, good_sender, message, written
from xinqiao.certificate import verify
from xinqiao.errors import ContentRefused, MalformedJson, NotValid, SettingsInvalid
from xinqiao.keys import KeyRing
from xinqiao.recording import Recorded, Recording, masked
from xinqiao.signed import Issuer
from xinqiao.testing import BANK
from xinqiao_conformance.certificates.issuing import certify
from xinqiao_conformance.commands.judging import judge_command
from xinqiao_conformance.declaration import read_declaration
from xinqiao_conformance.judging import judge
from xinqiao_conformance.observing import CouldNotRun
from xinqiao_conformance.results.model import KitResult, Results, read_results

TEXT = """
declaration: "1"
standard: "1.0"
subject: {{name: 示例银行, institution: "{institution}"}}
kits: [{kit}]
"""
app = typer.Typer()
app.command()(judge_command)


def declared(folder: Path, *, institution: str = BANK, kit: str = "sender/family-trust/rest") -> Path:
    path = folder / "declaration.yaml"
    path.write_text(TEXT.format(institution=institution, kit=kit), encoding="utf-8")
    return path


def recorded(exchanges: Sequence[Recorded], folder: Path) -> Recording:
    return masked(written(exchanges, folder / "traffic.jsonl"), folder / "masked.jsonl")


def judged(exchanges: Sequence[Recorded], folder: Path, patience: float | None = None, **about: str) -> Results:
    return judge(read_declaration(declared(folder, **about), to_run=False), recorded(exchanges, folder), patience)


def by_id(kit: KitResult, *names: str) -> dict[str, str]:
    return {each.id: each.result for each in kit.requirements if each.id in names}


def run(folder: Path, *options: str) -> Result:
    files = ["--declaration", str(folder / "declaration.yaml"), "--recording", str(folder / "masked.jsonl")]
    return CliRunner().invoke(app, [*files, *options])


def broken() -> Stage:
    """Return the traffic of a sender that gave one id to two contents."""
    stage = good_sender()
    first = stage.find("kycApplication")["header"]["messageId"]
    stage.find("contractProposal")["header"]["messageId"] = first
    return stage


def test_traffic_that_breaks_nothing_passes_and_claims_only_what_it_shows(tmp_path: Path) -> None:
    results = judged(good_sender(), tmp_path)
    assert (results.how, results.verdict, results.evidence.exchanges) == ("recordings", "passed", len(good_sender()))
    # Masks hide what a schema is about, and no recording shows how a sender behaves when nobody answers.
    assert by_id(results.kits[0], "ENV-005", "MSG-002", "TRN-004") == {
        "ENV-005": "passed",
        "MSG-002": "unseen",
        "TRN-004": "passed",
    }


def test_what_the_traffic_breaks_fails_with_the_exchange_it_was_seen_in(tmp_path: Path) -> None:
    results = judged(broken(), tmp_path)
    assert results.verdict == "failed"
    (failed,) = (each for each in results.kits[0].cases if each.result == "failed")
    assert failed.case == "recorded.message_ids"
    assert failed.finding is not None
    assert (failed.finding.difference[0].path, failed.finding.owner) == ("header.messageId", "subject")
    assert failed.finding.exchanges


def test_a_requirement_of_which_masks_hide_a_part_is_not_said_to_be_met(tmp_path: Path) -> None:
    # The messages could be read, which MSG-002 asks for too; whether they fit their schemas nobody sees.
    (requirement,) = (each for each in judged(good_sender(), tmp_path).kits[0].requirements if each.id == "MSG-002")
    assert (requirement.result, requirement.cases) == ("unseen", ())


def test_traffic_of_another_business_or_way_shows_nothing_and_nothing_passes(tmp_path: Path) -> None:
    results = judged(good_sender(), tmp_path, kit="sender/registration/rest")
    assert results.verdict == "failed"
    assert {each.result for each in results.kits[0].requirements} == {"unseen"}


def test_silence_is_judged_only_where_it_is_said_how_long_an_answer_may_take(tmp_path: Path) -> None:
    unanswered = good_receiver()
    unanswered.change("kycDecision", message=message("disclosureNotice"))
    kit = "receiver/family-trust/rest"
    for name, patience, expected in (("a", None, "unseen"), ("b", 60.0, "failed")):
        folder = tmp_path / name
        folder.mkdir()
        results = judged(unanswered, folder, patience, kit=kit)
        assert by_id(results.kits[0], "PRC-015") == {"PRC-015": expected}


def test_a_certificate_over_it_says_that_it_was_judged_from_recordings(tmp_path: Path) -> None:
    declared(tmp_path)
    recorded(good_sender(), tmp_path)
    done = run(tmp_path, "--output", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    made = certify((tmp_path / "out" / "results.json").read_bytes(), Issuer("示例信托", BANK), KEY)
    certificate = verify(made, KeyRing([KEY.public()]))
    assert certificate.seen.how == "recordings"
    assert certificate.seen.kits[0].unseen > 0
    assert "did not run the system" in certificate.claims.en


def test_results_that_failed_are_written_and_not_certified(tmp_path: Path) -> None:
    declared(tmp_path)
    recorded(broken(), tmp_path)
    done = run(tmp_path, "--output", str(tmp_path / "out"), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["verdict"] == "failed"
    assert read_results(tmp_path / "out" / "results.json").verdict == "failed"
    with pytest.raises(NotValid, match="ENV-005"):
        certify((tmp_path / "out" / "results.json").read_bytes(), Issuer("示例信托", BANK), KEY)


def test_the_evidence_is_the_recording_byte_for_byte_and_the_one_before_is_kept(tmp_path: Path) -> None:
    declared(tmp_path)
    recording = recorded(good_sender(), tmp_path)
    out = tmp_path / "out"
    assert run(tmp_path, "--output", str(out)).exit_code == 0
    evidence = Recording.open(out / "evidence.jsonl")
    assert evidence.root == recording.root == read_results(out / "results.json").evidence.root
    assert run(tmp_path, "--output", str(out)).exit_code == 0
    assert (out / "before" / "evidence.jsonl").read_bytes() == (out / "evidence.jsonl").read_bytes()


def test_a_recording_that_is_not_masked_is_not_judged(tmp_path: Path) -> None:
    plain = written(good_sender(), tmp_path / "traffic.jsonl")
    with pytest.raises(ContentRefused, match="not masked"):
        judge(read_declaration(declared(tmp_path), to_run=False), plain)


def test_a_recording_of_somebody_else_is_not_judged(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="is of 91110000100000000R, the declaration of 913100001000100012"):
        judged(good_sender(), tmp_path, institution="913100001000100012")


def test_a_kit_that_no_check_is_for_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match="h5-host/family-trust/h5: no check reads recordings of this role"):
        judged(good_sender(), tmp_path, kit="h5-host/family-trust/h5")


def test_a_recording_that_was_cut_off_is_not_judged(tmp_path: Path) -> None:
    declared(tmp_path)
    path = recorded(good_sender(), tmp_path).path
    path.write_bytes(path.read_bytes()[:-20])
    assert isinstance(run(tmp_path).exception, MalformedJson)


def test_a_recording_that_is_not_there_is_said(tmp_path: Path) -> None:
    declared(tmp_path)
    done = run(tmp_path)
    assert done.exit_code == 2
    assert "is no file" in done.output
