"""How much a partner's field is like a field of the standard, and why: names, titles, groups around, values."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from xinqiao_adapters.onboarding.dictionary import Dictionary, Form, Target
from xinqiao_adapters.onboarding.sample import Node
from xinqiao_adapters.onboarding.values import fitness, telling_shape
from xinqiao_adapters.onboarding.words import chinese_likeness, is_chinese, like, words, words_of

__all__ = ["Candidate", "Likeness", "PartnerField"]

# What each kind of evidence is worth on its own.
_SPELLED, _BY_PARENT, _BY_SHAPE = 0.96, 0.92, 0.62
# Of so many best by name alone the groups around are looked at.
_LOOKED_AT = 40
_IN_GROUP = 0.25
_OTHER_KIND = 0.6
_NEAR_SHAPE = 0.45


@dataclass(frozen=True)
class Candidate:
    """A field of the standard for a partner's field, from 0 to 1, and the reason in both languages."""

    target: Target
    score: float
    reason: str


class PartnerField:
    """A partner's field, or list, as it is compared: its names in words, what is around it, its values."""

    def __init__(self, node: Node, top: Node) -> None:
        self.node = node
        self.name = _local(node.name)
        self._top = top
        shape = telling_shape(node.texts)
        self.shape = shape[0] if shape else None
        self.shape_reason = shape[1] if shape else ""
        own = words_of(self.name)
        forms: list[tuple[Form, float]] = [(own, 1.0)] if own else []
        if self.in_head and not set(own) - _GENERIC:
            head = words_of(_local(node.parent.name)) if node.parent is not None else ()
            forms.append((tuple(dict.fromkeys((*head, *own))), 1.0))
        if self.parents:
            joined = tuple(dict.fromkeys((*self.parents[0], *own)))
            # A generic name (an Id, a value) is named by what is around it.
            forms.append((joined, _BY_PARENT if own and set(own) - _GENERIC else 1.0))
            if own and not set(own) - _GENERIC:
                forms.append((self.parents[0], 0.95))
        if shape:
            forms.append((shape[0], _BY_SHAPE))
        self.forms = tuple(forms)

    @cached_property
    def parents(self) -> tuple[Form, ...]:
        """The words of the groups around, the nearest first; those that say nothing left out."""
        found: list[Form] = []
        node = self.node.parent
        while node is not None and node is not self._top and len(found) < 3:
            said = words_of(_local(node.name))
            if said and not set(said) <= words().empty and not self._is_head(node):
                found.append(said)
            node = node.parent
        return tuple(found)

    @cached_property
    def around(self) -> Form:
        """The words of all the groups around."""
        return tuple(dict.fromkeys(word for form in self.parents for word in form))

    @cached_property
    def in_head(self) -> bool:
        """Whether it stands in what a partner calls the head of a message."""
        node = self.node.parent
        while node is not None and node is not self._top:
            if self._is_head(node):
                return True
            node = node.parent
        return False

    @cached_property
    def beside_head(self) -> bool:
        """Whether the document has a head, and this stands elsewhere."""
        return not self.in_head and any(each.children and self._is_head(each) for each in self._top.walk())

    @cached_property
    def chinese(self) -> tuple[str, ...]:
        """Its Chinese names: of the partner's field table, and its own where that is Chinese."""
        said = (self.node.about.title, self.name if is_chinese(self.name) else "")
        return tuple(each for each in said if each)

    def _is_head(self, node: Node) -> bool:
        return _local(node.name).lower() in words().heads


_GENERIC = frozenset(
    {"id", "number", "code", "value", "name", "type", "amount", "date", "unit", "identification", "text"}
)


def _local(name: str) -> str:
    return name.lstrip("@").rpartition(":")[2]


class Likeness:
    """Compares fields; what was found is kept, for the same names come up again and again."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self._named: dict[tuple[int, int], tuple[float, str]] = {}

    def by_name(self, field: PartnerField, target: Target) -> tuple[float, str]:
        """Return how like the names alone are, and why."""
        key = (id(field), id(target.named))
        if key not in self._named:
            self._named[key] = max(self._english(field, target), self._chinese(field, target))
        return self._named[key]

    def _english(self, field: PartnerField, target: Target) -> tuple[float, str]:
        if field.name.lower() in target.named.spellings:
            return _SPELLED, f"名称 {field.name} 是「{target.title}」的同义词；a synonym of the standard"
        best, said = 0.0, ""
        for form, worth in field.forms:
            near = self.dictionary.nearest(form)
            for each in target.named.forms:
                score = near.get(each, 0.0) * worth
                if score > best:
                    best, said = score, f"{' '.join(form)} ≈ {' '.join(each)}"
                    said = f"{field.shape_reason}" if worth == _BY_SHAPE else f"名称相近：{said}；names alike"
        return best * 0.95, said

    def _chinese(self, field: PartnerField, target: Target) -> tuple[float, str]:
        best, said = 0.0, ""
        for title in field.chinese:
            for each in target.named.chinese:
                score = chinese_likeness(title, each) * 0.98
                if score > best:
                    best, said = (
                        score,
                        f"「{title}」与「{each}」{'相同' if score > 0.97 else '相近'}；Chinese names alike",
                    )
        return best, said

    def candidates(self, field: PartnerField, targets: Sequence[Target], least: float) -> list[Candidate]:
        """Return the fields that are at least so like a partner's, best first."""
        found = []
        related = self._related(field)
        for target in targets:
            score, said = self.by_name(field, target)
            promise = score + _IN_GROUP * (not related.isdisjoint(target.group))
            if promise >= least:
                found.append((promise, score, target, said))
        found = sorted(found, key=lambda each: -each[0])[:_LOOKED_AT]
        candidates = [Candidate(target, self._whole(field, target, score), said) for _, score, target, said in found]
        return sorted((each for each in candidates if each.score >= least), key=lambda each: -each.score)

    def _related(self, field: PartnerField) -> frozenset[str]:
        telling = tuple(word for word in words_of(field.name) if word not in words().general)
        return self.dictionary.related(telling)

    def _whole(self, field: PartnerField, target: Target, by_name: float) -> float:
        """Weigh names with what is around and with values."""
        score = max(by_name, self._with_group(field, target) * 0.9)
        if field.around:
            score = 0.7 * score + 0.3 * self._group_met(field, target)
        in_header = target.steps[0][0] == "header"
        if field.in_head != in_header:
            score -= 0.25 if field.in_head else 0.2 if field.beside_head else 0.03
        score += 0.04 * target.usual + 0.03 * target.required
        if field.in_head and in_header and target.path[-1] in words().header:
            score += 0.04
        if field.node.children:
            return min(score, 0.99)
        score *= self._noun_fits(field, target) * self._shape_fits(field, target)
        return min(score, 0.99) * fitness(target, field.node.texts, field.node.about)

    def _noun_fits(self, field: PartnerField, target: Target) -> float:
        """Return less than 1 where the last word of the partner's name is of another kind of field."""
        own = words_of(field.name)
        kinds = words().nouns.get(own[-1]) if own else None
        return 1.0 if kinds is None or target.kind in kinds else _OTHER_KIND

    def _shape_fits(self, field: PartnerField, target: Target) -> float:
        """Return less than 1 where values are by their look what the target is not."""
        if field.shape is None:
            return 1.0
        near = self.dictionary.nearest(field.shape)
        telling = [word for word in field.shape if word not in words().general]
        named = any(near.get(form, 0.0) > _NEAR_SHAPE for form in target.named.forms)
        return 1.0 if named or any(_in_group(word, target) for word in telling) else _OTHER_KIND

    def _with_group(self, field: PartnerField, target: Target) -> float:
        """Compare names where the partner says the group within the field's own name: ``PayeeAcctNo``."""
        best = self._chinese_with_group(field, target)
        weights = self.dictionary.weights
        own = words_of(field.name)
        if not own:
            return best
        for form in target.named.forms:
            sides = [max(*(like(word, each) for each in form), _in_group(word, target)) for word in own]
            said_by_kind = words().kinds.get(target.kind, frozenset())
            sides = [max(side, 0.8 * (word in said_by_kind)) for word, side in zip(own, sides, strict=True)]
            met = sum(weights.get(word, 1.0) * side for word, side in zip(own, sides, strict=True))
            whole = sum(weights.get(word, 1.0) for word in own) + sum(weights[each] for each in form)
            answered = sum(weights[each] * max(like(word, each) for word in own) for each in form)
            best = max(best, (met + answered) / whole)
        return best

    def _chinese_with_group(self, field: PartnerField, target: Target) -> float:
        """Compare Chinese names, with the group before the field's own: 委托人 and 姓名 are 委托人姓名."""
        groups = [each for named in target.groups[:2] for each in named.chinese]
        whole = [f"{group}{own}" for group in groups for own in target.named.chinese]
        return max((chinese_likeness(title, each) for title in field.chinese for each in whole), default=0.0)

    def _group_met(self, field: PartnerField, target: Target) -> float:
        """Return how much of what is around the partner's field is said around the target."""
        around = target.group + tuple(word for form in target.named.forms for word in form)
        met = [max((like(word, each) for each in around), default=0.0) for word in field.around]
        near = self.dictionary.nearest(field.parents[0])
        groups = [near.get(form, 0.0) for named in target.groups[:2] for form in named.forms]
        return 0.35 * sum(met) / len(met) + 0.65 * max(groups, default=0.0)


def _in_group(word: str, target: Target) -> float:
    said = max((like(word, each) for each in target.group), default=0.0)
    return max(0.9 * said, 0.75 * max((like(word, each) for each in target.body), default=0.0))
