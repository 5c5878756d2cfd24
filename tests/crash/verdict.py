"""What a run comes to: everything that senders, receivers and the journal say, judged together. Pure.

A serial names one message of one sender for good and ends with its number within its case, from 1. Senders send a
case's next message when they hold the receipt of the one before, so acceptance has the order of the numbers.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from xinqiao.message import Json

__all__ = ["Acknowledged", "Applied", "Stored", "Verdict", "case_of", "judge", "serial_of"]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A message that its sender holds as accepted; ``receipt`` is the body, None in a partner's own format."""

    serial: str
    message_id: str | None = None
    receipt: Json | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A message in the journal."""

    serial: str
    message_id: str
    position: int
    accepted_at: str


@dataclass(frozen=True, slots=True)
class Applied:
    """One effect at a receiver."""

    serial: str
    message_id: str


@dataclass(slots=True)
class Verdict:
    """Counts of messages, and every other breach in words."""

    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    breaches: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether everything is as promised."""
        return not (self.lost or self.duplicated or self.reordered or self.breaches)


def serial_of(case: str, number: int) -> str:
    """Return the serial of a case's message."""
    return f"{case}-{number:05d}"


def case_of(serial: str) -> tuple[str, int]:
    """Return the case of a serial and the number within it."""
    case, _, number = serial.rpartition("-")
    return case, int(number)


def judge(acknowledged: Sequence[Acknowledged], stored: Sequence[Stored], applied: Sequence[Applied]) -> Verdict:
    """Judge a run after everything had time to arrive; ``stored`` in the order of positions, ``applied`` of effects."""
    accepted, kept = {each.serial for each in acknowledged}, {each.serial: each for each in stored}
    effects = Counter(each.serial for each in applied)
    copies = Counter(each.serial for each in stored) | effects
    return Verdict(
        lost=len(accepted - kept.keys() | accepted - effects.keys()),
        duplicated=sum(count - 1 for count in copies.values()),
        reordered=_reordered(each.serial for each in stored) + _reordered(each.serial for each in applied),
        breaches=[
            *_numbering(stored),
            *_unasked(accepted, kept, applied),
            *(breach for each in acknowledged for breach in _receipt_breaches(each, kept)),
        ],
    )


def _reordered(serials: Iterable[str]) -> int:
    """Count where a later message of a case comes before an earlier one; repeats are counted elsewhere."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for case, number in map(case_of, dict.fromkeys(serials)):
        numbers[case].append(number)
    return sum(later < earlier for each in numbers.values() for earlier, later in pairwise(each))


def _numbering(stored: Sequence[Stored]) -> list[str]:
    positions = [each.position for each in stored]
    gapless = positions == list(range(1, len(positions) + 1))
    return [] if gapless else [f"positions are not 1 to {len(positions)} without a gap"]


def _unasked(accepted: set[str], kept: Mapping[str, Stored], applied: Sequence[Applied]) -> list[str]:
    """Name what nobody acknowledged or accepted: senders go on until they have a receipt, so nothing may be left."""
    unheld = [f"{serial}: in the journal, and its sender holds no receipt" for serial in kept if serial not in accepted]
    ids = {each.message_id for each in kept.values()}
    return unheld + [
        f"{each.serial}: applied under an id unknown here" for each in applied if each.message_id not in ids
    ]


def _receipt_breaches(held: Acknowledged, kept: Mapping[str, Stored]) -> list[str]:
    row = kept.get(held.serial)
    if held.receipt is None or row is None:
        return []
    said = (held.receipt["acceptedMessageId"], held.receipt["position"], held.receipt["acceptedAt"])
    same = said == (row.message_id, str(row.position), row.accepted_at) and held.message_id == row.message_id
    return [] if same else [f"{held.serial}: the receipt says {said}, the journal {row}"]
