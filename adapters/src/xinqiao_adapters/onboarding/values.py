"""What the values of a partner's field look like, and whether they can be those of a field of the standard."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache

from xinqiao.rules.check_digits import isin_check_digit, resident_id_check_digit, social_credit_check_character
from xinqiao_adapters.onboarding.dictionary import Form, Target
from xinqiao_adapters.onboarding.sample import About
from xinqiao_adapters.onboarding.words import is_chinese, words

__all__ = [
    "boolean_pair",
    "date_pattern_of",
    "datetime_pattern_of",
    "fitness",
    "is_number",
    "telling_shape",
    "time_pattern_of",
]

_DATES = {
    "%Y%m%d": r"(\d{4})(\d{2})(\d{2})",
    "%Y-%m-%d": r"(\d{4})-(\d{2})-(\d{2})",
    "%Y/%m/%d": r"(\d{4})/(\d{2})/(\d{2})",
    "%Y.%m.%d": r"(\d{4})\.(\d{2})\.(\d{2})",
    "%Y年%m月%d日": r"(\d{4})年(\d{2})月(\d{2})日",
}
_TIMES = {
    "%H%M%S": r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)",
    "%H:%M:%S": r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)",
}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?")
_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")
_NO_DATE = {"99991231", "9999-12-31", "长期", "永久", "00000000"}
_WITHOUT_END = {2999, 3000, 3017, 9999}
_REFUSED, _DOUBTED = 0.12, 0.35


def is_number(text: str) -> bool:
    """Whether a text is a decimal number, thousands separators allowed."""
    return _NUMBER.fullmatch(text) is not None


@cache
def _moment(text: str, patterns: tuple[tuple[str, str], ...]) -> str | None:
    for pattern, regex in patterns:
        match = re.fullmatch(regex, text)
        if match is None:
            continue
        try:
            day = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            continue
        if 1900 <= day.year <= 2100 or day.year in _WITHOUT_END:
            return pattern
    return None


_DAY_PATTERNS = tuple(_DATES.items())
_MOMENT_PATTERNS = tuple(
    (f"{day}{between}{time}", f"{day_regex}{between}{time_regex}")
    for day, day_regex in _DATES.items()
    for time, time_regex in _TIMES.items()
    for between in ("", " ")
)


def date_pattern_of(texts: Sequence[str]) -> str | None:
    """Return the strftime pattern that most texts are dates after, or None."""
    return _most(texts, lambda text: _moment(text, _DAY_PATTERNS))


def datetime_pattern_of(texts: Sequence[str]) -> str | None:
    """Return ``iso`` or the strftime pattern that most texts are dates with times after, or None."""
    return _most(texts, lambda text: "iso" if _ISO.fullmatch(text) else _moment(text, _MOMENT_PATTERNS))


def time_pattern_of(texts: Sequence[str]) -> str | None:
    """Return the strftime pattern that all texts are times of day after, without a date; or None."""
    return next(
        (pattern for pattern, regex in _TIMES.items() if texts and all(re.fullmatch(regex, text) for text in texts)),
        None,
    )


def _most(texts: Sequence[str], pattern_of: Callable[[str], str | None]) -> str | None:
    found = [pattern_of(text) for text in texts if text not in _NO_DATE]
    said = [each for each in found if each is not None]
    return max(said, key=said.count) if said and len(said) >= 0.6 * len(found) else None


def boolean_pair(texts: Iterable[str]) -> tuple[str, str] | None:
    """Return the texts of true and false that a field's values are of, or None."""
    seen = set(texts)
    return next((pair for pair in words().booleans if seen <= set(pair)), None) if seen else None


def fitness(target: Target, texts: Sequence[str], about: About) -> float:
    """Return how well values fit a field, from 0.12 (not at all) to 1; without values, by the type of the table."""
    if not texts:
        return _by_type(target, about.type.lower())
    if target.meaning in _MEANINGS:
        return _share(texts, _MEANINGS[target.meaning])
    return _KINDS.get(target.kind, _text)(target, texts)


def _share(texts: Sequence[str], fits: Callable[[str], bool]) -> float:
    share = sum(map(fits, texts)) / len(texts)
    return 1.0 if share == 1 else max(_REFUSED, share * 0.8)


def _by_type(target: Target, said: str) -> float:
    if not said:
        return 0.95
    is_day = said.startswith(("d", "日期")) and "dec" not in said and "dou" not in said
    is_numeric = said.startswith(("n", "dec", "int", "num", "amount", "long", "double", "金额", "数值", "bigdec"))
    if target.kind in ("date", "datetime"):
        return 1.0 if is_day else 0.85
    if target.kind in ("decimal", "integer"):
        return 1.0 if is_numeric else 0.6
    return 0.5 if is_day else 0.9


def _date(_: Target, texts: Sequence[str]) -> float:
    return 1.0 if date_pattern_of(texts) else _DOUBTED if set(texts) <= _NO_DATE else _REFUSED


def _datetime(_: Target, texts: Sequence[str]) -> float:
    if time_pattern_of(texts):
        return 0.8  # with the date beside it
    return 1.0 if datetime_pattern_of(texts) else _DOUBTED if date_pattern_of(texts) else _REFUSED


def _decimal(_: Target, texts: Sequence[str]) -> float:
    if all(text.endswith(("%", "％")) and is_number(text[:-1]) for text in texts):
        return 1.0
    if date_pattern_of(texts) and len(texts[0]) == 8:
        return _DOUBTED
    # A number with leading zeros is a code.
    if any(len(text) > 1 and text[0] == "0" and text[1].isdigit() and len(text) < 8 for text in texts):
        return _DOUBTED
    return _share(texts, is_number)


def _integer(_: Target, texts: Sequence[str]) -> float:
    return _share(texts, lambda text: text.isdecimal() and len(text) <= 6)


def _boolean(_: Target, texts: Sequence[str]) -> float:
    return 1.0 if boolean_pair(texts) else _DOUBTED if max(map(len, texts)) <= 2 else _REFUSED


def _enum(target: Target, texts: Sequence[str]) -> float:
    if len(texts) > max(2, 2 * len(target.values)) or any(len(text) > 24 for text in texts):
        return _REFUSED
    if any((text.isdigit() and len(text) > 6) or ("." in text and is_number(text)) or " " in text for text in texts):
        return 0.25
    return 1.0 if all(len(text) <= 4 or is_chinese(text) or text.isalpha() for text in texts) else 0.7


def _text(target: Target, texts: Sequence[str]) -> float:
    pattern, longest = target.schema.get("pattern", ""), target.schema.get("maxLength", 10_000)
    if not all(re.search(pattern, text) and len(text) <= longest for text in texts):
        # A code of the partner's may stand for one of a short list.
        return 0.8 if _is_list_of_codes(pattern, texts) else _DOUBTED
    if _is_narrow(target):
        return 1.0
    if all(_ISO.fullmatch(text) or datetime_pattern_of([text]) for text in texts) or date_pattern_of(texts):
        return 0.6
    return 0.85 if all("." in text and is_number(text) for text in texts) else 0.97


def _is_list_of_codes(pattern: str, texts: Sequence[str]) -> bool:
    return re.match(r"\^[A-Z]\[", pattern) is not None and max(map(len, texts)) <= 2


def _is_narrow(target: Target) -> bool:
    return target.meaning not in ("TEXT", "LINES", "IDENTIFIER", "CODE", "LATIN")


def _is_resident_id(text: str) -> bool:
    return re.fullmatch(r"\d{17}[\dX]", text) is not None and resident_id_check_digit(text[:17]) == text[17]


def _is_social_credit_code(text: str) -> bool:
    return (
        re.fullmatch("[0-9A-HJ-NPQRTUWXY]{18}", text) is not None
        and social_credit_check_character(text[:17]) == text[17]
        and not _is_resident_id(text)
    )


_KINDS: dict[str, Callable[[Target, Sequence[str]], float]] = {
    "date": _date,
    "datetime": _datetime,
    "decimal": _decimal,
    "integer": _integer,
    "boolean": _boolean,
    "enum": _enum,
}
_MEANINGS: dict[str, Callable[[str], bool]] = {
    "CURRENCY": lambda text: re.fullmatch("[A-Z]{3}", text) is not None or text in words().currencies,
    "COUNTRY": lambda text: (
        re.fullmatch(r"[A-Z]{2,3}|\d{3}", text) is not None or (is_chinese(text) and len(text) < 10)
    ),
    "HASH": lambda text: re.fullmatch("[0-9A-Fa-f]{64}", text) is not None,
    "ISIN": lambda text: (
        re.fullmatch("[A-Z]{2}[0-9A-Z]{9}[0-9]", text) is not None and isin_check_digit(text[:11]) == text[11]
    ),
    "INSTITUTION_CODE": _is_social_credit_code,
    "LATIN": lambda text: text.isascii() and any(each.isalpha() for each in text),
    "COUNT": lambda text: text.isdecimal(),
}


def _looks(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


_TELLING: tuple[tuple[Callable[[str], bool], str, str], ...] = (
    (_is_resident_id, "certificate number", "值是身份证号，校验码相符；resident ids, check digit right"),
    (_is_social_credit_code, "certificate number", "值是统一社会信用代码；social credit codes"),
    (_looks(r"1[3-9]\d{9}"), "mobile number", "值是手机号；mobile numbers"),
    (_looks(r"[^@\s]+@[^@\s]+\.[a-z]+"), "email", "值是邮箱；e-mail addresses"),
    (_MEANINGS["ISIN"], "isin", "值是 ISIN，校验位相符；ISINs, check digit right"),
    (_MEANINGS["HASH"], "digest value", "值是 256 位摘要；digests of 256 bits"),
    (_looks(r"62\d{14,17}"), "account number", "值是银联卡号；numbers of bank cards"),
)


def telling_shape(texts: Sequence[str]) -> tuple[Form, str] | None:
    """Return what values are by their own look, as words of a field's name, and the reason; None mostly."""
    for fits, form, reason in _TELLING:
        if texts and all(map(fits, texts)):
            return tuple(form.split()), reason
    return None
