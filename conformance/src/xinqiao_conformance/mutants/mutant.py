"""What a mutant is, and whether the suite kills it."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from xinqiao_conformance.benches import web
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Breach, Unseen
from xinqiao_conformance.running import planned

__all__ = ["Mutant", "failing"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """An implementation that breaks one requirement, ``breaks``, and no other.

    ``also`` are requirements that say the same in general, as that a message keeps its schema, or follow from it; of
    those that are ``mechanical``, made from the error table, a process, the fields of an answer, not each is named.
    ``declaration`` and ``kit`` are what it claims to support; ``open`` gives a bench with it on it, in this process.
    """

    name: str
    breaks: str
    mechanical: bool
    declaration: Declaration
    kit: Kit
    open: Callable[[], AbstractContextManager[Any]]
    also: frozenset[str] = frozenset()


def failing(mutant: Mutant, only: Iterable[str] = ()) -> frozenset[str]:
    """Return the requirements that the suite finds broken; of ``only`` these, if any are given, else of all.

    Only a ``Breach`` counts: a mutant that breaks down by itself would prove nothing, so what else is raised is raised.
    """
    wanted, failed = frozenset(only), set()
    with _standing(mutant.name), mutant.open() as bench:
        for each in planned(mutant.declaration, mutant.kit):
            requirement = each.case.requirement.id
            if requirement in failed or (wanted and requirement not in wanted):
                continue
            try:
                with suppress(Unseen):
                    each.do(bench)
            except Breach:
                failed.add(requirement)
    return frozenset(failed)


class _Faults(logging.Handler):
    """Keeps what a server says of a fault in what it serves."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.said.append(f"{record.getMessage()}: {error!r}")


@contextmanager
def _standing(name: str) -> Iterator[None]:
    """Raise ``AssertionError`` where a mutant does not break a requirement but breaks down."""
    faults, logger = _Faults(), logging.getLogger(web.__name__)
    logger.addHandler(faults)
    try:
        yield
    finally:
        logger.removeHandler(faults)
    if faults.said:
        raise AssertionError(f"{name} breaks down: {faults.said[0]}")
