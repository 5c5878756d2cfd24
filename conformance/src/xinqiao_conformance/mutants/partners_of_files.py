"""How mutants of file partners are made: the reference with a step done otherwise, on a bench of its own."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import partial

from xinqiao.testing import BANK
from xinqiao_conformance.benches.files import FilesBench, files_bench
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit, kit_named
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.mutants.on_bench import declaring, on_bench
from xinqiao_conformance.references.files import ReferencePartner, partner_at

__all__ = ["mutant_partner", "partner_declared", "reference_partner"]

_KIT = "file-partner/trading-day/sftp"
# A result comes late by a twentieth of it: that is waited for in thirty cases.
_PATIENCE = 3.0
_SUPPORTS = frozenset({"corrections", "lines"})


def partner_declared(kit: Kit) -> Declaration:
    """Return what a reference declares, or a mutant made of it."""
    return declaring(kit, BANK, _SUPPORTS, _PATIENCE)


def reference_partner(kit: Kit, kind: type[ReferencePartner] = ReferencePartner) -> AbstractContextManager[FilesBench]:
    """Return a bench with a file partner in this process."""
    return on_bench(partner_declared(kit), files_bench, partial(partner_at, kind=kind, types=kit.types))


def mutant_partner(
    name: str, breaks: str, kind: type[ReferencePartner], also: Iterable[str] = (), *, mechanical: bool = False
) -> Mutant:
    """Return a file partner that does a step otherwise."""
    kit = kit_named(_KIT)
    opened = partial(reference_partner, kit, kind)
    return Mutant(f"file partner that {name}", breaks, mechanical, partner_declared(kit), kit, opened, frozenset(also))
