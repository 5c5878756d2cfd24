"""The converter of a proposed row: by the kind of the field, the partner's values, and what its table says."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xinqiao_adapters.onboarding.assignment import best_pairs
from xinqiao_adapters.onboarding.dictionary import Target
from xinqiao_adapters.onboarding.sample import About
from xinqiao_adapters.onboarding.values import boolean_pair, date_pattern_of, datetime_pattern_of
from xinqiao_adapters.onboarding.words import chinese_likeness, is_chinese, like, words, words_of

__all__ = ["CodeDraft", "Conversion", "conversion_of"]

_CHINA = "+08:00"
# Below this a meaning of the partner's is none of the standard's values.
_SAME_MEANING = 0.45


@dataclass(frozen=True)
class CodeDraft:
    """A code table: what is known of it, the codes that nothing is known of, and the values that they may be."""

    values: Mapping[str, str]
    unknown: Mapping[str, str]
    choices: Mapping[str, str]


@dataclass(frozen=True)
class Conversion:
    """The parts of a row that say the converter; ``codes`` is the table that it names."""

    parts: Mapping[str, Any] = field(default_factory=dict)
    codes: CodeDraft | None = None
    note: str = ""


def conversion_of(target: Target, texts: Sequence[str], about: About) -> Conversion:
    """Return the converter for a field's values."""
    maker = _MAKERS.get(target.kind)
    if maker is not None:
        return maker(target, texts, about)
    return Conversion(codes=_codes(target, texts, about)) if _has_codes(target, texts) else Conversion()


def _date(target: Target, texts: Sequence[str], about: About) -> Conversion:  # noqa: ARG001 -- one shape for all makers
    return Conversion({"date": date_pattern_of(texts) or "%Y%m%d"})


def _datetime(target: Target, texts: Sequence[str], about: About) -> Conversion:  # noqa: ARG001 -- as above
    zone = "+00:00" if texts and all(text.endswith("Z") for text in texts) else _CHINA
    return Conversion({"datetime": datetime_pattern_of(texts) or "%Y%m%d%H%M%S", "zone": zone})


def _boolean(target: Target, texts: Sequence[str], about: About) -> Conversion:  # noqa: ARG001 -- as above
    true, false = boolean_pair(texts) or _said_pair(about) or ("1", "0")
    return Conversion({"boolean": {"true": true, "false": false}})


def _decimal(target: Target, texts: Sequence[str], about: About) -> Conversion:
    plain = [text.replace(",", "") for text in texts]
    parts: dict[str, Any] = {"grouping": True} if plain != list(texts) else {}
    if texts and all(text.endswith(("%", "％")) for text in plain):
        return Conversion({"percent": "sign", **parts})
    digits = max((len(text.rstrip("%").partition(".")[2]) for text in plain), default=0)
    if target.meaning == "DECIMAL" and target.steps[-1][0] == "value":
        unit, note = _unit(plain, digits, about)
        if unit != "yuan" or digits <= 2:
            return Conversion({"amount": unit, **parts}, note=note)
    said = re.search(r"[,，]\s*(\d)\s*[)）]", about.type)
    return Conversion({"decimal": min(8, max(digits, int(said[1]) if said else 0)), **parts})


def _unit(texts: Sequence[str], digits: int, about: About) -> tuple[str, str]:
    """Return the unit of an amount and, where nothing says it, what it was guessed from."""
    said = f"{about.title} {about.remark} {about.type}"
    for word, unit in (("万元", "wan"), ("元", "yuan"), ("分", "fen")):
        if word in said:
            return unit, f"说明中有“{word}” the table says so"
    if digits or re.search(r"[,，]\s*[1-9]\s*[)）]", about.type) or not texts:
        return "yuan", ""
    return "fen", "金额均为整数，疑以分计，请核实 whole numbers: fen is a guess"


def _said_pair(about: About) -> tuple[str, str] | None:
    yes = [code for code, meaning in about.codes.items() if re.match(r"是|有|yes|y$|true", meaning, re.IGNORECASE)]
    no = [code for code, meaning in about.codes.items() if re.match(r"否|无|不|非|no|n$|false", meaning, re.IGNORECASE)]
    return (yes[0], no[0]) if yes and no else None


def _has_codes(target: Target, texts: Sequence[str]) -> bool:
    """Whether a text of the standard (a currency, a level) is a code of the partner's own."""
    pattern = str(target.schema.get("pattern", ""))
    if target.meaning == "CURRENCY":
        return any(re.fullmatch(pattern, text) is None for text in texts)
    return re.match(r"\^[A-Z]\[", pattern) is not None and any(re.fullmatch(pattern, text) is None for text in texts)


def _codes(target: Target, texts: Sequence[str], about: About) -> CodeDraft:
    choices = {name: titles["zh"] for name, titles in target.values.items()}
    found: dict[str, str] = {}
    if about.codes:
        found = _by_meaning(target, about.codes)
    elif target.meaning == "CURRENCY":
        found = {text: words().currencies[text] for text in texts if text in words().currencies}
    else:
        found = _by_themselves(target, texts) or _by_convention(target, texts)
    seen = dict.fromkeys([*about.codes, *texts], "")
    unknown = {code: about.codes.get(code, "") for code in seen if code not in found}
    return CodeDraft(found, unknown, choices)


def _by_meaning(target: Target, codes: Mapping[str, str]) -> dict[str, str]:
    names = list(target.values)
    gains = [
        {at: score for at, name in enumerate(names) if (score := _meaning(said, target.values[name])) >= _SAME_MEANING}
        for said in codes.values()
    ]
    pairs = best_pairs(gains)
    return {code: names[pairs[at]] for at, code in enumerate(codes) if at in pairs}


def _meaning(said: str, titles: Mapping[str, str]) -> float:
    if is_chinese(said):
        likeness = chinese_likeness(said, titles["zh"])
        # 身份证 within 居民身份证: a part of the name is the name in short.
        return max(likeness, 0.8 if len(said) > 1 and said in titles["zh"] else 0.0)
    own, other = words_of(said), words_of(titles["en"])
    return sum(max((like(word, each) for each in other), default=0.0) for word in own) / max(1, len(own), len(other))


def _by_themselves(target: Target, texts: Sequence[str]) -> dict[str, str]:
    """Return all of the standard's titles, or names, where the texts are of them: what people choose from."""
    by_title = {titles["zh"]: name for name, titles in target.values.items()}
    by_name = {name: name for name in target.values}
    return next((each for each in (by_title, by_name) if texts and set(texts) <= each.keys()), {})


def _by_convention(target: Target, texts: Sequence[str]) -> dict[str, str]:
    """Return what codes mean that are the same all over the trade."""
    pattern = str(target.schema.get("pattern", ""))
    for table in words().codes.values():
        meanings = set(table.values())
        fits = (
            meanings <= set(target.values) if target.values else all(re.fullmatch(pattern, each) for each in meanings)
        )
        if fits and set(texts) <= table.keys():
            return {code: table[code] for code in table if code in texts or _is_of_kind(code, texts)}
    return {}


def _is_of_kind(code: str, texts: Sequence[str]) -> bool:
    """Whether a code is written as those that were seen: all digits, all letters, all Chinese."""
    return any(
        code.isdigit() == text.isdigit() and is_chinese(code) == is_chinese(text) and len(code) == len(text)
        for text in texts
    )


_MAKERS: Mapping[str, Callable[[Target, Sequence[str], About], Conversion]] = {
    "date": _date,
    "datetime": _datetime,
    "decimal": _decimal,
    "integer": lambda *_: Conversion({"integer": True}),
    "boolean": _boolean,
    "enum": lambda target, texts, about: Conversion(codes=_codes(target, texts, about)),
}
