"""Writes the code that writes a record: canonical objects in, the partner's nodes out.

Anything that would be lost raises ``Unfit``: a value that the format does not hold, an item beyond the
indices mapped, a field of the standard without a row. ``trace`` then says what, where and why.
"""

from xinqiao_adapters.mapping.access import Access
from xinqiao_adapters.mapping.code import Code
from xinqiao_adapters.mapping.neutral import is_neutral
from xinqiao_adapters.mapping.plan import ROUTING, Leaf, Plan, Repeat, Rows
from xinqiao_adapters.mapping.shapes import names_in
from xinqiao_adapters.mapping.tree import ObjectNode, object_tree, partner_tree

__all__ = ["write_encoder"]


def write_encoder(code: Code, plan: Plan, access: Access) -> None:
    """Add ``encode_record(message)`` to a module."""
    encoder = _Encoder(code, plan, access)
    code.function("encode_record(message)", lambda: encoder.record(plan.rows))


class _Encoder:
    def __init__(self, code: Code, plan: Plan, access: Access) -> None:
        self.code = code
        self.plan = plan
        self.access = access

    def record(self, rows: Rows) -> None:
        """Write the body of the function for the whole message."""
        tree = object_tree(_writing(rows))
        names: dict[int, str] = {}
        for name in ("header", self.plan.body):
            child = tree.objects.get(name, ObjectNode())
            made = self.code.fresh("o")
            self.code.line(f"{made} = message.get({name!r}, NONE)")
            self._read_object(child, made, (name,), names)
        self._return(rows, names, None)

    def _item_function(self, repeat: Repeat, path: tuple[str, ...]) -> str:
        name = self.code.fresh("write_")

        def write() -> None:
            names: dict[int, str] = {}
            self._read_object(object_tree(_writing(repeat.rows)), "item", path, names)
            self._return(repeat.rows, names, repeat.source[-1])

        self.code.function(f"{name}(item)", write)
        return name

    def _return(self, rows: Rows, names: dict[int, str], step: str | None) -> None:
        tree = partner_tree(_writing(rows))
        self.code.line(f"return {self.access.written(self.code, tree, names, step)}")

    def _read_object(self, tree: ObjectNode, made: str, path: tuple[str, ...], names: dict[int, str]) -> None:
        self._refuse_losses(tree, made, path)
        for name, rows in tree.leaves.items():
            for row in rows:
                if isinstance(row, Repeat):
                    self._read_list(row, made, (*path, name), names)
                else:
                    self._read_leaf(row, made, name, names)
        for name, child in tree.objects.items():
            inner = self.code.fresh("o")
            self.code.line(f"{inner} = {made}.get({name!r}, NONE)")
            self._read_object(child, inner, (*path, name), names)
        for name, items in tree.lists.items():
            listed = self.code.fresh("l")
            self.code.line(f"{listed} = {made}.get({name!r}, ())")
            self.code.line(f"if len({listed}) > {len(items)}: raise Unfit")
            for index, item in enumerate(items):
                inner = self.code.fresh("o")
                self.code.line(f"{inner} = {listed}[{index}] if len({listed}) > {index} else NONE")
                self._read_object(item, inner, (*path, name), names)

    def _refuse_losses(self, tree: ObjectNode, made: str, path: tuple[str, ...]) -> None:
        places = {*tree.order, *(ROUTING if path == ("header",) else ())}
        lost = set()
        for name in sorted(names_in(self.plan.body, path) - places):
            values = self.plan.dropped.get(".".join((*path, name)))
            if values is None:
                lost.add(name)
            elif values:
                neutral = self.code.constant("NEUTRAL", is_neutral)
                known = self.code.constant("VALUES", values)
                self.code.line(f"if {name!r} in {made} and not {neutral}({known}, {made}[{name!r}]): raise Unfit")
        if lost:
            names = self.code.constant("LOST", frozenset(lost))
            self.code.line(f"if not {names}.isdisjoint({made}): raise Unfit")

    def _read_leaf(self, leaf: Leaf, made: str, name: str, names: dict[int, str]) -> None:
        value = names[id(leaf)] = self.code.fresh("v")
        self.code.line(f"{value} = {made}.get({name!r})")
        if leaf.source is None:
            self.code.line(f"if {value} is not None and {value} != {leaf.constant!r}: raise Unfit")
            return
        write = self.code.constant("W", leaf.converter.write)
        self.code.line(f"if {value} is not None: {value} = {write}({value})")
        outgoing = self.access.outgoing(leaf, value)
        if outgoing != value:
            self.code.line(f"if {value} is not None: {value} = {outgoing}")

    def _read_list(self, repeat: Repeat, made: str, path: tuple[str, ...], names: dict[int, str]) -> None:
        value = names[id(repeat)] = self.code.fresh("v")
        items = f"{made}.get({path[-1]!r}, ())"
        if repeat.scalar:
            (leaf,) = repeat.rows
            assert isinstance(leaf, Leaf)  # noqa: S101 -- a list of scalars has one row
            write = self.code.constant("W", leaf.converter.write)
            item = self.access.outgoing(leaf, f"{write}(i)")
        else:
            item = f"{self._item_function(repeat, path)}(i)"
        self.code.line(f"{value} = {self.access.outgoing_items(repeat, items, item)}")


def _writing(rows: Rows) -> Rows:
    """Return the rows that act on the way out; a row that does not is no place for its field."""
    return tuple(row for row in rows if isinstance(row, Repeat) or row.writes)
