"""Reads the scenario of a business from its YAML file, and names its paths."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from xinqiao.errors import error_table
from xinqiao_conformance.scenarios.arrows import NEW, Process, arrows_of
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

__all__ = ["BUSINESSES", "HAPPY", "Business", "Path", "business_named", "business_of", "scenario_of", "states_along"]

BUSINESSES = ("family-trust", "insurance-trust", "trading-day", "prepaid", "abs", "micro-finance", "registration")
# The path that takes the first of all alternatives.
HAPPY = "happy"
_SIDES: tuple[Side, ...] = ("opener", "counterparty")
_OF_SEND = frozenset({"draft", "example", "set", "answers", "about", "replaces", "refused", "parked", "within", "to"})
# What makes a step what it is, and all that such a step may say.
_KEYS: Mapping[str, frozenset[str]] = {
    "either": frozenset({"either"}),
    "pause": frozenset({"pause"}),
    "nothing": frozenset({"nothing", "by", "within"}),
    "opener": _OF_SEND | {"opener"},
    "counterparty": _OF_SEND | {"counterparty"},
}
_REASONS = frozenset(each.reason for each in error_table())


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
    return business_of(name, yaml.safe_load(text))


def business_of(name: str, said: Mapping[str, Any]) -> Business:
    """Return the business that a file describes. Raises ``ValueError`` for data that is wrong."""
    scenario = scenario_of(said["steps"])
    paths = tuple(Path(name, ".".join(each.names) or HAPPY, each.steps) for each in scenario.branches)
    process = arrows_of(said["process"]) if "process" in said else None
    _require_sound(paths, process)
    return Business(name, said["sides"], process, paths)


def _require_sound(paths: tuple[Path, ...], process: Process | None) -> None:
    twice = [path for path, count in Counter(each.id for each in paths).items() if count > 1]
    if twice:
        raise ValueError(f"two paths are called {twice[0]}; give the alternatives other names")
    states = process.states if process else frozenset[str]()
    for path in paths:
        unknown = [state for _, state in states_along(path) if state not in {NEW, *states}]
        if unknown:
            raise ValueError(f"{path.id}: to: {unknown[0]} is no state; the process has {', '.join(sorted(states))}")
        _require_sent_before(path)


def _require_sent_before(path: Path) -> None:
    """Hold a path to naming messages that it has sent."""
    sent: set[str] = set()
    for number, step in enumerate(path.steps, 1):
        if isinstance(step, Send):
            named = {step.answers, step.about, step.replaces} - {""}
            if strange := named - sent:
                raise ValueError(f"{path.id} #{number}: {strange.pop()} is named, and no step before it sends one")
            if step.expected == ACCEPTED:
                sent.add(step.sending.body)


def scenario_of(steps: list[Any]) -> Scenario:
    """Read steps, one after another, each an object as in the files of businesses. Raises ``ValueError``."""
    whole = NOTHING
    for each in steps:
        whole = whole.then(_part(each))
    return whole


def _part(said: dict[str, Any]) -> Scenario:
    kind = next((each for each in _KEYS if isinstance(said, dict) and each in said), None)
    if kind is None:
        raise ValueError(f"{said!r} is no step: one of {', '.join(_KEYS)} is expected")
    if unknown := said.keys() - _KEYS[kind]:
        raise ValueError(f"{said!r}: no {', '.join(sorted(unknown))}; there are {', '.join(sorted(_KEYS[kind]))}")
    if kind == "either":
        return either({name: scenario_of(steps) for name, steps in said["either"].items()})
    return of(_step(said))


def _step(said: dict[str, Any]) -> Step:
    if "pause" in said:
        return Pause(duration(str(said["pause"])))
    if "nothing" in said:
        if said.get("by") not in _SIDES:
            raise ValueError(f"{said!r}: by: one of {', '.join(_SIDES)} is expected")
        return Nothing(said["by"], said["nothing"], _within(said))
    if "refused" in said and said["refused"] not in _REASONS:
        raise ValueError(f"{said!r}: refused: no such reason in the error table")
    by = next(side for side in _SIDES if side in said)
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
    return duration(str(said["within"])) if "within" in said else timedelta()


def states_along(path: Path) -> Iterator[tuple[int, str]]:
    """Yield after how many steps the case is in which state, from none on."""
    state = NEW
    yield 0, state
    for number, step in enumerate(path.steps, 1):
        if isinstance(step, Send) and step.leads_to:
            state = step.leads_to
        yield number, state
