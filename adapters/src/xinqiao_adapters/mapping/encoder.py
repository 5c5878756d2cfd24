"""Writes the code that writes a record: canonical objects in, the partner's nodes out.

Values become converted texts first; then each place of the partner's gets its text from the rows that stand there;
then the nodes are written. Anything that would be lost raises ``Unfit``: a value that the format does not hold, an
item beyond the indices mapped, a field of the standard without a row. ``trace`` then says what, where and why.
"""

from dataclasses import replace

from xinqiao.message import ROUTING
from xinqiao_adapters.mapping.access import Access
from xinqiao_adapters.mapping.code import Code
from xinqiao_adapters.mapping.converters import ONLY
from xinqiao_adapters.mapping.neutral import is_neutral
from xinqiao_adapters.mapping.places import shared
from xinqiao_adapters.mapping.plan import Condition, Leaf, Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.shapes import Steps, names_in
from xinqiao_adapters.mapping.totals import total_of
from xinqiao_adapters.mapping.tree import ObjectNode, object_tree, partner_tree

__all__ = ["value_at", "write_encoder"]


def write_encoder(code: Code, plan: Plan, access: Access) -> None:
    """Add ``encode_record(message)`` to a module."""
    encoder = _Encoder(code, plan, access)
    code.function("encode_record(message)", lambda: encoder.record(plan.rows))


def value_at(node: object, path: Steps) -> object:
    """Return the value at a canonical path below an object, None where there is none."""
    for name, index in path:
        node = node.get(name) if isinstance(node, dict) else None
        if isinstance(index, int):
            node = node[index] if isinstance(node, list) and len(node) > index else None
    return node


class _Encoder:
    def __init__(self, code: Code, plan: Plan, access: Access) -> None:
        self.code = code
        self.plan = plan
        self.access = access
        self.asked: dict[tuple[str, Condition], str] = {}
        # Rows made here: their ``id`` names a variable as long as they live.
        self.kept: list[Leaf] = []

    def record(self, rows: Rows) -> None:
        """Write the body of the function for the whole message."""
        writing = _writing(rows)
        tree = object_tree(writing)
        names: dict[int, str] = {}
        self._ask("message", writing)
        for name in ("header", self.plan.body):
            child = tree.objects.get(name, ObjectNode())
            made = self.code.fresh("o")
            self.code.line(f"{made} = message.get({name!r}, NONE)")
            self._read_object(child, made, (name,), "message", names)
        self._return(writing, names, "message", None)

    def _item_function(self, repeat: Repeat, path: tuple[str, ...]) -> str:
        name = self.code.fresh("write_")
        asked, self.asked = self.asked, {}

        def write() -> None:
            names: dict[int, str] = {}
            writing = _writing(repeat.rows)
            self._ask("item", writing)
            self._read_object(object_tree(writing), "item", path, "item", names)
            self._return(writing, names, "item", repeat.source[-1])

        self.code.function(f"{name}(item)", write)
        self.asked = asked
        return name

    def _ask(self, scope: str, rows: Rows) -> None:
        """Write the values that conditions of the rows of a scope ask for."""
        for condition in dict.fromkeys(each for row in rows for each in row.conditions):
            value = self.asked[scope, condition] = self.code.fresh("q")
            at = self.code.constant("AT", value_at)
            path = self.code.constant("PATH", condition.path)
            values = self.code.constant("VALUES", condition.values)
            self.code.line(f"{value} = {at}({scope}, {path}) in {values}")

    def _asks(self, row: Leaf | Repeat, scope: str) -> str:
        return " and ".join(self.asked[scope, condition] for condition in row.conditions)

    def _return(self, rows: Rows, names: dict[int, str], scope: str, step: str | None) -> None:
        tree = partner_tree(self._places(rows, names, scope))
        self.code.line(f"return {self.access.written(self.code, tree, names, step)}")

    def _places(self, rows: Rows, names: dict[int, str], scope: str) -> Rows:
        """Return one row for each place of the partner's, in their order; ``names`` gets its variable."""
        at: dict[Source, list[Leaf | Repeat]] = {}
        for row in rows:
            for part in self._parts(row, names, scope):
                at.setdefault(part.source or (), []).append(part)
        return tuple(self._one(parts, names) for parts in at.values())

    def _parts(self, row: Leaf | Repeat, names: dict[int, str], scope: str) -> list[Leaf | Repeat]:
        """Return a row for each of the places of one row; a constant of the standard has none."""
        if isinstance(row, Repeat) or (row.target is None and row.total is None and not row.conditions):
            return [row]
        if row.source is None:
            return []
        if row.target is None:
            return [self._own_value(row, names, scope)]
        if row.join is None:
            return [row]
        parts = [replace(row, source=source, more=(), join=None) for source in row.sources]
        variables = [self.code.fresh("v") for _ in parts]
        names |= {id(part): variable for part, variable in zip(parts, variables, strict=True)}
        self.kept += parts
        cut = self.code.constant("J", row.join.write)
        self.code.line(f"{', '.join(variables)} = {cut}({names[id(row)]})")
        return [*parts]

    def _own_value(self, row: Leaf, names: dict[int, str], scope: str) -> Leaf:
        """Write a value of the partner's own that is not always the same: a total, or one with a condition."""
        made = replace(row, target=())
        self.kept.append(made)
        value = names[id(made)] = self.code.fresh("v")
        if row.total is not None:
            total = self.code.constant("TOTAL", row.total)
            self.code.line(f"{value} = {self.code.constant('OF', total_of)}({total}, {scope})")
            write = self.code.constant("W", row.converter.write)
            self.code.line(f"if {value} is not None: {value} = {write}({value})")
        else:
            self.code.line(f"{value} = {row.constant!r}")
        if row.conditions:
            self.code.line(f"if not ({self._asks(row, scope)}): {value} = None")
        return made

    def _one(self, parts: list[Leaf | Repeat], names: dict[int, str]) -> Leaf | Repeat:
        """Return the row that stands for all rows of a place."""
        first = parts[0]
        lists = [part for part in parts if isinstance(part, Repeat)]
        if lists:
            if len(parts) > 1:
                self.code.line(f"{names[id(first)]} = {' + '.join(names[id(part)] for part in lists)}")
            return first
        leaves = [part for part in parts if isinstance(part, Leaf)]
        if len(leaves) == 1 and leaves[0].target is None:
            return first
        return self._text(leaves, names)

    def _text(self, leaves: list[Leaf], names: dict[int, str]) -> Leaf:
        leaf = leaves[0]
        value = names.get(id(leaf), "")  # none where a fixed text shares the place: then it gets one below
        share = leaf.share
        if len(leaves) > 1 or share is not None:
            leaf = replace(leaf, target=(), converter=replace(leaf.converter, plain=False))
            self.kept.append(leaf)
            value = names[id(leaf)] = self.code.fresh("v")
            texts = [repr(each.constant) if each.target is None else names[id(each)] for each in leaves]
            if share is not None:
                pieces = {each.share.piece: text for each, text in zip(leaves, texts, strict=True) if each.share}
                texts = [pieces.get(piece, "None") for piece in range(share.pieces)]
            by = share.by if share is not None else None
            self.code.line(f"{value} = {self.code.constant('S', shared)}(({', '.join(texts)},), {by!r})")
        outgoing = self.access.outgoing(leaf, value)
        if outgoing != value:
            self.code.line(f"if {value} is not None: {value} = {outgoing}")
        return leaf

    def _read_object(
        self, tree: ObjectNode, made: str, path: tuple[str, ...], scope: str, names: dict[int, str]
    ) -> None:
        self._refuse_losses(tree, made, path)
        for name, rows in tree.leaves.items():
            self._refuse_unchosen(rows, f"{made}.get({name!r})", scope)
            for row in rows:
                if isinstance(row, Repeat):
                    self._read_list(row, made, (*path, name), scope, names)
                else:
                    self._read_leaf(row, made, (*path, name), scope, names)
        for name, child in tree.objects.items():
            inner = self.code.fresh("o")
            self.code.line(f"{inner} = {made}.get({name!r}, NONE)")
            self._read_object(child, inner, (*path, name), scope, names)
        for name, items in tree.lists.items():
            listed = self.code.fresh("l")
            self.code.line(f"{listed} = {made}.get({name!r}, ())")
            self.code.line(f"if len({listed}) > {len(items)}: raise Unfit")
            for index, item in enumerate(items):
                inner = self.code.fresh("o")
                self.code.line(f"{inner} = {listed}[{index}] if len({listed}) > {index} else NONE")
                self._read_object(item, inner, (*path, name), scope, names)

    def _refuse_unchosen(self, rows: list[Leaf | Repeat], value: str, scope: str) -> None:
        """Refuse a value whose rows all have conditions, and none holds."""
        if all(row.conditions for row in rows):
            held = " or ".join(f"({self._asks(row, scope)})" for row in rows)
            said = value if all(isinstance(row, Repeat) for row in rows) else f"{value} is not None"
            self.code.line(f"if {said} and not ({held}): raise Unfit")

    def _refuse_losses(self, tree: ObjectNode, made: str, path: tuple[str, ...]) -> None:
        places = {*tree.order, *(ROUTING if path == ("header",) else ())}
        lost = set()
        for name in sorted(names_in(self.plan.body, path) - places):
            values = self.plan.dropped.get(".".join((*path, name)))
            if values is None:
                lost.add(name)
            elif values:
                known = self._neutral(values, f"{made}[{name!r}]")
                self.code.line(f"if {name!r} in {made} and not {known}: raise Unfit")
        if lost:
            names = self.code.constant("LOST", frozenset(lost))
            self.code.line(f"if not {names}.isdisjoint({made}): raise Unfit")

    def _neutral(self, values: tuple[object, ...], value: str) -> str:
        return f"{self.code.constant('NEUTRAL', is_neutral)}({self.code.constant('VALUES', values)}, {value})"

    def _read_leaf(self, leaf: Leaf, made: str, path: tuple[str, ...], scope: str, names: dict[int, str]) -> None:
        value = names[id(leaf)] = self.code.fresh("v")
        self.code.line(f"{value} = {made}.get({path[-1]!r})")
        if leaf.target and leaf.target[-1][1] == 0:
            self.code.line(f"{value} = single({value} or ())")
        if leaf.conditions:
            self.code.line(f"if not ({self._asks(leaf, scope)}): {value} = None")
        if leaf.source is None:
            self.code.line(f"if {value} is not None and {value} != {leaf.constant!r}: raise Unfit")
            return
        losable = self.plan.dropped.get(".".join(path))
        if losable and leaf.converter.rule == ONLY:
            self.code.line(f"if {value} is not None and {self._neutral(losable, value)}: {value} = None")
        write = self.code.constant("W", leaf.converter.write)
        self.code.line(f"if {value} is not None: {value} = {write}({value})")
        if leaf.filler is not None:
            self.code.line(f"if {value} is None and {made}: {value} = {leaf.filler!r}")

    def _read_list(self, repeat: Repeat, made: str, path: tuple[str, ...], scope: str, names: dict[int, str]) -> None:
        value = names[id(repeat)] = self.code.fresh("v")
        items = f"{made}.get({path[-1]!r}, ())"
        if repeat.single:
            items = f"alone({made}.get({path[-1]!r}))"
        if repeat.conditions:
            items = f"({items} if {self._asks(repeat, scope)} else ())"
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
