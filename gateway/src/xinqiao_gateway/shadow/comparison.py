"""What differs: two messages by their canonical paths, two verdicts, two answers by their places.

Values are kept as they are for the explanations; whatever is shown of them is masked by ``shown_ours`` and
``shown_theirs``.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from xinqiao.masking import mask, mask_field
from xinqiao.message import Json, write_json
from xinqiao.standard import field_at
from xinqiao.testing.observed import body_of, leaves, substance
from xinqiao_adapters.check.spelling import names_of, same_value

__all__ = ["ANSWER", "Difference", "DifferenceClass", "compare_answers", "compare_messages", "pattern_of"]

DifferenceClass = Literal["missing_here", "missing_there", "different", "refused_here", "accepted_here"]
# The paths of what stands in an answer start so.
ANSWER = "answer"
_INDEX = re.compile(r"\[[0-9]+\]")
# Codes of partners are short; what is longer may be a name or a number of a person.
_LONGEST_CODE = 8


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``ours`` and ``theirs`` are values in the clear, None where nothing is; ``kind`` its class.

    ``sensitive`` is None where both may be shown (a code, a reason), else the message type whose field masks them,
    or empty for what no field says.
    """

    path: str
    kind: DifferenceClass
    ours: str | None
    theirs: str | None
    sensitive: str | None

    @property
    def pattern(self) -> str:
        """The path without indices, by which differences are counted and explained."""
        return pattern_of(self.path)

    @property
    def shown_ours(self) -> str | None:
        """What may be shown of our value."""
        return self._shown(self.ours)

    @property
    def shown_theirs(self) -> str | None:
        """What may be shown of their value."""
        return self._shown(self.theirs)

    def _shown(self, value: str | None) -> str | None:
        if value is None or self.sensitive is None:
            return value
        if not self.sensitive:
            return mask(value, "C2")
        return mask_field(value, field_at(self.sensitive, self.path))


def pattern_of(path: str) -> str:
    """Return a canonical path with every index as ``[]``."""
    return _INDEX.sub("[]", path)


def compare_messages(ours: Sequence[Json], theirs: Sequence[Json]) -> Iterator[Difference]:
    """Yield what differs between the messages that each side hands on, apart from what carries them.

    Those of one type are paired: first the ones that are alike, then the others in their order. One without a partner
    is missing as a whole.
    """
    left, right = _by_type(ours), _by_type(theirs)
    for body in {**left, **right}:
        mine, others = _unlike(left[body], right[body])
        for one, other in zip(mine, others, strict=False):
            yield from _compared(body, one, other)
        for _ in mine[len(others) :]:
            yield Difference(body, "missing_there", body, None, None)
        for _ in others[len(mine) :]:
            yield Difference(body, "missing_here", None, body, None)


def _by_type(messages: Sequence[Json]) -> defaultdict[str, list[Json]]:
    found: defaultdict[str, list[Json]] = defaultdict(list)
    for each in messages:
        found[body_of(each)].append(substance(each))
    return found


def _unlike(ours: Sequence[Json], theirs: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """Return the messages of each side that the other side has none like, to the letter."""
    waiting: defaultdict[bytes, list[int]] = defaultdict(list)
    for place, each in enumerate(theirs):
        waiting[_spelled(each)].append(place)
    alike: set[int] = set()
    left = []
    for each in ours:
        places = waiting[_spelled(each)]
        if places:
            alike.add(places.pop(0))
        else:
            left.append(each)
    return left, [each for place, each in enumerate(theirs) if place not in alike]


def _spelled(message: Json) -> bytes:
    return write_json(_sorted(message))


def _sorted(message: Json) -> Json:
    return {name: _sorted(part) if isinstance(part, dict) else part for name, part in sorted(message.items())}


def _compared(body: str, one: Json, other: Json) -> Iterator[Difference]:
    left, right = leaves(one), leaves(other)
    for path in {**left, **right}:
        if path in left and path in right and same_value(body, names_of(path), left[path], right[path]):
            continue
        kind: DifferenceClass = (
            "missing_here" if path not in left else "missing_there" if path not in right else "different"
        )
        yield Difference(path, kind, _text(left.get(path)), _text(right.get(path)), body)


def _text(value: object) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def compare_answers(ours: Mapping[str, str], theirs: Mapping[str, str], code: str | None) -> Iterator[Difference]:
    """Yield what differs between two answers of one verdict, by the places of their values.

    ``code`` is the place of the return code, which may be shown where it is as short as codes are.
    """
    for place in {**ours, **theirs}:
        one, other = ours.get(place), theirs.get(place)
        if one != other:
            kind: DifferenceClass = "missing_here" if one is None else "missing_there" if other is None else "different"
            is_code = place == code and max(len(one or ""), len(other or "")) <= _LONGEST_CODE
            yield Difference(f"{ANSWER}.{place}", kind, one, other, None if is_code else "")
