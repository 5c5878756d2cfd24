"""The engine: what it runs of a declaration, and what it makes of what happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from xinqiao.errors import SettingsInvalid
from xinqiao.finding import Text
from xinqiao.recording import Recorded, Recording
from xinqiao_conformance import running
from xinqiao_conformance.case import Case, Run
from xinqiao_conformance.declaration import Declaration, read_declaration
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Breach, CouldNotRun
from xinqiao_conformance.requirements import requirement_of
from xinqiao_conformance.results.model import CaseResult, Results

TEXT = """
declaration: "1"
standard: "1.0"
subject: {name: 示例银行, institution: 91110000100000000R}
kits: [sender/family-trust/rest]
reach: {control: "http://127.0.0.1:9"}
"""


@pytest.fixture
def declaration(tmp_path: Path) -> Declaration:
    (tmp_path / "declaration.yaml").write_text(TEXT, encoding="utf-8")
    return read_declaration(tmp_path / "declaration.yaml")


class Bench:
    """Saw one message and no answer."""

    recording = (Recorded("subject", "rest", {"header": {"caseId": "C-1"}, "ping": {}}),)


class Heard:
    def __init__(self) -> None:
        self.said: list[str] = []

    def begin(self, kit: Kit, total: int) -> None:
        self.said.append(f"{kit.id} {total}")

    def done(self, result: CaseResult) -> None:
        self.said.append(f"{result.case} {result.result}")


def case(requirement: str, do: Any, *, negative: bool = False, last: bool = False) -> Run:
    name = f"sender.some.{do.__name__}"
    of = Case(
        name, requirement_of(requirement), "sender", negative, frozenset(), frozenset(), frozenset(), None, last, do
    )
    return Run(of, name, do)


def passes(_bench: Any) -> None:
    """Find nothing wrong."""


def breaks(_bench: Any) -> None:
    raise Breach(Text("同一编号", "the same id"), seen={"attempts": 2}, difference=[{"path": "header.messageId"}])


def stumbles(_bench: Any) -> None:
    raise ConnectionError("refused by 王小明")


def ran(
    monkeypatch: pytest.MonkeyPatch, declaration: Declaration, tmp_path: Path, *runs: Run, watch: Heard | None = None
) -> Results:
    @contextmanager
    def opened(_declaration: Declaration, _kit: Kit) -> Iterator[Bench]:
        yield Bench()

    monkeypatch.setattr(running, "BENCHES", {"sender": opened})
    monkeypatch.setattr(running, "planned", lambda *_: list(runs))
    with Evidence(tmp_path / "evidence.jsonl", declaration) as evidence:
        return running.run(declaration, evidence, watch)


def test_a_subject_that_meets_everything_passes_and_what_was_seen_is_evidence(
    monkeypatch: pytest.MonkeyPatch, declaration: Declaration, tmp_path: Path
) -> None:
    watch = Heard()
    results = ran(monkeypatch, declaration, tmp_path, case("ENV-005", passes), watch=watch)
    assert (results.verdict, results.evidence.exchanges) == ("passed", 1)
    assert results.declaration.digest == declaration.digest
    assert watch.said == ["sender/family-trust/rest 1", "sender.some.passes passed"]
    evidence = Recording.open(tmp_path / "evidence.jsonl")
    assert (evidence.head.masked, evidence.root, len(list(evidence))) == (True, results.evidence.root, 1)


def test_a_breach_fails_its_requirement_and_says_what_to_mend(
    monkeypatch: pytest.MonkeyPatch, declaration: Declaration, tmp_path: Path
) -> None:
    results = ran(monkeypatch, declaration, tmp_path, case("ENV-005", breaks, negative=True), case("ENV-010", passes))
    [kit] = results.kits
    assert (results.verdict, kit.verdict) == ("failed", "failed")
    assert {each.id: each.result for each in kit.requirements} == {"ENV-005": "failed", "ENV-010": "passed"}
    [found] = [each.finding for each in kit.cases if each.finding]
    assert (found.expected.en, found.clause) == ("the same id", requirement_of("ENV-005").source)
    assert [each.path for each in found.difference] == ["header.messageId"]


def test_what_nobody_foresaw_is_a_failure_and_its_text_is_not_told(
    monkeypatch: pytest.MonkeyPatch, declaration: Declaration, tmp_path: Path
) -> None:
    results = ran(monkeypatch, declaration, tmp_path, case("ENV-005", stumbles))
    [result] = results.kits[0].cases
    assert result.finding is not None
    assert result.finding.seen == {"error": "ConnectionError"}
    assert "王小明" not in results.model_dump_json()


def test_a_should_that_is_not_met_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, declaration: Declaration, tmp_path: Path
) -> None:
    results = ran(monkeypatch, declaration, tmp_path, case("MSG-019", breaks), case("ENV-005", passes))
    assert results.verdict == "passed"
    assert [each.id for each in results.kits[0].warnings] == ["MSG-019"]


def test_a_subject_that_does_not_come_up_fails_all_that_it_declared(
    monkeypatch: pytest.MonkeyPatch, declaration: Declaration, tmp_path: Path
) -> None:
    def not_up(_declaration: Declaration, _kit: Kit) -> Bench:
        raise Breach(Text("已启动", "it is up"), seen={"exit": 1})

    monkeypatch.setattr(running, "BENCHES", {"sender": not_up})
    monkeypatch.setattr(running, "planned", lambda *_: [case("ENV-005", passes), case("ENV-010", passes)])
    with Evidence(tmp_path / "evidence.jsonl", declaration) as evidence:
        results = running.run(declaration, evidence)
    assert [each.result for each in results.kits[0].requirements] == ["failed", "failed"]


def test_a_kit_without_cases_is_not_passed_but_cannot_be_run(declaration: Declaration) -> None:
    with pytest.raises(CouldNotRun, match="no cases"):
        running.planned(declaration, Kit("nobody", "family-trust", "rest"))


def test_the_digest_of_the_suite_is_the_same_each_time() -> None:
    assert running.suite_digest() == running.suite_digest()
    assert running.suite_digest().startswith("sha256:")


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("kits: [sender/family-trust/rest]", "kits: [sender/family-trust/carrier-pigeon]"),
        ("kits: [sender/family-trust/rest]", "kits: []"),
        (
            "subject: {name: 示例银行, institution: 91110000100000000R}",
            "subject: {name: 示例银行, institution: '9111'}",
        ),
        ('reach: {control: "http://127.0.0.1:9"}', 'reach: {control: "http://127.0.0.1:9", manual: true}'),
        ('reach: {control: "http://127.0.0.1:9"}', 'reach: {control: "localhost:9"}'),
        ('standard: "1.0"', 'standard: "1.0"\nsupports: [telepathy]'),
        ('standard: "1.0"', 'standard: "1.0"\nsuports: [xml]'),
        ('standard: "1.0"', 'standard: "2.0"'),
        ("kits:", "kits: ["),
    ],
)
def test_a_declaration_that_is_wrong_is_refused_with_the_place(tmp_path: Path, said: str, wrong: str) -> None:
    path = tmp_path / "declaration.yaml"
    path.write_text(TEXT.replace(said, wrong), encoding="utf-8")
    with pytest.raises(SettingsInvalid, match=r"declaration\.yaml"):
        read_declaration(path)


def test_a_declaration_that_is_missing_or_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        read_declaration(tmp_path / "none.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"#" * 100_000)
    with pytest.raises(SettingsInvalid, match="larger than"):
        read_declaration(tmp_path / "huge.yaml")
