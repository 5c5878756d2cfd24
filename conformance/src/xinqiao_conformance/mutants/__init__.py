"""Mutants: implementations that break one requirement each. The suite must fail each, and for that requirement only."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from xinqiao_conformance.mutants.mutant import Mutant

__all__ = ["Mutant", "mutants"]


@cache
def mutants() -> tuple[Mutant, ...]:
    """Return every mutant: what the modules of this package have as ``MUTANTS``."""
    found: list[Mutant] = []
    for module in iter_modules(__path__):
        found += getattr(import_module(f"{__name__}.{module.name}"), "MUTANTS", ())
    names = [each.name for each in found]
    if len(set(names)) != len(names):
        raise ValueError("two mutants have one name")
    return tuple(found)
