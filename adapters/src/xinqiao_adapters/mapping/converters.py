"""Converters, in pairs: ``read`` turns the partner's text into a canonical value, ``write`` turns it back.

Both raise ``Unfit`` where the other side cannot hold the value: nothing is cut or rounded. A pair is a lens:
``read(write(v))`` is ``v`` up to the standard's own spellings (``10`` and ``10.00``), ``write(read(t))`` is
``t`` up to the format's (leading zeros, and codes that mean the same).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from xinqiao.finding import Text
from xinqiao_adapters.mapping.shapes import Kind

__all__ = [
    "ONLY",
    "TEXT",
    "Converter",
    "Misshapen",
    "Scalar",
    "Unfit",
    "boolean",
    "codes",
    "date_pattern",
    "datetime_iso",
    "datetime_pattern",
    "decimal",
    "fen",
    "fixed",
    "implied",
    "integer",
    "month_pattern",
    "only",
    "scaled",
    "time_pattern",
]

Scalar = str | int | bool
# The rule of texts that say nothing of a field but a few values of it.
ONLY = "mapping.only"


class Unfit(ValueError):
    """A value that the other side cannot hold. Carries no value: what is said about it is masked elsewhere."""


class Misshapen(Unfit):
    """A node of another structure than its row expects: ``said`` is what is wrong with the node.

    ``depth`` is how many steps of the row's path lead to it; None is all of them.
    """

    def __init__(self, said: Text, node: object = None, depth: int | None = None) -> None:
        self.said = said
        self.node = node
        self.depth = depth
        super().__init__(said.en)


@dataclass(frozen=True)
class Converter:
    """A pair, the kinds of field it fits, and what it expects of the partner's text and of the canonical value.

    ``read`` gives None for a text that says nothing of the field. ``plain`` says that what ``write`` gives never needs
    escaping. ``rule`` is the id of the finding.
    """

    rule: str
    fits: frozenset[Kind]
    read: Callable[[str], Scalar | None]
    write: Callable[[Scalar], str]
    expects: Text
    holds: Text
    plain: bool = False
    table: Mapping[str, str] = field(default_factory=dict)


def _text(value: Scalar) -> str:
    if not isinstance(value, str):
        raise Unfit
    return value


_ANY_TEXT: frozenset[Kind] = frozenset({"text", "month", "time", "count"})
TEXT = Converter("mapping.text", _ANY_TEXT, str, _text, Text("文本", "a text"), Text("文本", "a text"))


# --- dates and times -----------------------------------------------------------------------------------------

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
            day_of = date.fromisoformat(_text(value))
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
        match = back.fullmatch(_text(value))
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
        moment = datetime.fromisoformat(_text(value))
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


# --- numbers -------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"([+-]?)(?:(?=[0-9])0*+([0-9]*+)(?:\.([0-9]*+))?|\.([0-9]++))")
_PLAIN = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?").fullmatch
_INTEGER = re.compile(r"-?[0-9]{1,18}").fullmatch
_FEN = re.compile(r"(-?)(?=[0-9])0*+([0-9]*+)")
_DECIMAL_KIND: frozenset[Kind] = frozenset({"decimal"})
_ANY_KIND: frozenset[Kind] = frozenset(
    {"text", "date", "datetime", "decimal", "integer", "boolean", "enum", "month", "time", "count"}
)


def fen() -> Converter:
    """Return the pair for amounts in fen (分), hundredths of the currency's unit: ``1050`` is ``10.50``."""
    said = Text("金额，整数分", "an amount in whole fen")
    return _whole(2, "mapping.amount", said, Text("金额，至多两位小数", "an amount with two decimals at most"))


def implied(digits: int) -> Converter:
    """Return the pair for numbers whose last ``digits`` stand behind a point that is not written: ``12345`` is 1.2345.

    Raises ``ValueError`` for less than one digit.
    """
    if digits < 1:
        raise ValueError("at least one digit stands behind the point that is not written")
    said = Text(f"整数，隐含 {digits} 位小数", f"a whole number with {digits} implied decimals")
    return _whole(digits, "mapping.decimal", said, Text(f"至多 {digits} 位小数", f"{digits} decimals at most"))


def _whole(places: int, rule: str, said: Text, holds: Text) -> Converter:
    def read(text: str) -> str:
        match = _FEN.fullmatch(text.strip())
        if match is None:
            raise Unfit
        digits = match[2].rjust(places + 1, "0")
        return f"{match[1] if digits.strip('0') else ''}{digits[:-places]}.{digits[-places:]}"

    def write(value: Scalar) -> str:
        sign, whole, fraction = _decimal_parts(value)
        if fraction[places:].strip("0"):
            raise Unfit
        digits = (whole + fraction[:places].ljust(places, "0")).lstrip("0") or "0"
        return digits if digits == "0" else sign + digits

    return Converter(rule, _DECIMAL_KIND, read, write, said, holds, plain=True)


def scaled(shift: int, most: int, least: int, said: Text) -> Converter:
    """Return the pair for numbers in another unit: the standard's is the partner's with its point moved right.

    ``shift`` is by how many places (4 for 万元, 2 for a ratio that the standard gives per cent); the partner holds
    ``least`` to ``most`` digits after its own point. Raises ``ValueError`` where the least is more than the most.
    """
    plain = decimal(most, least)

    def read(text: str) -> str:
        sign, whole, fraction = _decimal_parts(text.strip())
        digits = fraction.ljust(shift, "0")
        moved = (whole + digits[:shift]).lstrip("0") or "0"
        rest = digits[shift:]
        zero = not (moved + rest).strip("0")
        return f"{'' if zero else sign}{moved}{'.' + rest if rest else ''}"

    def write(value: Scalar) -> str:
        sign, whole, fraction = _decimal_parts(value)
        digits = whole.rjust(shift + 1, "0")
        moved, rest = digits[:-shift], (digits[-shift:] + fraction).rstrip("0")
        return plain.write(f"{sign}{moved}{'.' + rest if rest else ''}")

    holds = Text(f"换算后{plain.holds.zh}", f"{plain.holds.en} in the partner's unit")
    return Converter("mapping.amount", _DECIMAL_KIND, read, write, said, holds, plain=True)


def decimal(most: int, least: int = 0) -> Converter:
    """Return the pair for decimal numbers of which the partner holds ``most`` digits after the point.

    What goes out is padded to ``least`` digits; what comes in keeps the digits that were sent.
    Raises ``ValueError`` where the least is more than the most.
    """
    if least > most:
        raise ValueError(f"at least {least} digits and at most {most} do not go together")

    def read(text: str) -> str:
        if _PLAIN(text) is not None:  # as nearly all of them are: 0.3 µs against 1.3 µs
            return text
        sign, whole, fraction = _decimal_parts(text.strip())
        zero = not (whole + fraction).strip("0")
        return f"{'' if zero else sign}{whole}{'.' + fraction if fraction else ''}"

    def write(value: Scalar) -> str:
        sign, whole, fraction = _decimal_parts(value)
        if fraction[most:].strip("0"):
            raise Unfit
        kept = fraction[:most].ljust(least, "0")
        return f"{sign}{whole}{'.' + kept if kept else ''}"

    return Converter(
        "mapping.decimal",
        _DECIMAL_KIND,
        read,
        write,
        Text("十进制数", "a decimal number"),
        Text(f"至多 {most} 位小数", f"{most} decimals at most"),
        plain=True,
    )


def _decimal_parts(value: Scalar) -> tuple[str, str, str]:
    match = _NUMBER.fullmatch(_text(value))
    if match is None:
        raise Unfit
    return "-" if match[1] == "-" else "", match[2] or "0", match[3] or match[4] or ""


def integer() -> Converter:
    """Return the pair for whole numbers; leading zeros are the partner's habit and not kept."""

    def read(text: str) -> int:
        if _INTEGER(text.strip()) is None:
            raise Unfit
        return int(text)

    def write(value: Scalar) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Unfit
        return str(value)

    said = Text("整数", "a whole number")
    return Converter("mapping.integer", frozenset({"integer"}), read, write, said, said, plain=True)


# --- choices -------------------------------------------------------------------------------------------------


class _Table(dict[object, Scalar]):
    """A table whose misses are ``Unfit``; a hit costs what a dict costs."""

    def __missing__(self, key: object) -> Scalar:
        if isinstance(key, str) and key != key.strip():
            return self[key.strip()]
        raise Unfit


def _choice(
    rule: str, fits: frozenset[Kind], inward: Mapping[str, Scalar], write: Callable[[Scalar], str]
) -> Converter:
    known = list(dict.fromkeys(str(value) for value in inward.values()))
    if not inward:
        empty = Text("代码表为空，请补全代码表", "a code of a table that is empty: complete the table")
        return Converter(rule, fits, _Table(inward).__getitem__, write, empty, empty)
    shown, names = (items[:12] + ["…"] * (len(items) > 12) for items in (list(inward), known))
    return Converter(
        rule,
        fits,
        _Table(inward).__getitem__,
        write,
        Text(f"代码 {'、'.join(shown)}", f"one of the codes {', '.join(shown)}"),
        Text(f"{'、'.join(names)} 之一", f"one of {', '.join(names)}"),
        table={code: str(value) for code, value in inward.items()},
    )


def codes(values: Mapping[str, str], send: Mapping[str, str]) -> Converter:
    """Return the pair for a code table (partner's code → value of the standard).

    Raises ``ValueError`` where two codes mean the same and ``send`` does not say which one goes out.
    """
    outward: dict[str, str] = {}
    for code, value in values.items():
        if value in outward and value not in send:
            raise ValueError(f"{outward[value]} and {code} both mean {value}: name the one to send under send")
        outward[value] = code
    for value, code in send.items():
        if values.get(code) != value:
            raise ValueError(f"send: {code} does not mean {value}")
        outward[value] = code

    def write(value: Scalar) -> str:
        code = outward.get(_text(value))
        if code is None:
            raise Unfit
        return code

    return _choice("mapping.code", frozenset({"enum", "text"}), dict(values), write)


def only(values: Mapping[str, Scalar]) -> Converter:
    """Return the pair for texts that mean something of their own (``1000Y``: for life); all others say nothing of it.

    Of several texts that mean the same the first goes out.
    """
    outward: dict[tuple[type, Scalar], str] = {}
    for text, value in values.items():
        outward.setdefault((type(value), value), text)

    def write(value: Scalar) -> str:
        text = outward.get((type(value), value))
        if text is None:
            raise Unfit
        return text

    held = "、".join(str(value) for value in values.values())
    return Converter(
        ONLY,
        _ANY_KIND,
        lambda text: values.get(text.strip()),
        write,
        Text("任意文本", "any text"),
        Text(f"{held} 之一", f"one of {held}"),
        table={text: str(value) for text, value in values.items()},
    )


def boolean(yes: Sequence[str], no: Sequence[str]) -> Converter:
    """Return the pair for codes that say true and false; of several the first goes out.

    Raises ``ValueError`` where one says both, or none says one.
    """
    if not yes or not no or set(yes) & set(no):
        raise ValueError("true and false need different codes")

    def write(value: Scalar) -> str:
        if not isinstance(value, bool):
            raise Unfit
        return yes[0] if value else no[0]

    meanings = dict.fromkeys(yes, True) | dict.fromkeys(no, False)
    return _choice("mapping.boolean", frozenset({"boolean"}), meanings, write)


def fixed(value: str) -> Converter:
    """Return the pair for a value of the partner's own that is always the same, such as a transaction code."""

    def read(text: str) -> str:
        if text.strip() != value:
            raise Unfit
        return value

    said = Text(f"固定值 {value}", f"always {value}")
    return Converter("mapping.fixed", frozenset(), read, lambda _: value, said, said)
