"""How mutants of H5 hosts are made: the reference with a step done otherwise, on a bench of its own."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import partial

from xinqiao.testing import BANK
from xinqiao_conformance.benches.h5 import H5Bench, h5_bench
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit, kit_named
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.mutants.on_bench import declaring, on_bench
from xinqiao_conformance.references.h5 import ReferenceHost, host_at

__all__ = ["host_declared", "mutant_host", "reference_host"]

_KIT = "h5-host/family-trust/h5"
_PATIENCE = 5.0


def host_declared(kit: Kit) -> Declaration:
    """Return what a reference declares, or a mutant made of it."""
    return declaring(kit, BANK, {"embedding"}, _PATIENCE)


def reference_host(kit: Kit, kind: type[ReferenceHost] = ReferenceHost) -> AbstractContextManager[H5Bench]:
    """Return a bench with a host in this process."""
    return on_bench(host_declared(kit), h5_bench, partial(host_at, kind=kind))


def mutant_host(
    name: str, breaks: str, kind: type[ReferenceHost], also: Iterable[str] = (), *, mechanical: bool = False
) -> Mutant:
    """Return a host that does a step otherwise."""
    kit = kit_named(_KIT)
    opened = partial(reference_host, kit, kind)
    return Mutant(f"H5 host that {name}", breaks, mechanical, host_declared(kit), kit, opened, frozenset(also))
