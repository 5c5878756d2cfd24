"""Converters of amounts and numbers: exact, in the partner's unit and with the partner's point."""

import re

from xinqiao.finding import Text
from xinqiao_adapters.mapping.converters import Converter, Scalar, Unfit, text_of
from xinqiao_adapters.mapping.shapes import Kind

__all__ = [
    "decimal",
    "fen",
    "implied",
    "integer",
    "scaled",
]

_NUMBER = re.compile(r"([+-]?)(?:(?=[0-9])0*+([0-9]*+)(?:\.([0-9]*+))?|\.([0-9]++))")
_PLAIN = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?").fullmatch
_INTEGER = re.compile(r"-?[0-9]{1,18}").fullmatch
_FEN = re.compile(r"(-?)(?=[0-9])0*+([0-9]*+)")
_DECIMAL_KIND: frozenset[Kind] = frozenset({"decimal"})


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
    match = _NUMBER.fullmatch(text_of(value))
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
