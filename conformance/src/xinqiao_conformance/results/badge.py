"""A badge: who looks at a page sees at once whether its system conforms, with what, and as how it was looked at."""

from typing import Literal
from unicodedata import east_asian_width

from xinqiao.finding import Text
from xinqiao_conformance.results.model import Results
from xinqiao_conformance.results.pages import page

__all__ = ["Language", "badge_of"]

Language = Literal["zh", "en"]

# Pixels: of the letters, around a text, and of the mark before the verdict.
_SIZE = 12
_PAD = 9
_MARK = 15


def badge_of(results: Results, language: Language = "zh") -> str:
    """Return the badge as SVG in one language; it needs no font and no network."""
    name, verdict = (_in(text, language) for text in (_name(results), _verdict(results)))
    left = _width(name) + 2 * _PAD
    return page(
        "badge.svg.j2",
        language="zh-CN" if language == "zh" else "en",
        said=f"{results.declaration.subject.name}: {name}, {verdict}",
        passed=results.verdict == "passed",
        left=left,
        whole=left + _MARK + _width(verdict) + 2 * _PAD,
        pad=_PAD,
        written=((name, _PAD, _width(name)), (verdict, left + _PAD + _MARK, _width(verdict))),
    )


def _name(results: Results) -> Text:
    return Text(f"信桥 {results.standard}", f"Xinqiao {results.standard}")


def _verdict(results: Results) -> Text:
    passed = [each for each in results.kits if each.verdict == "passed"]
    if results.verdict == "failed":
        return Text(f"未通过 {len(passed)}/{len(results.kits)}", f"not conformant {len(passed)}/{len(results.kits)}")
    count = f"{len(passed)} 个套件", f"{len(passed)} kit{'s' if len(passed) > 1 else ''}"
    if results.how == "recordings":
        return Text(f"依记录符合 · {count[0]}", f"by recordings · {count[1]}")
    return Text(f"符合 · {count[0]}", f"conformant · {count[1]}")


def _in(text: Text, language: Language) -> str:
    return text.zh if language == "zh" else text.en


def _width(text: str) -> int:
    """Return how wide a text is drawn, in pixels: ``textLength`` makes it so whatever the font."""
    return round(sum(_SIZE if east_asian_width(each) in "WF" else _SIZE * 0.58 for each in text))
