"""Check digits of the numbers that the standard carries: GB 11643, GB 32100, ISO 6166."""

from operator import mul

__all__ = ["isin_check_digit", "resident_id_check_digit", "social_credit_check_character"]

_ID_WEIGHTS = tuple(2 ** (17 - position) % 11 for position in range(17))
_ID_CHECKS = "10X98765432"
_ID_OFFSET = ord("0") * sum(_ID_WEIGHTS)
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUES = {character: value for value, character in enumerate(_CREDIT_ALPHABET)}
_CREDIT_WEIGHTS = tuple(3**position % 31 for position in range(17))


def resident_id_check_digit(digits: str) -> str:
    """Return the 18th character of a citizen identification number from its first 17 digits (GB 11643-1999)."""
    # The bytes of ASCII digits are themselves and 48 more: as quick as it gets without converting each.
    total = sum(map(mul, digits.encode(), _ID_WEIGHTS)) - _ID_OFFSET
    return _ID_CHECKS[total % 11]


def social_credit_check_character(body: str) -> str:
    """Return the 18th character of a unified social credit code from its first 17 (GB 32100-2015)."""
    total = sum(map(mul, map(_CREDIT_VALUES.__getitem__, body), _CREDIT_WEIGHTS))
    return _CREDIT_ALPHABET[-total % 31]


def isin_check_digit(body: str) -> str:
    """Return the 12th character of an ISIN from its first 11 (ISO 6166: Luhn over letters as 10 to 35)."""
    digits = "".join(str(int(character, 36)) for character in body)
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value // 10 + value % 10
    return str(-total % 10)
