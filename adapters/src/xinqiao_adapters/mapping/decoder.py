"""Writes the code that reads a record: partner's nodes in, canonical objects out.

One function for each list of objects and one for the record. Values become local variables first, in one walk
over the nodes; then those that stand in several places are joined and those with a condition are decided; then the
objects are built. The first value that does not fit raises ``Unfit``: ``trace`` then finds all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from xinqiao.errors import ProfileInvalid
from xinqiao_adapters.mapping.access import Access, Node, text_at
from xinqiao_adapters.mapping.code import Code
from xinqiao_adapters.mapping.converters import TEXT
from xinqiao_adapters.mapping.plan import Condition, Leaf, Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.shapes import Steps, text_of_steps
from xinqiao_adapters.mapping.totals import differs
from xinqiao_adapters.mapping.tree import ObjectNode, PartnerNode, object_tree, partner_tree
from xinqiao_adapters.marked import Mark

__all__ = ["chooser", "write_decoder", "write_texts_reader"]


def write_decoder(code: Code, plan: Plan, access: Access) -> None:
    """Add ``read_outer(root)`` and ``decode_record(node, outer, header)`` to a module."""
    decoder = _Decoder(code, access)
    names: dict[int, str] = {}

    def outer() -> None:
        decoder.read(plan.outer, "root", names)
        code.line(f"return ({', '.join(names.values())}{',' if len(names) == 1 else ''})")

    def record() -> None:
        if names:
            code.line(f"{', '.join(names.values())}{',' if len(names) == 1 else ''} = outer")
        decoder.read(plan.inner, "node", names, plan.outer)
        rows = (*plan.outer, *plan.inner)
        decoder.build(rows, names, {"header": "{**header}", plan.body: "{}"})

    code.function("read_outer(root)", outer)
    code.function("decode_record(node, outer, header)", record)


def write_texts_reader(code: Code, access: Access, paths: Sequence[tuple[bool, Source]]) -> None:
    """Add ``read_texts(root, node)``: the texts at paths that start at the root or (True) at the record."""
    nowhere = Mark(Path(), 0)
    parts = [(inner, Leaf((), path, TEXT, "C2", nowhere)) for inner, path in paths]
    decoder = _Decoder(code, access)
    names: dict[int, str] = {}

    def write() -> None:
        for inner, node in ((False, "root"), (True, "node")):
            decoder.read(tuple(leaf for at, leaf in parts if at == inner), node, names)
        code.line(f"return ({''.join(f'{names[id(leaf)]}, ' for _, leaf in parts)})")

    code.function("read_texts(root, node)", write)


class _Decoder:
    def __init__(self, code: Code, access: Access) -> None:
        self.code = code
        self.access = access
        # Lists with conditions, met in the walk and read once their conditions can be asked.
        self._later: list[tuple[Repeat, str, str]] = []

    def read(self, rows: Rows, node: str, names: dict[int, str], around: Rows = ()) -> None:
        """Write the walk over the nodes of a group; ``names`` gets the variable of each row.

        ``around`` are rows read before, which conditions may ask for.
        """
        reading = tuple(row for row in rows if _reads(row))
        texts = {id(row): _texts_of(row) for row in reading if isinstance(row, Leaf) and _is_late(row)}
        walked = [each for row in reading for each in texts.get(id(row), (row,))]
        found: dict[int, str] = {}
        outside, self._later = self._later, []
        self._read_node(partner_tree(tuple(walked)), node, False, found)
        later, self._later = self._later, outside
        names |= {id(row): found[id(row)] for row in walked if id(row) in found and id(row) not in texts}
        asked = _by_target((*around, *reading))
        for row in sorted(reading, key=lambda row: bool(row.conditions)):
            if isinstance(row, Leaf) and row.source is None and row.conditions:
                chosen = names[id(row)] = self.code.fresh("v")
                self.code.line(f"{chosen} = {row.constant!r} if {self._asks(row, names, asked)} else None")
            elif isinstance(row, Leaf) and id(row) in texts:
                self._finish(row, [found[id(part)] for part in texts[id(row)]], names, asked)
        for repeat, items, present in later:
            asks = self._asks(repeat, names, asked)
            there = present.replace(" if ", f" if {asks} and ", 1) if present else f" if {asks} else None"
            self._read_repeat(repeat, items, there, names)

    def _finish(self, leaf: Leaf, texts: list[str], names: dict[int, str], asked: dict[Steps, Leaf]) -> None:
        """Write what is done with the texts of a row whose value is not simply what stands at one node."""
        value = texts[0]
        if leaf.join is not None:
            value = self.code.fresh("v")
            self.code.line(f"{value} = {self.code.constant('J', leaf.join.read)}(({', '.join(texts)},))")
        if leaf.conditions:
            self.code.line(f"if not ({self._asks(leaf, names, asked)}): {value} = None")
        self._convert(leaf, value)
        names[id(leaf)] = value

    def _asks(self, row: Leaf | Repeat, names: dict[int, str], asked: dict[Steps, Leaf]) -> str:
        return " and ".join(self._ask(row, condition, names, asked) for condition in row.conditions)

    def _ask(self, row: Leaf | Repeat, condition: Condition, names: dict[int, str], asked: dict[Steps, Leaf]) -> str:
        leaf = asked.get(condition.path)
        if leaf is None or leaf.conditions or id(leaf) not in names:
            shown = text_of_steps(condition.path)
            problem = "when asks for a field that a row of the same group reads, without a condition of its own"
            raise ProfileInvalid(f"{row.mark}: {problem}: {shown}")
        return f"{names[id(leaf)]} in {self.code.constant('VALUES', condition.values)}"

    def _read_node(self, tree: PartnerNode, node: str, may_miss: bool, names: dict[int, str]) -> None:
        present = f" if {node} is not None else None" if may_miss else ""
        for leaf in tree.text:
            self._read_leaf(leaf, node, self.access.text(node), present, names)
        for name, leaves in tree.attributes.items():
            for leaf in leaves:
                self._read_leaf(leaf, node, self.access.attribute(node, name), present, names)
        if tree.children:
            children = self.code.fresh("c")
            empty = f" if {node} is not None else NONE" if may_miss else ""
            once = self.code.constant("ONCE", frozenset(tree.children))
            self.code.line(f"{children} = {self.access.children(node, once)}{empty}")
            for step, child in tree.children.items():
                name = self.code.fresh("n")
                self.code.line(f"{name} = {self.access.child(children, step)}")
                self._read_node(child, name, True, names)
        for step, repeats in tree.repeats.items():
            for repeat in repeats:
                if repeat.conditions:
                    self._later.append((repeat, self.access.items(node, step), present))
                else:
                    self._read_repeat(repeat, self.access.items(node, step), present, names)

    def _read_leaf(self, leaf: Leaf, node: str, text: str, present: str, names: dict[int, str]) -> None:
        value = self.code.fresh("v")
        if leaf.target is None and leaf.total is None:
            read = self.code.constant("R", leaf.converter.read)
            self.code.line(f"if {node} is not None: {read}({text} or '')")
            return
        names[id(leaf)] = value
        self.code.line(f"{value} = {text}" if text == node else f"{value} = {text}{present}")
        self._convert(leaf, value)

    def _convert(self, leaf: Leaf, value: str) -> None:
        if leaf.converter is not TEXT:
            read = self.code.constant("R", leaf.converter.read)
            self.code.line(f"if {value} is not None: {value} = {read}({value})")
        if leaf.default is not None:
            self.code.line(f"if {value} is None: {value} = {leaf.default!r}")

    def _read_repeat(self, repeat: Repeat, items: str, present: str, names: dict[int, str]) -> None:
        value = names[id(repeat)] = self.code.fresh("v")
        if repeat.where:
            items = f"filter({self.code.constant('WHERE', chooser(self.access, repeat))}, {items})"
        if repeat.scalar:
            (leaf,) = repeat.rows
            assert isinstance(leaf, Leaf)  # noqa: S101 -- a list of scalars has one row
            read = self.code.constant("R", leaf.converter.read)
            item = f"{read}(needed({self.access.text('i')}))"
        else:
            item = f"{self._item_function(repeat)}(i)"
        listed = f"[{item} for i in {items}]"
        self.code.line(f"{value} = ({f'single({listed})' if repeat.single else f'{listed} or None'}){present}")

    def _item_function(self, repeat: Repeat) -> str:
        name = self.code.fresh("item_")

        def write() -> None:
            names: dict[int, str] = {}
            self.read(repeat.rows, "node", names)
            self.build(repeat.rows, names, {})

        self.code.function(f"{name}(node)", write)
        return name

    def build(self, rows: Rows, names: dict[int, str], starts: dict[str, str]) -> None:
        """Write the building of a group's object; objects in ``starts`` are there even when they are empty."""
        tree = object_tree(tuple(row for row in rows if _reads(row)))
        self.code.line("o = {}")
        for name, start in starts.items():
            made = self._build_object(tree.objects.get(name, ObjectNode()), names, start)
            self.code.line(f"o[{name!r}] = {made}")
        order = {name: None for name in tree.order if name not in starts}
        self._fill(ObjectNode(tree.leaves, tree.objects, tree.lists, order), "o", names)
        self._add_constants(tree, "o", names)
        for row in rows:
            if isinstance(row, Leaf) and row.total is not None and row.reads:
                unequal = self.code.constant("TOTAL", differs(row.total))
                self.code.line(f"if {names[id(row)]} is not None and {unequal}(o, {names[id(row)]}): raise Unfit")
        self.code.line("return o")

    def _build_object(self, tree: ObjectNode, names: dict[int, str], start: str) -> str:
        made = self.code.fresh("o")
        self.code.line(f"{made} = {start}")
        self._fill(tree, made, names)
        currencies = [row for row in tree.leaves.get("currency", ()) if isinstance(row, Leaf)]
        if "value" in tree.leaves and any(row.source is not None for row in currencies):  # says nothing alone
            self.code.line(f"if 'value' not in {made}: {made} = {{}}")
        if any(isinstance(row, Leaf) and row.source is None for rows in tree.leaves.values() for row in rows):
            self.code.line(f"if {made}:")
            self._add_constants(tree, made, names, "    ")
        return made

    def _fill(self, tree: ObjectNode, made: str, names: dict[int, str]) -> None:
        for name in tree.order:
            for row in tree.leaves.get(name, ()):
                if row.source is not None:
                    value = names[id(row)]
                    if len(tree.leaves[name]) > 1:
                        twice = f"{made}.get({name!r}, {_listed(row, value)}) != {_listed(row, value)}"
                        self.code.line(f"if {value} is not None and {twice}: raise Unfit")
                    self.code.line(f"if {value} is not None: {made}[{name!r}] = {_listed(row, value)}")
            if name in tree.objects:
                value = self._build_object(tree.objects[name], names, "{}")
                self.code.line(f"if {value}: {made}[{name!r}] = {value}")
            if name in tree.lists:
                values = [self._build_object(item, names, "{}") for item in tree.lists[name]]
                listed = f"[{values[0]}]" if len(values) == 1 else f"without_tail([{', '.join(values)}])"
                self.code.line(f"if {' or '.join(values)}: {made}[{name!r}] = {listed}")

    def _add_constants(self, tree: ObjectNode, made: str, names: dict[int, str], indent: str = "") -> None:
        for name, rows in tree.leaves.items():
            for row in rows:
                if isinstance(row, Leaf) and row.source is None:
                    value = names.get(id(row))
                    asked = f"if {value} is not None: " if value else ""
                    self.code.line(f"{indent}{asked}{made}[{name!r}] = {_listed(row, repr(row.constant))}")


def chooser(access: Access, repeat: Repeat) -> Callable[[Node], bool]:
    """Return what tells the nodes of a list with ``where``: all its texts stand where it says."""

    def chosen(node: Node) -> bool:
        return all(text_at(access, node, path) == text for path, text in repeat.where)

    return chosen


def _texts_of(leaf: Leaf) -> tuple[Leaf, ...]:
    """Return the rows that read the plain texts of a row, one for each of its places."""
    bare = replace(leaf, target=(), converter=TEXT, default=None, conditions=(), more=(), join=None, total=None)
    return tuple(replace(bare, source=source) for source in leaf.sources)


def _listed(row: Leaf | Repeat, value: str) -> str:
    """Return a value as it stands in its object: in a list where the row names the first of several."""
    return f"[{value}]" if row.target and row.target[-1][1] == 0 else value


def _is_late(leaf: Leaf) -> bool:
    return leaf.source is not None and (leaf.join is not None or bool(leaf.conditions))


def _by_target(rows: Rows) -> dict[Steps, Leaf]:
    return {row.target: row for row in rows if isinstance(row, Leaf) and row.target and row.source is not None}


def _reads(row: Leaf | Repeat) -> bool:
    return isinstance(row, Repeat) or row.reads
