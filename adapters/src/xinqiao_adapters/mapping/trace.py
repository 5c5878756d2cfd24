"""The rows followed one by one over one record: where each value stands, and why one does not fit.

The compiled code answers yes or no; this answers where and why, on demand, in the partner's own terms.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xinqiao.expectation import shown
from xinqiao.finding import Finding, Text
from xinqiao.masking import mask
from xinqiao.message import Json
from xinqiao_adapters.mapping.access import Access, Node
from xinqiao_adapters.mapping.converters import Scalar, Unfit
from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.shapes import Steps, shape_at, text_of_steps

__all__ = ["Reading", "decode_findings", "encode_findings", "readings", "targets"]

# Steps of a partner path, each with its place among its like (from 0), or None where it does not repeat.
Trail = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one row finds in one record: ``text``, ``line`` and ``node`` are None where the partner has nothing."""

    leaf: Leaf
    path: str
    partner_path: str
    text: str | None
    line: int | None
    node: Node
    parent_there: bool
    misshapen: bool = False

    @property
    def place(self) -> str:
        """Return the partner's own name of the place: ``Body/CertNo, line 14``."""
        return self.partner_path if self.line is None else f"{self.partner_path}, line {self.line}"


def readings(plan: Plan, access: Access, root: Node, record: Node, place: int | None) -> Iterator[Reading]:
    """Yield the reading of every row for the record that is the ``place``-th at ``plan.records``."""
    yield from _readings(plan.outer, access, root, (), ())
    trail: Trail = tuple((step, None) for step in plan.records)
    if place is not None and trail:
        trail = (*trail[:-1], (trail[-1][0], place))
    yield from _readings(plan.inner, access, record, (), trail)


def _readings(rows: Rows, access: Access, node: Node, target: Steps, trail: Trail) -> Iterator[Reading]:
    for row in rows:
        if isinstance(row, Repeat):
            yield from _list_readings(row, access, node, target, trail)
        elif row.source is not None and row.reads:
            yield _reading(row, access, node, target, trail)


def _list_readings(row: Repeat, access: Access, node: Node, target: Steps, trail: Trail) -> Iterator[Reading]:
    try:
        parent = _walk(access, node, row.source[:-1])
        items = access.node_children(parent, row.source[-1]) if parent is not None else []
    except Unfit:
        path, place = text_of_steps((*target, *row.target)), _shown(access, (*trail, (row.source[-1], None)))
        yield Reading(_first_leaf(row), path, place, None, None, None, True, misshapen=True)
        return
    way: Trail = (*trail, *((step, None) for step in row.source[:-1]))
    for index, item in enumerate(items):
        inside = (*target, *row.target[:-1], (row.target[-1][0], index))
        yield from _readings(row.rows, access, item, inside, (*way, (row.source[-1], index)))


def _first_leaf(row: Leaf | Repeat) -> Leaf:
    return row if isinstance(row, Leaf) else _first_leaf(row.rows[0])


def _reading(leaf: Leaf, access: Access, node: Node, target: Steps, trail: Trail) -> Reading:
    source = leaf.source or ()
    path = text_of_steps((*target, *(leaf.target or ())))
    partner_path = _shown(access, (*trail, *((step, None) for step in source)))
    attribute = source[-1][1:] if source and source[-1].startswith("@") else None
    way = source[:-1] if attribute else source
    try:
        found = _walk(access, node, way)
        parent_there = not way or _walk(access, node, way[:-1]) is not None
        text = _text(access, found, attribute)
    except Unfit:
        return Reading(leaf, path, partner_path, None, None, None, True, misshapen=True)
    line = access.line(found) if found is not None and (text is not None or not attribute) else None
    return Reading(leaf, path, partner_path, text, line, found, parent_there)


def _text(access: Access, node: Node, attribute: str | None) -> str | None:
    if node is None:
        return None
    return access.node_attribute(node, attribute) if attribute else access.node_text(node)


def _walk(access: Access, node: Node, steps: tuple[str, ...]) -> Node:
    for step in steps:
        children = access.node_children(node, step)
        if not children:
            return None
        node = children[0]
    return node


def _shown(access: Access, trail: Trail) -> str:
    steps = [step for step, _ in trail]
    names = access.shown(steps).split("/")
    return "/".join(
        name if place is None else f"{name}[{place + 1}]" for name, (_, place) in zip(names, trail, strict=True)
    )


def decode_findings(found: Iterable[Reading]) -> list[Finding]:
    """Return a finding for each reading whose text its converter refuses."""
    return [_refused_reading(reading) for reading in found if not _fits(reading)]


def _fits(reading: Reading) -> bool:
    leaf = reading.leaf
    if reading.misshapen:
        return False
    if reading.text is None and (leaf.target is not None or not reading.parent_there):
        return True
    try:
        leaf.converter.read(reading.text or "")
    except Unfit:
        return False
    return True


def _refused_reading(reading: Reading) -> Finding:
    converter, where = reading.leaf.converter, reading.partner_path
    expected = converter.expects
    return Finding(
        rule=converter.rule,
        path=reading.path or where,
        text=Text(
            f"{where}：值不符合约定，应为{expected.zh}", f"{where}: the value does not fit, expected {expected.en}"
        ),
        value=shown(mask(reading.text, reading.leaf.sensitivity)) if reading.text else None,
        expected=shown(expected.zh),
        fix=Text(f"按约定填写：{expected.zh}", f"send {expected.en}"),
        partner_path=reading.place,
    )


def encode_findings(plan: Plan, access: Access, message: Json) -> list[Finding]:
    """Return a finding for each value of a message that the partner's format cannot hold."""
    findings = []
    places = {_pattern(path): (leaf, source) for path, leaf, source in targets(plan.rows)}
    for path, value in _leaves(message, ""):
        if path.startswith("header.") and _row_for(path, places) is None:
            continue
        row = _row_for(path, places)
        if row is None:
            findings += _no_place(plan, path, value)
            continue
        leaf, source = row
        if leaf.writes and not _holds(access, leaf, value):
            findings.append(_refused_value(leaf, path, access.shown(source), value))
    return findings


def _holds(access: Access, leaf: Leaf, value: Scalar) -> bool:
    if leaf.source is None:
        return leaf.constant == value
    try:
        return access.holds(leaf.converter.write(value))
    except Unfit:
        return False


def targets(rows: Rows, prefix: str = "", base: Source = ()) -> Iterator[tuple[str, Leaf, Source]]:
    """Yield the canonical path, the row and the partner path of every row that has a field of the standard."""
    for row in rows:
        if row.target is None:
            continue
        steps = text_of_steps(row.target or ())
        path = f"{prefix}.{steps}" if prefix and steps else prefix or steps
        source = (*base, *(row.source or ()))
        if isinstance(row, Repeat):
            yield from targets(row.rows, path, source)
        else:
            yield path, row, source


def _pattern(path: str) -> tuple[str, ...]:
    return tuple(path.replace("[", ".[").split("."))


def _row_for(path: str, places: dict[tuple[str, ...], tuple[Leaf, Source]]) -> tuple[Leaf, Source] | None:
    wanted = _pattern(path)
    for pattern, row in places.items():
        if len(pattern) == len(wanted) and all(
            known in (step, "[]" if step.startswith("[") else step) for known, step in zip(pattern, wanted, strict=True)
        ):
            return row
    return None


def _leaves(value: object, path: str) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict):
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
    if shape is None or any(".".join(names[:depth]) in plan.dropped for depth in range(1, len(names) + 1)):
        return []  # not of the standard as known here, or lost by decision
    return [
        Finding(
            rule="mapping.no_place",
            path=path,
            text=Text("合作方报文中没有该字段的位置", "the partner's format has no place for this field"),
            value=shown(mask(value, shape.sensitivity)),
            fix=Text(
                "在渠道配置中映射该字段，或在 dropped 中说明舍弃的理由",
                "map the field in the channel profile, or give the reason for its loss under dropped",
            ),
        )
    ]


def _refused_value(leaf: Leaf, path: str, partner_path: str, value: object) -> Finding:
    holds = leaf.converter.holds
    if leaf.source is None:
        holds = Text(f"固定为 {leaf.constant}", f"always {leaf.constant}")
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
