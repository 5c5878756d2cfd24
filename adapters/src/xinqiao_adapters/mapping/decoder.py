"""Writes the code that reads a record: partner's nodes in, canonical objects out.

One function for each list of objects and one for the record. Values become local variables first, in one walk
over the nodes; then the objects are built from them. The first value that does not fit raises ``Unfit``:
``trace`` then finds all of them.
"""

from xinqiao_adapters.mapping.access import Access
from xinqiao_adapters.mapping.code import Code
from xinqiao_adapters.mapping.converters import TEXT
from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat, Rows
from xinqiao_adapters.mapping.tree import ObjectNode, PartnerNode, object_tree, partner_tree

__all__ = ["write_decoder"]


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
        decoder.read(plan.inner, "node", names)
        decoder.build((*plan.outer, *plan.inner), names, {"header": "{**header}", plan.body: "{}"})

    code.function("read_outer(root)", outer)
    code.function("decode_record(node, outer, header)", record)


class _Decoder:
    def __init__(self, code: Code, access: Access) -> None:
        self.code = code
        self.access = access

    def read(self, rows: Rows, node: str, names: dict[int, str]) -> None:
        """Write the walk over the nodes of a group; ``names`` gets the variable of each row."""
        self._read_node(partner_tree(tuple(row for row in rows if _reads(row))), node, False, names)

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
                self._read_repeat(repeat, self.access.items(node, step), present, names)

    def _read_leaf(self, leaf: Leaf, node: str, text: str, present: str, names: dict[int, str]) -> None:
        value = self.code.fresh("v")
        if leaf.target is None:
            read = self.code.constant("R", leaf.converter.read)
            self.code.line(f"if {node} is not None: {read}({text} or '')")
            return
        names[id(leaf)] = value
        self.code.line(f"{value} = {text}{present}")
        if leaf.converter is not TEXT:
            read = self.code.constant("R", leaf.converter.read)
            self.code.line(f"if {value} is not None: {value} = {read}({value})")
        if leaf.default is not None:
            self.code.line(f"if {value} is None: {value} = {leaf.default!r}")

    def _read_repeat(self, repeat: Repeat, items: str, present: str, names: dict[int, str]) -> None:
        value = names[id(repeat)] = self.code.fresh("v")
        if repeat.scalar:
            (leaf,) = repeat.rows
            assert isinstance(leaf, Leaf)  # noqa: S101 -- a list of scalars has one row
            read = self.code.constant("R", leaf.converter.read)
            item = f"{read}(needed({self.access.text('i')}))"
        else:
            item = f"{self._item_function(repeat)}(i)"
        self.code.line(f"{value} = ([{item} for i in {items}] or None){present}")

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
        self._add_constants(tree, "o")
        self.code.line("return o")

    def _build_object(self, tree: ObjectNode, names: dict[int, str], start: str) -> str:
        made = self.code.fresh("o")
        self.code.line(f"{made} = {start}")
        self._fill(tree, made, names)
        if any(isinstance(row, Leaf) and row.source is None for rows in tree.leaves.values() for row in rows):
            self.code.line(f"if {made}:")
            self._add_constants(tree, made, "    ")
        return made

    def _fill(self, tree: ObjectNode, made: str, names: dict[int, str]) -> None:
        for name in tree.order:
            for row in tree.leaves.get(name, ()):
                if row.source is not None:
                    value = names[id(row)]
                    self.code.line(f"if {value} is not None: {made}[{name!r}] = {value}")
            if name in tree.objects:
                value = self._build_object(tree.objects[name], names, "{}")
                self.code.line(f"if {value}: {made}[{name!r}] = {value}")
            if name in tree.lists:
                values = [self._build_object(item, names, "{}") for item in tree.lists[name]]
                listed = f"[{values[0]}]" if len(values) == 1 else f"without_tail([{', '.join(values)}])"
                self.code.line(f"if {' or '.join(values)}: {made}[{name!r}] = {listed}")

    def _add_constants(self, tree: ObjectNode, made: str, indent: str = "") -> None:
        for name, rows in tree.leaves.items():
            for row in rows:
                if isinstance(row, Leaf) and row.source is None:
                    self.code.line(f"{indent}{made}[{name!r}] = {row.constant!r}")


def _reads(row: Leaf | Repeat) -> bool:
    return isinstance(row, Repeat) or row.reads
