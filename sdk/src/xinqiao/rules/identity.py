"""Rules on identity documents and what they say about their holder."""

import re
from datetime import date

from xinqiao.message import Json
from xinqiao.rules.check_digits import resident_id_check_digit, social_credit_check_character
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []

_CITIZEN_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
# Region prefixes of residence permits: Hong Kong, Macao, Taiwan.
_RESIDENCE_REGIONS = ("810000", "820000", "830000")
# Documents whose number is built after GB 11643.
_NUMBERED = frozenset(("RESIDENT_ID", "HK_MACAO_TAIWAN_RESIDENCE"))


@rule("XQ-R-010")
def check_citizen_number(type: str, number: str) -> Breach | None:
    """The number of a resident ID card has 18 characters and the right check digit."""
    return _check_number(number) if type == "RESIDENT_ID" else None


@rule("XQ-R-011")
def check_residence_number(type: str, number: str) -> Breach | None:
    """The number of a residence permit for Hong Kong, Macao and Taiwan: its region, and the same check digit."""
    if type != "HK_MACAO_TAIWAN_RESIDENCE":
        return None
    if not number.startswith(_RESIDENCE_REGIONS):
        return Breach(("number",), expected=f"a number that begins with {', '.join(_RESIDENCE_REGIONS)}")
    return _check_number(number)


def _check_number(number: str) -> Breach | None:
    if not _CITIZEN_NUMBER.fullmatch(number):
        return Breach(("number",), expected="17 digits and a check digit, 0 to 9 or a capital X")
    check = resident_id_check_digit(number[:17])
    return None if number[17] == check else Breach(("number",), expected=f"check digit {check}")


@rule("XQ-R-012")
def check_born_on_a_real_day(type: str, number: str) -> Breach | None:
    """The birth date inside a citizen number is a day of the calendar."""
    if type not in _NUMBERED or not _CITIZEN_NUMBER.fullmatch(number) or _birth_date(number):
        return None
    return Breach(("number",), expected="a day of the calendar in characters 7 to 14")


def _birth_date(number: str) -> str | None:
    text = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    try:
        date.fromisoformat(text)
    except ValueError:
        return None
    return text


@rule("XQ-R-013")
def check_birth_date_agrees(birth_date: str, documents: list[Json]) -> list[Breach] | None:
    """The party's birth date is the one in its citizen number."""
    digits = birth_date.replace("-", "")
    return [
        Breach(("birthDate",), expected=f"the date in documents[{index}].number")
        for index, number in _citizen_numbers(documents)
        if number[6:14] != digits and _birth_date(number)
    ] or None


@rule("XQ-R-014")
def check_gender_agrees(gender: str, documents: list[Json]) -> list[Breach] | None:
    """The party's gender is the one in its citizen number: an odd 17th digit is male."""
    return [
        Breach(("gender",), expected=f"the gender in documents[{index}].number")
        for index, number in _citizen_numbers(documents)
        if gender != ("MALE" if int(number[16]) % 2 else "FEMALE")
    ] or None


def _citizen_numbers(documents: list[Json]) -> list[tuple[int, str]]:
    return [
        (index, document["number"])
        for index, document in enumerate(documents)
        if document["type"] in _NUMBERED and _CITIZEN_NUMBER.fullmatch(document["number"])
    ]


@rule("XQ-R-015")
def check_credit_code(type: str, number: str) -> Breach | None:
    """The number of a unified social credit code document has the right check character."""
    if type != "UNIFIED_SOCIAL_CREDIT_CODE":
        return None
    if not _CREDIT_CODE.fullmatch(number):
        return Breach(("number",), expected="18 digits and capital letters without I, O, S, V, Z")
    check = social_credit_check_character(number[:17])
    return None if number[17] == check else Breach(("number",), expected=f"check character {check}")


@rule("XQ-R-016")
def check_document_period(valid_from: str, valid_until: str) -> Breach | None:
    """A document's validity does not end before it begins."""
    return Breach(("validUntil",), expected="not before validFrom") if valid_until < valid_from else None
