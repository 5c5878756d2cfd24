"""What of a message the partner's format cannot hold: the rows followed one by one, value by value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xinqiao.expectation import shown
from xinqiao.finding import Finding, Text
from xinqiao.masking import mask
from xinqiao.message import ROUTING, Json
from xinqiao_adapters.mapping.access import Access
from xinqiao_adapters.mapping.converters import ONLY, Scalar, Unfit
from xinqiao_adapters.mapping.encoder import value_at
from xinqiao_adapters.mapping.neutral import is_neutral
from xinqiao_adapters.mapping.places import shared
from xinqiao_adapters.mapping.plan import Condition, Leaf, Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.shapes import parse_steps, shape_at, text_of_steps

__all__ = ["encode_findings"]

# ``a.b[0].c`` as ("a", "b", "[0]", "c"); "[]" stands for every index.
Pattern = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """A row with its whole canonical path and place; each condition with how many steps lead to its group."""

    pattern: Pattern
    leaf: Leaf
    source: Source
    conditions: tuple[tuple[int, Condition], ...]

    def takes(self, path: Pattern, *, whole: bool = True) -> bool:
        """Whether the row is for a path, or (not ``whole``) for something below it."""
        return (len(self.pattern) == len(path) or not whole) and all(
            known in (step, "[]" if step.startswith("[") else step)
            for known, step in zip(self.pattern, path, strict=False)
        )

    def items(self, path: Pattern) -> Pattern:
        """Return which items of the partner's lists a path is in."""
        return tuple(step for known, step in zip(self.pattern, path, strict=True) if known == "[]")

    def holds(self, message: Json, path: Pattern) -> bool:
        """Whether the row acts for the value at a path."""
        return all(_holds(message, path[:depth], condition) for depth, condition in self.conditions)


def encode_findings(plan: Plan, access: Access, message: Json) -> list[Finding]:
    """Return a finding for each value of a message that the partner's format cannot hold."""
    findings: list[Finding] = []
    places = list(_places(plan.rows, (), (), ()))
    written: dict[tuple[Source, Pattern], list[tuple[str, _Place, Scalar]]] = {}
    for path, value in _leaves(message, ""):
        wanted = _pattern(path)
        if value is None:  # an object or a list that is empty: lost only where nothing below it has a place
            held = any(each.takes(wanted, whole=False) for each in places)
            findings += [] if held else _no_place(plan, path, None)
            continue
        place = next((each for each in places if each.takes(wanted) and each.holds(message, wanted)), None)
        if place is None or _is_lost(plan, place.leaf, path, value):
            losing = replace(plan, dropped={}) if _is_beyond(places, wanted) else plan
            findings += _no_place(losing, path, value)
        elif not _fits(access, place, value):
            findings.append(_refused_value(place, access, path, value))
        else:
            written.setdefault((place.source, place.items(wanted)), []).append((path, place, value))
    return findings or [each for rows in written.values() for each in _conflict(access, rows)]


def _places(rows: Rows, prefix: Pattern, base: Source, around: tuple[tuple[int, Condition], ...]) -> Iterator[_Place]:
    for row in rows:
        conditions = (*around, *((len(prefix), each) for each in row.conditions))
        source = (*base, *(row.source or ()))
        if isinstance(row, Repeat):
            yield from _places(row.rows, (*prefix, *_pattern(text_of_steps(row.target))), source, conditions)
        elif row.target is not None and row.writes:
            steps = _pattern(text_of_steps(row.target)) if row.target else ()
            yield _Place((*prefix, *steps), row, source, conditions)


def _holds(message: Json, group: Pattern, condition: Condition) -> bool:
    steps = parse_steps(".".join(group).replace(".[", "[")) if group else ()
    return value_at(value_at(message, steps or ()), condition.path) in condition.values


def _is_lost(plan: Plan, leaf: Leaf, path: str, value: Scalar) -> bool:
    """Whether a value that its row does not say is one that may be lost."""
    names = ".".join(step for step in _pattern(path) if not step.startswith("["))
    losable = plan.dropped.get(names)
    return leaf.converter.rule == ONLY and bool(losable) and is_neutral(losable or (), value)


def _fits(access: Access, place: _Place, value: Scalar) -> bool:
    leaf = place.leaf
    if leaf.source is None:
        return leaf.constant == value
    base = place.source[: len(place.source) - len(leaf.source)]
    try:
        text = leaf.converter.write(value)
        parts = leaf.join.write(text) if leaf.join else (text,)
    except Unfit:
        return False
    pairs = zip(parts, leaf.sources, strict=True)
    return all(access.holds(part, (*base, *source)) for part, source in pairs if part)


def _conflict(access: Access, rows: list[tuple[str, _Place, Scalar]]) -> Iterator[Finding]:
    """Yield a finding for values that stand in one place of the partner's and do not go together."""
    path, place, value = rows[0]
    share = place.leaf.share
    pieces = share.pieces if share is not None else len(rows)
    texts = [_first_part(place.leaf, each) for _, place, each in rows]
    try:
        shared([*texts, *([None] * (pieces - len(texts)))], share.by if share is not None else None)
    except Unfit:
        where = access.shown(place.source)
        others = "、".join(path for path, _, _ in rows)
        yield Finding(
            rule="mapping.share",
            path=path,
            text=Text(
                f"{others} 在合作方报文中共用 {where}，不能这样同时填写",
                f"{others} share {where} in the partner's format and do not go together like this",
            ),
            value=shown(mask(value, place.leaf.sensitivity)),
            fix=Text("补齐或去掉其中的字段", "give the missing field, or leave one out"),
            partner_path=where or None,
        )


def _is_beyond(places: Sequence[_Place], path: Pattern) -> bool:
    """Whether a path is in an item of a list of which fewer are mapped by index: no decision loses whole items."""
    starts = [path[: depth + 1] for depth, step in enumerate(path) if step.startswith("[")]
    return any(_lead(places, start[:-1]) and not _lead(places, start) for start in starts)


def _lead(places: Sequence[_Place], path: Pattern) -> bool:
    return any(len(each.pattern) >= len(path) and each.takes(path, whole=False) for each in places)


def _first_part(leaf: Leaf, value: Scalar) -> str | None:
    text = leaf.converter.write(value)
    return leaf.join.write(text)[0] if leaf.join is not None else text


def _pattern(path: str) -> Pattern:
    return tuple(path.replace("[", ".[").split("."))


def _leaves(value: object, path: str) -> Iterator[tuple[str, Scalar | None]]:
    """Yield every value with its path; an empty object or list is None."""
    if value in ({}, []) and path.count("."):
        yield path, None
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _leaves(part, f"{path}[{index}]")
    elif isinstance(value, (str, int)):
        yield path, value


def _no_place(plan: Plan, path: str, value: object) -> list[Finding]:
    names = tuple(step for step in _pattern(path) if not step.startswith("["))
    shape = shape_at(plan.body, names)
    if shape is None or (names[0] == "header" and names[1] in ROUTING):
        return []  # not of the standard as known here, or none of the partner's business
    ways = (".".join(names[:depth]) for depth in range(1, len(names) + 1))
    values = next((plan.dropped[way] for way in ways if way in plan.dropped), None)
    if values is not None and (not values or is_neutral(values, value)):
        return []  # lost by decision
    return [
        Finding(
            rule="mapping.no_place",
            path=path,
            text=Text("合作方报文中没有该字段的位置", "the partner's format has no place for this field"),
            value=None if value is None else shown(mask(value, shape.sensitivity)),
            expected=shown("、".join(str(each) for each in values)) if values else None,
            fix=Text(
                "在渠道配置中映射该字段，或在 dropped 中说明舍弃的理由",
                "map the field in the channel profile, or give the reason for its loss under dropped",
            ),
        )
    ]


def _refused_value(place: _Place, access: Access, path: str, value: object) -> Finding:
    leaf, partner_path = place.leaf, access.shown(place.source)
    holds, room = leaf.converter.holds, access.capacity(place.source)
    if leaf.source is None:
        holds = Text(f"固定为 {leaf.constant}", f"always {leaf.constant}")
    elif room is not None:
        holds = Text(f"{holds.zh}，{room.zh}", f"{holds.en}, {room.en}")
    return Finding(
        rule=leaf.converter.rule,
        path=path,
        text=Text(
            f"合作方报文无法容纳该值，可容纳：{holds.zh}",
            f"the partner's format cannot hold the value, it holds {holds.en}",
        ),
        value=shown(mask(value, leaf.sensitivity)),
        expected=shown(holds.zh),
        fix=Text("更正该值，或扩充渠道的代码表", "correct the value, or extend the channel's code table"),
        partner_path=partner_path or None,
    )
