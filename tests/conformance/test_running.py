"""The engine: what it runs of a declaration, and what it makes of what happens."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
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
from xinqiao_conformance.results.model import CaseResult, Results, read_results, write_results

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


def cannot_be_done(_bench: Any) -> None:
    raise CouldNotRun("nobody answered within 5 s")


def test_what_the_suite_cannot_do_is_its_own_matter_and_says_why(
    monkeypatch: pytest.MonkeyPatch, declaration: Declaration, tmp_path: Path
) -> None:
    results = ran(monkeypatch, declaration, tmp_path, case("ENV-005", cannot_be_done))
    finding = results.kits[0].cases[0].finding
    assert finding is not None
    assert (finding.owner, finding.seen) == ("suite", {"error": "nobody answered within 5 s"})


def test_a_subject_that_has_fallen_silent_is_not_waited_for_in_every_case(
    monkeypatch: pytest.MonkeyPatch, declaration: Declaration, tmp_path: Path
) -> None:
    asked: list[object] = []

    def is_silent(bench: Any) -> None:
        asked.append(bench)
        raise Breach(Text("应答", "an answer"))

    runs = [case("ENV-005", is_silent)] * 40
    results = ran(monkeypatch, replace(declaration, patience=0.0), tmp_path, *runs)
    assert {each.result for each in results.kits[0].cases} == {"failed"}
    assert (len(results.kits[0].cases), len(asked)) == (40, 15)


ODD: list[tuple[str, Any]] = [
    ("deep", orjson.loads("[" * 900 + "]" * 900)),
    ("wide", [0] * 100_000),
    ("long", "长" * 1_000_000),
    ("half a character", "\ud800"),
    ("huge", 10**40),
    ("of no JSON", b"bytes"),
]


@pytest.mark.parametrize("odd", [value for _, value in ODD], ids=[name for name, _ in ODD])
def test_whatever_a_subject_says_results_are_written_and_read_again(
    monkeypatch: pytest.MonkeyPatch, declaration: Declaration, tmp_path: Path, odd: Any
) -> None:
    def says_so(_bench: Any) -> None:
        expected = Text(f"不是 {str(odd)[:2_000_000]}", f"not {str(odd)[:2_000_000]}")
        raise Breach(expected, sent={"it": odd}, seen={"body": odd}, difference=[{"path": "it", "seen": odd}] * 2_000)

    results = ran(monkeypatch, declaration, tmp_path, case("ENV-005", says_so))
    write_results(results, tmp_path / "results.json")
    assert read_results(tmp_path / "results.json").verdict == "failed"
    assert (tmp_path / "results.json").stat().st_size < 10_000_000


def test_a_number_that_tells_who_somebody_is_is_masked_wherever_it_is_seen() -> None:
    said = "客户 13800001111，证件 11010119900307803X，账号 6222020200112233445"
    breach = Breach(Text(said, said), sent={"a": [said]}, seen={"b": {"c": said}}, difference=[{"seen": said}])
    shown = f"{breach.expected} {breach.sent} {breach.seen} {breach.difference} {breach}"
    assert not re.search("13800001111|11010119900307803X|6222020200112233445", shown)


def declared_with(tmp_path: Path, **said: str) -> Declaration:
    text = TEXT
    for name, value in said.items():
        text = re.sub(rf"^{name}: .*$", f"{name}: {value}", text, flags=re.MULTILINE)
    (tmp_path / "declaration.yaml").write_text(f"{text}supports: {said.get('supports', '[]')}\n", encoding="utf-8")
    return read_declaration(tmp_path / "declaration.yaml")


def test_a_feature_that_no_kit_tests_is_not_declared_in_vain(tmp_path: Path) -> None:
    declaration = declared_with(tmp_path, supports="[pull]")
    evidence = Evidence(tmp_path / "evidence.jsonl", declaration)
    with evidence, pytest.raises(SettingsInvalid, match=r"supports: pull: .* features of these kits: corrections"):
        running.run(declaration, evidence)


def test_what_nothing_is_asked_of_is_said(tmp_path: Path) -> None:
    declaration = declared_with(tmp_path)
    assert running.unasked(declaration.supports, declaration.kits[0]) == {"corrections": ["ENV-012"]}
    declaration = declared_with(tmp_path, supports="[corrections]")
    assert running.unasked(declaration.supports, declaration.kits[0]) == {}


def test_a_should_that_is_not_met_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, declaration: Declaration, tmp_path: Path
) -> None:
    results = ran(monkeypatch, declaration, tmp_path, case("MSG-019", breaks), case("ENV-005", passes))
    assert results.verdict == "passed"
    assert [each.id for each in results.kits[0].warnings] == ["MSG-019"]


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
        ('reach: {control: "http://127.0.0.1:9"}', ""),
        ('reach: {control: "http://127.0.0.1:9"}', "reach: {folder: inbox}"),
        ('reach: {control: "http://127.0.0.1:9"}', 'reach: {control: "http://127.0.0.1:9", manual: true}'),
        ('reach: {control: "http://127.0.0.1:9"}', 'reach: {control: "localhost:9"}'),
        ('standard: "1.0"', 'standard: "1.0"\nsupports: [telepathy]'),
        ('standard: "1.0"', 'standard: "1.0"\nsuports: [xml]'),
        ('standard: "1.0"', 'standard: "2.0"'),
        ("kits: [sender/family-trust/rest]", "kits: [gateway/family-trust/rest]"),
        ("sender/family-trust/rest]", "sender/family-trust/rest, gateway/family-trust/rest]"),
        ("kits: [sender/family-trust/rest]", "kits: 7"),
        ("kits:", "kits: ["),
    ],
)
def test_a_declaration_that_is_wrong_is_refused_with_the_place(tmp_path: Path, said: str, wrong: str) -> None:
    path = tmp_path / "declaration.yaml"
    path.write_text(TEXT.replace(said, wrong), encoding="utf-8")
    with pytest.raises(SettingsInvalid, match=r"declaration\.yaml"):
        read_declaration(path)


def test_a_member_that_is_misspelt_is_named_with_the_nearest_there_is(tmp_path: Path) -> None:
    path = tmp_path / "declaration.yaml"
    path.write_text(TEXT.replace("control:", "contrl:"), encoding="utf-8")
    with pytest.raises(SettingsInvalid, match=r"reach\.contrl: .*no such member.*is it control\?"):
        read_declaration(path)


def test_a_declaration_that_is_missing_or_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        read_declaration(tmp_path / "none.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"#" * 100_000)
    with pytest.raises(SettingsInvalid, match="larger than"):
        read_declaration(tmp_path / "huge.yaml")
