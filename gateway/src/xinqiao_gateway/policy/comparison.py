"""How values are compared: normalised for the comparison only, what is stored and carried on stays as it came."""

import re
import unicodedata
from decimal import Decimal
from typing import Any

import orjson

__all__ = ["comparable", "normalised"]

# The dot inside a name (买买提·吐尔逊) as partners write it: U+00B7 and its look-alikes.
_DOTS = dict.fromkeys(map(ord, "•‧∙⋅・᛫⸱"), "·")
# A full stop between two ideographs is that dot, too; NFKC has made it of its full-width and small forms.
_IDEOGRAPH = r"[\u3007\u3400-\u9fff\ue000-\uf8ff\uf900-\ufaff\U00020000-\U0003ffff]"
_STOP = re.compile(f"(?<={_IDEOGRAPH})\\.(?={_IDEOGRAPH})")
# Nobody sees these, beside blanks and the characters of category Cf: joiners, fillers and selectors of variants.
_UNSEEN = frozenset([0x034F, 0x115F, 0x1160, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])


def normalised(text: str) -> str:
    """Return a name or number as it is compared: NFKC, one kind of dot, nothing that is not seen, one case.

    ``１１０１０１ 19800101 007x`` and ``11010119800101007X`` are the same, and so are ``Wang Xiaoming`` and
    ``WANG　XIAOMING``. Private-use characters stay: they are rare characters that a channel did not map.
    """
    seen = "".join(filter(_is_seen, unicodedata.normalize("NFKC", text)))
    # What stood unseen between a letter and its accent had kept them apart.
    return _STOP.sub("·", unicodedata.normalize("NFKC", seen).translate(_DOTS)).casefold()


def _is_seen(character: str) -> bool:
    return not (character.isspace() or ord(character) in _UNSEEN or unicodedata.category(character) == "Cf")


def comparable(value: Any, *, is_number: bool = False) -> str:  # noqa: ANN401 -- any part of a message
    """Return a part of a message as text that is the same for the same meaning: 100.00 CNY is 100 CNY.

    ``is_number`` says that a text is a decimal.
    """
    if is_number:
        return _plain(value)
    if isinstance(value, str):
        return normalised(value)
    if isinstance(value, dict) and value.keys() == {"value", "currency"}:
        return f"{_plain(value['value'])} {value['currency']}"
    return normalised(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())


def _plain(number: str) -> str:
    """Write a decimal without the zeros that say nothing; zero has no sign."""
    return f"{Decimal(number).normalize() + 0:f}"
