"""One value in several places of the partner's, and several values in one place: how texts join and share."""

from collections.abc import Sequence
from dataclasses import dataclass

from xinqiao_adapters.mapping.converters import Unfit

__all__ = ["Join", "Share", "joined", "shared"]


@dataclass(frozen=True, slots=True)
class Join:
    """A text that stands in ``count`` places.

    ``lengths`` cuts a text of these lengths; otherwise ``by`` stands between the parts. ``minus`` and ``plus``
    say that the first place holds a sign in words and the second one the number. A part that is one of ``silent``
    (an empty text: blank) makes the whole say nothing.
    """

    count: int
    by: str = ""
    lengths: tuple[int, ...] = ()
    minus: str | None = None
    plus: str = ""
    silent: frozenset[str] = frozenset()

    def read(self, texts: Sequence[str | None]) -> str | None:
        """Return the whole text, None where nothing is there. Raises ``Unfit`` where a part is missing."""
        if all(text is None for text in texts) or any((text or "") in self.silent for text in texts):
            return None
        if self.minus is not None:
            return self._signed(*texts)
        parts = [text for text in texts if text is not None]
        if len(parts) < self.count or (self.lengths and tuple(map(len, parts)) != self.lengths):
            raise Unfit
        return self.by.join(parts) if self.lengths else joined(parts, self.by)

    def _signed(self, word: str | None, number: str | None) -> str:
        if number is None or number[:1] in ("-", "+"):
            raise Unfit
        if (word or "") == self.minus:
            return f"-{number}"
        if (word or "") == self.plus or (word is None and not number.strip("0.")):  # zero needs no sign
            return number
        raise Unfit

    def write(self, text: str | None) -> tuple[str | None, ...]:
        """Return the parts of a text. Raises ``Unfit`` where it does not fall into them."""
        if text is None:
            return (None,) * self.count
        if self.minus is not None:
            return (self.minus, text[1:]) if text.startswith("-") else (self.plus or None, text)
        parts = self._cut(text) if self.lengths else text.split(self.by)
        if len(parts) != self.count or not all(parts) or not self.silent.isdisjoint(parts):
            raise Unfit
        return tuple(parts)

    def _cut(self, text: str) -> list[str]:
        if len(text) != sum(self.lengths):
            raise Unfit
        starts = [sum(self.lengths[:place]) for place in range(self.count)]
        return [text[start : start + length] for start, length in zip(starts, self.lengths, strict=True)]


@dataclass(frozen=True, slots=True)
class Share:
    """The ``piece``-th (from 0) of ``pieces`` values that stand in one place with ``by`` between them."""

    piece: int
    pieces: int
    by: str


def shared(texts: Sequence[str | None], by: str | None) -> str | None:
    """Return the text of a place that several rows write.

    With ``by`` all of them stand there or none; otherwise one text does, which several rows may say. Raises ``Unfit``
    where they do not go together.
    """
    there = [text for text in texts if text is not None]
    if by is None:
        if len(set(there)) > 1:
            raise Unfit
        return there[0] if there else None
    if there and len(there) < len(texts):
        raise Unfit
    return joined(there, by) if there else None


def joined(parts: Sequence[str], by: str) -> str:
    """Return parts with a text between. Raises ``Unfit`` where they could not be told apart again."""
    whole = by.join(parts)
    if whole.split(by) != list(parts):
        raise Unfit
    return whole
