"""Names of fields as words: parts of ``CustName``, ``cust_nm`` or ``khxm``, and how much two words mean the same."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from xinqiao.standard import message_types, schema_of

__all__ = ["Words", "chinese_likeness", "chinese_share", "initials", "is_chinese", "like", "words", "words_of"]

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_CHINESE = re.compile(r"[㐀-鿿]")
_NEAR, _STEM, _SHORT = 0.8, 0.75, 0.65
# How alike, and how long, a misspelt word is at least.
_MISSPELT, _LONG_WORD = 0.8, 6
# The first character of each letter of pinyin in the first level of GB 2312, which is in order of pinyin.
_BORDERS = (
    ("a", 0xB0A1), ("b", 0xB0C5), ("c", 0xB2C1), ("d", 0xB4EE), ("e", 0xB6EA), ("f", 0xB7A2), ("g", 0xB8C1),
    ("h", 0xB9FE), ("j", 0xBBF7), ("k", 0xBFA6), ("l", 0xC0AC), ("m", 0xC2E8), ("n", 0xC4C3), ("o", 0xC5B6),
    ("p", 0xC5BE), ("q", 0xC6DA), ("r", 0xC8BB), ("s", 0xC8F6), ("t", 0xCBFA), ("w", 0xCDDA), ("x", 0xCEF4),
    ("y", 0xD1B9), ("z", 0xD4D1),
)  # fmt: skip
_END_OF_FIRST_LEVEL = 0xD7F9


@dataclass(frozen=True)
class Words:
    """The data of ``words.yaml``."""

    abbreviations: Mapping[str, tuple[str, ...]]
    near: Mapping[str, frozenset[str]]
    empty: frozenset[str]
    heads: frozenset[str]
    codes: Mapping[str, Mapping[str, str]]
    currencies: Mapping[str, str]
    booleans: tuple[tuple[str, str], ...]
    routing: frozenset[tuple[str, ...]]
    general: frozenset[str]
    kinds: Mapping[str, frozenset[str]]
    nouns: Mapping[str, frozenset[str]]
    header: Mapping[str, tuple[str, ...]]
    headings: Mapping[str, tuple[str, ...]]
    rare: Mapping[str, str]
    business: Mapping[str, str]
    published: Mapping[str, str]


@cache
def words() -> Words:
    """Read ``words.yaml`` once."""
    # Every scalar is a text: "no" and "on" are words here.
    data: dict[str, Any] = yaml.load((files(__package__) / "words.yaml").read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 -- texts only
    near: dict[str, set[str]] = {}
    for group in data["concepts"]:
        for word in group:
            near.setdefault(word, set()).update(group)
    return Words(
        abbreviations={name: tuple(said.split()) for name, said in data["abbreviations"].items()},
        near={word: frozenset(others - {word}) for word, others in near.items()},
        empty=frozenset(data["empty"]),
        heads=frozenset(data["heads"]),
        codes=data["codes"],
        currencies=data["currencies"],
        booleans=tuple((true, false) for true, false in data["booleans"]),
        routing=frozenset(tuple(each.split()) for each in data["routing"]),
        general=frozenset(data["general"]),
        kinds={kind: frozenset(said) for kind, said in data["kinds"].items()},
        nouns={noun: frozenset(said) for noun, said in data["nouns"].items()},
        header={name: tuple(said) for name, said in data["header"].items()},
        rare=data["rare"],
        published={name: title for title, names in data["published"].items() for name in names},
        business={code: title for title, codes in data["business"].items() for code in codes},
        headings={part: tuple(said) for part, said in data["headings"].items()},
    )


def is_chinese(text: str) -> bool:
    """Whether a text has a Chinese character."""
    return _CHINESE.search(text) is not None


@cache
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in its order, abbreviations written out, empty ones left out.

    ``BnfLotPct`` is ``("beneficiary", "percentage")``; a name of empty words alone keeps them.
    """
    found = [word for part in _joined([part.lower() for part in _PARTS.findall(name)]) for word in _expanded(part)]
    telling = [word for word in found if word not in words().empty and not word.isdigit()]
    return tuple(dict.fromkeys(telling or found))


def _joined(parts: list[str]) -> Iterator[str]:
    """Yield the parts of a name; two that are known as one (``ID``, ``Type``) together.

    An ``ID`` that has something is a document: ``IDExpDate``.
    """
    at = 0
    if len(parts) > 1 and parts[0] == "id" and "".join(parts[:2]) not in words().abbreviations:
        parts = ["certificate", *parts[1:]]
    while at < len(parts):
        pair = "".join(parts[at : at + 2])
        known = at + 1 < len(parts) and pair in words().abbreviations
        yield pair if known else parts[at]
        at += 1 + known


@cache
def _expanded(part: str) -> tuple[str, ...]:
    known = words().abbreviations
    if part in known:
        return known[part]
    if part in _vocabulary() or len(part) < 5:
        return (_singular(part),)
    if _singular(part) in _vocabulary() or any(word.startswith(part) for word in _by_letter().get(part[0], ())):
        return (_singular(part),)
    pieces = _segmented(part)
    if pieces:
        return tuple(word for piece in pieces for word in known.get(piece, (_singular(piece),)))
    near = _misspelt(part)
    return (near,) if near else _with_an_end(part) or (_singular(part),)


def _misspelt(part: str) -> str:
    """Return the word that a part is with a slip in it (``recieve``): partners keep them; blank for none."""
    if len(part) < _LONG_WORD:
        return ""
    return next(iter(get_close_matches(part, _by_letter().get(part[0], ()), n=1, cutoff=_MISSPELT)), "")


def _with_an_end(part: str) -> tuple[str, ...]:
    """Return the words of a misspelt word with a short one before or after it: ``bnkrefrence``, ``recieveacc``."""
    known = words().abbreviations
    for size in (4, 3):
        if part[-size:] in known and (near := _misspelt(part[:-size])):
            return (near, *known[part[-size:]])
        if part[:size] in known and (near := _misspelt(part[size:])):
            return (*known[part[:size]], near)
    return ()


@cache
def _vocabulary() -> frozenset[str]:
    data = words()
    written_out = {word for said in data.abbreviations.values() for word in said}
    return frozenset(written_out | set(data.near) | set(data.empty) | _words_of_the_standard())


@cache
def _by_letter() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word in sorted(_vocabulary()):
        found.setdefault(word[0], []).append(word)
    return {letter: tuple(those) for letter, those in found.items()}


def _words_of_the_standard() -> set[str]:
    """Return the words of the English titles of all fields; short ones would be found within other words."""
    found: set[str] = set()
    for kind in message_types().values():
        for part in schema_of(kind.name)["$defs"].values():
            titles = (str(each.get("title", "")) for each in part.get("properties", {}).values())
            found.update(_singular(word) for title in titles for word in re.findall("[a-z]{4,}", title.lower()))
    return found


def _segmented(part: str) -> tuple[str, ...]:
    """Return the known words that make up a part without capitals (``custname``), the fewest; none if it has none."""
    known = _vocabulary() | set(words().abbreviations)
    best: dict[int, tuple[str, ...]] = {0: ()}
    for end in range(2, len(part) + 1):
        for start in range(max(0, end - 14), end - 1):
            piece = part[start:end]
            if start in best and piece in known and (end not in best or len(best[start]) + 1 < len(best[end])):
                best[end] = (*best[start], piece)
    return best.get(len(part), ())


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 5 and word.endswith(("sses", "xes", "ches")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@cache
def like(one: str, other: str) -> float:
    """Return how much two words mean the same, 0 to 1."""
    if one == other:
        return 1.0
    if other in words().near.get(one, ()):
        return _NEAR
    shared = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if shared >= 4 and shared >= 0.6 * max(len(one), len(other)):
        return _STEM
    short, long = sorted((one, other), key=len)
    return _SHORT if _shortens(short, long) else 0.0


def _shortens(short: str, long: str) -> bool:
    """Whether a word is another with letters left out: ``prfrnc`` of ``preference``."""
    if not 3 <= len(short) < len(long) or short[0] != long[0] or len(short) < 0.45 * len(long):
        return False
    rest = iter(long)
    return all(letter in rest for letter in short)


@cache
def initials(text: str) -> str:
    """Return the first letters of pinyin (``客户姓名`` is ``khxm``); of characters that are read in two ways, one."""
    return "".join(_initial(each) for each in text if is_chinese(each))


def _initial(character: str) -> str:
    try:
        code = int.from_bytes(character.encode("gb2312"))
    except UnicodeEncodeError:
        return ""
    if not _BORDERS[0][1] <= code <= _END_OF_FIRST_LEVEL:
        return ""
    return next(letter for letter, first in reversed(_BORDERS) if code >= first)


@cache
def chinese_likeness(one: str, other: str) -> float:
    """Return how alike two Chinese names are, 0 to 1: by characters and by neighbours among them."""
    one, other = _bare(one), _bare(other)
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    pairs = _overlap(_pairs(one), _pairs(other))
    return min(0.95, 0.5 * _overlap(set(one), set(other)) + 0.5 * pairs)


def chinese_share(name: str, text: str) -> float:
    """Return how much of a name a longer Chinese text holds, 0 to 1, by neighbours among its characters."""
    pairs = _pairs(_bare(name))
    return 0.9 * len(pairs & _pairs(_bare(text))) / len(pairs) if pairs else 0.0


def _bare(text: str) -> str:
    return re.sub(r"[（(][^）)]*[）)]|[\s:：*、,，/_-]", "", text).replace("是否", "").replace("的", "")


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _overlap(one: Iterable[str], other: Iterable[str]) -> float:
    one, other = set(one), set(other)
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
