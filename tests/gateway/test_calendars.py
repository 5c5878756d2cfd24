"""Bank, exchange and product calendars: open days, T+N, the four dates, and years that nobody announced."""

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.errors import SettingsInvalid
from xinqiao_gateway.calendars import Calendars, PeriodDates, PeriodTerms, Shift, china_day, instant, read_calendars

MAKE_UP_SATURDAY = date(2026, 10, 10)
NATIONAL_DAY = [date(2026, 10, 1) + timedelta(days=offset) for offset in range(7)]
DAYS_2026 = [date(2026, 1, 1) + timedelta(days=offset) for offset in range(365)]

QDII = """
products:
  hk-qdii:
    base: exchange
    years:
      2026: {closed: ["2026-12-25"]}
  quarterly:
    years:
      2026: {open: ["2026-03-16", "2026-06-16", "2026-09-16", "2026-12-16"]}
"""


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "calendars").mkdir(exist_ok=True)
    (tmp_path / "calendars" / "own.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_bank_calendar_agrees_with_what_was_announced_on_each_day_of_2026() -> None:
    bank = Calendars()["bank"]
    assert [bank.is_open(day) for day in DAYS_2026] == [chinese_calendar.is_workday(day) for day in DAYS_2026]


def test_exchanges_are_closed_on_exactly_those_days_of_2026_that_banks_make_up_on_weekends() -> None:
    calendars = Calendars()
    differing = [day for day in DAYS_2026 if calendars["bank"].is_open(day) != calendars["exchange"].is_open(day)]
    announced = [day for day in sorted(chinese_calendar.workdays) if day.year == 2026]
    assert differing == announced
    assert MAKE_UP_SATURDAY in differing
    assert all(day.weekday() >= 5 and calendars["bank"].is_open(day) for day in differing)


def test_the_three_calendars_differ_over_national_day(tmp_path: Path) -> None:
    calendars = read_calendars(written(tmp_path, QDII))
    around = [date(2026, 9, 30), *NATIONAL_DAY, date(2026, 10, 8), date(2026, 10, 9), MAKE_UP_SATURDAY]
    open_days = {name: [day.day for day in around if calendars[name].is_open(day)] for name in calendars.names}
    assert open_days == {"bank": [30, 8, 9, 10], "exchange": [30, 8, 9], "hk-qdii": [30, 8, 9], "quarterly": []}


def test_t_plus_n_counts_the_open_days_of_its_own_calendar(tmp_path: Path) -> None:
    calendars = read_calendars(written(tmp_path, QDII))
    eve = date(2026, 9, 30)
    assert calendars["exchange"].add(eve, 2) == date(2026, 10, 9)
    assert calendars["bank"].add(eve, 3) == MAKE_UP_SATURDAY
    assert calendars["hk-qdii"].add(date(2026, 12, 24), 2) == date(2026, 12, 29)
    assert calendars["exchange"].add(date(2026, 12, 24), 2) == date(2026, 12, 28)
    assert calendars["quarterly"].next_open(date(2026, 6, 16)) == date(2026, 9, 16)


def test_a_closed_day_counts_as_the_next_open_one_going_forward_and_as_itself_going_back() -> None:
    exchange = Calendars()["exchange"]
    holiday = date(2026, 10, 4)
    assert exchange.add(holiday, 0) == date(2026, 10, 8)
    assert exchange.add(holiday, 1) == date(2026, 10, 9)
    assert exchange.add(holiday, -1) == date(2026, 9, 30)


@pytest.mark.parametrize(
    ("day", "shift", "moved"),
    [
        (date(2026, 10, 3), "none", date(2026, 10, 3)),
        (date(2026, 10, 3), "following", date(2026, 10, 8)),
        (date(2026, 10, 3), "preceding", date(2026, 9, 30)),
        (date(2026, 5, 31), "following", date(2026, 6, 1)),
        (date(2026, 5, 31), "modified_following", date(2026, 5, 29)),
        (date(2026, 5, 17), "modified_following", date(2026, 5, 18)),
    ],
)
def test_a_date_is_shifted_by_the_rule_of_its_contract(day: date, shift: Shift, moved: date) -> None:
    assert Calendars()["exchange"].shifted(day, shift) == moved


@given(day=st.dates(date(2005, 1, 1), date(2026, 6, 30)), n=st.integers(0, 30))
def test_t_plus_n_is_open_and_has_n_open_days_after_t(day: date, n: int) -> None:
    exchange = Calendars()["exchange"]
    start = exchange.shifted(day, "following")
    found = exchange.add(day, n)
    assert exchange.is_open(found)
    assert len(list(exchange.open_days(start, found))) == n + 1
    assert exchange.next_open(found, -n) == start


def test_the_four_dates_of_a_period_go_by_their_own_terms() -> None:
    terms = PeriodTerms.model_validate(
        {
            "transfer": {"of": "payment", "plus": -3},
            "report": {"of": "payment", "plus": -2, "calendar": "exchange"},
            "payment": {"months": 1, "day": 10, "calendar": "bank"},
        }
    )
    assert terms.dates(date(2026, 9, 30), Calendars()) == PeriodDates(
        calculation=date(2026, 9, 30),
        transfer=date(2026, 9, 30),
        report=date(2026, 10, 8),
        payment=MAKE_UP_SATURDAY,
    )


def test_a_date_that_is_counted_from_itself_is_refused() -> None:
    circle = {"transfer": {"of": "report"}, "report": {"of": "transfer"}, "payment": {}}
    with pytest.raises(ValueError, match="transfer is counted from itself"):
        PeriodTerms.model_validate(circle)


def test_a_year_that_nobody_announced_falls_back_to_weekdays_and_is_noted() -> None:
    calendars = Calendars()
    assert calendars["bank"].is_open(date(2031, 1, 1))
    assert not calendars["exchange"].is_open(date(2031, 1, 4))
    assert calendars.unknown == [("bank", 2031), ("exchange", 2031)]
    assert not calendars["bank"].knows(2031)
    assert calendars["bank"].knows(2026)


def test_a_product_without_its_year_falls_back_to_its_base(tmp_path: Path) -> None:
    calendars = read_calendars(written(tmp_path, QDII))
    assert not calendars["hk-qdii"].is_open(date(2025, 10, 1))
    assert calendars["hk-qdii"].is_open(date(2025, 12, 25))
    assert calendars.unknown == [("hk-qdii", 2025)]


def test_a_file_of_the_installation_names_a_year_that_the_package_does_not_have(tmp_path: Path) -> None:
    text = 'years:\n  2031:\n    holidays: ["2031-01-01", "2031-01-22..2031-01-28"]\n    workdays: ["2031-02-01"]\n'
    calendars = read_calendars(written(tmp_path, text))
    assert not calendars["bank"].is_open(date(2031, 1, 24))
    assert calendars["bank"].is_open(date(2031, 2, 1))
    assert not calendars["exchange"].is_open(date(2031, 2, 1))
    assert calendars.unknown == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("years:\n  2031:\n    holiday: []\n", r"own.yaml:3: years.2031.holiday: no such key here; write holidays"),
        ('years:\n  2031:\n    holidays: ["1.1.2031"]\n', r"own.yaml:3: .*'1.1.2031' is no day; write 2027-02-05"),
        ('years:\n  2031:\n    holidays: ["2031-02-05..2031-02-01"]\n', r"own.yaml:3: .*write the earlier day first"),
        ("years:\n  2031:\n    holidays: none\n", r"own.yaml:3: .*write a list of days"),
        ('years:\n  2031:\n    holidays: ["2032-01-01"]\n', r"own.yaml:2: 2032-01-01 is not in 2031; put it"),
        (
            'years:\n  2031:\n    holidays: ["2031-01-01"]\n    workdays: ["2031-01-01"]\n',
            r"own.yaml:2: 2031-01-01 is a holiday and a workday; leave it in one",
        ),
        ("products:\n  bank: {years: {}}\n", r"own.yaml:2: bank is there already; give it another name"),
        ("products:\n  x: {}\n", r"own.yaml:2: products.x.years: this key is missing; add it"),
        ("years: [\n", r"own.yaml:2: not YAML"),
    ],
)
def test_a_calendar_file_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        read_calendars(written(tmp_path, text))


def test_two_files_that_name_the_same_year_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "years:\n  2031: {}\n")
    (tmp_path / "calendars" / "zz.yaml").write_text("years:\n  2031: {}\n")
    with pytest.raises(SettingsInvalid, match=r"zz.yaml:2: 2031 is in another file already; name each year once"):
        read_calendars(tmp_path)


def test_every_problem_of_all_calendars_is_said_at_once(tmp_path: Path) -> None:
    written(tmp_path, "years:\n  2031:\n    holidays: ['2032-01-01']\n")
    (tmp_path / "calendars" / "zz.yaml").write_text("years:\n  2031: {}\nproducts:\n  bank: {years: {}}\n")
    (tmp_path / "calendars" / "zzz.yaml").write_text("years: [\n")
    with pytest.raises(SettingsInvalid) as raised:
        read_calendars(tmp_path)
    places = [each.split(": ")[0].removeprefix(f"{tmp_path}/calendars/") for each in raised.value.detail.splitlines()]
    assert places == ["own.yaml:2", "zz.yaml:2", "zz.yaml:4", "zzz.yaml:2"]


def test_a_day_in_china_begins_at_sixteen_hours_utc() -> None:
    midnight = instant(date(2026, 11, 23), None)
    assert china_day(midnight) == date(2026, 11, 24)
    assert china_day(midnight - 1) == date(2026, 11, 23)


def test_a_product_does_not_know_a_year_that_its_base_does_not(tmp_path: Path) -> None:
    later = max(chinese_calendar.holidays).year + 5
    text = f"products:\n  own:\n    years:\n      {later}: {{closed: ['{later}-03-04']}}\n"
    calendars = read_calendars(written(tmp_path, text))
    own = calendars["own"]
    assert (own.knows(later), calendars["exchange"].knows(later)) == (False, False)
    weekdays = [day for day in (date(later, 3, 4), date(later, 3, 5), date(later, 3, 6)) if day.weekday() < 5]
    assert [own.is_open(day) for day in weekdays] == [day != date(later, 3, 4) for day in weekdays]
    assert ("own", later) in calendars.unknown
