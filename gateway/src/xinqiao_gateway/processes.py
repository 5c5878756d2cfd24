"""Processes as data: which message a case expects, and what happens to one that it does not.

Pure: a decision is a function of the case's state and the message. The journal takes it inside its commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from xinqiao.message import Json

__all__ = ["CaseState", "Decision", "Process", "decide", "processes"]

Memory = dict[str, list[str]]
Verdict = Literal["advance", "refuse", "park", "free", "nameless"]


class Take(BaseModel):
    """Values to remember: at ``take`` of the body, or of each element at ``each`` that fits ``where``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    each: str | None = None
    where: dict[str, Any] = {}
    take: str


class Collect(BaseModel):
    """Stay in the state until the values at ``value`` cover the remembered ``until``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str
    until: str


class Transition(BaseModel):
    """One arrow of a process."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    message: str
    by: Literal["opener", "counterparty"] | None = None
    from_: tuple[str, ...] = Field(alias="from")
    to: str
    when: dict[str, Any] = {}
    unless: dict[Literal["has"], str] = {}
    same: dict[str, str] = {}
    remember: dict[str, Take] = {}
    collect: Collect | None = None
    exception: str | None = None

    def fits(self, case: "CaseState", body: Json, sender: str) -> bool:
        """Say whether this arrow leaves the case's state for a message with this body from this sender."""
        if case.state not in self.from_ or (self.by and self.by != case.role_of(sender)):
            return False
        if any(body.get(name) != value for name, value in self.when.items()):
            return False
        if self.unless and self.unless["has"] in body:
            return False
        known = dict(self.same)
        if self.collect:
            known[self.collect.value] = self.collect.until
        return all(set(_values(body, path)) & set(case.memory.get(name, ())) for path, name in known.items())


class Process(BaseModel):
    """The states and transitions of one kind of case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    process: str
    title: dict[Literal["zh", "en"], str]
    opens: str
    states: dict[str, dict[Literal["zh", "en"], str]]
    transitions: tuple[Transition, ...]

    def expected_in(self, state: str) -> tuple[str, ...]:
        """Return the messages that some transition expects in a state, in the order of the file."""
        return tuple(dict.fromkeys(each.message for each in self.transitions if state in each.from_))

    def knows(self, body: str) -> bool:
        """Say whether any transition is about this message type."""
        return any(each.message == body for each in self.transitions)


@dataclass(frozen=True, slots=True)
class CaseState:
    """Where a case is, and who opened it. ``memory`` holds ids only, never personal data."""

    process: str
    state: str
    opener: str
    memory: Memory = field(default_factory=dict)

    def role_of(self, institution: str) -> Literal["opener", "counterparty"]:
        """Say which side of the case an institution is."""
        return "opener" if institution == self.opener else "counterparty"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a message does to its case.

    ``advance`` (with the new state), ``refuse`` (a request out of order), ``park`` (a fact that was not
    expected), ``free`` (no process is about it), ``nameless`` (it opens a case and names none).
    """

    verdict: Verdict
    case: CaseState | None = None
    expected: tuple[str, ...] = ()
    exception: str | None = None


@cache
def processes() -> Mapping[str, Process]:
    """Return the processes of the standard by name, read once from ``schemas/processes``."""
    folder = files("xinqiao") / "schemas" / "processes"
    read = (Process.model_validate(yaml.safe_load(entry.read_bytes())) for entry in folder.iterdir())
    return {process.process: process for process in read}


def decide(case_id: str | None, case: CaseState | None, body_key: str, message: Json, is_request: bool) -> Decision:
    """Decide what a message does to its case; ``case`` is None where no case of that id exists."""
    concerned = _concerned(body_key)
    opening = next((process for process in concerned if process.opens == body_key), None)
    if case_id is None:
        return Decision("nameless") if opening else Decision("free")
    sender = message["header"]["sender"]
    if case is None and opening:
        case = CaseState(opening.process, "new", sender)
    if case is None:
        return _unexpected(None, tuple(each.opens for each in concerned), is_request) if concerned else Decision("free")
    process = processes()[case.process]
    if process not in concerned:
        return Decision("free", case)
    body = message[body_key]
    for transition in process.transitions:
        if transition.message == body_key and transition.fits(case, body, sender):
            return Decision("advance", _after(case, transition, body), exception=transition.exception)
    return _unexpected(case, process.expected_in(case.state), is_request)


@cache
def _concerned(body_key: str) -> tuple[Process, ...]:
    return tuple(process for process in processes().values() if process.knows(body_key))


def _unexpected(case: CaseState | None, expected: tuple[str, ...], is_request: bool) -> Decision:
    if is_request:
        return Decision("refuse", case, expected)
    return Decision("park", case, expected, exception="unexpected_fact")


def _after(case: CaseState, transition: Transition, body: Json) -> CaseState:
    memory = dict(case.memory)
    for name, take in transition.remember.items():
        memory[name] = sorted(_taken(take, body))
        memory.pop(f"collected_{name}", None)
    if transition.collect:
        name = f"collected_{transition.collect.until}"
        collected = sorted({*memory.get(name, []), *_values(body, transition.collect.value)})
        memory[name] = collected
        if not set(memory.get(transition.collect.until, [])) <= set(collected):
            return replace(case, memory=memory)
    return replace(case, state=transition.to, memory=memory)


def _taken(take: Take, body: Json) -> set[str]:
    elements = [body] if take.each is None else body.get(take.each, [])
    fitting = (each for each in elements if all(each.get(name) == value for name, value in take.where.items()))
    return {value for each in fitting for value in _values(each, take.take)}


def _values(part: Any, path: str) -> list[str]:  # noqa: ANN401 -- any part of a message
    for name in path.split("."):
        part = part.get(name) if isinstance(part, dict) else None
    return [] if part is None else [str(part)]
