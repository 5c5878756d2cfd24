"""The law of a mapping on generated messages: what goes out comes back, and what does not fit is refused by name."""

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from xinqiao.adapter import Encoded
from xinqiao.errors import ContentRefused, Rejected
from xinqiao.finding import Finding, errors_in
from xinqiao.message import ROUTING, Json
from xinqiao.testing import generated, vector, well_formed
from xinqiao.testing.observed import is_below, leaves, substance
from xinqiao.testing.places import Path, places_of
from xinqiao.validation import check
from xinqiao_adapters.check.report import Proved
from xinqiao_adapters.check.samples import Readers, refusal, said
from xinqiao_adapters.check.spelling import names_of, same_value
from xinqiao_adapters.interface import CompiledInterface, Traced
from xinqiao_adapters.mapping.neutral import is_neutral
from xinqiao_adapters.mapping.shapes import parse_steps, put
from xinqiao_adapters.plan_leaves import PlanLeaves

__all__ = ["GeneratedLaws", "valid_bases"]

# How often a message may lose what is refused before it counts as one that the format cannot hold.
_ROUNDS = 12
_IN_ONE_FILE = 3
_MOST_PROBLEMS = 10

Names = tuple[str, ...]


@dataclass
class GeneratedLaws:
    """One interface held against generated messages of its type.

    ``bases`` are messages of its samples, which are varied as the published examples are; ``whole_seconds`` are the
    fields that lose fractions of a second by decision. ``proved`` counts.
    """

    interface: CompiledInterface
    readers: Readers
    bases: Sequence[Json]
    whole_seconds: frozenset[Names]
    proved: Proved = field(default_factory=Proved)

    def __post_init__(self) -> None:
        self.plan = self.interface.mapping.plan
        self.leaves = PlanLeaves(self.plan)

    def problems(self, count: int) -> Iterator[str]:
        """Yield what is wrong with ``count`` messages, the same ones every time; a law broken often is enough."""
        found = 0
        batch: list[Json] = []
        for seed in range(count):
            for problem in self._problems_of(seed, batch):
                found += 1
                yield f"generated message {seed}: {problem}"
            if found >= _MOST_PROBLEMS:
                return
        if count and not self.proved.held:
            yield f"none of {count} generated messages can be written: their law is not proved"

    def _problems_of(self, seed: int, batch: list[Json]) -> Iterator[str]:
        self.proved.generated += 1
        try:
            sent = self._held(self._message(seed))
        except (AssertionError, Rejected) as error:
            yield f"{type(error).__name__}: {error}"
            return
        if sent is None:
            return
        self.proved.held += 1
        message, encoded = sent
        yield from self._read_back([message], encoded)
        if self.interface.writes_files:
            batch.append(message)
            if len(batch) == _IN_ONE_FILE:
                yield from self._together(batch)
                batch.clear()

    def _message(self, seed: int) -> Json:
        """Return a message: a sample varied, a published example varied, and one of any shape, in turn."""
        body = self.interface.spec.message
        if seed % 3 == 0 and self.bases:
            return generated(body, seed, base=self.bases[seed // 3 % len(self.bases)])
        return generated(body, seed) if seed % 3 else well_formed(body, seed)

    def _held(self, message: Json) -> tuple[Json, Encoded] | None:
        """Return what the partner's format holds of a message: what it refuses by a finding is mended or left out."""
        message = copy.deepcopy(message)
        model = self.bases[0] if self.bases else vector(self.interface.spec.message)
        for attempt in range(_ROUNDS):
            try:
                encoded = self.interface.encode(message)
            except ContentRefused as error:
                if not error.findings:
                    raise AssertionError("a message is refused without a finding") from error
                if not _mended(message, model, error.findings):
                    return None
            else:
                self.proved.reduced += attempt > 0
                return message, encoded
        return None

    def _together(self, messages: Sequence[Json]) -> Iterator[str]:
        """Write several messages to one file; values of the whole file may differ, which has to be said."""
        try:
            encoded = self.interface.encode(*messages)
        except ContentRefused as error:
            if not error.findings:
                yield "several messages in one file are refused without a finding"
            return
        yield from self._read_back(messages, encoded)

    def _read_back(self, sent: Sequence[Json], encoded: Encoded) -> Iterator[str]:
        try:
            back = list(self.readers.alone(self.interface.name).decode(encoded.content, ""))
        except Rejected as error:
            yield f"what was written is refused: {said(error.findings) or error}"
            return
        refused = [refusal(each) for each in back if not isinstance(each, Traced)]
        if refused or len(back) != len(sent):
            yield f"{len(sent)} written, {len(back)} read; refused: {'; '.join(refused) or 'none'}"
            return
        for message, each in zip(sent, back, strict=True):
            different = list(self._differences(message, each.message)) if isinstance(each, Traced) else []
            if different:
                yield f"reading what was written differs at {', '.join(different)}"

    def _differences(self, sent: Json, found: Json) -> Iterator[str]:
        before, after = leaves(substance(sent)), leaves(substance(found))
        for path, value in before.items():
            names = names_of(path)
            if path in after:
                read_only = names in self.leaves.unwritten and self._may_be_lost(names, value)
                if not read_only and not self._same(names, value, after[path]):
                    yield path
            elif not self._may_be_lost(names, value) and not self._is_implied(path, after):
                yield f"{path} (lost)"
        made_up = (path for path in after if path not in before and not self._follows(path, after[path]))
        yield from (f"{path} (made up)" for path in made_up)

    def _follows(self, path: str, value: object) -> bool:
        """Whether a value that was not sent follows from the profile, or from a place that another row writes."""
        names = names_of(path)
        rows = self.leaves.by_names.get(names, ())
        fillers = [row.converter.read(row.filler) for row in rows if row.filler is not None]
        said = any(value in (row.default, row.constant) for row in rows) or value in fillers
        return said or names in self.leaves.unwritten or names in self._shared

    @cached_property
    def _shared(self) -> frozenset[Names]:
        """Fields that stand only where others do as well: those say them."""
        written = Counter(source for each in self.leaves.leaves if each.leaf.writes for source in set(each.sources))
        return frozenset(
            each.names
            for each in self.leaves.leaves
            if each.sources and each.leaf.share is None and all(written[source] > 1 for source in each.sources)
        )

    def _is_implied(self, path: str, found: Iterable[str]) -> bool:
        """Whether a value is always so, and nothing else of its group has come back: it says nothing alone."""
        rows = self.leaves.by_names.get(names_of(path), ())
        group = path.rpartition(".")[0]
        return (
            all(row.source is None for row in rows) and bool(rows) and not any(is_below(each, group) for each in found)
        )

    def _same(self, names: Names, sent: object, found: object) -> bool:
        if same_value(self.plan.body, names, sent, found):
            return True
        if names not in self.whole_seconds:
            return False
        return datetime.fromisoformat(str(sent)).replace(microsecond=0) == datetime.fromisoformat(str(found))

    def _may_be_lost(self, names: Names, value: object) -> bool:
        if names in self.leaves.unread:
            return True
        ways = (".".join(names[:depth]) for depth in range(1, len(names) + 1))
        values = next((self.plan.dropped[way] for way in ways if way in self.plan.dropped), None)
        return values is not None and (not values or is_neutral(values, value))


def valid_bases(body: str, messages: Sequence[Json]) -> list[Json]:
    """Return the messages of samples that are valid once they have what profile and gateway add."""
    added = {name: part for name, part in vector(body)["header"].items() if name in ROUTING}
    made = [{**each, "header": {**added, **each.get("header", {})}} for each in messages]
    return [each for each in made if not errors_in(check(each, strict=True))]


def _mended(message: Json, model: Json, findings: Sequence[Finding]) -> bool:
    """Give what is refused, or missing, the value of a message that is known to fit, else take it out.

    A field that its group has to have takes the group with it, but for the message's own fields. Returns whether
    anything changed.
    """
    refused: set[Path] = set()
    mended = False
    for path in {each.path for each in findings}:
        steps = _way(path)
        known = _at(model, steps) if len(steps) > 1 else None
        if known is not None and _at(message, steps) != known and _at(message, steps[:-1]) is not None:
            put(message, parse_steps(path) or (), copy.deepcopy(known))
            mended = True
        elif len(steps) > 1 and _at(message, steps) is not None:
            refused.add(steps)
    required = {each.path: each.required for each in places_of(message)} if refused else {}
    for steps in sorted({_widened(each, required, message) for each in refused}, reverse=True):
        _take(message, steps)
    return mended or bool(refused)


def _way(path: str) -> Path:
    steps: list[str | int] = []
    for name, index in parse_steps(path) or ():
        steps += [name] if index is None or index == "[]" else [name, index]
    return tuple(steps)


def _at(node: Any, steps: Sequence[str | int]) -> Any:  # noqa: ANN401 -- whatever the message holds
    for step in steps:
        if isinstance(step, int):
            node = node[step] if isinstance(node, list) and len(node) > step else None
        else:
            node = node.get(step) if isinstance(node, dict) else None
    return node


def _widened(path: Path, required: Mapping[Path, frozenset[str]], message: Json) -> Path:
    while len(path) > 2:
        parent, last = path[:-1], path[-1]
        alone = len(_at(message, parent)) == 1
        if not alone and (isinstance(last, int) or last not in required.get(parent, frozenset())):
            return path
        path = parent
    return path


def _take(message: Json, path: Path) -> None:
    """Remove what is at a path, and what is empty then; of a list the last items go first."""
    parent = _at(message, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)
    elif isinstance(parent, list) and isinstance(path[-1], int) and len(parent) > path[-1]:
        del parent[path[-1]]
    if not parent and len(path) > 2:
        _take(message, path[:-1])
