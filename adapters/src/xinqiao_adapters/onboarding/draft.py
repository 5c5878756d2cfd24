"""A proposed profile as data: interfaces, rows with their converters, code tables, what was left."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xinqiao.standard import message_types
from xinqiao_adapters.onboarding.conversion import CodeDraft, conversion_of
from xinqiao_adapters.onboarding.matching import Guess, Match
from xinqiao_adapters.onboarding.proposal import MessageProposal
from xinqiao_adapters.onboarding.recognition import Recognised
from xinqiao_adapters.onboarding.sample import Node
from xinqiao_adapters.onboarding.values import date_pattern_of, time_pattern_of

__all__ = ["Draft", "DraftInterface", "DraftRow", "Unproposed", "draft_interface", "named"]

# What is less sure is not a row.
SURE = 0.5


@dataclass(frozen=True)
class DraftRow:
    """One row: the canonical path within its group, its parts, how sure and why; ``rows`` for what is in a list."""

    path: str
    parts: Mapping[str, Any]
    confidence: float
    reason: str
    rows: "tuple[DraftRow, ...]" = ()


@dataclass(frozen=True)
class Unproposed:
    """A partner's field that no row was made for, and what it may be."""

    partner: str
    about: str
    near: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class DraftInterface:
    """One interface of a draft; ``codes`` are the tables that its rows name."""

    name: str
    message: str
    direction: str
    title: tuple[str, str]
    confidence: float
    reason: str
    others: tuple[str, ...]
    format: Mapping[str, Any]
    match: Mapping[str, str | list[str]]
    records: str
    key: tuple[str, ...]
    rows: tuple[DraftRow, ...]
    unproposed: tuple[Unproposed, ...]
    codes: Mapping[str, CodeDraft]


@dataclass(frozen=True)
class Draft:
    """A channel; ``institution`` has name, type and code.

    ``characters`` are the private code points of the samples and what they are known to mean; blank where unknown.
    """

    channel: str
    institution: Mapping[str, str]
    receiver: str
    interfaces: tuple[DraftInterface, ...] = ()
    characters: Mapping[str, str] = field(default_factory=dict)


def draft_interface(
    name: str, found: Recognised, proposal: MessageProposal, direction: str, title: str, taken: Mapping[str, CodeDraft]
) -> DraftInterface:
    """Return the interface that a proposal is; ``taken`` are code tables of other interfaces."""
    making = _Making(found.top, proposal.records, taken)
    rows = tuple(making.rows(proposal.match, found.top))
    kind = message_types()[proposal.body].title
    return DraftInterface(
        name,
        proposal.body,
        direction,
        (title or kind.zh, kind.en),
        proposal.confidence,
        proposal.reason,
        proposal.others,
        found.format,
        found.match,
        proposal.records.path_from(found.top) if proposal.records else "",
        tuple(_key(proposal, making, direction)),
        rows,
        tuple(making.unproposed),
        making.codes,
    )


class _Making:
    """Rows being made, and what was left and named on the way."""

    def __init__(self, top: Node, records: Node | None, taken: Mapping[str, CodeDraft]) -> None:
        self._top = top
        self._records = records
        self._taken = taken
        self.unproposed: list[Unproposed] = []
        self.codes: dict[str, CodeDraft] = {}

    def source(self, node: Node, base: Node) -> str:
        """Return the path of a node as a row has it: from the list it is in, else the record, else the top."""
        if base is self._top and self._records is not None and _is_below(node, self._records):
            return f"./{node.path_from(self._records)}"
        return node.path_from(base)

    def rows(self, match: Match, base: Node) -> Iterator[DraftRow]:
        """Yield the rows of a document or of the items of a list."""
        made: list[DraftRow] = []
        for guess in match.guesses:
            if guess.candidate is None or guess.confidence < SURE:
                self._leave(guess)
            elif guess.match is not None:
                made.append(self._list(guess, base))
            elif guess.candidate.target.kind == "datetime" and time_pattern_of(guess.node.texts):
                made += self._with_date(guess, base)
            else:
                made.append(self._row(guess, base))
        yield from _once_written(made)
        yield from _currencies(made)

    def _list(self, guess: Guess, base: Node) -> DraftRow:
        rows = tuple(self.rows(guess.match or Match(), guess.node))
        parts = {"each": self.source(guess.node, base)}
        reason = guess.candidate.reason if guess.candidate else ""
        return DraftRow(guess.path, parts, guess.confidence, reason, rows)

    def _row(self, guess: Guess, base: Node) -> DraftRow:
        assert guess.candidate is not None  # noqa: S101 -- the caller asked
        target = guess.candidate.target
        conversion = conversion_of(target, guess.node.texts, guess.node.about)
        place = "each" if guess.path.endswith("[]") else "from"
        parts: dict[str, Any] = {place: self.source(guess.node, base), **conversion.parts}
        if conversion.codes is not None:
            name = snake(guess.node.name) or "_".join(snake(each) for each in target.path[-2:])
            parts["codes"] = self._named(name, conversion.codes)
        reason = "；".join(each for each in (guess.candidate.reason, conversion.note) if each)
        return DraftRow(guess.path, parts, guess.confidence, reason)

    def _with_date(self, guess: Guess, base: Node) -> Iterator[DraftRow]:
        """Yield the row of a time of day and the date beside it; none where there is no date."""
        beside = guess.node.parent.children.values() if guess.node.parent is not None else ()
        day = next((each for each in beside if date_pattern_of(each.texts)), None)
        if day is None or guess.candidate is None:
            self._leave(guess)
            return
        pattern = f"{date_pattern_of(day.texts)}{time_pattern_of(guess.node.texts)}"
        parts = {
            "from": [self.source(day, base), self.source(guess.node, base)],
            "lengths": [len(day.texts[0]), len(guess.node.texts[0])],
            "datetime": pattern,
            "zone": "+08:00",
        }
        yield DraftRow(guess.path, parts, guess.confidence, f"{guess.candidate.reason}；日期与时间合为一处")

    def _named(self, wanted: str, table: CodeDraft) -> str:
        """Name a code table after the field; the same table has one name, another one gets a number."""
        for number in range(1, 1000):
            name = wanted if number == 1 else f"{wanted}_{number}"
            if (self.codes | dict(self._taken)).get(name, table) == table:
                break
        self.codes[name] = table
        return name

    def _leave(self, guess: Guess) -> None:
        best = [guess.candidate] if guess.candidate else []
        near = tuple((".".join(each.target.path), round(each.score, 2)) for each in (*best, *guess.others)[:3])
        about = guess.node.about
        said = " ".join(each for each in (about.title, about.type, about.remark[:40]) if each)
        self.unproposed.append(Unproposed(guess.node.path_from(self._top), said, near))
        for inner in guess.match.guesses if guess.match else ():
            self._leave(inner)


def _is_below(node: Node | None, above: Node) -> bool:
    while node is not None:
        if node is above:
            return True
        node = node.parent
    return False


def _once_written(rows: Sequence[DraftRow]) -> Iterator[DraftRow]:
    """Yield the rows; a date that is joined with its time is only read by its own row, as the joined one writes it."""
    joined = {place for row in rows if isinstance(row.parts.get("from"), list) for place in row.parts["from"]}
    for row in rows:
        place = row.parts.get("from")
        shared = isinstance(place, str) and place in joined
        yield replace(row, parts={**row.parts, "oneway": "in"}) if shared else row


def _currencies(rows: Sequence[DraftRow]) -> Iterator[DraftRow]:
    """Yield a constant currency for each amount whose currency the partner does not say."""
    paths = {row.path for row in rows}
    for row in rows:
        group, dot, last = row.path.rpartition(".")
        is_amount = dot and last == "value" and {"amount", "decimal"} & row.parts.keys()
        if is_amount and f"{group}.currency" not in paths and "digest" not in group:
            reason = "报文未给出币种，疑为人民币；no currency is said, CNY is a guess"
            yield DraftRow(f"{group}.currency", {"constant": "CNY"}, 0.7, reason)


def _key(proposal: MessageProposal, making: _Making, direction: str) -> Iterator[str]:
    """Yield where the partner's own identity of a message is: its serial, with its date, and that of the record."""
    wanted = ("header.messageId",) if direction == "out" else ("header.businessDate", "header.partnerSerial")
    sure = [guess for guess in proposal.match.guesses if guess.candidate is not None and guess.confidence >= SURE]
    found = [guess for path in wanted for guess in sure if guess.path == path]
    if not any(guess.path == wanted[-1] for guess in found):
        found = []
    top = making.source
    inner = [each for each in sure if proposal.records is not None and _is_below(each.node, proposal.records)]
    names = [each for each in (inner or ([] if found else sure)) if _names_a_message(each)]
    yield from (top(guess.node, making._top) for guess in found)
    if names:
        best = max(names, key=lambda each: (len(each.node.texts), each.confidence))
        if best not in found:
            yield top(best.node, making._top)


def _names_a_message(guess: Guess) -> bool:
    last = guess.path.rpartition(".")[2]
    is_text = guess.candidate is not None and guess.candidate.target.kind == "text" and guess.match is None
    return is_text and (last.endswith(("No", "Reference", "Serial", "Id")) or last in ("number", "code"))


def snake(name: str) -> str:
    """Return a name as profiles write those of their own: ``CertType`` is ``cert_type``; blank for a Chinese one."""
    parts = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+", name.lstrip("@").rpartition(":")[2])
    return "_".join(part.lower() for part in parts)


def named(body: str, taken: Sequence[str]) -> str:
    """Return a name for an interface after its message type, other than those that are taken."""
    name = snake(body)
    return next(each for number in range(1, 1000) if (each := name if number == 1 else f"{name}_{number}") not in taken)
