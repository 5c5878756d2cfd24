"""The texts of a sheet's typed cells: numbers without exponent and binary noise, dates and times in ISO form."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite, ulp

from xinqiao.finding import Text

__all__ = ["MANY_DIGITS", "NO_DATE", "Clock", "UnreadableCell", "clock_of", "date_text", "number_text"]

MANY_DIGITS = Text(
    "超过 15 位的数字存成了数值，表格软件已丢失末位",
    "a number of more than 15 digits: the spreadsheet has lost the last ones",
)
NO_DATE = Text("不是有效日期", "this is no date")
_NO_NUMBER = Text("数值单元格的内容不是数字", "a cell for a number holds no number")

# Whether a cell's number is a date, a date with a time, or a time of day; empty for a plain number.
Clock = str

# ECMA-376 part 1, 18.8.30: the formats that a workbook does not spell out; 27 to 58 are those of Chinese editions.
_BUILT_IN = {
    **dict.fromkeys((14, 15, 16, 17, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), "date"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 47, 55, 56), "time"),
    22: "date time",
}
# Texts in quotes, escaped characters, colours and conditions in brackets, and what stands for a blank.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|AM/PM|A/P|上午/下午', re.IGNORECASE)
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_WHOLE = re.compile(r"-?[1-9][0-9]{0,14}|0")
_DAYS_1904 = 1462


class UnreadableCell(ValueError):
    """A cell whose value is lost or no value; ``said`` says why."""

    def __init__(self, said: Text) -> None:
        self.said = said
        super().__init__(said.en)


def clock_of(number: int, code: str | None) -> Clock:
    """Return what a number format shows: ``date``, ``date time``, ``time``, or nothing for a plain number."""
    if code is None:
        return _BUILT_IN.get(number, "")
    if _ELAPSED.search(code):
        return ""
    shown = _LITERAL.sub("", code.partition(";")[0]).lower()
    if "general" in shown:
        return ""
    date = any(each in shown for each in "yd") or ("m" in shown and not any(each in shown for each in "hs"))
    time = any(each in shown for each in "hs")
    return " ".join(["date"] * date + ["time"] * time)


def number_text(raw: str) -> str:
    """Return a number as a plain decimal: ``1.1000000000000001`` is 1.1, ``20260131.0`` is 20260131.

    The shortest decimal of the cell's binary number counts. One of more than 15 digits that is within two units of
    the last binary place of one of 15 is what a calculation left behind, and is that one. Raises ``UnreadableCell``
    for a whole number of more than 15 digits: spreadsheets put zeros for the rest.
    """
    if _WHOLE.fullmatch(raw):
        return raw
    try:
        number = float(raw)
    except ValueError:
        raise UnreadableCell(_NO_NUMBER) from None
    if not isfinite(number):
        raise UnreadableCell(_NO_NUMBER)
    if number.is_integer():
        if abs(number) >= 1e15:
            raise UnreadableCell(MANY_DIGITS)
        return str(int(number))
    short = Decimal(repr(number))
    if len(short.as_tuple().digits) > 15:
        rounded = Decimal(f"{number:.15g}")
        if abs(float(rounded) - number) <= 2 * ulp(number):
            short = rounded
    return f"{short:f}"


def date_text(raw: str, clock: Clock, *, from_1904: bool) -> str:
    """Return a day number as ``2026-01-31``, ``2026-01-31T09:30:00`` or ``09:30:00``.

    A date with a part of a day that its format hides is a date and time. Raises ``UnreadableCell`` for what is no
    date, such as the 29 February 1900 that spreadsheets count.
    """
    try:
        number = Decimal(raw)
        days, milliseconds = int(number // 1), round(number % 1 * 86_400_000)
        moment = datetime(1899, 12, 31) + timedelta(days=_counted(days, from_1904), milliseconds=milliseconds)
    except (ArithmeticError, ValueError):
        raise UnreadableCell(NO_DATE) from None
    precision = "milliseconds" if moment.microsecond else "seconds"
    if clock == "time" and days == 0:
        return moment.time().isoformat(precision)
    if clock == "date" and not milliseconds % 86_400_000:
        return moment.date().isoformat()
    return moment.isoformat("T", precision)


def _counted(days: int, from_1904: bool) -> int:
    """Return days since the last of 1899, without the day that never was."""
    if from_1904:
        days += _DAYS_1904
    if days == 60 or days < 0:
        raise UnreadableCell(NO_DATE)
    return days - 1 if days > 60 else days
