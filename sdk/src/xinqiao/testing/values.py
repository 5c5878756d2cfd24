"""Single values of the standard: of each kind, so that the rules on values are kept too, and of any other form."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache
from random import Random

from xinqiao.message import Json
from xinqiao.rules.check_digits import isin_check_digit, social_credit_check_character
from xinqiao.rules.codes import codes
from xinqiao.testing.patterns import matching

__all__ = ["value_of"]

# Text that systems stumble over: rare and four-byte characters, dots in names, quotes, markup.
_WORDS = (
    *(
        "信托",
        "王小明",
        "阿卜杜拉·买买提",
        "䶮",
        "𠮷",
        "（2026）第001号",
        "O’Brien",
        "a&b",
        "<c>",
        '"',
        "\\",
        "e\u0301",
    ),
    *("家族财富传承", "No. 1", "㐀", "ﬁ", "１２３", "100%", "¥", "\ue81e", "a b", "王\u3000明"),
)
_LATIN = ("Wang", "Xiaoming", "Müller", "O’Brien", "Nguyễn", "3M (Asia)", "S.p.A./N.V.", "d'Arc", "A & B")


def value_of(field: Json, random: Random) -> object:
    """Return a value that a field's schema (not that of a list or object) and the rules on values accept."""
    if "enum" in field:
        return random.choice(field["enum"])
    if field["type"] == "boolean":
        return random.random() < 0.5
    if field["type"] == "integer":
        return random.randint(field["minimum"], field["maximum"])
    about = field["x-xinqiao"]
    make = _KINDS.get(about.get("kind", ""))
    value = make(field, random) if make else matching(field["pattern"], random)
    if about.get("sign") == "POSITIVE" and not value.strip("0."):
        return "1"
    return value.lstrip("-") if "sign" in about else value


def _text(field: Json, random: Random) -> str:
    separator = "\n" if field["x-xinqiao"]["kind"] == "LINES" else "、"
    return _fitted(separator.join(random.choices(_WORDS, k=random.randint(1, 4))), field)


def _latin(field: Json, random: Random) -> str:
    return _fitted(" ".join(random.choices(_LATIN, k=random.randint(1, 3))), field)


def _fitted(text: str, field: Json) -> str:
    return text[: field["maxLength"]].ljust(field.get("minLength", 0), "a")


def _date(_: Json, random: Random) -> str:
    return (date(1950, 1, 1) + timedelta(days=random.randrange(40_000))).isoformat()


def _timestamp(field: Json, random: Random) -> str:
    offset = random.choice(("Z", "+08:00", "-05:30", "+00:00", "+14:00"))
    fraction = random.choice(("", f".{random.randrange(1000):03}", f".{random.randrange(10**6):06}"))
    clock = f"{random.randrange(24):02}:{random.randrange(60):02}:{random.randrange(60):02}"
    return f"{_date(field, random)}T{clock}{fraction}{offset}"


def _institution_code(_: Json, random: Random) -> str:
    body = "".join(random.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=17))
    return body + social_credit_check_character(body)


def _isin(_: Json, random: Random) -> str:
    body = random.choice(("CN", "HK", "LU")) + "".join(random.choices("0123456789ABCDEFGHIJ", k=9))
    return body + isin_check_digit(body)


def _code_of(field: Json, random: Random) -> str:
    return _from_list(field["x-xinqiao"]["codes"], random)


def _from_list(name: str, random: Random) -> str:
    return random.choice(_sorted_codes(name))


@cache
def _sorted_codes(name: str) -> tuple[str, ...]:
    return tuple(sorted(codes(name)))


_KINDS: Mapping[str, Callable[[Json, Random], str]] = {
    "TEXT": _text,
    "LINES": _text,
    "LATIN": _latin,
    "DATE": _date,
    "TIMESTAMP": _timestamp,
    "COUNTRY": lambda _, random: _from_list("iso3166-1", random),
    "CURRENCY": lambda _, random: _from_list("iso4217", random),
    "REGION": _code_of,
    "CODE": _code_of,
    "INSTITUTION_CODE": _institution_code,
    "ISIN": _isin,
}
