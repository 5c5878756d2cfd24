"""What a sample most likely is: the message type out of all, the node that holds one message each, the mapping."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log

from xinqiao.standard import message_types
from xinqiao_adapters.onboarding.dictionary import Dictionary, Form
from xinqiao_adapters.onboarding.likeness import PartnerField
from xinqiao_adapters.onboarding.matching import Match, Matcher
from xinqiao_adapters.onboarding.sample import Node
from xinqiao_adapters.onboarding.words import chinese_likeness, chinese_share, is_chinese, like, words, words_of

__all__ = ["MessageProposal", "propose"]

# Of so many message types the mapping is worked out.
_TRIED = 8
# What repeats once for each message holds so much of all leaves at least.
_OF_RECORDS = 0.35
# A document that is called exactly as a message type is one most likely.
_SAME_TITLE, _NAMED_SO = 0.95, 0.25
_SPLIT, _COVERED = 0.01, 0.1
_EMPTY_TITLE = frozenset({"request", "reply", "message", "notice"})


@dataclass(frozen=True)
class MessageProposal:
    """A message type, how sure (0 to 1) and why, the mapping, the next best types, the share of required fields."""

    body: str
    confidence: float
    reason: str
    match: Match
    records: Node | None
    others: tuple[str, ...] = ()
    covered: float = 0.0


def propose(
    dictionary: Dictionary,
    top: Node,
    names: Sequence[str],
    message: str | None = None,
    title: str = "",
    *,
    outgoing: bool = False,
) -> MessageProposal:
    """Return the best message type for a document with its mapping; ``message`` is one that is known already.

    ``names`` are those of the document (its root, and what it wraps its content in), ``title`` the Chinese one of
    the partner's table.
    """
    matcher = Matcher(dictionary, top, outgoing=outgoing)
    titles = {body: _title_likeness(body, names, title) for body in message_types()}
    bodies = [message] if message else _promising(dictionary, top, titles)
    tried = [_whole_or_split(dictionary, matcher, body, top, titles[body]) for body in bodies]
    tried.sort(key=lambda each: -each.confidence)
    best = tried[0]
    others = tuple(dict.fromkeys(each.body for each in tried if each.body != best.body))[:3]
    margin = best.confidence - next((each.confidence for each in tried if each.body != best.body), 0.0)
    sure = 1.0 if message else min(0.99, max(0.05, best.confidence * 0.75 + min(0.3, margin * 2)))
    return MessageProposal(best.body, round(sure, 2), best.reason, best.match, best.records, others)


def _repeating(top: Node) -> Iterator[Node]:
    """Yield the nodes that may hold one message each: those that repeat, below none that does, with most leaves."""
    whole = sum(each.holds_text for each in top.walk())
    ways = list(top.children.values())
    while ways:
        each = ways.pop()
        if not each.repeats:
            ways.extend(each.children.values())
        elif each.parent is top and each.name == "Record":
            yield each  # of a file of records, however few they are
        elif sum(inside.holds_text for inside in each.walk()) >= _OF_RECORDS * whole:
            yield each


def _title_likeness(body: str, names: Sequence[str], title: str) -> float:
    kind = message_types()[body]
    forms: list[Form] = [words_of(kind.name), words_of(kind.title.en)]
    found = [_alike(words_of(name), form) for name in names for form in forms]
    said = [chinese_likeness(each, kind.title.zh) for each in (title, *names) if is_chinese(each)]
    held = [chinese_share(kind.title.zh, each) for each in (title, *names) if is_chinese(each)]
    return max([*found, *said, *held, 0.0])


def _alike(one: Form, other: Form) -> float:
    one = tuple(word for word in one if word not in _EMPTY_TITLE | words().empty)
    if not one or not other:
        return 0.0
    met = sum(max(like(word, each) for each in other) for word in one)
    answered = sum(max(like(each, word) for word in one) for each in other)
    return (met + answered) / (len(one) + len(other))


def _promising(dictionary: Dictionary, top: Node, titles: Mapping[str, float]) -> list[str]:
    """Return the message types worth trying: those whose fields answer what others do not, and those of the name."""
    totals = dict.fromkeys(message_types(), 0.0)
    for node in top.walk():
        if not node.holds_text:
            continue
        best = _best_by_body(dictionary, PartnerField(node, top))
        spread = sum(score**2 for score in best.values())
        telling = 0.2 + log(len(totals) / max(1.0, spread)) / log(len(totals)) if best else 0.0
        for body, score in best.items():
            totals[body] += telling * score**2
    highest = max(totals.values()) or 1.0
    ranked = sorted(totals, key=lambda body: -(totals[body] / highest + 0.5 * titles[body]))
    by_title = sorted(titles, key=lambda body: -titles[body])[:2]
    return list(dict.fromkeys([*ranked[:_TRIED], *by_title]))


def _best_by_body(dictionary: Dictionary, field: PartnerField) -> dict[str, float]:
    best: dict[str, float] = {}
    for form, worth in field.forms:
        for near, score in dictionary.nearest(form).items():
            for body in dictionary.bodies[near]:
                best[body] = max(best.get(body, 0.0), score * worth)
    for title in field.chinese:
        for name, bodies in dictionary.bodies.items():
            if isinstance(name, str) and (score := chinese_likeness(title, name)) > 0.3:
                for body in bodies:
                    best[body] = max(best.get(body, 0.0), score)
    return best


def _whole_or_split(dictionary: Dictionary, matcher: Matcher, body: str, top: Node, title: float) -> MessageProposal:
    """Return the document as one message, or as one for each record where its fields are surer then."""
    made = [_proposal(dictionary, matcher, body, records, title) for records in (None, *_repeating(top))]
    return max(
        made, key=lambda each: _answered(each.match) + each.covered * _COVERED - _SPLIT * (each.records is not None)
    )


def _answered(match: Match) -> float:
    """Return how sure the fields are, on average; of a file with a fixed set of fields those that say something."""
    leaves = [guess for guess in match.all() if guess.match is None]
    telling = [guess for guess in leaves if guess.node.texts] or leaves
    return sum(guess.confidence for guess in telling) / max(1, len(telling))


def _proposal(
    dictionary: Dictionary, matcher: Matcher, body: str, records: Node | None, title: float
) -> MessageProposal:
    match = matcher.match(body, records)
    met = {guess.candidate.target.path for guess in match.all() if guess.candidate is not None}
    needed = [each for each in dictionary.messages[body] if each.required and each.steps[0][0] != "header"]
    alone = [each for each in needed if each.kind != "object"]
    covered = sum(any(path[: len(each.path)] == each.path for path in met) for each in alone) / max(1, len(alone))
    fields = _answered(match)
    score = 0.6 * fields + 0.2 * covered + 0.2 * title + _NAMED_SO * (title > _SAME_TITLE)
    kind = message_types()[body].title
    reason = (
        f"「{kind.zh}」：字段相近 {fields:.0%}，必填项有 {covered:.0%}，名称相近 {title:.0%}；"
        f"fields alike, required ones found, names alike"
    )
    return MessageProposal(body, score, reason, match, records, covered=covered)
