"""Rules on identity documents and what they say about their holder."""

import re
from datetime import date

from xinqiao.message import Json
from xinqiao.rules.check_digits import resident_id_check_digit, social_credit_check_character
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []

_CITIZEN_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
_FIRST_GENERATION = re.compile(r"[0-9]{15}")
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
# Region prefixes of residence permits: Hong Kong, Macao, Taiwan.
_RESIDENCE_REGIONS = ("810000", "820000", "830000")
# Documents whose number is the citizen's, and those whose number is built after GB 11643.
_CITIZENS = frozenset(("RESIDENT_ID", "TEMPORARY_RESIDENT_ID"))
_NUMBERED = _CITIZENS | {"HK_MACAO_TAIWAN_RESIDENCE"}
_HK_MACAO_PERMIT = re.compile(r"[HM][0-9]{8}([0-9]{2})?")
_PRODUCT_CODE = re.compile(r"ZXD[0-9A-Za-z]{18,21}")
# Documents that say until when they are valid.
_DATED = _NUMBERED | {
    "PASSPORT",
    "CHINESE_PASSPORT",
    "FOREIGN_PASSPORT",
    "HK_MACAO_PERMIT",
    "TAIWAN_PERMIT",
    "FOREIGNER_PERMANENT_RESIDENCE",
    "BUSINESS_LICENCE",
}


@rule("XQ-R-010")
def check_citizen_number(type: str, number: str) -> Breach | None:
    """The number of a resident ID card has 18 characters and the right check digit."""
    if type not in _CITIZENS or _FIRST_GENERATION.fullmatch(number):
        return None
    return _check_number(number)


@rule("XQ-R-011")
def check_residence_number(type: str, number: str) -> Breach | None:
    """The number of a residence permit for Hong Kong, Macao and Taiwan: its region, and the same check digit."""
    if type != "HK_MACAO_TAIWAN_RESIDENCE":
        return None
    if not number.startswith(_RESIDENCE_REGIONS):
        return Breach(("number",), expected=f"a number that begins with {', '.join(_RESIDENCE_REGIONS)}")
    return _check_number(number)


@rule("XQ-R-105")
def check_second_generation(type: str, number: str) -> Breach | None:
    """A number of 15 digits is one of the first generation, invalid since 2013; old policies and registers hold it."""
    if type in _CITIZENS and _FIRST_GENERATION.fullmatch(number):
        return Breach(("number",), expected="the number of 18 characters")
    return None


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
    if not number.strip("0"):
        return Breach(("number",), expected="a code that is not all zeros")
    check = social_credit_check_character(number[:17])
    return None if number[17] == check else Breach(("number",), expected=f"check character {check}")


@rule("XQ-R-017")
def check_validity_known(type: str, valid_until: str | None = None, long_term: bool | None = None) -> Breach | None:
    """A document that has an end says when it is, or that it is valid without end."""
    if type not in _DATED or valid_until is not None or long_term:
        return None
    return Breach(("validUntil",), expected="validUntil, or longTerm true")


@rule("XQ-R-018")
def check_one_validity(long_term: bool, valid_until: str) -> Breach | None:  # noqa: ARG001 -- its presence counts
    """A document that is valid without end has no end."""
    return Breach(("validUntil",), expected="no validUntil where longTerm is true") if long_term else None


@rule("XQ-R-019")
def check_travel_permit(type: str, number: str) -> Breach | None:
    """The number of a travel permit for Hong Kong and Macao residents is a letter and 8 digits, 10 on older ones."""
    if type != "HK_MACAO_PERMIT" or _HK_MACAO_PERMIT.fullmatch(number):
        return None
    return Breach(("number",), expected="H or M and 8 or 10 digits")


@rule("XQ-R-024")
def check_product_code(type: str, number: str) -> Breach | None:
    """A trust product's registration code is ZXD and 18 to 21 letters or digits."""
    if type != "TRUST_PRODUCT_CODE" or _PRODUCT_CODE.fullmatch(number):
        return None
    return Breach(("number",), expected="ZXD and 18 to 21 letters or digits")


@rule("XQ-R-025")
def check_permanent_residence_number(type: str, number: str) -> Breach | None:
    """The number of a permanent residence card of 18 characters has the check digit of GB 11643."""
    return _check_number(number) if type == "FOREIGNER_PERMANENT_RESIDENCE" and len(number) == 18 else None


@rule("XQ-R-026")
def check_permanent_residence_length(type: str, number: str) -> Breach | None:
    """The number of a permanent residence card has 18 characters; cards from before 2023 have 15."""
    if type != "FOREIGNER_PERMANENT_RESIDENCE" or len(number) == 18:
        return None
    return Breach(("number",), expected="18 characters")
