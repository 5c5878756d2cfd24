"""Reads the scenario of a business from its YAML file, and names its paths."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from xinqiao_conformance.scenarios.arrows import Process, arrows_of
from xinqiao_conformance.scenarios.composing import (
    ACCEPTED,
    NOTHING,
    PARKED,
    Nothing,
    Pause,
    Scenario,
    Send,
    Side,
    Step,
    either,
    of,
)
from xinqiao_conformance.simulators.durations import duration
from xinqiao_conformance.simulators.script import sending_of

__all__ = ["BUSINESSES", "HAPPY", "Business", "Path", "business_named", "scenario_of", "states_along"]

BUSINESSES = ("family-trust", "insurance-trust", "trading-day", "prepaid", "abs", "micro-finance", "registration")
# The path that takes the first of all alternatives.
HAPPY = "happy"
_SIDES: tuple[Side, ...] = ("opener", "counterparty")


@dataclass(frozen=True, slots=True)
class Path:
    """One way through a business, from its first step to its last. ``id`` is stable: the business and a name."""

    business: str
    name: str
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        """Return the name among all paths."""
        return f"{self.business}.{self.name}"


@dataclass(frozen=True, slots=True)
class Business:
    """A business: the institution that plays each side in a simulation, its process if one is published, its paths.

    ``trustee`` is the side of the trust company.
    """

    name: str
    sides: Mapping[Side, str]
    process: Process | None
    paths: tuple[Path, ...]

    @property
    def trustee(self) -> Side:
        """Return the side of the trust company."""
        return next(side for side in _SIDES if self.sides[side] == "core")

    @property
    def happy(self) -> Path:
        """Return the path that goes as it should."""
        return next(each for each in self.paths if each.name == HAPPY)


@cache
def business_named(name: str) -> Business:
    """Return a business with the paths that are written for it.

    Raises ``ValueError`` for one that there is not, and for data that is wrong.
    """
    if name not in BUSINESSES:
        raise ValueError(f"no business {name}; there are {', '.join(BUSINESSES)}")
    text = (files(__package__) / "businesses" / f"{name}.yaml").read_text(encoding="utf-8")
    said: dict[str, Any] = yaml.safe_load(text)
    scenario = scenario_of(said["steps"])
    paths = tuple(Path(name, ".".join(each.names) or HAPPY, each.steps) for each in scenario.branches)
    twice = [path for path, count in Counter(each.name for each in paths).items() if count > 1]
    if twice:
        raise ValueError(f"{name}: two paths are called {twice[0]}; give the alternatives other names")
    process = arrows_of(said["process"]) if "process" in said else None
    return Business(name, said["sides"], process, paths)


def scenario_of(steps: list[Any]) -> Scenario:
    """Read steps, one after another, each an object as in the files of businesses. Raises ``ValueError``."""
    whole = NOTHING
    for each in steps:
        whole = whole.then(_part(each))
    return whole


def _part(said: dict[str, Any]) -> Scenario:
    if "either" in said:
        return either({name: scenario_of(steps) for name, steps in said["either"].items()})
    return of(_step(said))


def _step(said: dict[str, Any]) -> Step:
    if "pause" in said:
        return Pause(duration(said["pause"]))
    if "nothing" in said:
        return Nothing(said["by"], said["nothing"], _within(said))
    [by] = [side for side in _SIDES if side in said]
    return Send(
        by=by,
        sending=sending_of(said[by], said),
        answers=said.get("answers", ""),
        about=said.get("about", ""),
        replaces=said.get("replaces", ""),
        expected=PARKED if said.get("parked") else said.get("refused", ACCEPTED),
        within=_within(said),
        leads_to=said.get("to", ""),
    )


def _within(said: Mapping[str, Any]) -> timedelta:
    return duration(said["within"]) if "within" in said else timedelta()


def states_along(path: Path) -> Iterator[tuple[int, str]]:
    """Yield after how many steps the case is in which state, from none on."""
    state = "new"
    yield 0, state
    for number, step in enumerate(path.steps, 1):
        if isinstance(step, Send) and step.leads_to:
            state = step.leads_to
        yield number, state
