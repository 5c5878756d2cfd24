"""Whether a text holds what tells who a person is: the number of a document, a mobile or a card; and what a report may
show of a text, a number or an outcome that a subject chose.
"""

import re

from xinqiao.finding import Text
from xinqiao.masking import mask
from xinqiao.rules.check_digits import resident_id_check_digit

__all__ = ["personal_in", "shown_number", "shown_outcome", "shown_text"]

_RESIDENT = re.compile(r"(?<![0-9])([1-9][0-9]{16})([0-9Xx])(?![0-9])")
_MOBILE = re.compile(r"(?<![0-9])(?:86)?1[3-9][0-9]{9}(?![0-9])")
_CARD = re.compile(r"(?<![0-9])62[0-9]{14,17}(?![0-9])")
# Numbers that no name is in, and outcomes as the contract has them; what follows "failed" are the subject's words.
_NUMBER = re.compile(r"[0-9a-fA-F-]{36}|[0-9A-Z._:-]{1,60}")
_OUTCOME = re.compile(r"accepted|partly|(?:rejected|failed): [a-z][a-z_ ]{0,60}(?:[0-9]{3})?|")
_RESIDENT_ID = Text("身份证号码", "the number of a resident identity card")
_MOBILE_NUMBER = Text("手机号", "a mobile number")
_CARD_NUMBER = Text("银行卡号", "the number of a bank card")


def shown_text(text: str) -> str:
    """Return a text with every number masked that tells who a person is."""
    for form in (_RESIDENT, _MOBILE, _CARD):
        text = form.sub(lambda found: mask(found[0], "C2"), text)
    return text


def shown_number(text: str) -> str:
    """Return what a report shows of an id or a number."""
    return text if _NUMBER.fullmatch(text) and not personal_in(text) else mask(text, "C2")


def shown_outcome(text: str) -> str:
    """Return what a report shows of what a subject says has become of a message."""
    return text if _OUTCOME.fullmatch(text) else mask(text, "C2")


def personal_in(text: str) -> Text | None:
    """Return what a text holds of a person, None where that is nothing that can be told from its form."""
    if any(resident_id_check_digit(digits) == last.upper() for digits, last in _RESIDENT.findall(text)):
        return _RESIDENT_ID
    if _MOBILE.search(text):
        return _MOBILE_NUMBER
    return _CARD_NUMBER if _CARD.search(text) else None
