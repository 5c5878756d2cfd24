"""The Merkle tree over the lines of a recording, in memory that grows with the logarithm of their number."""

from xinqiao.evidence import Tree, leaf_hash

__all__ = ["GrowingTree"]


class GrowingTree:
    """The tree of RFC 6962 §2.1 over lines that come one by one; ``Tree`` holds all of its levels, this none."""

    def __init__(self) -> None:
        self.size = 0
        # Roots of full subtrees, each at least twice as large as the next.
        self._full: list[bytes] = []

    def add(self, line: bytes) -> None:
        """Add a line."""
        node, rest = leaf_hash(line, b""), self.size
        while rest & 1:
            node = Tree.over((self._full.pop(), node)).root
            rest >>= 1
        self._full.append(node)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root over the lines so far, at least one."""
        *others, node = self._full
        for left in reversed(others):
            node = Tree.over((left, node)).root
        return node
