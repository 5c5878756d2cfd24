"""Whether a name or an id holds what tells who a person is: the number of a document, a mobile or a card, or a name."""

import re

from xinqiao.finding import Text
from xinqiao.rules.check_digits import resident_id_check_digit

__all__ = ["personal_in"]

_RESIDENT = re.compile(r"(?<![0-9])([1-9][0-9]{16})([0-9Xx])(?![0-9])")
_MOBILE = re.compile(r"(?<![0-9])(?:86)?1[3-9][0-9]{9}(?![0-9])")
_CARD = re.compile(r"(?<![0-9])62[0-9]{14,17}(?![0-9])")
_RESIDENT_ID = Text("身份证号码", "the number of a resident identity card")
_MOBILE_NUMBER = Text("手机号", "a mobile number")
_CARD_NUMBER = Text("银行卡号", "the number of a bank card")


def personal_in(text: str) -> Text | None:
    """Return what a text holds of a person, None where that is nothing that can be told from its form."""
    if any(resident_id_check_digit(digits) == last.upper() for digits, last in _RESIDENT.findall(text)):
        return _RESIDENT_ID
    if _MOBILE.search(text):
        return _MOBILE_NUMBER
    return _CARD_NUMBER if _CARD.search(text) else None
