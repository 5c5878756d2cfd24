"""The pytest plugin of the suite: gives tests their target, checks coverage, writes ``results.json``."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from xinqiao.message import timestamp
from xinqiao.seal import read_signing_key
from xinqiao_conformance.requirements import Requirement, requirements
from xinqiao_conformance.target import Breach, Target

__all__ = ["RESULTS"]

RESULTS = "results.json"
_ROLE = "gateway"
_OPTIONS = ("target", "channel", "key", "sender", "receiver", "output")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take what the runner was told."""
    group = parser.getgroup("xinqiao")
    for name in _OPTIONS:
        group.addoption(f"--xinqiao-{name}", required=True)
    group.addoption("--xinqiao-test", action="store_true")


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Iterator[Target]:
    """Give the implementation under test."""
    said = {name: pytestconfig.getoption(f"--xinqiao-{name}") for name in _OPTIONS}
    with Target(
        said["target"],
        channel=said["channel"],
        key=read_signing_key(said["key"]),
        sender=said["sender"],
        receiver=said["receiver"],
        test=pytestconfig.getoption("--xinqiao-test"),
    ) as reached:
        yield reached


@dataclass
class _Result:
    requirement: Requirement
    planned: set[str] = field(default_factory=set)
    ran: set[str] = field(default_factory=set)
    time: str = ""
    seconds: float = 0.0
    findings: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        findings = self.findings + [_not_run(each) for each in sorted(self.planned - self.ran)]
        return {
            **self.requirement.as_json(),
            "result": "passed" if self.ran and not findings else "failed",
            "time": self.time or timestamp(),
            "seconds": round(self.seconds, 3),
            "findings": findings,
        }


class _Recorder:
    def __init__(self, output: Path) -> None:
        self._output = output
        self._results = {each.id: _Result(each) for each in requirements(_ROLE, shown_by="suite")}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        unmarked = [item.nodeid for item in items if item.get_closest_marker("requirement") is None]
        if unmarked:
            raise pytest.UsageError(f"tests without a requirement: {', '.join(unmarked)}")
        untested = self._results.keys() - {_requirement_of(item) for item in items}
        if untested:
            raise pytest.UsageError(f"requirements without a test: {', '.join(sorted(untested))}")
        for item in items:
            self._results[_requirement_of(item)].planned.add(item.name)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        result = self._results[_requirement_of(item)]
        result.time = result.time or timestamp()
        result.seconds += call.duration
        result.ran.add(item.name)
        if call.excinfo is not None:
            result.findings.append({"test": item.name, **_finding(call.excinfo.value)})
        return (yield)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        results = [each.as_json() for each in self._results.values()]
        (self._output / RESULTS).write_bytes(orjson.dumps(results))
        if exitstatus == pytest.ExitCode.OK and any(each["result"] == "failed" for each in results):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _not_run(test: str) -> dict[str, Any]:
    return {"test": test, "expected": "the test runs", "sent": None, "seen": {"error": "it did not run"}}


def _requirement_of(item: pytest.Item) -> str:
    marker = item.get_closest_marker("requirement")
    assert marker is not None  # noqa: S101 -- checked at collection
    return str(marker.args[0])


def _finding(error: BaseException) -> dict[str, Any]:
    if isinstance(error, Breach):
        return error.finding
    # Other errors may quote what was sent; their kind says enough.
    return {"expected": "an answer", "sent": None, "seen": {"error": type(error).__name__}}


def pytest_configure(config: pytest.Config) -> None:
    """Begin to record."""
    config.pluginmanager.register(_Recorder(Path(config.getoption("--xinqiao-output"))), "xinqiao-recorder")
