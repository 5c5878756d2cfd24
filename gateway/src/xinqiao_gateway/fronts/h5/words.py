"""The words of the pages in both languages, from ``words.yaml``; titles of fields come from the standard."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

from xinqiao.finding import Text

__all__ = ["Language", "said", "said_with", "word"]

Language = Literal["zh", "en"]


@cache
def _words() -> Mapping[str, Text]:
    read = yaml.safe_load((files("xinqiao_gateway.fronts.h5") / "words.yaml").read_bytes())
    return {key: Text(**text) for key, text in read.items()}


def word(key: str) -> Text:
    """Return a text of the pages. Raises ``KeyError`` for one that ``words.yaml`` does not have."""
    return _words()[key]


def said(text: Text | str, language: Language) -> str:
    """Return a text in a language; what has no languages as it is."""
    return text if isinstance(text, str) else getattr(text, language)


def said_with(key: str, **names: str) -> Text:
    """Return a text of the pages with names put into it, in both languages."""
    text = word(key)
    return Text(text.zh.format(**names), text.en.format(**names))
