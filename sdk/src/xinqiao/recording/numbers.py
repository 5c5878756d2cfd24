"""Numbers that are a person's wherever they stand: of identity cards, bank cards and mobile telephones.

A business number or a note may hold one that no other field of its message repeats. It is known by its own form.
"""

import re
from collections.abc import Callable

from xinqiao.rules.check_digits import resident_id_check_digit

__all__ = ["without_numbers"]

# A token, which stays, or digits that may be such a number.
_FOUND = re.compile(
    "masked:[0-9a-f]{20}"
    "|(?<![0-9])(?P<identity>[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]{4}[0-9Xx])(?![0-9])"
    "|(?<![0-9])(?P<card>62[0-9]{14,17})(?![0-9])"
    "|(?<![0-9])(?P<mobile>1[3-9][0-9]{9})(?![0-9])"
)


def without_numbers(text: str, by: Callable[[str], str]) -> str:
    """Return a text with something else for each number of a person; tokens stay."""

    def hidden(found: re.Match[str]) -> str:
        return by(found[0]) if _is_of_person(found) else found[0]

    return _FOUND.sub(hidden, text)


def _is_of_person(found: re.Match[str]) -> bool:
    if identity := found["identity"]:
        return resident_id_check_digit(identity[:17]) == identity[17].upper()
    if card := found["card"]:
        return _luhn(card)
    return found["mobile"] is not None


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0
