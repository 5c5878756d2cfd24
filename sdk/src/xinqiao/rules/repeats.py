"""Which of several keys came before."""

from collections.abc import Hashable, Iterable, Iterator

__all__ = ["repeats"]


def repeats(keys: Iterable[Hashable]) -> Iterator[int]:
    """Yield the place of each key that is already among those before it."""
    seen: set[Hashable] = set()
    for index, key in enumerate(keys):
        if key in seen:
            yield index
        seen.add(key)
