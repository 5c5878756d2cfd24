"""Puts a reference, or a mutant made of one, on a bench in this process."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from xinqiao_conformance.benches.subject import Start
from xinqiao_conformance.declaration import Declaration, Reach, Subject
from xinqiao_conformance.kits import Kit

__all__ = ["declaring", "on_bench"]

B_co = TypeVar("B_co", covariant=True)


class _Opening(Protocol[B_co]):
    """How a bench of a role is opened, as ``sender_bench`` is."""

    def __call__(self, declaration: Declaration, kit: Kit, *, start: Start) -> AbstractContextManager[B_co]:
        """Open it."""
        ...


def declaring(kit: Kit, institution: str, supports: Iterable[str], patience: float) -> Declaration:
    """Return what a reference declares: one kit, what it supports, seconds of patience."""
    return Declaration(
        Subject(name="reference", institution=institution), (kit,), frozenset(supports), Reach(start="reference"),
        patience, True, "sha256:" + "0" * 64,
    )  # fmt: skip


@contextmanager
def on_bench(declaration: Declaration, bench: _Opening[B_co], start: Start) -> Iterator[B_co]:
    """Yield a bench with what ``start`` starts; its keys and files go with the block."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-reference-") as folder:
        declared = replace(declaration, folder=Path(folder))
        with bench(declared, declared.kits[0], start=start) as opened:
            yield opened
