"""Processes as data: the shape of the files in ``schemas/processes``, and how they are read.

A path is written as the dictionary writes it (``applicant.documents[].number``); it reads the message's body, or its
header where it begins with ``header.``. It gives every value that it leads to. A *memory* is a named set of ids that a
case keeps.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, NotRequired

import yaml
from pydantic import BaseModel, ConfigDict, Field, with_config
from typing_extensions import TypedDict

__all__ = [
    "Condition",
    "Expiry",
    "ItemKind",
    "Process",
    "Refusal",
    "Role",
    "Source",
    "State",
    "Take",
    "Then",
    "Title",
    "Transition",
    "definitions",
    "processes",
]

Role = Literal["opener", "counterparty"]
Scalar = str | bool | int

_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


@with_config(ConfigDict(extra="forbid"))
class Title(TypedDict):
    """A text in both languages."""

    zh: str
    en: str


@with_config(ConfigDict(extra="forbid"))
class State(Title):
    """A state. ``final``: nothing is expected any more.

    With ``during`` it is a hold: the case shows it for as long as that memory is not empty, remembers the state
    beneath and goes on from there; requests are refused meanwhile, except those in ``ends``, which work towards its
    end. A ``binding`` one also keeps the case from expiring and from being abandoned.
    """

    final: NotRequired[bool]
    during: NotRequired[str]
    ends: NotRequired[list[str]]
    binding: NotRequired[bool]


class Take(BaseModel):
    """Values of a message: at ``take`` of each element at ``each`` that fits ``where``."""

    model_config = _STRICT

    each: str
    where: dict[str, Scalar] = {}
    take: str


# A path, ``=`` and a word, ``@`` and the name of a memory, or a choice among the elements of a list.
Source = str | Take


class Condition(BaseModel):
    """What must hold of a message and of what the case remembers; all of it.

    ``when``: one of the values at the path is (one of) these. ``has`` and ``lacks``: paths that lead to something, or
    to nothing. ``same``: a value at the path is in that memory. ``needs`` and ``without``: memories that hold
    something, or nothing. ``only``: a memory that holds exactly one. In items, ``case.`` names a memory of the case.
    """

    model_config = _STRICT

    when: dict[str, Scalar | tuple[Scalar, ...]] = {}
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    same: dict[str, str] = {}
    not_after: dict[str, str] = {}
    needs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    only: str | None = None


class Transition(Condition):
    """One arrow of a process: from a state by a message to a state; without ``to`` the case stays where it is.

    ``from: any`` is every state that is not final. Memories change in this order: ``forget``, ``drop``, ``remember``
    (replaces), ``add``. ``due`` names messages that must come now as well. ``exception`` raises one of that kind, and
    ``names`` is the path of the id that it is about. ``optional``: may come, is not waited for. ``alone``: what looks
    like the number of an item may be of none, and then the message is about the case itself.
    """

    message: str
    by: Role | None = None
    from_: tuple[str, ...] | Literal["any"] = Field(alias="from")
    to: str | None = None
    forget: tuple[str, ...] = ()
    drop: dict[str, Source] = {}
    remember: dict[str, Source] = {}
    add: dict[str, Source] = {}
    due: tuple[str, ...] = ()
    exception: str | None = None
    names: str | None = None
    optional: bool = False
    alone: bool = False


class Then(BaseModel):
    """An arrow without a message: a case in ``from`` goes on by itself once these memories say so.

    ``covers``: the first memory holds everything that the second does.
    """

    model_config = _STRICT

    from_: tuple[str, ...] = Field(alias="from")
    to: str
    covers: dict[str, str] = {}
    needs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


class Refusal(Condition):
    """Requests that are refused whatever the state, and the reason."""

    messages: tuple[str, ...]
    reason: Title


class Expiry(BaseModel):
    """A case that nothing changed for ``after`` (ISO 8601, e.g. ``P180D``) in one of these states goes to ``to``."""

    model_config = _STRICT

    after: str = Field(pattern=r"^P([0-9]{1,4}D|T[0-9]{1,4}[HM])$")
    in_: tuple[str, ...] = Field(alias="in")
    to: str


class Abandonment(BaseModel):
    """What an operator may give up: a case in one of these states goes to ``to``."""

    model_config = _STRICT

    in_: tuple[str, ...] = Field(alias="in")
    to: str


class ItemKind(BaseModel):
    """One of many things in a case, each with a state of its own; ``key`` is the path of its number, per message.

    A message that names an item must fit the item; one that the case's own arrows know must fit the case as well.
    """

    model_config = _STRICT

    title: Title
    key: dict[str, str]
    states: dict[str, State]
    transitions: tuple[Transition, ...]
    then: tuple[Then, ...] = ()


class Process(BaseModel):
    """The states and transitions of one kind of case.

    ``opens``: the messages that open a case, each with what must hold of it. ``named``: they must name their case;
    where this is false, one that names none belongs to no case. A file without ``opens`` is a part of others, which
    name it in ``extends``: what is their own comes first.
    """

    model_config = _STRICT

    process: str
    title: Title
    extends: tuple[str, ...] = ()
    opens: dict[str, Condition] = {}
    named: bool = False
    states: dict[str, State] = {}
    transitions: tuple[Transition, ...] = ()
    then: tuple[Then, ...] = ()
    refuses: tuple[Refusal, ...] = ()
    expires: tuple[Expiry, ...] = ()
    abandon: Abandonment | None = None
    items: dict[str, ItemKind] = {}

    def with_parts(self, parts: Mapping[str, "Process"]) -> "Process":
        """Return this process together with what it extends; their openings stay theirs."""
        whole = self
        for name in self.extends:
            part = parts[name].with_parts(parts)
            whole = whole.model_copy(
                update={
                    "states": part.states | whole.states,
                    "transitions": whole.transitions + part.transitions,
                    "then": whole.then + part.then,
                    "refuses": whole.refuses + part.refuses,
                    "expires": whole.expires + part.expires,
                    "abandon": whole.abandon or part.abandon,
                    "items": part.items | whole.items,
                }
            )
        return whole


@cache
def definitions() -> Mapping[str, Process]:
    """Return what each file of ``schemas/processes`` says by itself, by its name, parts of others among them."""
    folder = files("xinqiao") / "schemas" / "processes"
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".yaml")), key=lambda each: each.name)
    read = (Process.model_validate(yaml.load(entry.read_bytes(), Loader=yaml.CSafeLoader)) for entry in entries)
    return {process.process: process for process in read}


@cache
def processes() -> Mapping[str, Process]:
    """Return the processes of the standard by name, each with its parts, read once."""
    parts = definitions()
    return {name: process.with_parts(parts) for name, process in parts.items() if process.opens}
