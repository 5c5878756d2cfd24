"""What is made from results: a page, JUnit XML and badges, each of which holds what was found and runs nothing."""

import re
from collections.abc import Sequence
from html import unescape
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.conformance.results.sample import FINDINGS, KITS, results
from xinqiao.finding import Text
from xinqiao.masking import mask_message
from xinqiao.testing import example
from xinqiao_conformance.requirements import requirement_of
from xinqiao_conformance.results.badge import Language, badge_of
from xinqiao_conformance.results.html import html_of
from xinqiao_conformance.results.junit import junit_of
from xinqiao_conformance.results.model import CaseResult, Difference, Finding, KitResult, RequirementResult, Results

FAILED = results((*FINDINGS, "MSG-019"))
ABOUT = {name: getattr(FAILED, name) for name in Results.model_fields if name not in ("kits", "verdict", "results")}
NAMESPACE = "{http://www.w3.org/2000/svg}"


def words(html: str) -> str:
    """Return what a page says, without its tags."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("</style>")[2])))


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_has_the_sentence_of_every_requirement_in_both_languages() -> None:
    said = words(html_of(results()))
    tested = [requirement_of(each.id) for kit in results().kits for each in kit.requirements]
    assert [text for each in tested for text in each.text if text not in said] == []
    assert "没有需要整改的内容" in said


def test_what_was_not_asked_is_named() -> None:
    kit = results().kits[0].kit
    said = words(html_of(results(), {kit: {"corrections": ["ENV-012"]}}))
    assert f"when the suite asks for it (/do/correction, mends) {kit} ENV-012" in said
    assert "not asked" not in words(html_of(results()))
    assert "not known here: another version of the suite ran it" in words(html_of(results(), None))


def test_a_finding_is_a_work_order() -> None:
    html = html_of(FAILED)
    order = html[html.index('id="order-1"') : html.index('id="order-2"')]
    finding = FINDINGS["ENV-005"]
    assert finding.fix is not None
    for said in (
        *finding.expected,
        *finding.fix,
        finding.clause,
        "header.messageId",
        "01961b4a-9d11-7c3e-9a42-6b1d0f6e8c70",
        "被测方",
        "12, 13",
        "sender.envelope.the_opposite_of_005_is_refused",
        "retry-after",
    ):
        assert said in order, said
    assert 'href="#order-1"' in html


def test_what_must_be_met_is_mended_before_what_should_be() -> None:
    headings = re.findall(r'id="order-\d-name">\d\. (\S+)', html_of(FAILED))
    assert headings == ["ENV-005", "ENV-011", "MSG-006", "MSG-019"]


def test_what_a_subject_said_is_shown_and_not_run() -> None:
    html = html_of(results(FINDINGS, name='<img src=x onerror="alert(1)">'))
    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html


@pytest.mark.parametrize("found", [results(), FAILED])
def test_the_page_needs_nothing_else(found: Results) -> None:
    html = html_of(found)
    assert re.findall(r"<(?:script|link|iframe|img)|src=|url\(|@import|http://(?!www\.w3)|https://", html) == []
    assert all(
        f'href="#{place}"' not in html or f'id="{place}"' in html for place in re.findall(r'href="#([^"]+)"', html)
    )


def test_the_page_says_how_it_was_looked_at_and_what_was_not_seen() -> None:
    said = words(html_of(results(how="recordings", unseen=["ENV-011"], kits=KITS[:1])))
    assert "依据报文往来记录判读" in said
    assert "Requirements that nothing in the exchanges is about: ENV-011" in said


def test_a_page_with_more_work_orders_than_are_shown_says_so() -> None:
    said = words(html_of(one_kit([_failed(f"c{n}", expected=f"{n}") for n in range(310)])))
    assert "The others are in results.json: 10" in said
    assert "to mend: 310, warnings: 0" in said
    assert "300. ZZZ-999 c299 (1)" in said
    assert "an id that this suite does not know" in said


def test_what_several_requirements_found_alike_is_one_work_order() -> None:
    down = [RequirementResult.of(f"ENV-00{n}", "MUST", [_failed("a", n), _failed("b", n)]) for n in (4, 5, 6)]
    html = html_of(Results.of([KitResult.of(KITS[0], down)], **ABOUT))
    assert html.count('id="order-') == 2  # the article and its heading
    assert html.count('href="#order-1"') == 3
    assert "1. ENV-004, ENV-005, ENV-006" in html
    assert "6 failed; to mend: 1, warnings: 0" in html
    assert "ENV-006 b 往来 exchanges 6" in words(html)


def test_what_is_mended_in_the_same_way_is_one_work_order_with_its_cases() -> None:
    difference = [Difference(path="header.caseId", expected="X", seen=f"seen-{n}") for n in range(90)]
    cases = [_failed(f"case[{n}]", n, seen={"number": n}, difference=(difference[n],)) for n in range(90)]
    html = html_of(one_kit([*cases, _failed("other", expected="other")]))
    assert html.count("<article") == 2
    assert "91 failed; to mend: 2, warnings: 0" in html
    [first, _] = html.split("<article")[1:]
    assert first.index("seen-0") < first.index("case[1]") < first.index("<summary>") < first.index("case[6]")
    assert all(f"case[{n}]" in first and f"seen-{n}" in first for n in range(90))
    assert '"number": 0' in first
    assert '"number": 1' not in first


def test_of_a_long_message_the_place_of_the_difference_comes_first_and_the_whole_can_be_opened() -> None:
    message = {"header": {"caseId": "C-1"}, "kycApplication": {"padding": ["x" * 40] * 40, "consent": {"given": "no"}}}
    paths = ("header.caseId", "kycApplication.consent.given", "kycApplication.padding[3]", "kycApplication.risk")
    for path, shown in zip(paths, ("C-1", "no", "x" * 40, "之下仅有 holds only padding, consent"), strict=True):
        case = _failed("a", seen={"message": message}, difference=(Difference(path=path, expected="other"),))
        html = html_of(one_kit([case]))
        seen = words("</style>" + html[html.index("Seen, masked") : html.index("<details>")])
        assert shown in seen, path
        assert '"padding"' not in seen
        assert '"padding": [' in html[html.index("<details>") :]


def test_of_a_long_answer_without_a_place_the_beginning_is_shown() -> None:
    html = html_of(one_kit([_failed("a", seen={"status": 202, "body": {"padding": ["x" * 40] * 40}})]))
    shown = html[html.index("Seen, masked") : html.index("<details>")]
    assert '"status": 202' in shown
    assert len(shown) < 1_000


def test_what_a_check_found_is_shown_once_and_as_text() -> None:
    found = {"path": "header.caseId", "expected": {"zh": "有编号", "en": "a case id"}, "seen": "none at all"}
    html = html_of(one_kit([_failed("a", seen=found, difference=(Difference.model_validate(found),))]))
    assert html.count("none at all") == 1
    assert '<span class="line" lang="zh-CN">有编号</span><span class="line" lang="en">a case id</span>' in html
    assert '"zh"' not in html


def test_a_report_of_a_hundred_failures_stays_readable() -> None:
    message = mask_message(example("contractProposal"), "contractProposal")
    place = (Difference(path="header.caseId", expected="X", seen="Y"),)
    cases = [
        _failed(f"case[{n}]", n, {**message, "number": n}, place, expected=f"{n}", sent=message) for n in range(100)
    ]
    html = html_of(one_kit(cases))
    assert html.count("<article") + html.count('<li id="order-') == 100
    assert len(html.encode()) < 300_000


def one_kit(cases: Sequence[CaseResult]) -> Results:
    kit = KitResult.of("sender/no-such-business/rest", [RequirementResult.of("ZZZ-999", "MUST", cases)])
    return Results.of([kit], **ABOUT)


def _failed(
    case: str,
    exchange: int = 1,
    seen: dict[str, Any] | None = None,
    difference: tuple[Difference, ...] = (),
    *,
    expected: str = "是",
    sent: dict[str, Any] | None = None,
) -> CaseResult:
    about = {"clause": str(exchange), "exchanges": (exchange,), "difference": difference, "sent": sent, "seen": seen}
    finding = Finding(expected=Text(expected, "yes"), **about)
    return CaseResult(case=case, negative=True, result="failed", seconds=0, finding=finding)


# --- JUnit -----------------------------------------------------------------------------------------------------------


def counts(found: Results) -> list[dict[str, Any]]:
    root = ElementTree.fromstring(junit_of(found))  # noqa: S314 -- made here
    return [{name: each.get(name) for name in ("name", "tests", "failures", "skipped")} for each in root]


def test_every_case_is_a_test_of_its_requirement() -> None:
    root = ElementTree.fromstring(junit_of(FAILED))  # noqa: S314 -- made here
    names = [(each.get("classname"), each.get("name")) for each in root.iter("testcase")]
    assert names == [
        (f"{kit.kit}.{each.id}", case.case) for kit in FAILED.kits for each in kit.requirements for case in each.cases
    ]
    failures = [str(each.text) for each in root.iter("failure")]
    assert len(failures) == len(FINDINGS) + 1  # of one requirement two cases failed
    assert "重发时沿用首次的消息编号 / the same message id as the first time" in failures[0]
    assert "修正 fix: 重试前不要新建消息" in failures[0]


def test_what_should_be_met_fails_nothing_and_what_was_unseen_is_skipped() -> None:
    assert counts(results(["MSG-019"], kits=KITS[:1])) == [
        {"name": KITS[0], "tests": "102", "failures": "0", "skipped": "0"}
    ]
    assert counts(results(unseen=["ENV-005", "MSG-019"], kits=KITS[:1])) == [
        {"name": KITS[0], "tests": "98", "failures": "0", "skipped": "2"}
    ]


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    finding = Finding(expected=Text("\x00是\ud800".encode("utf-8", "replace").decode(), "yes\x0b"), clause="\x1b[31m")
    case = CaseResult(case="c", negative=True, result="failed", seconds=0, finding=finding)
    kit = KitResult.of(KITS[0], [RequirementResult.of("ENV-005", "MUST", [case])])
    assert counts(Results.of([kit], **ABOUT))[0]["failures"] == "1"


# --- badges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "language", "said"),
    [
        ({}, "zh", "示例银行: 信桥 1.0, 符合 · 2 个套件"),
        ({}, "en", "示例银行: Xinqiao 1.0, conformant · 2 kits"),
        ({"kits": KITS[:1]}, "en", "示例银行: Xinqiao 1.0, conformant · 1 kit"),
        ({"failing": ["ENV-005"]}, "zh", "示例银行: 信桥 1.0, 未通过 1/2"),
        ({"failing": ["ENV-005"]}, "en", "示例银行: Xinqiao 1.0, not conformant 1/2"),
        ({"how": "recordings"}, "zh", "示例银行: 信桥 1.0, 依记录符合 · 2 个套件"),
        ({"name": '"<&>'}, "en", '"<&>: Xinqiao 1.0, conformant · 2 kits'),
    ],
)
def test_a_badge_says_in_words_what_it_shows(about: dict[str, Any], language: Language, said: str) -> None:
    root = ElementTree.fromstring(badge_of(results(**about), language))  # noqa: S314 -- made here
    assert (root.get("role"), root.get("aria-label"), root.findtext(f"{NAMESPACE}title")) == ("img", said, said)
    shown = [each.text for each in root.iter(f"{NAMESPACE}text")]
    assert ", ".join(map(str, shown)) in said
