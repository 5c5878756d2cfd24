"""``channel certify``: the suite as a process against a channel's partner, and the certificate beside its profile."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from generate import ROOT
from tests.acceptance.test_readme import blocks_of, run
from tests.gateway.conftest import BANK, CORE, PARTNER
from tests.sdk.recording.stage import good_sender, written
from xinqiao.certificate import verify
from xinqiao.errors import SettingsInvalid
from xinqiao.keys import KeyRing, read_verifying_key
from xinqiao.recording import Recorded, masked
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.alone import alone
from xinqiao_gateway.cli import app

SUBJECT = """
import os, signal, threading
from xinqiao_conformance.references.receiver import receiver_at

ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
with receiver_at(os.environ) as url:
    print('{"ready": true, "url": "%s"}' % url, flush=True)
    ended.wait()
"""
RECEIVER, SENDER = "receiver/registration/rest", "sender/family-trust/rest"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An installation with a partner that is pushed to, for tests, where nobody listens, and a core that pulls."""
    write_key(new_key("partner-1").public(), tmp_path / "partner.pub.jwk")
    folder, key = tmp_path / "data", str(tmp_path / "partner.pub.jwk")
    pushed = ["--push-url", "http://127.0.0.1:9/messages", "--test"]
    for name, about, more in (("partner", PARTNER, pushed), ("core", CORE, [])):
        options = ["--extends", "canonical", "--key", key, "--code", about["code"], "--name", about["name"], *more]
        done = CliRunner().invoke(app, ["channel", "add", name, *options, "--data", str(folder)])
        assert done.exit_code == 0, done.output
    return folder


def declared(data: Path, *kits: str, institution: str = BANK, reach: dict[str, str] | None = None) -> Path:
    said = {
        "declaration": "1", "standard": "1.0", "kits": list(kits), "patience": 1,
        "subject": {"name": "示例银行", "institution": institution, "product": "信托直连", "version": "2.3"},
    }  # fmt: skip
    path = data.parent / "declaration.yaml"
    path.write_text(yaml.safe_dump(said | ({"reach": reach} if reach else {}), allow_unicode=True), encoding="utf-8")
    return path


def recorded(data: Path, exchanges: Sequence[Recorded], name: str) -> Path:
    return masked(written(exchanges, data.parent / f"{name}.jsonl"), data.parent / f"{name}-masked.jsonl").path


def broken_sender() -> Sequence[Recorded]:
    stage = good_sender()
    stage.find("contractProposal")["header"]["messageId"] = stage.find("kycApplication")["header"]["messageId"]
    return stage


def certify(data: Path, declaration: Path, *options: str, channel: str = "partner") -> Result:
    files = ["--declaration", str(declaration), "--data", str(data)]
    return CliRunner().invoke(app, ["channel", "certify", channel, *files, "--json", *options])


def clock(data: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(
        CliRunner().invoke(app, ["channel", "clock", "partner", "--data", str(data), "--json"]).stdout
    )
    return said


def beside(data: Path) -> Path:
    return data / "channels" / "partner" / "certification"


def test_a_partner_that_meets_its_kit_is_certified_beside_its_profile(data: Path) -> None:
    (data.parent / "subject.py").write_text(SUBJECT, encoding="utf-8")
    reach = {"start": f"{sys.executable} subject.py"}
    done = certify(data, declared(data, RECEIVER, reach=reach), "--issuer", "示例信托公司", "--days", "90")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["passed"], said["lacking"]) == (True, [])
    keys = KeyRing([read_verifying_key(data / "keys" / "gateway.pub.jwk")])
    raw = (beside(data) / "certificate.json").read_bytes()
    found = verify(raw, keys, results=(beside(data) / "results.json").read_bytes())
    assert (found.seen.subject.institution, found.issuer.name) == (BANK, "示例信托公司")
    assert (found.expires_at - found.issued_at).days == 90
    assert [each.kit for each in found.seen.kits] == [RECEIVER]
    listed = CliRunner().invoke(app, ["channel", "list", "--data", str(data)])
    assert "有效 valid until" in listed.stdout
    told = clock(data)
    assert [each["stage"] for each in told["stages"]] == ["created", "added", "certified"]
    assert (told["next"], told["waits_for"]) == (None, None)


def test_recordings_are_judged_and_what_fails_later_takes_no_certificate_away(data: Path) -> None:
    declaration = declared(data, SENDER)
    done = certify(data, declaration, "--recording", str(recorded(data, good_sender(), "good")))
    assert done.exit_code == 0, done.output
    certificate = json.loads(done.stdout)["certificate"]
    # Our own channel says what our institution is called.
    assert (certificate["how"], certificate["issuer"]) == ("recordings", "信托核心")
    kept = {each.name: each.read_bytes() for each in beside(data).iterdir() if each.is_file()}
    assert sorted(kept) == ["certificate.json", "clock.jsonl", "declaration.yaml", "evidence.jsonl", "results.json"]
    done = certify(data, declaration, "--recording", str(recorded(data, broken_sender(), "broken")))
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert (said["passed"], said["certificate"], said["lacking"]) == (False, None, ["ENV-005"])
    assert json.loads(Path(said["results"]).read_bytes())["verdict"] == "failed"
    assert {name: (beside(data) / name).read_bytes() for name in kept if name != "clock.jsonl"} == {
        name: content for name, content in kept.items() if name != "clock.jsonl"
    }


def test_a_partner_that_does_not_meet_its_kit_is_told_what_and_waited_for(data: Path) -> None:
    recording = recorded(data, broken_sender(), "broken")
    files = ["--declaration", str(declared(data, SENDER)), "--recording", str(recording), "--data", str(data)]
    done = CliRunner().invoke(app, ["channel", "certify", "partner", *files])
    assert done.exit_code == 1
    assert "未通过，不签发证书 not met: ENV-005" in done.stdout
    assert not (beside(data) / "certificate.json").exists()
    assert (clock(data)["next"], clock(data)["waits_for"]) == ("first_message", "partner")


def test_a_recording_of_something_else_certifies_nothing(data: Path) -> None:
    recording = recorded(data, good_sender(), "good")
    done = certify(data, declared(data, SENDER, "sender/prepaid/rest"), "--recording", str(recording))
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert (said["passed"], said["lacking"], said["unseen"]) == (False, [], ["sender/prepaid/rest"])


def test_a_declaration_without_reach_takes_the_configured_endpoint(data: Path) -> None:
    done = certify(data, declared(data, RECEIVER))
    # Nobody listens there, and nothing is said about the partner.
    assert isinstance(done.exception, SettingsInvalid)
    assert "could not run (exit status 2)" in str(done.exception)
    run = yaml.safe_load((beside(data) / "run" / "declaration.yaml").read_text(encoding="utf-8"))
    assert run["reach"] == {"control": "http://127.0.0.1:9"}
    # What the partner is to be started with before the next run.
    given = (beside(data) / "run" / "conformance-subject" / "subject.env").read_text(encoding="utf-8")
    assert "XINQIAO_GATEWAY=" in given
    assert not (beside(data) / "run" / "results.json").exists()


def without_suite(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "executable", str(data / "python"))
    return declared(data, RECEIVER)


def of_another(data: Path, _: pytest.MonkeyPatch) -> Path:
    return declared(data, RECEIVER, institution=CORE["code"])


def of_nobody(data: Path, _: pytest.MonkeyPatch) -> Path:
    path = data.parent / "declaration.yaml"
    path.write_text("[]")
    return path


def no_yaml(data: Path, _: pytest.MonkeyPatch) -> Path:
    path = data.parent / "declaration.yaml"
    path.write_text("subject: {")
    return path


def production(data: Path, _: pytest.MonkeyPatch) -> Path:
    path = data / "channels" / "partner" / "channel.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("test: true", "test: false"), encoding="utf-8")
    return declared(data, RECEIVER)


def not_of_tests(data: Path, _: pytest.MonkeyPatch) -> Path:
    path = declared(data, RECEIVER, reach={"control": "http://127.0.0.1:9"})
    path.write_text(path.read_text(encoding="utf-8") + "test: false\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (production, "partner leads to production: the suite sends what is wrong and hostile"),
        (not_of_tests, "says test: false"),
        (without_suite, "certifying needs the package xinqiao-conformance"),
        (of_another, f"subject.institution is {CORE['code']}; the institution of partner is {BANK}"),
        (of_nobody, "no declaration: a mapping with subject and kits is expected"),
        (no_yaml, "declaration.yaml: while parsing"),
    ],
)
def test_what_keeps_it_from_running_is_said(
    data: Path, monkeypatch: pytest.MonkeyPatch, given: Callable[[Path, pytest.MonkeyPatch], Path], said: str
) -> None:
    done = certify(data, given(data, monkeypatch))
    assert isinstance(done.exception, SettingsInvalid)
    assert said in str(done.exception)


def test_a_channel_that_pulls_has_no_endpoint_to_take(data: Path) -> None:
    done = certify(data, declared(data, RECEIVER, institution=CORE["code"]), channel="core")
    assert isinstance(done.exception, SettingsInvalid)
    assert "core is not pushed to over HTTP: say reach.control or reach.start" in str(done.exception)


def test_a_run_that_takes_too_long_is_ended(data: Path) -> None:
    done = certify(data, declared(data, RECEIVER, reach=asleep(data)), "--timeout", "1")
    assert isinstance(done.exception, SettingsInvalid)
    assert "run took longer than 1 s and was ended" in str(done.exception)


def asleep(data: Path) -> dict[str, str]:
    """Write a subject that never comes up, and says who it is."""
    program = "import os, time; open('pid-', 'w').write(str(os.getpid())); os.rename('pid-', 'pid'); time.sleep(60)"
    (data.parent / "asleep.py").write_text(program, encoding="utf-8")
    return {"start": f"{sys.executable} asleep.py"}


def test_a_channel_that_is_being_certified_is_left_alone(data: Path) -> None:
    run = beside(data) / "run"
    run.mkdir()
    with alone(run / "lock", ""):
        done = certify(data, declared(data, RECEIVER, reach=asleep(data)))
    assert isinstance(done.exception, SettingsInvalid)
    assert done.exception.detail == "partner is being certified already; wait until that has ended"
    assert [each.name for each in run.iterdir()] == ["lock"]


@pytest.mark.parametrize("interrupted", ["at the terminal", "by its id"])
def test_a_run_that_is_interrupted_ends_with_all_that_it_started(data: Path, interrupted: str) -> None:
    declaration = declared(data, RECEIVER, reach=asleep(data))
    files = ["--declaration", str(declaration), "--data", str(data)]
    # Where the tests run in the background, interrupts are ignored, and what is started inherits that.
    able = ["env", "--default-signal=INT"]
    command = [*able, sys.executable, "-m", "xinqiao_gateway", "channel", "certify", "partner", *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        pid, deadline = data.parent / "pid", time.monotonic() + 40
        while not pid.exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
        if interrupted == "at the terminal":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert not (beside(data) / "run" / "results.json").exists()
    assert not (beside(data) / "certificate.json").exists()


PAGES = ("docs/conformance/production.md", "docs/conformance/production.zh-CN.md")


def test_the_example_of_the_page_runs_from_certificate_to_drift(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    done = run(tmp_path, blocks_of(PAGES[0]))
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "偏离证书 drift from the certificate: ENV-010",
        "ENV-010  one_case: 不通过 failed",
        "认证 certified",
    ):
        assert said in done.stdout


def test_both_pages_run_the_same() -> None:
    assert blocks_of(PAGES[0]) == blocks_of(PAGES[1])
