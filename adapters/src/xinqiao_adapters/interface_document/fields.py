"""The table of fields of one interface, in the order of the partner's own document."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xinqiao.finding import Text
from xinqiao.standard import field_at
from xinqiao_adapters.interface_document.codes import CodeValue, meanings, table_name
from xinqiao_adapters.interface_document.presence import Presence, is_money_value, presence_of, required_steps
from xinqiao_adapters.interface_document.words import notes_of, type_words
from xinqiao_adapters.listing import ListedRow
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.plan import Repeat, Source
from xinqiao_adapters.mapping.shapes import shape_at
from xinqiao_adapters.profile import Interface

__all__ = ["FieldLine", "agreed_values", "field_lines"]

_FEW = 8
_UNSAID = Text("", "")
_OWN = Text("约定值", "Agreed value")


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One line of the table: a field, or with ``is_group`` a node that holds others.

    ``path`` is whole, ``name`` what stands below the line before it of less ``depth``. ``repeats`` is ``0..30`` for a
    list. ``codes`` are shown where they are few; ``table`` names the code table.
    """

    path: str
    name: str
    depth: int
    title: Text | None = None
    is_group: bool = False
    repeats: str | None = None
    presence: Presence | None = None
    identity: bool = False
    form: Text = _UNSAID
    notes: Sequence[Text] = ()
    codes: Sequence[CodeValue] = ()
    table: str | None = None
    example: str | None = None
    sensitivity: str = "C1"


@dataclass(slots=True)
class _Node:
    """A node of the partner's document: its values, lists that repeat it, and what stands below, in order."""

    values: list[ListedRow] = field(default_factory=list)
    lists: list[ListedRow] = field(default_factory=list)
    below: "dict[str, _Node]" = field(default_factory=dict)

    def rows(self) -> Iterator[ListedRow]:
        """Yield every row here and below."""
        yield from self.values
        for node in self.below.values():
            yield from node.rows()


@dataclass(frozen=True, slots=True)
class _Table:
    """What the lines of one interface are made from."""

    loaded: LoadedProfile
    interface: Interface
    rows: Sequence[ListedRow]
    examples: Mapping[str, str]
    keys: frozenset[str]

    def lines(self, node: _Node, path: Source, depth: int, above: tuple[str, ...]) -> Iterator[FieldLine]:
        """Yield the lines below a node; ``above`` is the canonical path of the group that it stands in."""
        for step, each in node.below.items():
            yield from self._node_lines(each, (*path, step), step, depth, above)

    def _node_lines(
        self, node: _Node, path: Source, name: str, depth: int, above: tuple[str, ...]
    ) -> Iterator[FieldLine]:
        for row in node.values:
            yield self._line(row, path, name, depth, above)
        if not node.below:
            return
        if node.values:  # attributes of an element with a text
            yield from self.lines(node, path, depth + 1, above)
            return
        if len(node.below) == 1 and not node.lists:
            ((step, only),) = node.below.items()
            if only.below and not only.values and not self._is_records(path):  # a node that holds nothing but one other
                yield from self._node_lines(only, (*path, step), f"{name}/{step}", depth, above)
                return
        common = _common([row.names for row in node.rows() if row.names])
        target = node.lists[0].names if node.lists else common
        yield FieldLine(
            path="/".join(path),
            name=name,
            depth=depth,
            title=self._group_title(target, above),
            is_group=True,
            repeats=self._group_repeats(node, path, target, above),
            notes=[note for row in node.lists for note in notes_of(self.interface.message, row)],
        )
        yield from self.lines(node, path, depth + 1, target)

    def _group_title(self, target: tuple[str, ...], above: tuple[str, ...]) -> Text | None:
        found = field_at(self.interface.message, ".".join(target)) if len(target) > 1 and target != above else None
        return found.title if found else None

    def _repeats(self, row: ListedRow) -> str | None:
        if isinstance(row.row, Repeat) and row.row.single:
            return None
        found = field_at(self.interface.message, ".".join(row.names))
        schema = found.schema if found else {}
        required = self._presence(row).need == "always"
        return f"{schema.get('minItems', 1) if required else 0}..{schema.get('maxItems', 'n')}"

    def _group_repeats(self, node: _Node, path: Source, target: tuple[str, ...], above: tuple[str, ...]) -> str | None:
        if node.lists:
            return self._repeats(node.lists[0])
        if self._is_records(path):
            return "n"
        at_will = self._group_title(target, above) and not all(required_steps(self.interface.message, target))
        return "0..1" if at_will else None

    def _is_records(self, path: Source) -> bool:
        return "/".join(path) == self.interface.records

    def _presence(self, row: ListedRow) -> Presence:
        incoming = self.interface.comes_in
        return presence_of(self.interface.message, row, self.rows, incoming=incoming)

    def _line(self, row: ListedRow, path: Source, name: str, depth: int, above: tuple[str, ...]) -> FieldLine:
        body, leaf, whole = self.interface.message, row.item, "/".join(path)
        shape = shape_at(body, row.names) if row.names else None
        codes = meanings(leaf.converter, shape) if leaf else []
        identity = whole in self.keys
        presence = self._presence(row)
        if identity or (presence.names and presence.names == above):  # where its group, the line above, is there
            presence = Presence("always")
        few = codes if len(codes) <= _FEW else []
        table = table_name(self.loaded, row)
        return FieldLine(
            path=whole,
            name=name,
            depth=depth,
            title=self._title(row, above) if row.names else _OWN,
            repeats=self._repeats(row) if isinstance(row.row, Repeat) else None,
            presence=presence,
            identity=identity,
            form=_UNSAID if few or table else type_words(body, row),
            notes=[*notes_of(body, row), *self._description(row)],
            codes=few,
            table=table,
            example=_fixed(row) or self.examples.get(row.path),
            sensitivity=leaf.sensitivity if leaf else "C1",
        )

    def _title(self, row: ListedRow, above: tuple[str, ...]) -> Text:
        """Return a field's title, with that of its group where several fields here have the same."""
        body = self.interface.message
        own = field_at(body, ".".join(row.names))
        if own is None:
            return Text(row.path, row.path)
        group = field_at(body, ".".join(row.names[:-1])) if len(row.names) > 2 else None
        if group is None or row.names[:-1] == above:
            return own.title
        if is_money_value(body, row.names):
            return group.title
        alike = [other for other in self.rows if other.names[-1:] == row.names[-1:] and other.place is not None]
        same_group = all(other.names[:-1] == row.names[:-1] for other in alike)
        return (
            own.title
            if same_group
            else Text(f"{group.title.zh} · {own.title.zh}", f"{group.title.en} · {own.title.en}")
        )

    def _description(self, row: ListedRow) -> list[Text]:
        """Return what the standard says of a field; nothing of one whose unit is another here."""
        body, leaf = self.interface.message, row.item
        names = row.names[:-1] if is_money_value(body, row.names) else row.names
        found = field_at(body, ".".join(names)) if names else None
        scaled = leaf is not None and leaf.converter.rule == "mapping.amount" and names == row.names
        if found is None or scaled or "description" not in found.schema:
            return []
        return [Text(found.schema["x-xinqiao"].get("descriptionZh", ""), found.schema["description"])]


def _fixed(row: ListedRow) -> str | None:
    leaf = row.item
    return str(leaf.constant) if leaf is not None and leaf.constant is not None else None


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    common = paths[0][:-1] if paths else ()
    for path in paths[1:]:
        same = [one == other for one, other in zip(common, path, strict=False)]
        common = common[: same.index(False) if False in same else len(same)]
    return common


def field_lines(
    loaded: LoadedProfile, interface: Interface, rows: Sequence[ListedRow], examples: Mapping[str, str]
) -> list[FieldLine]:
    """Return the table of an interface; ``examples`` are the partner's texts by canonical path."""
    root = _Node()
    for row in rows:
        _lay(root, row)
    start = f"{interface.records}/" if interface.records else ""
    keys = frozenset(key.replace("./", start, 1) if key.startswith("./") else key for key in interface.key)
    return list(_Table(loaded, interface, rows, examples, keys).lines(root, (), 0, ()))


def _lay(root: _Node, row: ListedRow) -> None:
    if row.place is None:
        return
    base = row.place[: len(row.place) - len(row.row.source or ())]
    places = [(*base, *place) for place in row.row.sources] if row.item is row.row else [row.place]
    for place in places:
        node = root
        for step in place:
            node = node.below.setdefault(step, _Node())
        if row.item is not None:
            node.values.append(row)
        else:
            node.lists.append(row)


def agreed_values(body: str, rows: Sequence[ListedRow]) -> list[tuple[Text, str]]:
    """Return the values of the standard that are always so and stand nowhere in the partner's document."""
    found = []
    for row in rows:
        leaf = row.item
        if leaf is not None and leaf.constant is not None and row.place is None:
            steps = [field_at(body, ".".join(row.names[:depth])) for depth in range(2, len(row.names) + 1)]
            titles = [step.title for step in steps if step is not None]
            title = Text(" · ".join(each.zh for each in titles), " · ".join(each.en for each in titles))
            found.append((title, str(leaf.constant)))
    return found
