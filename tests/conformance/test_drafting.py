"""What references in drafts lead to, and where values are placed."""

from datetime import datetime
from typing import Any

import pytest

from xinqiao.message import Json
from xinqiao_conformance.simulators.cases import CaseFile
from xinqiao_conformance.simulators.drafting import Parties, Sending, corrected, drawn_up, instant_in
from xinqiao_conformance.simulators.references import NOTHING, References, is_path, place, value_in

FRIDAY = datetime.fromisoformat("2026-02-13T15:30:00+08:00")
ASKED: Json = {"header": {"messageId": "M1", "sender": "A", "receiver": "B"}, "contractProposal": {
    "contractNo": "K1",
    "parties": [{"roles": ["SETTLOR"], "party": {"partyId": "P1"}}, {"roles": ["TRUSTEE"], "party": {"partyId": "T1"}}],
}}  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("{case} {key} {n}", "CASE-1 CASE-1 1"),
        ("{now}", "2026-02-13T15:30:00+08:00"),
        ("{today+3}", "2026-02-16"),
        # After the cut-off, and over the Spring Festival.
        ("{trade_day}", "2026-02-24"),
        ("{trade_day+1}", "2026-02-25"),
        ("{asked_id}", "M1"),
        ("No. {asked.contractNo}", "No. K1"),
        ("{contractProposal.parties[roles=TRUSTEE].party.partyId}", "T1"),
        ("{contractProposal.parties[1].party}", {"partyId": "T1"}),
        ("{contractProposal.parties[].party}", [{"partyId": "P1"}, {"partyId": "T1"}]),
        ({"a": "{asked.contractNo}", "b": "{kycDecision.outcome}", "c": 1}, {"a": "K1", "c": 1}),
        ("{kycDecision.outcome}", NOTHING),
        ("No. {contractProposal.parties[7].party}", NOTHING),
        (["{kycDecision.outcome}"], NOTHING),
    ],
)
def test_a_reference_leads_to_what_was_said_in_the_case(reference: Any, value: Any) -> None:
    case = CaseFile("CASE-1")
    case.add(ASKED)
    assert References("kycApplication", case, FRIDAY, ASKED).filled(reference) == value


def test_beyond_the_calendar_a_day_trades_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    saturday = datetime.fromisoformat("2027-01-02T10:00:00+08:00")
    references = References("subscriptionOrder", CaseFile("CASE-1"), saturday)
    assert references.filled(["{trade_day}", "{trade_day+1}"]) == ["2027-01-02", "2027-01-03"]
    assert "2027-01-02 is taken for the trading day: 2027-01-02 may be a holiday" in caplog.text
    order = drawn_up(Sending("subscriptionOrder"), Parties("A", "B"), CaseFile("CASE-1"), saturday)
    assert order["subscriptionOrder"]["tradeDate"] == "2027-01-02"


def test_a_long_case_id_gives_a_short_key() -> None:
    key = References("kycApplication", CaseFile("C" * 64), FRIDAY).filled("{key}")
    assert (len(key), key == References("kycApplication", CaseFile("C" * 63), FRIDAY).filled("{key}")) == (16, False)


@pytest.mark.parametrize(
    ("path", "value", "placed"),
    [
        ("a.b", 2, {"a": {"b": 2}, "l": [{"c": 1}]}),
        ("x.y", 2, {"a": {"b": 1}, "l": [{"c": 1}], "x": {"y": 2}}),
        ("l[0].c", 2, {"a": {"b": 1}, "l": [{"c": 2}]}),
        ("a.b", None, {"a": {}, "l": [{"c": 1}]}),
        ("l[0]", None, {"a": {"b": 1}, "l": []}),
    ],
)
def test_a_value_is_placed_or_taken_out(path: str, value: object, placed: Json) -> None:
    content: Json = {"a": {"b": 1}, "l": [{"c": 1}]}
    place(content, path, value)
    assert content == placed


@pytest.mark.parametrize(("path", "value"), [("l[3].c", 2), ("l[3]", 2), ("a.b.c", 2), ("x.y", None), ("a.b", NOTHING)])
def test_what_has_no_place_changes_nothing(path: str, value: object) -> None:
    content: Json = {"a": {"b": 1}, "l": [{"c": 1}]}
    place(content, path, value)
    assert content == {"a": {"b": 1}, "l": [{"c": 1}]}


def test_paths_are_told_from_what_is_none() -> None:
    assert [is_path(each) for each in ("a", "a.b[0].c", "", "a[", "a..b", ".a", 1)] == [True, True, *[False] * 5]
    assert value_in({"a": [1]}, "a.b.c") is None


def test_a_due_day_ends_at_midnight_in_china() -> None:
    case = CaseFile("CASE-1")
    assert instant_in("{today}", case, FRIDAY) == datetime.fromisoformat("2026-02-14T00:00:00+08:00")
    assert instant_in("{now}", case, FRIDAY) == FRIDAY
    assert instant_in("{kycDecision.validUntil}", case, FRIDAY) is None


def test_a_confirmation_is_of_the_latest_order_and_without_one_of_its_own() -> None:
    parties, case = Parties("A", "B"), CaseFile("CASE-1")
    alone = drawn_up(Sending("orderConfirmation"), parties, case, FRIDAY)
    assert alone["orderConfirmation"]["orderReference"] == "SO-CASE-1-1"
    assert "correlationId" not in alone["header"]
    for _ in range(2):
        case.add(drawn_up(Sending("subscriptionOrder"), parties, case, FRIDAY))
    confirmation = drawn_up(Sending("orderConfirmation"), parties, case, FRIDAY)
    assert confirmation["orderConfirmation"]["orderReference"] == "SO-CASE-1-2"
    latest = case.latest("subscriptionOrder")
    assert latest is not None
    assert confirmation["header"]["correlationId"] == latest["header"]["messageId"]


def test_a_correction_of_a_correction_is_the_next_revision() -> None:
    first = drawn_up(Sending("navReport"), Parties("A", "B"), CaseFile("CASE-1"), FRIDAY)
    second = corrected(first, {"unitNav": "1.0022"}, FRIDAY)
    third = corrected(second, {}, FRIDAY)
    assert [each["header"].get("revision") for each in (first, second, third)] == [None, 2, 3]
    assert third["header"]["replaces"] == second["header"]["messageId"]
    assert third["navReport"] == first["navReport"] | {"unitNav": "1.0022"}


@pytest.mark.parametrize(
    ("sending", "said"),
    [
        (Sending("navReport", draft="gardening"), "no draft is called gardening"),
        (Sending("navReport", example="gardening"), "navReport: no published example 'gardening'; there are typical"),
    ],
)
def test_what_there_is_not_to_draw_up_from_is_said(sending: Sending, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        drawn_up(sending, Parties("A", "B"), CaseFile("CASE-1"), FRIDAY)


def test_a_case_file_forgets_what_is_oldest() -> None:
    case = CaseFile("CASE-1")
    for number in range(501):
        case.add({"header": {"messageId": f"M{number}", "sender": "A", "receiver": "B"}, "navReport": {}})
    assert (case.with_id("M0"), len(case.all("navReport")), case.other_than("A")) == (None, 500, "B")
    # Numbers go on, so that none is given twice.
    assert References("navReport", case, FRIDAY).filled("{n}") == "502"
