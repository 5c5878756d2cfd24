"""A run at a terminal: every requirement that is not met is told, whatever else failed."""

import io
import re
from typing import Any

from rich.console import Console

from tests.conformance.results.sample import FINDINGS, KITS, results
from xinqiao.finding import Text
from xinqiao_conformance.results.model import CaseResult, Difference, Finding, KitResult, RequirementResult, Results
from xinqiao_conformance.results.terminal import print_results


def printed(found: Results) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    print_results(found, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def of_one_kit(*requirements: RequirementResult) -> Results:
    left = ("kits", "verdict", "results")
    about = {name: getattr(results(), name) for name in Results.model_fields if name not in left}
    return Results.of([KitResult.of(KITS[0], requirements)], **about)


def failed(case: str, **about: Any) -> CaseResult:
    finding = Finding(expected=Text("是", "yes"), clause="x", **about)
    return CaseResult(case=case, negative=True, result="failed", seconds=0, finding=finding)


def test_no_requirement_hides_another() -> None:
    many = RequirementResult.of("MSG-004", "MUST", [failed(f"vector[{n}]") for n in range(85)])
    lines = printed(of_one_kit(many, RequirementResult.of("SEC-002", "MUST", [failed("padded")])))
    told = [each for each in lines if re.match(r"MSG|SEC|…", each)]
    assert told == ["MSG-004  vector[0]", "MSG-004  vector[1]", "… 还有 83 more of MSG-004", "SEC-002  padded"]


def test_what_should_be_met_and_is_not_is_a_warning() -> None:
    rows = [
        RequirementResult.of("ENV-005", "MUST", [failed("a")]),
        RequirementResult.of("MSG-019", "SHOULD", [failed("b")]),
    ]
    lines = printed(of_one_kit(*rows))
    told = {name: next(each for each in lines if each.startswith(f"│ {name}")) for name in ("ENV-005", "MSG-019")}
    assert ("不符合 not met" in told["ENV-005"], "提醒 warning" in told["MSG-019"]) == (True, True)


def test_findings_stand_under_their_kit_where_there_are_several() -> None:
    lines = printed(results(FINDINGS))
    assert lines.index(KITS[0]) < lines.index("ENV-005  sender.envelope.the_opposite_of_005_is_refused")
    assert KITS[0] not in printed(results(FINDINGS, kits=KITS[:1]))
    assert KITS[1] not in lines, "of it nothing failed"


def test_a_difference_is_told_as_text_and_not_as_json() -> None:
    place = Difference(path="header.caseId", expected={"zh": "有编号", "en": "a case id"}, seen="none")
    lines = printed(of_one_kit(RequirementResult.of("ENV-010", "MUST", [failed("a", difference=(place,))])))
    start = lines.index("  位置 at: header.caseId")
    assert lines[start + 1 :] == ["    应为 expected: 有编号", "      a case id", "    所见 seen: none"]


def test_what_a_check_found_is_not_told_twice() -> None:
    found = {"path": "header.caseId", "expected": {"zh": "是", "en": "yes"}, "seen": "none at all"}
    case = failed("recorded.one_case", seen=found, difference=(Difference.model_validate(found),))
    said = "\n".join(printed(of_one_kit(RequirementResult.of("ENV-010", "MUST", [case]))))
    assert said.count("none at all") == 1
    assert "{" not in said


def test_of_a_long_message_the_place_is_told() -> None:
    sent = {"header": {"caseId": "C-1", "padding": "x" * 700}, "note": "another case"}
    case = failed("a", sent=sent, difference=(Difference(path="header.caseId", expected="C-2"),))
    lines = printed(of_one_kit(RequirementResult.of("ENV-010", "MUST", [case])))
    assert [each for each in lines if "sent" in each] == [
        "  发送 sent: note: another case",
        "  发送 sent: header.caseId: C-1",
    ]


def test_what_nothing_was_seen_of_is_one_line() -> None:
    lines = printed(results(unseen=["ENV-005", "ENV-011"], kits=KITS[:1]))
    assert [each for each in lines if "not seen" in each] == ["  未见 not seen 2: ENV-005, ENV-011"]
