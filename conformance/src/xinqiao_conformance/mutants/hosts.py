"""How mutants of H5 hosts are made: the reference with a step done otherwise, on a bench of its own."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from xinqiao.testing import BANK
from xinqiao_conformance.benches.h5 import H5Bench, h5_bench
from xinqiao_conformance.declaration import Declaration, Reach, Subject
from xinqiao_conformance.kits import Kit, kit_named
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.h5 import ReferenceHost, host_at

__all__ = ["host_declared", "mutant_host", "reference_host"]

_KIT = "h5-host/family-trust/h5"
_PATIENCE = 5.0


def host_declared(kit: Kit) -> Declaration:
    """Return what a reference declares, or a mutant made of it."""
    return Declaration(
        Subject(name="reference", institution=BANK), (kit,), frozenset({"embedding"}), Reach(start="reference"),
        _PATIENCE, True, "sha256:" + "0" * 64,
    )  # fmt: skip


@contextmanager
def reference_host(kit: Kit, kind: type[ReferenceHost] = ReferenceHost) -> Iterator[H5Bench]:
    """Yield a bench with a host in this process."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-reference-") as folder:
        declaration = replace(host_declared(kit), folder=Path(folder))
        with h5_bench(declaration, kit, start=partial(host_at, kind=kind)) as bench:
            yield bench


def mutant_host(
    name: str, breaks: str, kind: type[ReferenceHost], also: Iterable[str] = (), *, mechanical: bool = False
) -> Mutant:
    """Return a host that does a step otherwise."""
    kit = kit_named(_KIT)
    opened = partial(reference_host, kit, kind)
    return Mutant(f"H5 host that {name}", breaks, mechanical, host_declared(kit), kit, opened, frozenset(also))
