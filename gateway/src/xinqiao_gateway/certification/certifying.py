"""Certifying a channel's partner: the conformance suite is run as a process, and its results are signed as passed.

The gateway does not know the suite: it starts the command that is installed beside it, and reads what that writes.
``certification/run`` beside the profile holds the last run; what passed is kept in ``certification``, certificate and
all.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.alone import alone
from xinqiao_gateway.certification.certificate import FOLDER
from xinqiao_gateway.certification.clock import Party
from xinqiao_gateway.channels import ServedChannel

__all__ = ["Issuing", "Outcome", "certified", "suite_command"]

_COMMAND = "xinqiao-conformance"
_RESULTS, _EVIDENCE, _CERTIFICATE, _DECLARATION = (
    "results.json",
    "evidence.jsonl",
    "certificate.json",
    "declaration.yaml",
)
_LARGEST = 65_536
# Seconds in which a suite that is told to end takes its servers down, and in which one certificate is signed
# at the least.
_ENDING = 10.0
_SIGNING = 120.0


@dataclass(frozen=True, slots=True)
class Issuing:
    """Who signs: the installation's private key (a file), the name and code of its institution; for so many days."""

    key: Path
    name: str
    institution: str
    days: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: ``lacking`` are the requirements that are not met, ``waits_for`` is who is to mend them.

    ``unseen``: the kits that a recording shows nothing of.
    """

    passed: bool
    results: Path
    certificate: Path | None = None
    lacking: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    waits_for: Party = "partner"


def suite_command() -> Path:
    """Return the suite's command, installed beside this interpreter. Raises ``SettingsInvalid`` where it is not."""
    found = Path(sys.executable).with_name(_COMMAND)
    if not os.access(found, os.X_OK):
        raise SettingsInvalid(f"{found} is not there: certifying needs the package {_COMMAND} beside the gateway's")
    return found


def certified(
    channel: ServedChannel,
    folder: Path,
    declaration: Path,
    recording: Path | None,
    issuing: Issuing,
    *,
    timeout: float,
    quiet: bool,
) -> Outcome:
    """Run the suite against the channel's partner, or judge a recording of it, and certify what passed.

    ``folder`` is the channel's. Progress goes to standard error, and unless ``quiet`` what was found to standard
    output. Raises ``SettingsInvalid`` where the suite is not installed, the declaration is not the partner's, the
    suite could not run, or another run of this channel's is under way.
    """
    command, run = suite_command(), folder / FOLDER / "run"
    run.mkdir(parents=True, exist_ok=True)
    with alone(run / "lock", f"{channel.channel_id} is being certified already; wait until that has ended"):
        declared = _declared(channel, declaration, run, is_recorded=recording is not None)
        for name in (_RESULTS, _EVIDENCE, _CERTIFICATE):
            (run / name).unlink(missing_ok=True)
        what = ["run"] if recording is None else ["judge", "--recording", str(recording)]
        status = _do([str(command), *what, "--declaration", str(declared), "--output", str(run)], timeout, quiet=quiet)
        if status not in (0, 1) or not (run / _RESULTS).is_file():
            raise SettingsInvalid(
                f"{_COMMAND} {what[0]} could not run (exit status {status}); what it said stands above"
            )
        if status:
            return _failed(run / _RESULTS)
        # The suite went to the address that the profile has.
        through = ["--channel"] if recording is None and declared != declaration else []
        # What was judged is judged again before it is signed.
        _sign(command, run, issuing, through, max(timeout, _SIGNING))
        return Outcome(True, folder / FOLDER / _RESULTS, _kept(run, declared, folder / FOLDER))


def _sign(command: Path, run: Path, issuing: Issuing, through: Sequence[str], timeout: float) -> None:
    signing = ["--key", str(issuing.key), "--issuer", issuing.name, "--institution", issuing.institution]
    to = ["--days", str(issuing.days), "--to", str(run / _CERTIFICATE)]
    status = _do([str(command), "certify", str(run / _RESULTS), *signing, *to, *through], timeout, quiet=True)
    if status:
        raise SettingsInvalid(f"{_COMMAND} certify could not sign (exit status {status}); what it said stands above")


def _declared(channel: ServedChannel, declaration: Path, run: Path, *, is_recorded: bool) -> Path:
    """Return the declaration to run: as it was given, or with the channel's endpoint where it names none."""
    said = _read(declaration)
    subject = said.get("subject")
    institution = subject.get("institution") if isinstance(subject, dict) else None
    if institution != channel.institution_code:
        raise SettingsInvalid(
            f"{declaration}: subject.institution is {institution}; the institution of {channel.channel_id} is "
            f"{channel.institution_code}"
        )
    if said.get("test") is False and not is_recorded:
        raise SettingsInvalid(
            f"{declaration} says test: false: what the suite sends is wrong and hostile, and never anything but test "
            "traffic; leave it out"
        )
    if "reach" in said or is_recorded:
        return declaration
    reach = {"control": _endpoint(channel, declaration)}
    made = run / _DECLARATION
    made.write_text(yaml.safe_dump({**said, "reach": reach}, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return made


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            said = yaml.safe_load(file.read(_LARGEST))
    except OSError as error:
        raise SettingsInvalid(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsInvalid(f"{path}: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(said, dict):
        raise SettingsInvalid(f"{path}: no declaration: a mapping with subject and kits is expected")
    return said


def _endpoint(channel: ServedChannel, declaration: Path) -> str:
    """Return where the partner is reached: it serves its controls beside the address that it is pushed to."""
    if channel.push is None or channel.push.scheme not in ("http", "https"):
        raise SettingsInvalid(
            f"{declaration} says no reach, and {channel.channel_id} is not pushed to over HTTP: say reach.control or "
            "reach.start in it, or push.url in the profile"
        )
    if not channel.test:
        raise SettingsInvalid(
            f"{declaration} says no reach, and {channel.channel_id} leads to production: the suite sends what is wrong "
            "and hostile; say in reach where the partner's environment for tests is, or certify a channel for tests"
        )
    return channel.push.url.removesuffix("/").removesuffix("/messages")


def _do(command: Sequence[str], timeout: float, *, quiet: bool) -> int:
    """Run a command; one that takes too long is told to end, and ended. Raises ``SettingsInvalid``.

    In a session of its own: what interrupts us at a terminal would interrupt it twice, in the midst of clearing up.
    """
    output = subprocess.DEVNULL if quiet else None
    with (
        _ended_as_interrupted(),
        subprocess.Popen(command, stdout=output, start_new_session=True) as process,  # noqa: S603 -- our own
    ):
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise SettingsInvalid(
                f"{command[1]} took longer than {timeout:.0f} s and was ended; see --timeout"
            ) from error
        finally:
            _end(process)


@contextmanager
def _ended_as_interrupted() -> Iterator[None]:
    """Let whoever ends this process end the suite with it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    # The suite takes down what it has started. Not an interrupt: what runs in the background may ignore those.
    process.terminate()
    try:
        process.wait(_ENDING)
    except subprocess.TimeoutExpired:
        process.kill()


def _failed(results: Path) -> Outcome:
    """Read which of what must be met is not; a recording that shows nothing of it leaves it open."""
    said = orjson.loads(results.read_bytes())
    must: list[Any] = [each for kit in said["kits"] for each in kit["requirements"] if each["level"] == "MUST"]
    lacking = [each for each in must if each["result"] == "failed"]
    owners = {case["finding"]["owner"] for each in lacking for case in each["cases"] if case["result"] == "failed"}
    waits_for: Party = "partner" if not owners or "subject" in owners else "us"
    return Outcome(
        passed=False,
        results=results,
        lacking=tuple(dict.fromkeys(each["id"] for each in lacking)),
        unseen=() if lacking else tuple(kit["kit"] for kit in said["kits"] if kit["verdict"] == "failed"),
        waits_for=waits_for,
    )


def _kept(run: Path, declared: Path, beside: Path) -> Path:
    """Keep what passed beside the profile, and return its certificate.

    The certificate is written last: until then the one of before is refused for other results, never believed.
    """
    shutil.copyfile(declared, run / f".{_DECLARATION}")
    os.replace(run / f".{_DECLARATION}", beside / _DECLARATION)
    for name in (_EVIDENCE, _RESULTS, _CERTIFICATE):
        (run / name).replace(beside / name)
    return beside / _CERTIFICATE
