"""How a subject is reached: started by a command, running at an address, or served by hand."""

import shlex
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from xinqiao.errors import Conflict, Overloaded, SettingsInvalid
from xinqiao.message import Json
from xinqiao.testing import BANK
from xinqiao_conformance.benches.listening import Turn, refused
from xinqiao_conformance.benches.sender import sender_bench
from xinqiao_conformance.declaration import Declaration, Reach, Subject
from xinqiao_conformance.kits import kit_named
from xinqiao_conformance.observing import Breach, CouldNotRun
from xinqiao_conformance.references.sender import ReferenceSender, sender_at

_KIT = kit_named("sender/family-trust/rest")
_PROGRAM = """
import json, os, signal, threading
from xinqiao_conformance.references.sender import sender_at

ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
with sender_at(os.environ) as url:
    print(json.dumps({"ready": True, "url": url}), flush=True)
    ended.wait()
open("ended", "w").close()
"""


def _declared(folder: Path, **reach: object) -> Declaration:
    subject = Subject(name="subject", institution=BANK)
    return Declaration(subject, (_KIT,), frozenset(), Reach.model_validate(reach), 10.0, True, "sha256:0", folder)


def _command(folder: Path, program: str) -> str:
    (folder / "subject.py").write_text(program, encoding="utf-8")
    return shlex.join([sys.executable, "subject.py"])


def test_a_process_is_started_with_its_environment_and_stopped(tmp_path: Path) -> None:
    with sender_bench(_declared(tmp_path, start=_command(tmp_path, _PROGRAM)), _KIT) as bench:
        assert bench.send("kycApplication").told.outcome == "accepted"
    assert (tmp_path / "ended").exists()


def test_of_a_process_that_does_not_come_up_the_end_and_its_errors_are_said(tmp_path: Path) -> None:
    command = _command(tmp_path, "raise SystemExit('no key')")
    with (
        pytest.raises(CouldNotRun, match=r"ended with exit code 1(.|\n)*subject\.log\):\nno key"),
        sender_bench(_declared(tmp_path, start=command), _KIT),
    ):
        pass
    assert (tmp_path / "conformance-subject" / "subject.log").read_text() == "no key\n"


def test_a_command_that_is_none_could_not_be_run(tmp_path: Path) -> None:
    with (
        pytest.raises(CouldNotRun, match="no-such-program"),
        sender_bench(_declared(tmp_path, start="no-such-program"), _KIT),
    ):
        pass


_DAEMON = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
"""


def test_a_process_that_leaves_another_behind_on_its_output_ends(tmp_path: Path) -> None:
    command = _command(tmp_path, _DAEMON + _PROGRAM)
    with sender_bench(_declared(tmp_path, start=command), _KIT) as bench:
        assert bench.institution == BANK
    assert (tmp_path / "ended").exists()


@pytest.mark.parametrize("said", ['{"ready": true, "url": "ftp://127.0.0.1"}', '{"ready": true}', "[]", "x" * 100_000])
def test_a_first_line_that_names_no_address_is_said(tmp_path: Path, said: str) -> None:
    with (
        pytest.raises(CouldNotRun, match="one line"),
        sender_bench(_declared(tmp_path, start=_command(tmp_path, f"print({said!r})")), _KIT),
    ):
        pass


def test_a_port_that_somebody_else_has_is_said(tmp_path: Path) -> None:
    _first_environment(tmp_path)
    port = int((tmp_path / "conformance-subject" / "gateway.port").read_text(encoding="ascii"))
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(SettingsInvalid, match=r"gateway\.port .*the port is taken"),
        sender_bench(_declared(tmp_path, control="http://127.0.0.1:9"), _KIT),
    ):
        pass


def test_a_subject_that_does_unseen_is_told_its_environment(tmp_path: Path) -> None:
    declared = replace(_declared(tmp_path, control="http://127.0.0.1:9"), patience=0.5)
    with pytest.raises(CouldNotRun, match=r"subject\.env"), sender_bench(declared, _KIT):
        pass


def test_a_subject_that_runs_keeps_its_gateway_from_run_to_run(tmp_path: Path) -> None:
    environment = _first_environment(tmp_path)
    with sender_at(environment) as url, sender_bench(_declared(tmp_path, control=url), _KIT) as bench:
        assert bench.send("kycApplication").told.outcome == "accepted"


class _Endless(ReferenceSender):
    """Takes no refusal for an answer."""

    def submit(self, message: Json) -> str:
        until = time.monotonic() + 2.0
        while time.monotonic() < until:
            self.post(self.sealed(message))
        return "failed"


@pytest.mark.parametrize(("then", "fix"), [(refused(Conflict), "goes on sending"), (refused(Overloaded), "patience")])
def test_whoever_never_tells_an_outcome_is_told_why_that_may_be(tmp_path: Path, then: Turn, fix: str) -> None:
    environment = _first_environment(tmp_path)
    with sender_at(environment, _Endless) as url:
        declared = replace(_declared(tmp_path, control=url), patience=0.5)
        with sender_bench(declared, _KIT) as bench, pytest.raises(Breach, match="an outcome within") as told:
            bench.send("kycApplication", then=then)
    assert told.value.fix is not None
    assert fix in told.value.fix.en


def _first_environment(folder: Path) -> dict[str, str]:
    """Return the environment that a run which reached nobody left for whoever starts the subject."""
    nobody = replace(_declared(folder, control="http://127.0.0.1:9"), patience=0.5)
    with pytest.raises(CouldNotRun), sender_bench(nobody, _KIT):
        pass
    lines = (folder / "conformance-subject" / "subject.env").read_text(encoding="utf-8").splitlines()
    return {name: shlex.split(value)[0] for name, _, value in (line.partition("=") for line in lines)}


def test_a_port_that_is_none_is_an_error_of_the_settings(tmp_path: Path) -> None:
    _first_environment(tmp_path)
    (tmp_path / "conformance-subject" / "gateway.port").write_text("here", encoding="ascii")
    with (
        pytest.raises(SettingsInvalid, match=r"gateway\.port"),
        sender_bench(_declared(tmp_path, control="http://127.0.0.1:9"), _KIT),
    ):
        pass


def test_by_hand_somebody_is_told_what_to_do_and_says_what_came_of_it(tmp_path: Path) -> None:
    questions: list[str] = []

    def ask(question: str) -> str:
        questions.append(question)
        return "" if len(questions) == 1 else "accepted"

    with sender_bench(_declared(tmp_path, manual=True), _KIT, ask=ask) as bench:
        sent = bench.send("kycApplication", case="CONF-1")
    assert (sent.told.outcome, sent.attempts) == ("accepted", ())
    assert "subject.env" in questions[0]
    assert "kycApplication (case=CONF-1)" in questions[1]
