"""The comparison itself: both sides spread over partitions by their keys, each partition joined by hash.

Linear in the number of lines; memory holds one partition. The differences are kept as the lines are, spilled where
they are many.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from xinqiao.errors import ContentRefused
from xinqiao.message import Json
from xinqiao_gateway.reconciliation.causes import MEASURES, Terms, classified
from xinqiao_gateway.reconciliation.kinds import Compared, Outcome, Row
from xinqiao_gateway.reconciliation.lines import Line, lines_of
from xinqiao_gateway.reconciliation.pairing import Pair, pairs, partner_key, standing
from xinqiao_gateway.reconciliation.spool import Spool
from xinqiao_gateway.reconciliation.totals import Totals

__all__ = ["Difference", "Result", "Side", "reconcile"]

# Enough that a partition of some million lines fits memory.
_PARTITIONS = 128


@dataclass(frozen=True, slots=True)
class Difference:
    """A pair that did not match, what became of it, and the row that says why and what mends it."""

    pair: Pair
    outcome: Outcome
    row: Row


@dataclass(slots=True)
class Side:
    """What is known of one side: what came in, what is left out (corrected, undone, outdated), each outcome's sums.

    ``said``: which measures its lines say, by the message type that they stem from.
    """

    came: Totals = field(default_factory=Totals)
    left_out: Totals = field(default_factory=Totals)
    outcomes: dict[Outcome, Totals] = field(default_factory=lambda: defaultdict(Totals))
    said: set[tuple[str, Compared]] = field(default_factory=set)

    @property
    def counted(self) -> Totals:
        """The sums over all outcomes."""
        return sum(self.outcomes.values(), Totals())

    @property
    def adds_up(self) -> bool:
        """Whether what came in is what was left out and what became of the rest, to the last digit."""
        return self.came == self.left_out + self.counted


class Result:
    """What became of every line. Use it in a ``with``: differences may stand in a file without a name."""

    def __init__(self, terms: Terms, statements: tuple[Json, ...], spool: Spool) -> None:
        self.terms = terms
        self.statements = statements
        self.here, self.there = Side(), Side()
        self.counts: Counter[Outcome] = Counter()
        self.causes: Counter[str] = Counter()
        self._spool = spool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    @property
    def agreed(self) -> bool:
        """Whether everything matched."""
        return not any(number for outcome, number in self.counts.items() if outcome != "MATCHED")

    @property
    def adds_up(self) -> bool:
        """Whether the control totals of both sides add up."""
        return self.here.adds_up and self.there.adds_up

    def differences(self) -> Iterator[Difference]:
        """Yield what did not match, in an order that does not depend on that of the input; as often as wanted."""
        for record in self._spool.records(0):
            here, there = (Line.of(each) if each else None for each in record[:2])
            yield Difference(Pair(here, there, record[2]), record[3], Row(**record[4]))

    def note(self, pair: Pair) -> None:
        """Count a pair, and keep it where it did not match."""
        outcome, row = classified(pair, self.terms, self.here.said, self.there.said)
        self.counts[outcome] += 1
        for side, line in ((self.here, pair.here), (self.there, pair.there)):
            if line:
                side.outcomes[outcome].add(line)
        if outcome != "MATCHED":
            self.causes[row.cause] += 1
            here, there = (line.record() if line else None for line in (pair.here, pair.there))
            self._spool.add(0, [here, there, pair.doubled, outcome, row.model_dump()])


def reconcile(terms: Terms, theirs: Iterable[Json], ours: Iterable[Json], *, folder: Path | None = None) -> Result:
    """Compare a partner's statement with messages of the journal and return what became of every line.

    ``theirs`` are ``statement`` messages (one for each page) or the business messages that a partner's file holds;
    ``ours`` canonical messages of the window. Both are read once, in any order. What does not fit memory is spilled,
    encrypted, to ``folder`` (the system's temporary one by default). Raises ``ContentRefused`` where a statement is of
    another kind, or a page of it is missing.
    """
    with ExitStack() as held:
        kept = held.enter_context(Spool(1, folder))
        here, there = (held.enter_context(Spool(_PARTITIONS, folder)) for _ in range(2))
        pages = _Pages()
        result = Result(terms, (), kept)
        _spread(lines_of(pages.watched(theirs), terms.name, terms.kind), terms, there, result.there)
        result.statements = pages.complete()
        _spread(lines_of(ours, terms.name, terms.kind), terms, here, result.here)
        for partition in range(_PARTITIONS):
            _join(here, there, partition, result)
        held.pop_all()
        here.close()
        there.close()
        return result


class _Pages:
    """The statements that pass, cut down to what a result says of them, and whether their pages are all there."""

    def __init__(self) -> None:
        self._seen: dict[str, Json] = {}
        self._items: Counter[str] = Counter()

    def watched(self, messages: Iterable[Json]) -> Iterator[Json]:
        for message in messages:
            if "statement" in message:
                statement = message["statement"]
                self._items[statement["statementNo"]] += len(statement.get("items", ()))
                about = {name: part for name, part in statement.items() if name not in {"items", "totals"}}
                self._seen.setdefault(statement["statementNo"], {"header": message["header"], "statement": about})
            elif not self._seen:
                self._seen[""] = {"header": message["header"]}
            yield message

    def complete(self) -> tuple[Json, ...]:
        for number, message in self._seen.items():
            said = int(message["statement"]["itemCount"]) if number else self._items[number]
            if said != self._items[number]:
                raise ContentRefused(f"statement {number} says {said} items and has {self._items[number]}: pages miss")
        return tuple(self._seen.values())


def _spread(lines: Iterable[Line], terms: Terms, spool: Spool, side: Side) -> None:
    for line in lines:
        side.came.add(line)
        side.said.update((line.body, name) for name in MEASURES if name in line.item)
        spool.add(zlib.crc32(partner_key(line, terms.kind).encode()) % _PARTITIONS, line.record())


def _join(here: Spool, there: Spool, partition: int, result: Result) -> None:
    groups: dict[str, tuple[list[Line], list[Line]]] = defaultdict(lambda: ([], []))
    kind = result.terms.kind
    for number, spool in enumerate((here, there)):
        for record in spool.records(partition):
            line = Line.of(record)
            groups[partner_key(line, kind)][number].append(line)
    for key in sorted(groups):
        sides = []
        for lines, side in zip(groups[key], (result.here, result.there), strict=True):
            left = standing(lines, kind) if len(lines) > 1 or (lines and lines[0].replaces) else lines
            _note_left_out(lines, left, side)
            sides.append(left)
        for pair in pairs(*sides):
            result.note(pair)


def _note_left_out(lines: list[Line], left: list[Line], side: Side) -> None:
    kept = {id(line) for line in left}
    for line in lines:
        if id(line) not in kept:
            side.left_out.add(line)
