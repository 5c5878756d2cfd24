"""Rows laid out as the two trees that they connect: the partner's nodes and the standard's objects."""

from dataclasses import dataclass, field

from xinqiao.errors import ProfileInvalid
from xinqiao_adapters.mapping.plan import Leaf, Repeat, Rows
from xinqiao_adapters.mapping.shapes import Steps

__all__ = ["ObjectNode", "PartnerNode", "object_tree", "partner_tree"]


@dataclass(slots=True)
class PartnerNode:
    """A node of the partner's document and what the rows take from it, each in the order of the rows."""

    text: list[Leaf] = field(default_factory=list)
    attributes: dict[str, list[Leaf]] = field(default_factory=dict)
    children: "dict[str, PartnerNode]" = field(default_factory=dict)
    repeats: dict[str, list[Repeat]] = field(default_factory=dict)
    # Steps of children and repeats in order of their first mention.
    order: list[str] = field(default_factory=list)

    def child(self, step: str) -> "PartnerNode":
        """Return the child at a step, made on first mention."""
        if step not in self.children:
            self.children[step] = PartnerNode()
            self.order.append(step)
        return self.children[step]


def partner_tree(rows: Rows) -> PartnerNode:
    """Lay rows out by their sources; constants of the standard have none.

    Raises ``ProfileInvalid`` where a node would be a value and a group, or a list and a single node, at once.
    """
    root = PartnerNode()
    for row in rows:
        if row.source is None:
            continue
        node = root
        for step in row.source[:-1]:
            node = node.child(step)
        last = row.source[-1] if row.source else None
        if isinstance(row, Repeat):
            node.repeats.setdefault(row.source[-1], []).append(row)
            if row.source[-1] not in node.order:
                node.order.append(row.source[-1])
        elif last is not None and last.startswith("@"):
            node.attributes.setdefault(last[1:], []).append(row)
        else:
            (node if last is None else node.child(last)).text.append(row)
    _refuse_conflicts(root)
    return root


def _refuse_conflicts(node: PartnerNode) -> None:
    if node.text and node.order:
        raise ProfileInvalid(f"{node.text[0].mark}: a node with nodes below it ({node.order[0]}) is no value itself")
    for step, child in node.children.items():
        if step in node.repeats:
            raise ProfileInvalid(f"{node.repeats[step][0].mark}: {step} is a list here, and a single node elsewhere")
        _refuse_conflicts(child)


@dataclass(slots=True)
class ObjectNode:
    """An object of the standard: its values, its objects, and its lists by index."""

    leaves: dict[str, list[Leaf | Repeat]] = field(default_factory=dict)
    objects: "dict[str, ObjectNode]" = field(default_factory=dict)
    lists: "dict[str, list[ObjectNode]]" = field(default_factory=dict)
    # Names in order of their first mention.
    order: dict[str, None] = field(default_factory=dict)


def object_tree(rows: Rows) -> ObjectNode:
    """Lay rows out by their targets; fixed values of the partner's own have none.

    Raises ``ProfileInvalid`` where the indices of a list are not 0, 1, 2, … or stand beside ``[]``.
    """
    root = ObjectNode()
    for row in rows:
        if row.target:
            node = _object_at(root, row.target[:-1], row)
            name = row.target[-1][0]
            node.order.setdefault(name)
            node.leaves.setdefault(name, []).append(row)
            if name in node.lists:
                raise ProfileInvalid(f"{row.mark}: {name} is mapped by index and by []")
    return root


def _object_at(root: ObjectNode, steps: Steps, row: Leaf | Repeat) -> ObjectNode:
    node = root
    for name, index in steps:
        node.order.setdefault(name)
        if index is None:
            node = node.objects.setdefault(name, ObjectNode())
            continue
        items = node.lists.setdefault(name, [])
        if not isinstance(index, int) or index > len(items) or name in node.leaves:
            raise ProfileInvalid(f"{row.mark}: indices of {name} run 0, 1, 2, … in this order, without [] beside")
        if index == len(items):
            items.append(ObjectNode())
        node = items[index]
    return node
