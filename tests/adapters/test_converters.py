"""Each converter is a lens: what it writes it reads back, what it reads it writes back, all else it refuses."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao_adapters.mapping.choices import boolean, codes, fixed
from xinqiao_adapters.mapping.converters import Converter, Scalar, Unfit
from xinqiao_adapters.mapping.dates import date_pattern, datetime_iso, datetime_pattern
from xinqiao_adapters.mapping.numbers import decimal, fen, integer

DATE_PATTERNS = ["%Y%m%d", "%Y-%m-%d", "%d/%m/%Y", "%Y年%m月%d日"]
TIME_PATTERNS = ["%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S.%f"]
ZONES = ["+08:00", "+00:00", "-05:30"]


def read(pair: Converter, text: str) -> Scalar:
    """Return the value of a text that says something."""
    value = pair.read(text)
    assert value is not None
    return value


def refuses(convert: Callable[[], object]) -> bool:
    try:
        convert()
    except Unfit:
        return True
    return False


@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from(DATE_PATTERNS))
def test_dates_go_there_and_back(day: date, pattern: str) -> None:
    pair = date_pattern(pattern)
    text = day.strftime(pattern)
    assert (read(pair, text), pair.write(day.isoformat())) == (day.isoformat(), text)


@given(
    st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9999, 12, 30)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    st.sampled_from(TIME_PATTERNS),
    st.sampled_from(ZONES),
)
def test_times_go_there_and_back_in_the_partners_zone(moment: datetime, pattern: str, zone: str) -> None:
    pair = datetime_pattern(pattern, zone)
    text = moment.strftime(pattern)
    found = read(pair, text)
    assert (found, pair.write(found)) == (f"{moment.isoformat()}{zone}", text)
    elsewhere = datetime.fromisoformat(str(found)).astimezone(timezone(timedelta(hours=3))).isoformat()
    assert pair.write(elsewhere) == text


def test_a_fraction_of_a_second_is_refused_unless_its_loss_is_declared() -> None:
    value = datetime(2026, 1, 20, 9, 30, 0, 500, UTC).isoformat()
    assert refuses(lambda: datetime_pattern("%Y%m%d%H%M%S", "+08:00").write(value))
    assert datetime_pattern("%Y%m%d%H%M%S", "+08:00", drop_fraction=True).write(value) == "20260120173000"
    assert datetime_pattern("%Y%m%d%H%M%S%f", "+08:00").write(value) == "20260120173000000500"


@given(st.integers(min_value=-(10**17), max_value=10**17))
def test_fen_go_there_and_back(amount: int) -> None:
    pair = fen()
    value = read(pair, str(amount))
    assert (Decimal(str(value)) * 100, pair.write(value)) == (Decimal(amount), str(amount))


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=4), st.integers(min_value=0, max_value=8))
def test_decimals_are_kept_or_refused_and_never_rounded(number: Decimal, digits: int) -> None:
    pair, text = decimal(digits), f"{number:f}"
    if number == number.quantize(Decimal(1).scaleb(-digits)):
        assert Decimal(str(read(pair, pair.write(text)))) == number
    else:
        assert refuses(lambda: pair.write(text))


@given(
    st.decimals(min_value=-(10**12), max_value=10**12, places=4),
    st.integers(min_value=0, max_value=8),
    st.integers(min_value=0, max_value=8),
)
def test_decimals_are_padded_on_the_way_out_and_never_change(number: Decimal, one: int, other: int) -> None:
    least, most = sorted((one, other))
    pair, text = decimal(most, least), f"{number:f}"
    if number != number.quantize(Decimal(1).scaleb(-most)):
        assert refuses(lambda: pair.write(text))
        return
    written = pair.write(text)
    assert (Decimal(written), pair.write(read(pair, written))) == (number, written)
    assert len(written.partition(".")[2]) >= least


@pytest.mark.parametrize(
    ("text", "value"), [("1", "1"), ("1.50", "1.50"), (".5", "0.5"), ("+07.", "7"), ("-.0", "0.0")]
)
def test_decimals_are_read_with_the_digits_that_were_sent(text: str, value: str) -> None:
    assert decimal(4, 2).read(text) == value


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.sampled_from(ZONES))
def test_times_in_the_forms_of_iso_go_there_and_back(moment: datetime, zone: str) -> None:
    pair = datetime_iso(zone)
    written = pair.write(f"{moment.isoformat()}Z")
    found = str(read(pair, written))
    assert (datetime.fromisoformat(found), pair.write(found)) == (moment.replace(tzinfo=UTC), written)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-02-10T08:15:30", "2026-02-10T08:15:30+08:00"),
        ("2026-02-10T08:15:30Z", "2026-02-10T08:15:30Z"),
        ("2026-02-10T08:15:30.5", "2026-02-10T08:15:30.5+08:00"),
        ("2026-02-10T08:15:30.250000000-05:00", "2026-02-10T08:15:30.250000-05:00"),
    ],
)
def test_offset_and_fraction_of_a_time_are_read_as_they_stand(text: str, value: str) -> None:
    assert datetime_iso("+08:00").read(text) == value


@pytest.mark.parametrize(
    "text", ["2026-02-10", "2026-02-30T08:15:30", "2026-02-10T08:15:30.1234567", "20260210T081530Z"]
)
def test_other_forms_of_a_time_are_refused(text: str) -> None:
    assert refuses(lambda: datetime_iso("+08:00").read(text))


def test_of_several_words_for_yes_the_first_is_sent() -> None:
    pair = boolean(["true", "1"], ["false", "0"])
    assert ([read(pair, text) for text in ("true", "1", "false", "0")], pair.write(True), pair.write(False)) == (
        [True, True, False, False],
        "true",
        "false",
    )
    with pytest.raises(ValueError, match="different codes"):
        boolean(["1"], ["0", "1"])


@given(st.integers(min_value=-(10**17), max_value=10**17))
def test_whole_numbers_go_there_and_back(number: int) -> None:
    pair = integer()
    assert (read(pair, str(number)), pair.write(number)) == (number, str(number))


@given(
    st.text(), st.sampled_from([date_pattern("%Y%m%d"), fen(), decimal(2), integer(), boolean("Y", "N"), fixed("A")])
)
def test_what_is_read_at_all_is_written_back_and_read_the_same(text: str, pair: Converter) -> None:
    try:
        value = read(pair, text)
    except Unfit:
        return
    assert read(pair, pair.write(value)) == value


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        (date_pattern("%Y%m%d"), "20260230"),
        (date_pattern("%Y%m%d"), "2026013"),
        (date_pattern("%Y%m%d"), "２０２６０１３０"),
        (datetime_pattern("%Y%m%d%H%M%S", "+08:00"), "20260130250000"),
        (fen(), "10.5"),
        (fen(), ""),
        (decimal(2), "1,000.00"),
        (decimal(2), "1e3"),
        (integer(), "1.0"),
        (boolean("Y", "N"), "y"),
        (codes({"1": "MALE"}, {}), "2"),
        (fixed("KYC01"), "KYC02"),
    ],
)
def test_what_the_partner_may_not_send_is_refused(pair: Converter, text: str) -> None:
    assert refuses(lambda: read(pair, text))


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        (fen(), "10.005"),
        (decimal(2), "0.001"),
        (integer(), True),
        (boolean("1", "0"), 1),
        (codes({"1": "MALE"}, {}), "FEMALE"),
        (date_pattern("%Y%m%d"), "0001-01-01"),
        (datetime_pattern("%Y%m%d%H%M%S", "+08:00"), "2026-01-30T10:00:00"),
    ],
)
def test_what_the_partners_format_cannot_hold_is_refused(pair: Converter, value: Scalar) -> None:
    assert refuses(lambda: pair.write(value))


def test_of_codes_that_mean_the_same_the_named_one_is_sent() -> None:
    pair = codes({"20": "MARRIED", "21": "MARRIED"}, {"MARRIED": "20"})
    assert (read(pair, "21"), pair.write("MARRIED")) == ("MARRIED", "20")


def test_codes_that_mean_the_same_need_the_one_to_send() -> None:
    with pytest.raises(ValueError, match="20 and 21 both mean MARRIED"):
        codes({"20": "MARRIED", "21": "MARRIED"}, {})
