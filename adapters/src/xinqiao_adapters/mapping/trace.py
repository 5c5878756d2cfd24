"""The rows followed one by one over one record: where each value stands, and why one does not fit.

The compiled code answers yes or no; this answers where and why, on demand, in the partner's own terms.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from xinqiao.expectation import shown
from xinqiao.finding import Finding, Text
from xinqiao.masking import mask
from xinqiao.message import Json
from xinqiao_adapters.mapping.access import TWICE, Access, Node, text_at, walk
from xinqiao_adapters.mapping.converters import Misshapen, Scalar, Unfit
from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.shapes import Steps, parse_steps, put, text_of_steps
from xinqiao_adapters.mapping.totals import differs, total_of

__all__ = ["Reading", "decode_findings", "readings", "targets"]

# Steps of a partner path, each with its place among its like (from 0), or None where it does not repeat.
Trail = tuple[tuple[str, int | None], ...]


_PARTS = Text("各组成部分与约定不符", "the parts do not make up one value as agreed")
_OTHER_SHAPE = Text("结构与约定不符", "the structure is another than agreed")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one row finds in one record: ``text``, ``line`` and ``node`` are None where the partner has nothing.

    ``places`` are the partner's names of where the row looks, several where a value is joined. ``misshapen`` says what
    is wrong with the structure on the way; the place is then that of the wrong node. ``at`` is where the record of a
    file stands.
    """

    leaf: Leaf
    path: str
    places: tuple[str, ...]
    text: str | None
    line: int | None
    node: Node
    misshapen: Text | None = None
    at: str | None = None

    @property
    def partner_path(self) -> str:
        """Return the partner's path: ``Body/CertNo``, or ``Date + Time``."""
        return " + ".join(self.places)

    @property
    def place(self) -> str:
        """Return the partner's own name of the place: ``Body/CertNo, line 14``."""
        said = self.partner_path if self.line is None else f"{self.partner_path}, line {self.line}"
        return said if self.at is None else f"{said}, {self.at}"

    @property
    def value(self) -> Scalar | None:
        """Return the canonical value; None where nothing is said. Raises ``Unfit`` where the text does not fit."""
        return None if self.text is None else self.leaf.converter.read(self.text)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Rows that conditions of a group may ask for, each with the node where its source starts."""

    access: Access
    asked: dict[Steps, tuple[Leaf, Node]] = field(default_factory=dict)

    def with_rows(self, rows: Rows, node: Node) -> "_Scope":
        """Return the scope with more rows."""
        more = {
            row.target: (row, node) for row in rows if isinstance(row, Leaf) and row.target and row.reads and row.source
        }
        return replace(self, asked={**self.asked, **more})

    def holds(self, row: Leaf | Repeat) -> bool:
        """Whether every condition of a row holds in this record."""
        return all(self._value(condition.path) in condition.values for condition in row.conditions)

    def _value(self, path: Steps) -> Scalar | None:
        leaf, node = self.asked[path]
        try:
            value = _reading(leaf, self.access, node, (), ()).value
        except Unfit:
            return None
        return leaf.default if value is None else value


def readings(
    plan: Plan, access: Access, root: Node, record: Node, place: int | None, at: str | None = None
) -> Iterator[Reading]:
    """Yield the reading of every row for the record that is the ``place``-th at ``plan.records``."""
    scope = _Scope(access).with_rows(plan.outer, root)
    yield from _readings(plan.outer, scope, root, (), ())
    trail: Trail = tuple((step, None) for step in plan.records)
    if place is not None and trail:
        trail = (*trail[:-1], (trail[-1][0], place))
    inner = _readings(plan.inner, scope.with_rows(plan.inner, record), record, (), () if at is not None else trail)
    yield from inner if at is None else (replace(each, at=at) for each in inner)


def _readings(rows: Rows, scope: _Scope, node: Node, target: Steps, trail: Trail) -> Iterator[Reading]:
    if node is None:  # JSON's null where a record or an item is expected
        yield _misshapen(scope.access, _first_leaf(rows), text_of_steps(target), trail, Unfit())
        return
    for row in rows:
        if not scope.holds(row):
            continue
        if isinstance(row, Repeat):
            yield from _list_readings(row, scope.access, node, target, trail)
        elif row.source is not None and row.reads:
            yield _reading(row, scope.access, node, target, trail)


def _list_readings(row: Repeat, access: Access, node: Node, target: Steps, trail: Trail) -> Iterator[Reading]:
    way: Trail = (*trail, *((step, None) for step in row.source))
    try:
        parent = walk(access, node, row.source[:-1])
        items = access.node_children(parent, row.source[-1]) if parent is not None else []
    except Unfit as error:
        path = text_of_steps((*target, *row.target))
        yield _misshapen(access, _first_leaf(row.rows), path, _until(way, len(trail), error), error)
        return
    chosen = [(place, item) for place, item in enumerate(items) if _is_chosen(row, access, item)]
    for index, (place, item) in enumerate(chosen):
        inside = (*target, *row.target) if row.single else (*target, *row.target[:-1], (row.target[-1][0], index))
        at = (*way[:-1], (row.source[-1], place))
        if row.single and index:
            yield _misshapen(access, _first_leaf(row.rows), text_of_steps(inside), at, Misshapen(TWICE, item))
        elif row.scalar:
            (leaf,) = (each for each in row.rows if isinstance(each, Leaf))
            yield _reading(leaf, access, item, inside, at)
        else:
            yield from _readings(row.rows, _Scope(access).with_rows(row.rows, item), item, inside, at)


def _is_chosen(row: Repeat, access: Access, item: Node) -> bool:
    return all(text_at(access, item, path) == text for path, text in row.where)


def _first_leaf(rows: Rows) -> Leaf:
    first = rows[0]
    return first if isinstance(first, Leaf) else _first_leaf(first.rows)


def _reading(leaf: Leaf, access: Access, node: Node, target: Steps, trail: Trail) -> Reading:
    path = text_of_steps((*target, *(leaf.target or ())))
    found: list[tuple[str | None, Node, str]] = []
    for source in leaf.sources:
        way = (*trail, *((step, None) for step in source))
        try:
            found.append((*_found(access, node, source), _shown(access, way)))
        except Unfit as error:
            return _misshapen(access, leaf, path, _until(way, len(trail), error), error)
    where = tuple(shown for _, _, shown in found)
    at = next((each for _, each, _ in found if each is not None), None)
    try:
        text = found[0][0] if leaf.join is None else leaf.join.read([each for each, _, _ in found])
    except Unfit:
        return Reading(leaf, path, where, None, access.line(at) if at is not None else None, at, _PARTS)
    attribute = (leaf.source or ("",))[-1].startswith("@")
    line = access.line(at) if at is not None and (text is not None or not attribute) else None
    return Reading(leaf, path, where, text, line, at)


def _found(access: Access, node: Node, source: Source) -> tuple[str | None, Node]:
    """Return the text at a source and the node where it stands."""
    attribute = source[-1][1:] if source and source[-1].startswith("@") else None
    found = walk(access, node, source[:-1] if attribute else source)
    if found is None:
        return None, None
    return (access.node_attribute(found, attribute) if attribute else access.node_text(found)), found


def _misshapen(access: Access, leaf: Leaf, path: str, trail: Trail, error: Unfit) -> Reading:
    said, node = (error.said, error.node) if isinstance(error, Misshapen) else (_OTHER_SHAPE, None)
    line = access.line(node) if node is not None else None
    return Reading(leaf, path, (_shown(access, trail),), None, line, node, said)


def _until(trail: Trail, start: int, error: Unfit) -> Trail:
    """Cut a trail at the step that is misshapen, where that is known."""
    depth = error.depth if isinstance(error, Misshapen) else None
    return trail if depth is None else trail[: start + depth]


def _shown(access: Access, trail: Trail) -> str:
    steps = [step for step, _ in trail]
    names = access.shown(steps).split("/")
    return "/".join(
        name if place is None else f"{name}[{place + 1}]" for name, (_, place) in zip(names, trail, strict=False)
    )


def decode_findings(plan: Plan, found: Iterable[Reading]) -> list[Finding]:
    """Return a finding for each reading that its row refuses; one for a node that several rows find misshapen.

    Where nothing else is wrong, totals are compared with the message.
    """
    findings: list[Finding] = []
    misshapen: set[str] = set()
    whole = list(found)
    for reading in whole:
        if reading.misshapen is not None:
            if reading.place not in misshapen:
                misshapen.add(reading.place)
                findings.append(_refused_shape(reading, reading.misshapen))
        elif not _fits(reading):
            findings.append(_refused_reading(reading))
    return findings or [
        *_contradictions(whole),
        *(each for reading in whole for each in _unequal(plan, reading, whole)),
    ]


def _contradictions(whole: list[Reading]) -> Iterator[Finding]:
    """Yield a finding for each field that two places of the partner's say differently."""
    first: dict[str, Reading] = {}
    for reading in whole:
        if reading.leaf.target is None or reading.value is None:
            continue
        known = first.setdefault(reading.path, reading)
        if known.value != reading.value:
            yield Finding(
                rule="mapping.share",
                path=reading.path,
                text=Text(
                    f"与 {known.partner_path} 的值不同，二者是同一字段",
                    f"another value than at {known.partner_path}, which is the same field",
                ),
                value=shown(mask(reading.text, reading.leaf.sensitivity)),
                fix=Text("两处填写相同的值，或只填一处", "say the same in both places, or leave one out"),
                partner_path=reading.place,
            )


def _unequal(plan: Plan, reading: Reading, whole: list[Reading]) -> Iterator[Finding]:
    total = reading.leaf.total
    said = reading.value if total is not None else None
    if total is None or said is None:
        return
    message: Json = {"header": {}, plan.body: {}}
    for each in whole:
        steps = parse_steps(each.path) if each.leaf.target is not None else None
        if steps is not None and each.value is not None:
            put(message, steps, each.value)
    if differs(total)(message, said):
        own = total_of(total, message)
        yield Finding(
            rule="mapping.total",
            path=reading.partner_path,
            text=Text(
                f"{reading.partner_path}：合计与明细不符", f"{reading.partner_path}: the total is not that of its parts"
            ),
            value=str(said),
            expected=None if own is None else str(own),
            fix=Text("核对明细与合计", "compare the parts with their total"),
            partner_path=reading.place,
        )


def _fits(reading: Reading) -> bool:
    leaf = reading.leaf
    if reading.text is None:
        if leaf.target is None:  # a fixed value, asked for where its element is there
            return reading.node is None or leaf.total is not None or bool(leaf.conditions)
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
        value=shown(mask(reading.node, reading.leaf.sensitivity)) if isinstance(reading.node, str) else None,
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
