"""Kinds of reconciliation as data: what is paired with what, which fields compare, within which tolerance, why.

Read once from ``kinds.yaml`` and ``causes.yaml`` of this package.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from xinqiao.errors import ContentRefused

__all__ = ["Action", "Compared", "Kind", "Outcome", "Row", "Source", "causes", "kind_of", "tolerance"]

Outcome = Literal["MATCHED", "ONLY_HERE", "ONLY_THERE", "DIFFERENT"]
Action = Literal["supplement", "reverse", "resend", "correct"]
Compared = Literal["amount", "units", "type", "state", "date", "accountNo", "instrument"]


class Among(BaseModel, extra="forbid", frozen=True):
    """Whether the value at a path of the body is one of some."""

    at: str
    among: tuple[str, ...]


class Source(BaseModel, extra="forbid", frozen=True):
    """How a message type of the journal becomes items of a statement.

    ``item`` and ``each_item`` give the path of each field of an item, in the body or in each element of the list at
    ``each``. ``counted`` leaves out what a statement does not list; ``latest`` is what tells the last of several
    balances. ``constants`` are what a message made of an item needs besides, ``void`` what makes one count no more.
    """

    item: dict[str, str]
    key_else: str | None = None
    each: str | None = None
    each_item: dict[str, str] = {}
    negative: Among | None = None
    counted: Among | None = None
    reverses: str | None = None
    day: str | None = None
    moment: str | None = None
    latest: str | None = None
    fee: str | None = None
    yields_to: str | None = None
    constants: dict[str, Any] = {}
    void: dict[str, Any] | None = None


class Kind(BaseModel, extra="forbid", frozen=True):
    """One kind of reconciliation.

    ``in_flight`` is how many business days of ``calendar`` an item may take to reach the other side.
    """

    calendar: Literal["bank", "exchange"]
    in_flight: int
    pair: tuple[Literal["key", "instrument"], ...]
    compare: dict[Compared, str]
    sources: dict[str, Source]
    reversed_states: tuple[str, ...] = ()


class Row(BaseModel, extra="forbid", frozen=True):
    """One row of ``causes.yaml``: the test, the cause, and what mends it."""

    field: Compared | None = None
    when: str = "otherwise"
    cause: str = ""
    repair: str | None = None
    action: Action | None = None


class _Kinds(BaseModel, extra="forbid", frozen=True):
    tolerances: dict[str, Decimal]
    kinds: dict[str, Kind]


class _Causes(BaseModel, extra="forbid", frozen=True):
    ONLY_HERE: tuple[Row, ...]
    ONLY_THERE: tuple[Row, ...]
    DIFFERENT: tuple[Row, ...]
    sent_from_here: Row
    sent_from_there: Row


def _data(name: str) -> object:
    return yaml.safe_load((files(__package__) / name).read_bytes())


@cache
def _kinds() -> _Kinds:
    return _Kinds.model_validate(_data("kinds.yaml"))


def kind_of(name: str) -> Kind:
    """Return a kind by its code of ``statement-kinds``. Raises ``ContentRefused`` for one that is not reconciled."""
    known = _kinds().kinds
    if name not in known:
        raise ContentRefused(f"statements of kind {name} are not reconciled; those that are: {', '.join(known)}")
    return known[name]


@cache
def tolerance(name: str) -> Decimal:
    """Return a tolerance by its name."""
    return _kinds().tolerances[name]


@cache
def causes() -> Mapping[str, tuple[Row, ...]]:
    """Return the rows for each outcome, and for who sent a message, in the order of the file."""
    found = _Causes.model_validate(_data("causes.yaml"))
    return {
        "ONLY_HERE": found.ONLY_HERE,
        "ONLY_THERE": found.ONLY_THERE,
        "DIFFERENT": found.DIFFERENT,
        "sent_from_here": (found.sent_from_here,),
        "sent_from_there": (found.sent_from_there,),
    }
