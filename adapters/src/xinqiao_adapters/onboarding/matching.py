"""A partner's document against one message type: which field is which, lists with lists, each path once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

from xinqiao_adapters.onboarding.assignment import best_pairs
from xinqiao_adapters.onboarding.dictionary import Dictionary, Target
from xinqiao_adapters.onboarding.likeness import Candidate, Likeness, PartnerField
from xinqiao_adapters.onboarding.sample import Node
from xinqiao_adapters.onboarding.words import words, words_of

__all__ = ["Guess", "Match", "Matcher"]

# Below this a candidate is not looked at; so many of each field are.
LEAST = 0.3
_KEPT = 8
# What fields that stand together being in one group is worth.
_TOGETHER = 0.22
_BESIDE_AMOUNT = 0.2
_SURELY = 0.7
# A sure pair is worth more than two doubtful ones.
_STRONG = 3
_OF_ITEM = 3
_OF_LISTS = 3
# Whose message ids and serials they are depends on who sends.
_NOT_INCOMING = frozenset({("header", "messageId"), ("header", "correlationId"), ("header", "replaces")})
_NOT_OUTGOING = frozenset({("header", "partnerSerial"), ("header", "createdAt")})


@dataclass(frozen=True)
class Guess:
    """A partner's field and what it is, with the nearest others; ``match`` for a list of groups is what is in it."""

    node: Node
    path: str
    candidate: Candidate | None
    others: tuple[Candidate, ...] = ()
    match: "Match | None" = None

    @property
    def confidence(self) -> float:
        """How sure, 0 to 1."""
        return round(min(0.99, max(0.0, self.candidate.score)), 2) if self.candidate else 0.0


@dataclass(frozen=True)
class Match:
    """What a document, or an item of a list, is in a message type; ``total`` is the sum over its leaves."""

    guesses: tuple[Guess, ...] = ()
    total: float = 0.0
    leaves: int = 0

    def all(self) -> "Iterator[Guess]":
        """Yield the guesses, those inside lists too."""
        for guess in self.guesses:
            yield guess
            if guess.match is not None:
                yield from guess.match.all()


@dataclass(frozen=True)
class _Scope:
    """Where in the standard: a message, or a list of it. ``steps`` lead there."""

    body: str
    steps: tuple[tuple[str, bool], ...]
    targets: tuple[Target, ...] = field(compare=False, hash=False)


class Matcher:
    """Matches documents; fields and what they are like are kept from one message type to the next."""

    def __init__(self, dictionary: Dictionary, top: Node, *, outgoing: bool = False) -> None:
        self.dictionary = dictionary
        self._unsaid = _NOT_OUTGOING if outgoing else _NOT_INCOMING
        self.likeness = Likeness(dictionary)
        self._top = top
        self._fields: dict[int, PartnerField] = {}
        self._matches: dict[tuple[int, _Scope], Match] = {}

    def field(self, node: Node) -> PartnerField:
        """Return a node as it is compared."""
        if id(node) not in self._fields:
            self._fields[id(node)] = PartnerField(node, self._top)
        return self._fields[id(node)]

    def match(self, body: str, records: Node | None = None) -> Match:
        """Match the whole document; ``records`` is the node that repeats once for each message."""
        targets = tuple(each for each in self.dictionary.messages[body] if each.path not in self._unsaid)
        return self._match(self._top, _Scope(body, (), targets), records)

    def _match(self, node: Node, scope: _Scope, records: Node | None) -> Match:
        key = (id(node), scope)
        if key in self._matches and records is None:
            return self._matches[key]
        leaves: list[Node] = []
        lists: list[Node] = []
        for each in _inside(node, records):
            (lists if each.repeats and each is not records and each.children else leaves).append(each)
        single = [each for each in leaves if each.holds_text and not _is_routing(each)]
        listed = self._lists(lists, scope, self._first_items(single, scope) if lists else frozenset())
        taken = tuple(guess.candidate.target.steps for guess in listed if guess.candidate is not None)
        guessed = self._leaves(single, scope, taken)
        order = {id(each): at for at, each in enumerate(node.walk())}
        guesses = tuple(sorted((*listed, *guessed), key=lambda guess: order[id(guess.node)]))
        total = sum(guess.match.total if guess.match else guess.confidence for guess in guesses)
        count = sum(guess.match.leaves if guess.match else 1 for guess in guesses)
        found = Match(guesses, total, count)
        if records is None:
            self._matches[key] = found
        return found

    # --- lists -----------------------------------------------------------------------------------------------

    def _first_items(self, nodes: Sequence[Node], scope: _Scope) -> frozenset[tuple[tuple[str, bool], ...]]:
        """Return the lists whose first item the single fields are: such a list is no other list's."""
        found: Counter[tuple[tuple[str, bool], ...]] = Counter()
        for guess in self._leaves(nodes, scope, ()):
            if guess.candidate is not None and guess.confidence >= _SURELY:
                steps = guess.candidate.target.steps
                inside = range(len(scope.steps) + 1, len(steps))
                found.update(steps[:at] for at in inside if steps[at - 1][1])
        return frozenset(steps for steps, often in found.items() if often >= _OF_ITEM)

    def _lists(
        self, nodes: Sequence[Node], scope: _Scope, first_items: frozenset[tuple[tuple[str, bool], ...]]
    ) -> list[Guess]:
        targets = [
            each
            for each in scope.targets
            if each.is_list and each.kind == "object" and each.steps not in first_items
            if _depth(each, scope) == 1 or (_depth(each, scope) == 2 and _within(each, first_items))
        ]
        options: list[dict[int, tuple[Candidate, Match]]] = []
        for node in nodes:
            ranked = sorted(((self._promise(node, each, scope), at) for at, each in enumerate(targets)), reverse=True)
            options.append({})
            for promise, at in ranked[:_OF_LISTS]:
                if promise > 0.2:
                    options[-1][at] = self._inside_list(node, targets[at], scope)
        gains = [{at: option[1].total + option[0].score for at, option in each.items()} for each in options]
        pairs = best_pairs(gains)
        return [self._list_guess(node, options[at].get(pairs.get(at, -1)), scope) for at, node in enumerate(nodes)]

    def _promise(self, node: Node, target: Target, scope: _Scope) -> float:
        """Guess cheaply how well a list fits another, by its name and by names inside."""
        inside = [self.field(each) for each in _inside(node, None) if each.holds_text]
        fields = [each for each in scope.targets if each.steps[: len(target.steps)] == target.steps]
        best = [max((self.likeness.by_name(each, other)[0] for other in fields), default=0.0) for each in inside]
        return 0.4 * self.likeness.by_name(self.field(node), target)[0] + 0.6 * sum(best) / max(1, len(best))

    def _inside_list(self, node: Node, target: Target, scope: _Scope) -> tuple[Candidate, Match]:
        begins = target.steps
        fields = tuple(each for each in scope.targets if each.steps[: len(begins)] == begins and each is not target)
        match = self._match(node, _Scope(scope.body, begins, fields), None)
        field = self.field(node)
        score, said = self.likeness.by_name(field, target)
        met = match.total / max(1, match.leaves)
        reason = said or "内容相符；what is inside fits"
        return Candidate(target, 0.25 * score + 0.75 * min(1.0, met * 1.05), reason), match

    def _list_guess(self, node: Node, option: tuple[Candidate, Match] | None, scope: _Scope) -> Guess:
        if option is None:
            unknown = tuple(Guess(each, "", None) for each in node.walk() if each.holds_text)
            return Guess(node, "", None, (), Match(unknown, 0.0, len(unknown)))
        return Guess(node, _written(option[0].target, scope), option[0], (), option[1])

    # --- leaves ----------------------------------------------------------------------------------------------

    def _leaves(
        self, nodes: Sequence[Node], scope: _Scope, taken: tuple[tuple[tuple[str, bool], ...], ...]
    ) -> list[Guess]:
        free = [each for each in scope.targets if not any(each.steps[: len(steps)] == steps for steps in taken)]
        single = [each for each in free if each.kind != "object" and _depth(each, scope) <= 1]
        found = [self._options(each, single, scope) for each in nodes]
        found = self._together(nodes, found)
        found = self._together(nodes, found)
        places: dict[int, int] = {}
        gains = [
            {places.setdefault(id(each.target), len(places)): each.score**_STRONG for each in options[:_KEPT]}
            for options in found
        ]
        pairs, back = best_pairs(gains), {at: name for name, at in places.items()}
        found = self._paired(nodes, found, pairs, back)
        gains = [
            {places[id(each.target)]: each.score**_STRONG for each in options if id(each.target) in places}
            for options in found
        ]
        pairs = best_pairs(gains)
        guesses = []
        for at, node in enumerate(nodes):
            chosen = next((each for each in found[at] if id(each.target) == back.get(pairs.get(at, -1))), None)
            others = tuple(each for each in found[at] if each is not chosen)[:3]
            path = _written(chosen.target, scope) if chosen else ""
            guesses.append(Guess(node, path, chosen, others))
        return guesses

    def _paired(
        self, nodes: Sequence[Node], found: list[list[Candidate]], pairs: Mapping[int, int], back: Mapping[int, int]
    ) -> list[list[Candidate]]:
        """Raise the currency of an amount that stands beside it, or that it is an attribute of."""
        amounts: dict[int, set[tuple[str, ...]]] = {}
        for at, node in enumerate(nodes):
            target = next((each.target for each in found[at] if id(each.target) == back.get(pairs.get(at, -1))), None)
            if target is not None and target.meaning == "DECIMAL" and _is_money(target):
                amounts.setdefault(id(node), set()).add(target.path[:-1])
                amounts.setdefault(id(node.parent), set()).add(target.path[:-1])
        raised = []
        for node, options in zip(nodes, found, strict=True):
            beside = amounts.get(id(node.parent), set())
            alone = words_of(self.field(node).name) == ("currency",)
            raised.append(sorted((_paired(each, beside, alone) for each in options), key=lambda each: -each.score))
        return raised

    def _options(self, node: Node, targets: Sequence[Target], scope: _Scope) -> list[Candidate]:
        found = []
        for each in self.likeness.candidates(self.field(node), targets, LEAST):
            indexed = _depth(each.target, scope) - each.target.is_list
            if node.repeats and (not each.target.is_list or indexed):
                continue  # a list of values goes to a list of values
            if each.target.is_list and indexed:
                continue
            deep = len(each.target.steps) - len(scope.steps) - (2 if not scope.steps else 1) - _is_money(each.target)
            less = 0.03 * indexed + 0.05 * (each.target.is_list and not node.repeats) + 0.025 * deep
            found.append(Candidate(each.target, each.score - less, each.reason))
        return sorted((each for each in found if each.score >= LEAST), key=lambda each: -each.score)

    def _together(self, nodes: Sequence[Node], found: list[list[Candidate]]) -> list[list[Candidate]]:
        """Raise what agrees with the neighbours: fields of one group of the partner's are mostly of one group."""
        votes: dict[object, _Votes] = {}
        keys = [self._neighbourhoods(node) for node in nodes]
        shared = Counter(key for each in keys for key in each)
        # What stands alone agrees with itself only.
        keys = [tuple(key for key in each if shared[key] > 1) for each in keys]
        for at, options in enumerate(found):
            for key in keys[at]:
                for each in options[:2]:
                    votes.setdefault(key, _Votes()).add(each, each.score**2 / (1 if each is options[0] else 3))
        return [
            sorted(
                (
                    Candidate(
                        each.target, each.score + _TOGETHER * (_support(each, keys[at], votes) - 0.5), each.reason
                    )
                    for each in options
                ),
                key=lambda each: -each.score,
            )
            for at, options in enumerate(found)
        ]

    def _neighbourhoods(self, node: Node) -> tuple[object, ...]:
        own = words_of(self.field(node).name)
        return (id(node.parent), (id(node.parent), own[0])) if own else (id(node.parent),)


def _paired(candidate: Candidate, beside: set[tuple[str, ...]], alone: bool) -> Candidate:
    target = candidate.target
    if target.meaning != "CURRENCY" or not _is_money(target):
        return candidate
    if target.path[:-1] in beside:
        reason = f"{candidate.reason}；与其金额同组 beside its amount"
        return Candidate(target, candidate.score + _BESIDE_AMOUNT, reason)
    return Candidate(target, candidate.score - _BESIDE_AMOUNT * alone, candidate.reason)


class _Votes:
    """Which groups of the standard the fields of one group of the partner's speak for."""

    def __init__(self) -> None:
        self.exactly: dict[tuple[str, ...], float] = {}
        self.below: dict[tuple[str, ...], float] = {}

    def add(self, candidate: Candidate, worth: float) -> None:
        group = candidate.target.path[:-1]
        if _is_money(candidate.target):
            group = group[:-1]
        self.exactly[group] = self.exactly.get(group, 0.0) + worth
        self.below[group[:2]] = self.below.get(group[:2], 0.0) + worth

    def support(self, candidate: Candidate) -> float:
        group = candidate.target.path[:-1]
        if _is_money(candidate.target):
            group = group[:-1]
        exactly = self.exactly.get(group, 0.0) / max(self.exactly.values())
        agreed = 0.5 * exactly + 0.5 * self.below.get(group[:2], 0.0) / max(self.below.values())
        # Neighbours of many groups say little of each other.
        told = sqrt(max(self.below.values()) / sum(self.below.values()))
        return 0.5 + (agreed - 0.5) * told


def _support(candidate: Candidate, keys: Sequence[object], votes: Mapping[object, _Votes]) -> float:
    if not keys:
        return 0.5
    support = sum(votes[key].support(candidate) for key in keys) / len(keys)
    # What belongs to the header stands among other fields where a partner has no head.
    return max(support, 0.5) if candidate.target.steps[0][0] == "header" else support


def _within(target: Target, lists: frozenset[tuple[tuple[str, bool], ...]]) -> bool:
    return target.steps[:-1] in lists


def _is_routing(node: Node) -> bool:
    """Whether a field says which interface a document is of: it has one value and such a name."""
    return len(node.texts) == 1 and words_of(node.name) in words().routing


def _is_money(target: Target) -> bool:
    return target.steps[-1][0] in ("value", "currency") and target.meaning in ("DECIMAL", "CURRENCY")


def _inside(node: Node, records: Node | None) -> Iterator[Node]:
    """Yield the nodes below, not those below a list; what is below ``records`` counts as if it did not repeat."""
    for each in node.children.values():
        yield each
        if not each.repeats or each is records:
            yield from _inside(each, records)


def _depth(target: Target, scope: _Scope) -> int:
    return sum(is_list for _, is_list in target.steps[len(scope.steps) :])


def _written(target: Target, scope: _Scope) -> str:
    """Return a path as a map has it: without the message's own name, lists by ``[0]``, or ``[]`` at the end."""
    steps = target.steps[len(scope.steps) :]
    if not scope.steps and steps[0][0] != "header":
        steps = steps[1:]
    last = len(steps) - 1
    return ".".join(
        f"{name}{('[]' if at == last else '[0]') if is_list else ''}" for at, (name, is_list) in enumerate(steps)
    )
