"""What a message does to its case: a pure function, called inside the journal's commit for each message.

A request out of order is refused, a fact is parked, a directive is taken. What is many in a case (orders, payments,
amendments) is an item: a small case of its own, so that a message costs the same whether a case holds ten or 100,000.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Literal

from xinqiao.message import Json
from xinqiao.standard import message_types
from xinqiao_gateway.processes.arrows import Arrow, Path, path_of, settled, values_at
from xinqiao_gateway.processes.expectation import expected_messages
from xinqiao_gateway.processes.machine import NEW, Machine, machines, openings
from xinqiao_gateway.processes.memory import CaseState
from xinqiao_gateway.processes.model import Title, processes

__all__ = ["Decision", "Verdict", "decide", "item_ids"]

Verdict = Literal["advance", "refuse", "park", "free", "nameless"]

_NO_ITEMS: Mapping[str, CaseState] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Decision:
    """What a message does to its case.

    ``advance`` (with the new state, and the new states of ``items`` by their ids), ``refuse`` (a request out of
    order, or one that the process refuses for a ``reason``), ``park`` (a fact that was not expected), ``free`` (no
    process is about it), ``nameless`` (it opens a case and names none). ``exception`` is the kind of what a person
    must resolve, ``about`` the id that it is about: the message replaced, the payment returned.
    """

    verdict: Verdict
    case: CaseState | None = None
    expected: tuple[str, ...] = ()
    exception: str | None = None
    about: str | None = None
    reason: Title | None = None
    items: Mapping[str, CaseState] = field(default_factory=lambda: _NO_ITEMS)


@dataclass(frozen=True, slots=True)
class _Step:
    """One arrow that fits, where it leads, and from which case or item."""

    arrow: Arrow
    after: CaseState


def item_ids(case_id: str, body_key: str, message: Json) -> tuple[str, ...]:
    """Return the ids of the items that a message may be about: ``case#kind:number``.

    They are rows to load before ``decide``; ``#`` is in no case id of the standard, so none is taken for a case.
    """
    body = message[body_key]
    return tuple(
        item_id
        for kind, path in _item_paths().get(body_key, ())
        for item_id in (_item_id(case_id, kind, body, path),)
        if item_id is not None
    )


def decide(
    case_id: str | None,
    case: CaseState | None,
    body_key: str,
    message: Json,
    is_request: bool,
    *,
    items: Mapping[str, CaseState] = _NO_ITEMS,
) -> Decision:
    """Decide what a message does to its case; ``case`` is None where no case of that id exists.

    ``items`` are those of ``item_ids`` that exist.
    """
    if case_id is None:
        return Decision("nameless") if body_key in _naming() else Decision("free")
    if case is None:
        return _without_case(case_id, body_key, message, is_request)
    machine = machines().get(case.process)
    if machine is None or body_key not in machine.known:
        return Decision("free", case, exception="directive" if body_key in _directives() else None)
    return _in_case(machine, case_id, case, body_key, message, is_request, items)


def _without_case(case_id: str, body_key: str, message: Json, is_request: bool) -> Decision:
    body = message[body_key]
    for opening in openings().get(body_key, ()):
        case = CaseState(opening.machine.name, NEW, message["header"]["sender"])
        if opening.guard.holds(case, message, body):
            return _in_case(opening.machine, case_id, case, body_key, message, is_request, _NO_ITEMS)
    if body_key in _directives():
        return Decision("free", exception="directive")
    expected = _opening_of(body_key)
    return _unexpected(None, expected, is_request) if expected else Decision("free")


def _in_case(
    machine: Machine,
    case_id: str,
    case: CaseState,
    body_key: str,
    message: Json,
    is_request: bool,
    items: Mapping[str, CaseState],
) -> Decision:
    refusal = _refusal(machine, case, body_key, message) if is_request else None
    if refusal:
        return refusal
    own = _own_step(machine, case, body_key, message)
    named = _named(machine, case_id, body_key, message) if body_key in machine.items else ()
    if own is not None and own.arrow.data.alone:
        named = tuple(each for each in named if each[0] in items)
    found = _item_steps(named, items, case, body_key, message) if named else {}
    steps = [*((own,) if own else ()), *found.values()]
    needs_own = body_key in machine.own or case.state in machine.final
    if not steps or (named and not found) or (needs_own and own is None):
        if body_key in _directives():
            return Decision("advance", case, exception="directive")
        return _unexpected(case, expected_messages(case), is_request)
    body = message[body_key]
    raising = next((step.arrow for step in steps if step.arrow.data.exception), None)
    return Decision(
        "advance",
        own.after if own else case,
        exception=raising.data.exception if raising else None,
        about=raising.named(message, body) if raising else None,
        items={item_id: step.after for item_id, step in found.items()} if found else _NO_ITEMS,
    )


def _refusal(machine: Machine, case: CaseState, body_key: str, message: Json) -> Decision | None:
    state = machine.states.get(case.state)
    if state and "during" in state and body_key not in state.get("ends", ()):
        return Decision("refuse", case, expected_messages(case), reason=Title(zh=state["zh"], en=state["en"]))
    for guard, reason in machine.refusals.get(body_key, ()):
        if guard.holds(case, message, message[body_key]):
            return Decision("refuse", case, expected_messages(case), reason=reason)
    return None


def _own_step(machine: Machine, case: CaseState, body_key: str, message: Json) -> _Step | None:
    return _first(machine, case, case.beneath, body_key, message)


def _named(machine: Machine, case_id: str, body_key: str, message: Json) -> tuple[tuple[str, Machine], ...]:
    """Return the items that a message names: their ids and kinds."""
    kinds = machine.items.get(body_key, ())
    numbered = ((_item_id(case_id, kind, message[body_key], path), inner) for kind, path, inner in kinds)
    return tuple((item_id, inner) for item_id, inner in numbered if item_id is not None)


def _item_steps(
    named: tuple[tuple[str, Machine], ...],
    items: Mapping[str, CaseState],
    case: CaseState,
    body_key: str,
    message: Json,
) -> dict[str, _Step]:
    found = {}
    for item_id, inner in named:
        item = items.get(item_id) or CaseState(inner.name, NEW, case.opener)
        step = _first(inner, item, item.state, body_key, message)
        if step is not None:
            found[item_id] = step
    return found


def _first(machine: Machine, case: CaseState, state: str, body_key: str, message: Json) -> _Step | None:
    """Return the first arrow of the file that leaves the state by the message and fits."""
    body = message[body_key]
    for arrow in machine.arrows.get((state, body_key), ()):
        if arrow.fits(case, message, body):
            return _step(machine, arrow, case, message, body)
    return None


def _step(machine: Machine, arrow: Arrow, case: CaseState, message: Json, body: Json) -> _Step | None:
    memory = arrow.memory(case, message, body)
    if memory is None:
        return None
    state = settled(arrow.data.to or case.beneath, memory, machine.then)
    return _Step(arrow, machine.shown(case, state, memory))


def _unexpected(case: CaseState | None, expected: tuple[str, ...], is_request: bool) -> Decision:
    if is_request:
        return Decision("refuse", case, expected)
    return Decision("park", case, expected, exception="unexpected_fact")


def _item_id(case_id: str, kind: str, body: Json, path: Path) -> str | None:
    number = values_at(body, path)
    return f"{case_id}#{kind}:{number[0]}" if number else None


@cache
def _item_paths() -> Mapping[str, tuple[tuple[str, Path], ...]]:
    found: dict[str, dict[tuple[str, Path], None]] = {}
    for process in processes().values():
        for kind, item in process.items.items():
            for message, path in item.key.items():
                found.setdefault(message, {})[kind, path_of(path)] = None
    return {message: tuple(paths) for message, paths in found.items()}


@cache
def _naming() -> frozenset[str]:
    return frozenset(message for process in processes().values() if process.named for message in process.opens)


@cache
def _directives() -> frozenset[str]:
    return frozenset(name for name, each in message_types().items() if each.message_class == "DIRECTIVE")


@cache
def _opening_of(body_key: str) -> tuple[str, ...]:
    """Return the messages that open a case of a process which is about this message."""
    concerned = (name for name in processes() if body_key in machines()[name].known)
    return tuple(dict.fromkeys(message for name in concerned for message in processes()[name].opens))
