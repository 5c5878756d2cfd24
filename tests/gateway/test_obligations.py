"""Obligations as terms: when each is due, which message meets or opens it, which batch a row goes into."""

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gateway.obligation_story import CONFIRMATION, DAILY_NAV, arrival, at, book, digest, nav
from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.calendars import CHINA, Calendars, PeriodDates, PeriodTerms, read_calendars
from xinqiao_gateway.obligations import (
    Batch,
    Book,
    Cutoffs,
    CutoffTerms,
    Meeting,
    Occurrence,
    Rule,
    read_obligations,
)


def due(rule: dict[str, Any], start: str, end: str) -> dict[str, str]:
    """Return when a rule's business days are due, in China time."""
    found = book(rule)
    listed = found.upcoming(Rule.model_validate(rule), date.fromisoformat(start), date.fromisoformat(end))
    return {each.day: f"{datetime.fromtimestamp(each.due_at, CHINA):%Y-%m-%d %H:%M}" for each in listed}


def periodic(**terms: Any) -> dict[str, Any]:
    return {"id": "rule", "message": "navReport", "date": "navDate", "by": "18:00"} | terms


def test_a_daily_obligation_before_the_holiday_is_due_on_the_first_open_day_after_it() -> None:
    assert due(periodic(every="day", plus=1), "2026-09-29", "2026-10-12") == {
        "2026-09-29": "2026-09-30 18:00",
        "2026-09-30": "2026-10-08 18:00",
        "2026-10-08": "2026-10-09 18:00",
        "2026-10-09": "2026-10-12 18:00",
        "2026-10-12": "2026-10-13 18:00",
    }


def test_the_bank_calendar_has_an_obligation_on_a_make_up_saturday() -> None:
    assert due(periodic(every="day", calendar="bank"), "2026-10-09", "2026-10-12") == {
        "2026-10-09": "2026-10-09 18:00",
        "2026-10-10": "2026-10-10 18:00",
        "2026-10-12": "2026-10-12 18:00",
    }


@pytest.mark.parametrize(
    ("every", "days"),
    [
        ("week", {"2026-09-30": "2026-10-08 18:00", "2026-10-09": "2026-10-12 18:00"}),
        ("month", {"2026-09-30": "2026-10-08 18:00"}),
        ("quarter", {"2026-09-30": "2026-10-08 18:00"}),
        ("year", {}),
        ({"on": ["2026-10-01"]}, {"2026-10-08": "2026-10-09 18:00"}),
    ],
)
def test_a_period_is_about_its_last_open_day(every: Any, days: dict[str, str]) -> None:
    assert due(periodic(every=every, plus=1), "2026-09-28", "2026-10-11") == days


def test_natural_days_count_through_and_are_shifted_to_an_open_day() -> None:
    assert due(periodic(every="quarter", plus="15d"), "2026-09-30", "2026-09-30") == {"2026-09-30": "2026-10-15 18:00"}
    assert due(periodic(every="quarter", plus="3d"), "2026-09-30", "2026-09-30") == {"2026-09-30": "2026-10-08 18:00"}
    back = periodic(every="quarter", plus="3d", shift="preceding")
    assert due(back, "2026-09-30", "2026-09-30") == {"2026-09-30": "2026-09-30 18:00"}


def test_an_obligation_has_a_schedule_of_warning_due_time_and_escalations() -> None:
    found = list(book(DAILY_NAV).upcoming(Rule.model_validate(DAILY_NAV), date(2026, 11, 23), date(2026, 11, 23)))
    schedule = (
        (at("2026-11-24 17:30"), "warned"),
        (at("2026-11-24 18:00"), "overdue"),
        (at("2026-11-24 19:00"), "escalated-1"),
        (at("2026-11-24 22:00"), "escalated-2"),
    )
    expected = Occurrence(
        "daily-nav", "ZX001", "2026-11-23", "navReport", "custodian", at("2026-11-24 18:00"), schedule, ()
    )
    assert found[0] == expected
    assert [each.subject for each in found] == ["ZX001", "ZX002"]


def met(rules: Book, message: Any) -> list[tuple[str, str, str | None]]:
    return [(each.rule, each.subject, each.day) for each in rules.meetings(message)]


def test_a_message_meets_the_obligation_of_its_subject_and_day_from_the_channel_named() -> None:
    rules = book(DAILY_NAV)
    assert met(rules, nav("ZX001", "2026-11-20")) == [("daily-nav", "ZX001", "2026-11-20")]
    assert met(rules, nav("ZX999", "2026-11-20")) == []
    assert met(rules, nav("ZX001", "2026-11-21")) == []
    assert met(rules, nav("ZX001", "2026-11-20", channel="bank")) == []


def test_a_test_message_meets_nothing_in_production() -> None:
    message = arrival(
        "navReport", "custodian", instrument={"code": "ZX001"}, navDate="2026-11-20", header={"test": True}
    )
    assert met(book(DAILY_NAV), message) == []
    assert met(book(DAILY_NAV | {"test": True}), message) == [("daily-nav", "ZX001", "2026-11-20")]


def test_a_month_is_met_by_its_last_open_day_or_a_later_one_and_not_by_one_before() -> None:
    rules = book(periodic(every="month"))
    found = {day: met(rules, nav("X", day)) for day in ("2026-05-15", "2026-05-29", "2026-05-31", "2026-06-01")}
    assert found == {
        "2026-05-15": [],
        "2026-05-29": [("rule", "", "2026-05-29")],
        "2026-05-31": [("rule", "", "2026-05-29")],
        "2026-06-01": [],
    }


def test_a_message_in_another_state_than_the_terms_want_meets_nothing() -> None:
    rules = book(periodic(every="day", when={"state": ["FORMAL", "CUSTODIAN_CHECKED"]}))
    assert met(rules, arrival("navReport", "c", navDate="2026-11-20", state="ESTIMATED")) == []
    assert met(rules, arrival("navReport", "c", navDate="2026-11-20", state="FORMAL")) == [("rule", "", "2026-11-20")]


def test_an_order_opens_an_obligation_that_its_finished_confirmation_meets() -> None:
    rules = book(CONFIRMATION)
    order = arrival("subscriptionOrder", "bank", position=7, orderReference="SO1", tradeDate="2026-09-30")
    (opened,) = rules.openings(order)
    key = digest("confirmation\nSO1")
    assert opened == Occurrence(
        "confirmation",
        key,
        "2026-09-30",
        "orderConfirmation",
        None,
        at("2026-10-08 12:00"),
        ((at("2026-10-08 12:00"), "overdue"),),
        (),
        opened_by=7,
    )
    finished = arrival("orderConfirmation", "core", orderReference="SO1", finished=True)
    assert rules.meetings(finished) == [Meeting("confirmation", key)]
    assert rules.meetings(arrival("orderConfirmation", "core", orderReference="SO1", finished=False)) == []


def test_a_qdii_confirmation_is_due_later_over_a_foreign_holiday(tmp_path: Path) -> None:
    (tmp_path / "calendars").mkdir()
    text = 'products: {qdii: {years: {2026: {closed: ["2026-11-26"]}, 2027: {}}}}'
    (tmp_path / "calendars" / "p.yaml").write_text(text)
    rules = book(CONFIRMATION | {"calendar": "qdii", "plus": 2}, calendars=read_calendars(tmp_path))
    (opened,) = rules.openings(arrival("subscriptionOrder", "bank", tradeDate="2026-11-24"))
    assert opened.due_at == at("2026-11-27 12:00")


RENEWAL = {
    "id": "kyc-renewal",
    "after": {"message": "kycDecision", "when": {"outcome": "APPROVED"}, "date": "validUntil"},
    "message": "kycDecision",
    "when": {"outcome": "APPROVED"},
    "same": {"header.caseId": "header.caseId"},
    "plus": "-30d",
    "shift": "preceding",
    "calendar": "bank",
}
PREMIUM = {
    "id": "premium",
    "after": {"message": "policyEvent", "when": {"kind": "GRACE_STARTED"}, "date": "graceEndsOn"},
    "message": "premiumFundingRequest",
    "same": {"policyNo": "policyNo"},
    "plus": -1,
    "calendar": "bank",
    "by": "15:00",
}
RECEIPT = {
    "id": "receipt",
    "after": {"message": "disclosureNotice", "date": "receiptDueBy"},
    "message": "disclosureReceipt",
    "same": {"disclosureNo": "disclosureNo"},
}


def opened_due(rule: dict[str, Any], message: Any) -> list[str]:
    listed = book(rule).openings(message)
    return [f"{datetime.fromtimestamp(each.due_at, CHINA):%Y-%m-%d %H:%M}" for each in listed]


def test_a_kyc_is_to_be_renewed_thirty_days_before_it_expires() -> None:
    assert opened_due(RENEWAL, arrival("kycDecision", "core", validUntil="2026-11-08")) == ["2026-10-10 00:00"]
    assert opened_due(RENEWAL, arrival("kycDecision", "core", validUntil="2026-11-10")) == ["2026-10-11 00:00"]


@pytest.mark.parametrize("until", [None, "9999-12-31", "3017-01-01", "0001-01-01", "2026-02-30"])
def test_what_never_expires_opens_no_obligation(until: str | None) -> None:
    assert opened_due(RENEWAL, arrival("kycDecision", "core", validUntil=until)) == []


def test_a_premium_is_to_be_funded_on_the_last_bank_day_before_the_grace_period_ends() -> None:
    assert opened_due(PREMIUM, arrival("policyEvent", "insurer", graceEndsOn="2026-10-05")) == ["2026-09-30 15:00"]


def test_a_due_time_that_the_message_itself_names_is_taken_to_the_minute() -> None:
    notice = arrival("disclosureNotice", "core", receiptDueBy="2026-02-06T18:00:00+08:00")
    assert opened_due(RECEIPT, notice) == ["2026-02-06 18:00"]


def test_a_message_type_without_obligations_is_known_by_one_look_up() -> None:
    rules = book(DAILY_NAV, CONFIRMATION)
    concerned = ["navReport", "subscriptionOrder", "orderConfirmation"]
    assert [each for each in ("ping", "kycApplication", *concerned) if rules.concerns(each)] == concerned


CUTOFFS: dict[str, Any] = {
    "id": "orders",
    "interface": "order-file",
    "from": "bank",
    "until": "15:00",
    "batches": [
        {"name": "1", "by": "10:00"},
        {"name": "2", "by": "15:30"},
        {"name": "night", "by": "02:00", "plus": 1},
    ],
    "warn": "30m",
}


def batch(accepted: str, traded: str | None = None, terms: dict[str, Any] = CUTOFFS) -> Batch | None:
    cutoffs = Cutoffs([CutoffTerms.model_validate(terms)], Calendars())
    return cutoffs.batch_for("bank", "order-file", at(accepted), None if traded is None else at(traded))


@pytest.mark.parametrize(
    ("accepted", "traded", "name", "late"),
    [
        ("2026-11-23 09:00", None, "20261123-1", False),
        ("2026-11-23 10:00", "2026-11-23 09:59", "20261123-1", False),
        ("2026-11-23 10:01", "2026-11-23 09:59", "20261123-2", False),
        ("2026-11-23 15:10", "2026-11-23 14:59", "20261123-2", False),
        ("2026-11-23 15:10", "2026-11-23 15:00", "20261124-1", False),
        ("2026-11-23 23:00", "2026-11-23 14:00", "20261123-night", False),
        ("2026-11-24 02:01", "2026-11-23 14:00", "20261123-night", True),
        ("2026-10-12 11:00", "2026-09-30 14:00", "20260930-night", True),
        ("2026-10-10 09:00", None, "20261012-1", False),
    ],
)
def test_a_row_keeps_the_trade_day_of_its_own_time_however_late_its_file_comes(
    accepted: str, traded: str | None, name: str, late: bool
) -> None:
    found = batch(accepted, traded)
    assert found is not None
    assert (found.name, found.late) == (name, late)


def test_an_interface_without_cut_offs_has_no_batches() -> None:
    assert Cutoffs([], Calendars()).batch_for("bank", "order-file", at("2026-11-23 09:00")) is None


def test_each_batch_is_an_obligation_with_an_alarm_before_its_cut_off() -> None:
    rules = book(cutoffs=[CUTOFFS])
    listed = {
        each.rule: [f"{datetime.fromtimestamp(moment, CHINA):%d %H:%M} {level}" for moment, level in each.schedule]
        for rule in rules.periodic
        for each in rules.upcoming(rule, date(2026, 11, 23), date(2026, 11, 23))
    }
    assert listed == {
        "orders-1": ["23 09:30 warned", "23 10:00 overdue"],
        "orders-2": ["23 15:00 warned", "23 15:30 overdue"],
        "orders-night": ["24 01:30 warned", "24 02:00 overdue"],
    }


GOOD = """obligations:
  - id: daily-nav
    message: navReport
    from: custodian
    every: day
    by: "18:00"
cutoffs:
  - {id: orders, interface: order-file, from: bank, batches: [{name: "1", by: "10:00"}]}
"""


def read(tmp_path: Path, text: str) -> Any:
    (tmp_path / "obligations.yaml").write_text(text, encoding="utf-8")
    interfaces = {"bank": {"order-file", "nav-file"}, "custodian": {"nav"}}
    return read_obligations(tmp_path, Calendars(), {"custodian", "bank"}, {"ops"}, interfaces)


def test_an_installation_without_a_file_has_no_obligations(tmp_path: Path) -> None:
    assert read_obligations(tmp_path, Calendars(), ()).obligations == ()


def test_obligations_are_read_from_the_installation(tmp_path: Path) -> None:
    terms = read(tmp_path, GOOD)
    assert [each.id for each in terms.obligations] == ["daily-nav"]
    assert [each.id for cutoff in terms.cutoffs for each in cutoff.rules()] == ["orders-1"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("message: navReport", "message: NavReport", r":3: .*'NavReport' is no message type; write its key in JSON"),
        ("from: custodian", "from: nobody", r":4: .*no channel 'nobody'; there are: bank, custodian"),
        ("every: day", "evry: day", r":5: .*evry: no such key here; write every"),
        ("every: day", "every: day\n    date: navdate", r":2: .*navReport has no field 'navdate'; write a path in its"),
        (
            "every: day",
            "every: day\n    date: unitNav",
            r":2: .*'unitNav' is no date of navReport; write the path of a",
        ),
        ("every: day", "calendar: moon", r"write every or after, one of them"),
        ("every: day", "every: day\n    calendar: moon", r":6: .*no calendar 'moon'; there are: bank, exchange"),
        ("every: day", "every: day\n    to: [nobody]", r":6: .*no webhook 'nobody'; there are: ops"),
        ("every: day", "every: day\n    plus: 1w", r":6: .*'1w' is no span of days; write 2 for two open days"),
        ("every: day", "every: day\n    warn: 1800", r":6: .*1800 is no span of time; write 30m, 4h or 1d"),
        ("every: day", "every: day\n    escalate: [4h, 1h]", r"escalate goes from short to long"),
        ('by: "18:00"', "by: 6pm", r':6: .*write it in quotes, such as "18:00"'),
        ("id: orders", "id: daily", None),
        (
            '{name: "1", by: "10:00"}',
            '{name: "1", by: "10:00"}, {name: "2", by: "09:00"}',
            r":8: .*first cut-off of the",
        ),
        ("id: orders", "id: daily-nav-x, from: x", r":8: 'from' is given twice"),
        (
            "interface: order-file",
            "interface: orders",
            r":8: cutoffs.0.interface: no interface of bank 'orders'; there are: nav-file, order-file",
        ),
        (
            "message: navReport",
            "file: navs",
            r":3: obligations.0.file: no interface of custodian 'navs'; there are: nav",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_line_and_what_to_write(
    tmp_path: Path, old: str, new: str, said: str | None
) -> None:
    assert old in GOOD
    if said is None:
        read(tmp_path, GOOD.replace(old, new))
        return
    with pytest.raises(SettingsInvalid, match=said):
        read(tmp_path, GOOD.replace(old, new))


def test_two_obligations_of_one_id_are_refused(tmp_path: Path) -> None:
    twice = GOOD.replace("id: orders", "id: daily").replace('name: "1"', "name: nav")
    with pytest.raises(SettingsInvalid, match=r":8: cutoffs.0.id: daily-nav is there already; give it another id"):
        read(tmp_path, twice)


def test_every_problem_of_obligations_is_said_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("from: custodian", "from: nobody\n    calendar: moon").replace("order-file", "orders")
    with pytest.raises(SettingsInvalid) as raised:
        read(tmp_path, text)
    lines = [each.removeprefix(f"{tmp_path / 'obligations.yaml'}:") for each in raised.value.detail.splitlines()]
    assert [each.partition("; ")[0] for each in lines] == [
        "5: obligations.0.calendar: no calendar 'moon'",
        "4: obligations.0.from: no channel 'nobody'",
        "9: cutoffs.0.interface: no interface of bank 'orders'",
    ]


def test_names_that_nobody_knows_are_no_second_problem(tmp_path: Path) -> None:
    text = GOOD.replace("every: day", "every: day\n    calendar: moon\n    to: [nobody]")
    (tmp_path / "obligations.yaml").write_text(text, encoding="utf-8")
    terms = read_obligations(tmp_path, None, {"custodian", "bank"}, None)
    assert [each.id for each in terms.obligations] == ["daily-nav"]


@pytest.mark.parametrize("page", ["obligations.md", "obligations.zh-CN.md"])
def test_the_examples_of_the_docs_can_be_used(tmp_path: Path, page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    daily, opened, cutoffs, calendars, period = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "2027.yaml").write_text(calendars, encoding="utf-8")
    (tmp_path / "obligations.yaml").write_text(daily + opened + cutoffs, encoding="utf-8")
    terms = read_obligations(tmp_path, read_calendars(tmp_path), {"custodian-a", "bank-a"}, {"ops"})
    assert [each.id for each in terms.obligations] == [
        "daily-nav",
        "qdii-confirmation",
        "kyc-renewal",
        "premium-funding",
        "disclosure-receipt",
        "change-registration",
    ]
    assert [each.id for each in terms.cutoffs] == ["orders"]
    dates = PeriodTerms.model_validate(yaml.safe_load(period)).dates(date(2026, 9, 30), Calendars())
    assert dates == PeriodDates(date(2026, 9, 30), date(2026, 9, 30), date(2026, 10, 8), date(2026, 10, 10))


def test_midnight_after_the_last_day_of_a_known_year_is_of_that_year() -> None:
    rule = CONFIRMATION | {"plus": 1, "by": "24:00"}
    order = arrival("subscriptionOrder", "bank", position=7, orderReference="SO1", tradeDate="2026-12-30")
    assert opened_due(rule, order) == ["2027-01-01 00:00"]
    assert [each.provisional for each in book(rule).openings(order)] == [False]
    later = arrival("subscriptionOrder", "bank", position=7, orderReference="SO1", tradeDate="2026-12-31")
    assert [each.provisional for each in book(rule).openings(later)] == [True]
