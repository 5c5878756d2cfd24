"""Strings that a pattern of the standard accepts.

The standard writes its patterns in what RE2, Rust, ECMA-262 and XSD read alike: literals, escapes, classes, groups,
choices and bounded repeats, anchored at both ends. Anything else raises ``ValueError``.
"""

from collections.abc import Callable
from functools import cache
from random import Random

__all__ = ["matching"]

Maker = Callable[[Random], str]

# How often more than the least an unbounded or wide repeat goes round.
_REPEATS = 6
_QUANTIFIERS = {"?": (0, 1), "*": (0, _REPEATS), "+": (1, _REPEATS)}


def matching(pattern: str, random: Random) -> str:
    """Return a string that the pattern accepts; raise ``ValueError`` where it uses what the standard does not."""
    return _compiled(pattern)(random)


@cache
def _compiled(pattern: str) -> Maker:
    if not (pattern.startswith("^") and pattern.endswith("$")):
        raise ValueError(f"a pattern of the standard is anchored at both ends: {pattern}")
    reader = _Reader(pattern[1:-1])
    maker = reader.choices()
    if reader.rest:
        raise ValueError(f"not a pattern of the standard from {reader.rest!r}: {pattern}")
    return maker


class _Reader:
    """Reads a pattern from left to right into a function that makes what it accepts."""

    def __init__(self, text: str) -> None:
        self.rest = text

    def _take(self, length: int = 1) -> str:
        taken, self.rest = self.rest[:length], self.rest[length:]
        return taken

    def choices(self) -> Maker:
        options = [self._sequence()]
        while self.rest.startswith("|"):
            self._take()
            options.append(self._sequence())
        return lambda random: random.choice(options)(random)

    def _sequence(self) -> Maker:
        parts: list[Maker] = []
        while self.rest and self.rest[0] not in "|)":
            parts.append(self._repeated(self._part()))
        return lambda random: "".join(part(random) for part in parts)

    def _part(self) -> Maker:
        first = self._take()
        if first == "(":
            group = self.choices()
            if self._take() != ")":
                raise ValueError("a group of a pattern does not end")
            return group
        if first == "[":
            return self._one_of(self._ranges())
        if first in ".^$?*+{":
            raise ValueError(f"the standard's patterns have no {first!r} here")
        character = self._escaped() if first == "\\" else first
        return lambda _: character

    def _escaped(self) -> str:
        character = self._take()
        if character == "x":
            return chr(int(self._take(2), 16))
        if character.isalnum():
            raise ValueError(f"the standard's patterns have no \\{character}")
        return character

    def _ranges(self) -> list[tuple[int, int]]:
        ranges: list[tuple[int, int]] = []
        if self.rest.startswith("^"):
            raise ValueError("only kinds of text refuse characters, and they have values of their own")
        while not self.rest.startswith("]"):
            first = ord(self._character())
            last = first
            if self.rest[0] == "-" and self.rest[1] != "]":
                self._take()
                last = ord(self._character())
            ranges.append((first, last))
        self._take()
        return ranges

    def _character(self) -> str:
        character = self._take()
        return self._escaped() if character == "\\" else character

    def _one_of(self, ranges: list[tuple[int, int]]) -> Maker:
        return lambda random: chr(random.randint(*random.choice(ranges)))

    def _repeated(self, part: Maker) -> Maker:
        least, most = self._times()
        most = min(most, least + _REPEATS)
        if (least, most) == (1, 1):
            return part
        return lambda random: "".join(part(random) for _ in range(random.randint(least, most)))

    def _times(self) -> tuple[int, int]:
        if self.rest[:1] in _QUANTIFIERS:
            return _QUANTIFIERS[self._take()]
        if not self.rest.startswith("{"):
            return 1, 1
        least, comma, most = self._take(self.rest.index("}") + 1)[1:-1].partition(",")
        return int(least), int(most if comma else least)
