"""Cases: what the suite does to find out whether a requirement is met. Each names its requirement and can fail.

A case is a function of a bench. It passes by returning; it fails by raising ``Breach``, or anything else.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from xinqiao_conformance.kits import ROLES, Kit
from xinqiao_conformance.requirements import Requirement, requirement_of

__all__ = ["Case", "Run", "Test", "cases", "cases_of"]

Test = Callable[..., None]
Over = Callable[[Kit], Iterable[tuple[str, Any]]]
# Modules with cases, by role.
_CASES = "xinqiao_conformance.cases"
_known: dict[str, "Case"] = {}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a case: with which value, if it is run over several."""

    case: "Case"
    id: str
    do: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One test of one requirement by one role.

    ``negative``: the suite does something wrong or hostile, or something fails, and the subject must hold its ground.
    ``needs``: features of the declaration without which it is not run. ``businesses`` and ``transports``: the only ones
    it is for; empty for all. ``over``: it is run once for each value, by kit.
    ``is_last``: it looks at what the others did, and is run when they are done.
    """

    id: str
    requirement: Requirement
    role: str
    negative: bool
    needs: frozenset[str]
    businesses: frozenset[str]
    transports: frozenset[str]
    over: Over | None
    is_last: bool
    test: Test

    def is_for(self, kit: Kit, supports: Iterable[str]) -> bool:
        """Say whether the case belongs to a kit, for a subject with these features."""
        fits = not self.businesses or kit.business in self.businesses
        fits = fits and (not self.transports or kit.transport in self.transports)
        return self.role == kit.role and fits and self.needs <= frozenset(supports)

    def runs(self, kit: Kit) -> Iterator[Run]:
        """Yield the runs of the case in a kit."""
        if self.over is None:
            yield Run(self, self.id, self.test)
            return
        for label, value in self.over(kit):
            yield Run(self, f"{self.id}[{label}]", partial(_with_value, self.test, value))


def _with_value(test: Test, value: object, bench: object) -> None:
    test(bench, value)


def cases_of(role: str) -> Callable[..., Callable[[Test], Test]]:
    """Return the decorator that registers cases by which a role is tested."""
    if role not in ROLES:
        raise ValueError(f"{role} is no role; there are {', '.join(ROLES)}")

    def case(
        requirement_id: str,
        *,
        negative: bool = False,
        needs: Iterable[str] = (),
        businesses: Iterable[str] = (),
        transports: Iterable[str] = (),
        over: Over | None = None,
        last: bool = False,
    ) -> Callable[[Test], Test]:
        requirement = requirement_of(requirement_id)

        def register(test: Test) -> Test:
            theme = test.__module__.rpartition(".")[2]
            name = f"{role}.{theme}.{test.__name__}"
            if name in _known:
                raise ValueError(f"two cases are called {name}")
            _known[name] = Case(
                name, requirement, role, negative, frozenset(needs), frozenset(businesses), frozenset(transports),
                over, last, test,
            )  # fmt: skip
            return test

        return register

    return case


@cache
def cases() -> tuple[Case, ...]:
    """Return every case there is, in the order of their ids. Raises where one names an unknown requirement."""
    for package in iter_modules(import_module(_CASES).__path__):
        name = f"{_CASES}.{package.name}"
        for module in iter_modules(getattr(import_module(name), "__path__", ())):
            import_module(f"{name}.{module.name}")
    return tuple(sorted(_known.values(), key=lambda each: each.id))
