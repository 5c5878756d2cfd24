"""Records of fixed-width columns for the mapping engine: each is one ``str`` of its bytes (latin-1).

The root is the dict ``{"File": {name: text}, "Record": …}``; both kinds of node come here. The generated code slices a
column, and decodes a slice only where it is not ASCII.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from xinqiao.errors import ProfileInvalid
from xinqiao.finding import Text
from xinqiao_adapters.formats.fixed.layout import Column, Layout, Texts
from xinqiao_adapters.mapping.access import Node
from xinqiao_adapters.mapping.code import Code, Part, literal, template
from xinqiao_adapters.mapping.converters import Unfit
from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.tree import PartnerNode

__all__ = ["FILE", "RECORD", "FlatAccess", "check_plan", "flat_path"]

FILE, RECORD = "File", "Record"


class FlatAccess:
    """Access to records of one layout, and to the values of their file, ``outside``.

    A column that the layout does not have is always blank; a value for it is refused.
    """

    def __init__(self, layout: Layout, texts: Texts, outside: frozenset[str]) -> None:
        self.layout = layout
        self.texts = texts
        self._outside = outside | {FILE, RECORD}

    # --- source code ---

    def constants(self) -> Mapping[str, object]:
        """Return a reader and a writer for each column."""
        made: dict[str, object] = {}
        for place, column in enumerate(self.layout.columns):
            made[f"column_{place}"] = partial(self.texts.read, column)
            made[f"put_{place}"] = partial(self.texts.write, column)
        return made

    def children(self, node: str, once: str) -> str:  # noqa: ARG002 -- nothing is there twice
        """Return the node itself."""
        return node

    def child(self, children: str, step: str) -> str:
        """Return a value of the file, or the text of a column."""
        outside = f"{children}.get({step!r})" if step in self._outside else "None"
        place = self.layout.places.get(step)
        if place is None:
            return outside
        column = _expression(children, place, self.layout.columns[place], self.texts.trim)
        return f"({column} if {children}.__class__ is str else {outside})" if step in self._outside else column

    def text(self, node: str) -> str:
        """Return the text that ``child`` gave."""
        return node

    def attribute(self, node: str, name: str) -> str:  # noqa: ARG002
        """Return what no record has."""
        return "None"

    def items(self, node: str, step: str) -> str:
        """Return the records of a whole file."""
        return f"{node}.get({step!r}, ())"

    def outgoing(self, leaf: Leaf, value: str) -> str:  # noqa: ARG002 -- the access's shape
        """Return the value: ``written`` knows its column."""
        return value

    def outgoing_items(self, repeat: Repeat, items: str, item: str) -> str:  # noqa: ARG002
        """Return the list of all records."""
        return f"[{item} for i in {items}]"

    def written(self, code: Code, root: PartnerNode, names: Mapping[int, str], step: str | None) -> str:
        """Return the text of a record, or ``{"File": …, "Record": …}`` for the whole document."""
        if step is not None:
            return self._record(code, root, names)
        outside = code.fresh("d")
        code.line(f"{outside} = {{}}")
        for name, child in root.children.get(FILE, PartnerNode()).children.items():
            (leaf,) = child.text
            value = names.get(id(leaf))
            when = "" if value is None else f"if {value} is not None: "
            code.line(f"{when}{outside}[{name!r}] = {repr(leaf.constant) if value is None else value}")
        record = "[]"
        if RECORD in root.children:
            record = self._record(code, root.children[RECORD], names)
        for repeat in root.repeats.get(RECORD, ()):
            record = names[id(repeat)]
        return f"{{{FILE!r}: {outside}, {RECORD!r}: {record}}}"

    def _record(self, code: Code, tree: PartnerNode, names: Mapping[int, str]) -> str:
        parts: list[Part] = [literal(column.mark or column.blank) for column in self.layout.columns]
        for step, child in tree.children.items():
            (leaf,) = child.text
            place, value = self.layout.places.get(step), names.get(id(leaf))
            if place is not None:
                parts[place] = self._constant(place, leaf) if value is None else (False, f"put_{place}({value})")
            elif value is not None:
                code.line(f"if {value} is not None: raise Unfit")
        return template(parts)

    def _constant(self, place: int, leaf: Leaf) -> Part:
        column = self.layout.columns[place]
        try:
            return literal(self.texts.write(column, str(leaf.constant)))
        except Unfit as error:
            raise ProfileInvalid(f"{leaf.mark}: the constant does not fit into {_size(column).en}") from error

    # --- at once ---

    def node_children(self, node: Node, step: str) -> list[Node]:
        """Return the value of the file, the records, or the text of a column."""
        if isinstance(node, dict):
            found = node.get(step)
            return found if isinstance(found, list) else [] if found is None else [found]
        column = self.layout.column(step)
        text = self.texts.read(column, node[column.start : column.end]) if column is not None else None
        return [] if text is None else [text]

    def node_text(self, node: Node) -> str | None:
        """Return the text that ``node_children`` gave. Raises ``Unfit`` for the file itself."""
        if not isinstance(node, str):
            raise Unfit
        return node

    def node_attribute(self, node: Node, name: str) -> str | None:  # noqa: ARG002
        """Return what no record has."""
        return None

    def holds(self, text: str, source: Source) -> bool:
        """Whether the column at a path holds a text; what stands outside the records is for the whole file to say."""
        column = self.layout.column(source[-1]) if source[:1] != (FILE,) else None
        if column is None:
            return source[:1] == (FILE,)
        try:
            self.texts.write(column, text)
        except Unfit:
            return False
        return True

    def capacity(self, source: Source) -> Text | None:
        """Return what the column at a path holds, for people; None for a value of the file."""
        column = self.layout.column(source[-1]) if source and source[0] != FILE else None
        return _size(column) if column is not None else None

    def line(self, node: Node) -> int | None:  # noqa: ARG002
        """Return nothing: a record's place is its number and its bytes."""
        return None

    def leaves(self, node: Node) -> Iterator[tuple[tuple[tuple[str, int], ...], str]]:
        """Yield every value of the file, and every column that is not blank."""
        if isinstance(node, dict):
            for name, text in node.get(FILE, {}).items():
                yield ((FILE, 0), (name, 0)), text
            for number, record in enumerate(self.node_children(node, RECORD)):
                yield from ((((RECORD, number), *steps), text) for steps, text in self.leaves(record))
            return
        for name, place in self.layout.places.items():
            column = self.layout.columns[place]
            text = self.texts.shown(column, node[column.start : column.end])
            if text:
                yield ((name, 0),), text

    def shown(self, steps: Iterable[str]) -> str:
        """Return a path of names."""
        return "/".join(steps)


def _expression(record: str, place: int, column: Column, trim: bool) -> str:
    """Return an expression for a column's text: blanks and the usual bytes at once, others by its reader.

    Most columns of a record are blank: 0.1 µs each, where a reader takes 1.2.
    """
    piece, decimals = f"{record}[{column.start}:{column.end}]", column.decimals
    read = f"column_{place}(x)"
    if decimals is None and column.fill == " " and trim:
        read = f"((x.strip() or None) if x.isascii() else {read})"
    elif decimals is not None and column.width > decimals:
        whole = f"x[:-{decimals}].lstrip('0') or '0'" if decimals else "x.lstrip('0') or '0'"
        digits = f"({whole}) + '.' + x[-{decimals}:]" if decimals else f"({whole})"
        read = f"({digits} if x.isdecimal() else {read})"
    return f"(None if (x := {piece}) == {' ' * column.width!r} else {read})"


def _size(column: Column) -> Text:
    if column.decimals is None:
        return Text(f"至多 {column.width} 字节", f"{column.width} bytes at most")
    whole = column.width - column.decimals
    return Text(
        f"至多 {whole} 位整数、{column.decimals} 位小数",
        f"{whole} digits before the point and {column.decimals} after it at most",
    )


# --- paths -------------------------------------------------------------------------------------------------------

Known = Callable[[str], bool]


def flat_path(path: Source, base: Source, outside: frozenset[str], columns: Known) -> Source:
    """Return a path of a flat file; it starts at the root, or at ``base``.

    Raises ``ValueError`` where it is none of ``File/<name>``, ``Record`` and ``Record/<column>``.
    """
    whole = (*base, *path)
    if len(whole) > 2 or whole[:1] not in ((FILE,), (RECORD,)):
        raise ValueError(f"{'/'.join(whole)}: a path here is File/<name> or Record/<column>")
    if whole[0] == FILE and (len(whole) == 1 or whole[1] not in outside):
        raise ValueError(f"{'/'.join(whole)}: known are {', '.join(sorted(outside)) or 'no values of the file'}")
    if whole[0] == RECORD and len(whole) == 2 and not columns(whole[1]):
        raise ValueError(f"{whole[1]}: the record has no such column")
    return path


def check_plan(plan: Plan, outside: frozenset[str], columns: Known) -> Plan:
    """Return the plan as it is. Raises ``ProfileInvalid`` for a row whose path is no path of a flat file."""
    if plan.records not in ((), (RECORD,)):
        raise ProfileInvalid(f"records: {'/'.join(plan.records)}: the records of this format are at {RECORD}")
    _check(plan.rows, (), outside, columns)
    for row in plan.outer if plan.records else plan.rows:
        if isinstance(row, Leaf) and any(source[0] == RECORD for source in row.sources):
            raise ProfileInvalid(f"{row.mark}: a column is read with records: {RECORD} (./Name) or each: {RECORD}")
    return plan


def _check(rows: Rows, base: Source, outside: frozenset[str], columns: Known) -> None:
    for row in rows:
        sources = (row.source,) if isinstance(row, Repeat) else row.sources
        try:
            for source in sources:
                flat_path(source, base, outside, columns)
        except ValueError as error:
            raise ProfileInvalid(f"{row.mark}: {error}") from error
        if isinstance(row, Repeat):
            if (*base, *row.source) != (RECORD,) or row.scalar:
                raise ProfileInvalid(f"{row.mark}: the one list here is {RECORD}, and its items are groups")
            _check(row.rows, (RECORD,), outside, columns)
        elif (*base, *(row.source or (FILE,))) == (RECORD,):
            raise ProfileInvalid(f"{row.mark}: {RECORD} is no value itself")
