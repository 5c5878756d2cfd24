"""Converters of days, months, times of day and instants, written after patterns or in the forms of ISO."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from xinqiao.finding import Text
from xinqiao_adapters.mapping.converters import Converter, Scalar, Unfit, text_of
from xinqiao_adapters.mapping.shapes import Kind

__all__ = [
    "date_pattern",
    "datetime_iso",
    "datetime_pattern",
    "month_pattern",
    "time_pattern",
]

_DIRECTIVES = {
    "%Y": ("year", "([0-9]{4})", "yyyy"),
    "%m": ("month", "([0-9]{2})", "MM"),
    "%d": ("day", "([0-9]{2})", "dd"),
    "%H": ("hour", "([0-9]{2})", "HH"),
    "%M": ("minute", "([0-9]{2})", "mm"),
    "%S": ("second", "([0-9]{2})", "ss"),
    "%f": ("microsecond", "([0-9]{6})", "SSSSSS"),
}
_DATE = ("year", "month", "day")
# Files say the same days again and again: 0.1 µs against 1.9 µs. Texts of other shapes are not kept, they raise.
_DAYS = 4096
_TIME = ("hour", "minute", "second")


def _compiled(pattern: str) -> tuple[re.Pattern[str], list[str], str]:
    """Return a pattern's regular expression, the parts it gives in order, and how people write it."""
    parts = re.split("(%.)", pattern)
    unknown = [part for part in parts if part.startswith("%") and part not in _DIRECTIVES]
    if unknown:
        raise ValueError(f"unknown directive {unknown[0]}; known: {', '.join(_DIRECTIVES)}")
    regex = "".join(_DIRECTIVES[part][1] if part in _DIRECTIVES else re.escape(part) for part in parts)
    names = [_DIRECTIVES[part][0] for part in parts if part in _DIRECTIVES]
    people = "".join(_DIRECTIVES[part][2] if part in _DIRECTIVES else part for part in parts)
    return re.compile(regex), names, people


def date_pattern(pattern: str) -> Converter:
    """Return the pair for dates written after a strftime pattern (``%Y%m%d``).

    Raises ``ValueError`` where the pattern does not name year, month and day once each.
    """
    regex, names, people = _compiled(pattern)
    if sorted(names) != sorted(_DATE):
        raise ValueError("a date pattern names %Y, %m and %d, once each")
    year, month, day = (names.index(part) + 1 for part in _DATE)

    @lru_cache(_DAYS)
    def read(text: str) -> str:
        match = regex.fullmatch(text.strip())
        if match is None:
            raise Unfit
        try:
            return date(int(match[year]), int(match[month]), int(match[day])).isoformat()
        except ValueError as error:
            raise Unfit from error

    @lru_cache(_DAYS)
    def write(value: Scalar) -> str:
        try:
            day_of = date.fromisoformat(text_of(value))
        except ValueError as error:
            raise Unfit from error
        if day_of.year < 1000:  # strftime does not pad them
            raise Unfit
        return day_of.strftime(pattern)

    said = Text(f"日期 {people}", f"a date {people}")
    iso = Text("日期 yyyy-MM-dd", "a date yyyy-MM-dd")
    return Converter("mapping.date", frozenset({"date"}), read, write, said, iso)


def month_pattern(pattern: str) -> Converter:
    """Return the pair for months written after a strftime pattern (``%Y%m``).

    Raises ``ValueError`` where the pattern does not name year and month once each.
    """
    said = Text("年月", "a month")
    return _pieces("mapping.date", "month", pattern, ("year", "month"), "{year}-{month}", said)


def time_pattern(pattern: str) -> Converter:
    """Return the pair for times of day written after a strftime pattern (``%H%M%S``).

    Raises ``ValueError`` where the pattern does not name hour, minute and perhaps second once each.
    """
    names = _TIME if "%S" in pattern else _TIME[:2]
    canonical = ":".join(f"{{{name}}}" for name in names)
    return _pieces("mapping.datetime", "time", pattern, names, canonical, Text("时刻", "a time of day"))


def _pieces(rule: str, kind: Kind, pattern: str, wanted: tuple[str, ...], canonical: str, said: Text) -> Converter:
    """Return the pair for texts of digits in another order; the schema says which digits are possible."""
    regex, names, people = _compiled(pattern)
    if sorted(names) != sorted(wanted):
        raise ValueError(f"the pattern names {' and '.join(wanted)}, once each")
    steps = re.split("[{}]", canonical)
    back = re.compile("".join(f"(?P<{step}>[0-9]+)" if step in wanted else step for step in steps))
    parts = re.split("(%.)", pattern)
    partner = "".join(f"{{{_DIRECTIVES[part][0]}}}" if part in _DIRECTIVES else part for part in parts)

    def read(text: str) -> str:
        match = regex.fullmatch(text.strip())
        if match is None:
            raise Unfit
        return canonical.format(**dict(zip(names, match.groups(), strict=True)))

    def write(value: Scalar) -> str:
        match = back.fullmatch(text_of(value))
        if match is None:
            raise Unfit
        return partner.format(**match.groupdict())

    shape = Text(f"{said.zh} {people}", f"{said.en} {people}")
    return Converter(rule, frozenset({kind}), read, write, shape, said)


def datetime_pattern(pattern: str, zone: str, *, drop_fraction: bool = False) -> Converter:
    """Return the pair for times written after a strftime pattern in a fixed zone (``+08:00``).

    ``drop_fraction`` says that the partner's seconds are whole and that the loss is known; otherwise a
    fraction that the pattern does not hold is refused.
    Raises ``ValueError`` where the pattern is not a whole date and time or the zone is no offset.
    """
    regex, names, people = _compiled(pattern)
    if sorted(part for part in names if part != "microsecond") != sorted(_DATE + _TIME):
        raise ValueError("a datetime pattern names %Y, %m, %d, %H, %M and %S, once each")
    offset = _offset(zone)
    any_fraction = "microsecond" in names or drop_fraction

    def read(text: str) -> str:
        match = regex.fullmatch(text.strip())
        if match is None:
            raise Unfit
        parts = dict(zip(names, map(int, match.groups()), strict=True))
        try:
            return f"{datetime(**parts).isoformat()}{zone}"  # type: ignore[arg-type]
        except ValueError as error:
            raise Unfit from error

    def write(value: Scalar) -> str:
        try:
            local = _moment(value).astimezone(offset)
        except OverflowError as error:  # the first and the last day that Python knows
            raise Unfit from error
        if local.year < 1000 or (local.microsecond and not any_fraction):  # strftime does not pad such years
            raise Unfit
        return local.strftime(pattern)

    said = Text(f"时间 {people}（{zone}）", f"a time {people} ({zone})")
    iso = Text("带时区的时间", "a time with its offset")
    if not any_fraction:
        iso = Text(f"{iso.zh}，不含秒的小数", f"{iso.en}, no fraction of a second")
    return Converter("mapping.datetime", frozenset({"datetime"}), read, write, said, iso)


_ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?")


def datetime_iso(zone: str) -> Converter:
    """Return the pair for the forms of ``xs:dateTime``: fraction and offset may be there or not.

    ``zone`` is that of a text without offset. What goes out has the offset of ``zone`` written, and a fraction
    where it is not zero. Raises ``ValueError`` where the zone is no offset.
    """
    offset = _offset(zone)
    written = "Z" if offset is UTC else zone

    def read(text: str) -> str:
        match = _ISO.fullmatch(text.strip())
        if match is None:
            raise Unfit
        fraction = match[2] or ""
        if fraction[6:].strip("0"):  # finer than the standard's microseconds
            raise Unfit
        value = f"{match[1]}{'.' + fraction[:6] if fraction else ''}{match[3] or written}"
        _moment(value)
        return value

    def write(value: Scalar) -> str:
        try:
            local = _moment(value).astimezone(offset).replace(tzinfo=None)
        except OverflowError as error:
            raise Unfit from error
        text = local.isoformat()
        return f"{text.rstrip('0') if '.' in text else text}{written}"

    said = Text("时间 yyyy-MM-ddTHH:mm:ss", "a time yyyy-MM-ddTHH:mm:ss, a fraction and an offset where wanted")
    iso = Text("带时区的时间", "a time with its offset")
    return Converter("mapping.datetime", frozenset({"datetime"}), read, write, said, iso)


def _moment(value: Scalar) -> datetime:
    try:
        moment = datetime.fromisoformat(text_of(value))
    except ValueError as error:
        raise Unfit from error
    if moment.tzinfo is None:
        raise Unfit
    return moment


def _offset(zone: str) -> timezone:
    match = re.fullmatch(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])", zone)
    if match is None:
        raise ValueError("a zone is an offset such as +08:00")
    delta = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-delta if match[1] == "-" else delta) if delta else UTC
