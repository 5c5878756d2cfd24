"""How mutants of file partners are made: the reference with a step done otherwise, on a bench of its own."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from xinqiao.testing import BANK
from xinqiao_conformance.benches.files import FilesBench, files_bench
from xinqiao_conformance.declaration import Declaration, Reach, Subject
from xinqiao_conformance.kits import Kit, kit_named
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.files import ReferencePartner, partner_at

__all__ = ["mutant_partner", "partner_declared", "reference_partner"]

_KIT = "file-partner/trading-day/sftp"
# A result comes late by a twentieth of it: that is waited for in thirty cases.
_PATIENCE = 3.0
_SUPPORTS = frozenset({"corrections", "lines"})


def partner_declared(kit: Kit) -> Declaration:
    """Return what a reference declares, or a mutant made of it."""
    return Declaration(
        Subject(name="reference", institution=BANK), (kit,), _SUPPORTS, Reach(start="reference"), _PATIENCE, True,
        "sha256:" + "0" * 64,
    )  # fmt: skip


@contextmanager
def reference_partner(kit: Kit, kind: type[ReferencePartner] = ReferencePartner) -> Iterator[FilesBench]:
    """Yield a bench with a file partner in this process."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-reference-") as folder:
        declaration = replace(partner_declared(kit), folder=Path(folder))
        with files_bench(declaration, kit, start=partial(partner_at, kind=kind, types=kit.types)) as bench:
            yield bench


def mutant_partner(
    name: str, breaks: str, kind: type[ReferencePartner], also: Iterable[str] = (), *, mechanical: bool = False
) -> Mutant:
    """Return a file partner that does a step otherwise."""
    kit = kit_named(_KIT)
    opened = partial(reference_partner, kit, kind)
    return Mutant(f"file partner that {name}", breaks, mechanical, partner_declared(kit), kit, opened, frozenset(also))
