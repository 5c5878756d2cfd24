"""What a mutant is, and whether the suite kills it."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Breach
from xinqiao_conformance.running import planned

__all__ = ["Mutant", "failing"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """An implementation that breaks one requirement, ``breaks``, and no other.

    ``also`` are requirements that say the same in general, as that a message keeps its schema, or follow from it.
    ``mechanical``: made from the error table, a process, the fields of an answer; not by hand. ``declaration`` and
    ``kit`` are what it claims to support; ``open`` gives a bench with it on it, in this process.
    """

    name: str
    breaks: str
    mechanical: bool
    declaration: Declaration
    kit: Kit
    open: Callable[[], AbstractContextManager[Any]]
    also: frozenset[str] = frozenset()


def failing(mutant: Mutant, only: Iterable[str] = ()) -> frozenset[str]:
    """Return the requirements that the suite finds broken; of ``only`` these, if any are given, else of all."""
    wanted, failed = frozenset(only), set()
    with mutant.open() as bench:
        for each in planned(mutant.declaration, mutant.kit):
            requirement = each.case.requirement.id
            if requirement in failed or (wanted and requirement not in wanted):
                continue
            try:
                each.do(bench)
            except Breach:
                failed.add(requirement)
            except Exception:  # noqa: BLE001 -- the engine counts this as a failure, too
                failed.add(requirement)
    return frozenset(failed)
