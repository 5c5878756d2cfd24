"""The rows followed one by one over one record: where each value stands, and why one does not fit.

The compiled code answers yes or no; this answers where and why, on demand, in the partner's own terms.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xinqiao.expectation import shown
from xinqiao.finding import Finding, Text
from xinqiao.masking import mask
from xinqiao.message import Json
from xinqiao_adapters.mapping.access import TWICE, Access, Node
from xinqiao_adapters.mapping.converters import Misshapen, Scalar, Unfit
from xinqiao_adapters.mapping.neutral import is_neutral
from xinqiao_adapters.mapping.plan import ROUTING, Leaf, Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.shapes import Steps, shape_at, text_of_steps

__all__ = ["Reading", "decode_findings", "encode_findings", "readings", "targets", "walk"]

# Steps of a partner path, each with its place among its like (from 0), or None where it does not repeat.
Trail = tuple[tuple[str, int | None], ...]


_OTHER_SHAPE = Text("结构与约定不符", "the structure is another than agreed")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one row finds in one record: ``text``, ``line`` and ``node`` are None where the partner has nothing.

    ``misshapen`` says what is wrong with the structure on the way; the place is then that of the wrong node.
    """

    leaf: Leaf
    path: str
    partner_path: str
    text: str | None
    line: int | None
    node: Node
    misshapen: Text | None = None

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
    if node is None:  # JSON's null where a record or an item is expected
        yield _misshapen(access, _first_leaf(rows), text_of_steps(target), trail, Unfit())
        return
    for row in rows:
        if isinstance(row, Repeat):
            yield from _list_readings(row, access, node, target, trail)
        elif row.source is not None and row.reads:
            yield _reading(row, access, node, target, trail)


def _list_readings(row: Repeat, access: Access, node: Node, target: Steps, trail: Trail) -> Iterator[Reading]:
    way: Trail = (*trail, *((step, None) for step in row.source))
    try:
        parent = walk(access, node, row.source[:-1])
        items = access.node_children(parent, row.source[-1]) if parent is not None else []
    except Unfit as error:
        path = text_of_steps((*target, *row.target))
        yield _misshapen(access, _first_leaf(row.rows), path, _until(way, len(trail), error), error)
        return
    for index, item in enumerate(items):
        inside = (*target, *row.target[:-1], (row.target[-1][0], index))
        at = (*way[:-1], (row.source[-1], index))
        if row.scalar:
            (leaf,) = (each for each in row.rows if isinstance(each, Leaf))
            yield _reading(leaf, access, item, inside, at)
        else:
            yield from _readings(row.rows, access, item, inside, at)


def _first_leaf(rows: Rows) -> Leaf:
    first = rows[0]
    return first if isinstance(first, Leaf) else _first_leaf(first.rows)


def _reading(leaf: Leaf, access: Access, node: Node, target: Steps, trail: Trail) -> Reading:
    source = leaf.source or ()
    path = text_of_steps((*target, *(leaf.target or ())))
    way = (*trail, *((step, None) for step in source))
    attribute = source[-1][1:] if source and source[-1].startswith("@") else None
    try:
        found = walk(access, node, source[:-1] if attribute else source)
        text = None
        if found is not None:
            text = access.node_attribute(found, attribute) if attribute else access.node_text(found)
    except Unfit as error:
        return _misshapen(access, leaf, path, _until(way, len(trail), error), error)
    line = access.line(found) if found is not None and (text is not None or not attribute) else None
    return Reading(leaf, path, _shown(access, way), text, line, found)


def _misshapen(access: Access, leaf: Leaf, path: str, trail: Trail, error: Unfit) -> Reading:
    said, node = (error.said, error.node) if isinstance(error, Misshapen) else (_OTHER_SHAPE, None)
    line = access.line(node) if node is not None else None
    return Reading(leaf, path, _shown(access, trail), None, line, node, said)


def _until(trail: Trail, start: int, error: Unfit) -> Trail:
    """Cut a trail at the step that is misshapen, where that is known."""
    depth = error.depth if isinstance(error, Misshapen) else None
    return trail if depth is None else trail[: start + depth]


def walk(access: Access, node: Node, steps: tuple[str, ...]) -> Node:
    """Return the one node at a path below a node, None where it is not there.

    Raises ``Unfit`` where a step is there more than once, or the node can have no children.
    """
    for depth, step in enumerate(steps, start=1):
        if node is None:
            return None
        children = access.node_children(node, step)
        if len(children) > 1:
            raise Misshapen(TWICE, children[1], depth)
        node = children[0] if children else None
    return node


def _shown(access: Access, trail: Trail) -> str:
    steps = [step for step, _ in trail]
    names = access.shown(steps).split("/")
    return "/".join(
        name if place is None else f"{name}[{place + 1}]" for name, (_, place) in zip(names, trail, strict=False)
    )


def decode_findings(found: Iterable[Reading]) -> list[Finding]:
    """Return a finding for each reading that its row refuses; one for a node that several rows find misshapen."""
    findings: list[Finding] = []
    misshapen: set[str] = set()
    for reading in found:
        if reading.misshapen is not None:
            if reading.place not in misshapen:
                misshapen.add(reading.place)
                findings.append(_refused_shape(reading, reading.misshapen))
        elif not _fits(reading):
            findings.append(_refused_reading(reading))
    return findings


def _fits(reading: Reading) -> bool:
    leaf = reading.leaf
    if reading.text is None:
        if leaf.target is None:  # a fixed value, asked for where its element is there
            return reading.node is None
        return leaf.target != ()  # an item of a list says something
    try:
        leaf.converter.read(reading.text)
    except Unfit:
        return False
    return True


def _refused_shape(reading: Reading, said: Text) -> Finding:
    where = reading.partner_path
    return Finding(
        rule="mapping.shape",
        path=reading.path or where,
        text=Text(f"{where}：{said.zh}", f"{where}: {said.en}"),
        fix=Text("按接口规范的结构填写", "keep to the structure of the interface's specification"),
        partner_path=reading.place,
    )


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
    places = {_pattern(path): (leaf, source) for path, leaf, source in targets(plan.rows) if leaf.writes}
    for path, value in _leaves(message, ""):
        row = _row_for(path, places)
        if row is None:
            findings += _no_place(plan, path, value)
            continue
        leaf, source = row
        if not _holds(access, leaf, value):
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
            value=shown(mask(value, shape.sensitivity)),
            expected=shown("、".join(str(each) for each in values)) if values else None,
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
