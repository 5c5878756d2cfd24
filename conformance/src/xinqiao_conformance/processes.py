"""What a case expects, read from the published processes: an interpreter as small as their format allows.

It walks the files of ``schemas/processes`` as they stand. How they are read is in docs/processes.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from xinqiao.message import Json
from xinqiao.standard import message_types

__all__ = ["NEW", "Case", "Verdict", "decide", "known_messages", "openers", "process_named", "processes"]

NEW = "new"
_LISTS = ("transitions", "then", "refuses")
_TABLES = ("states", "items")


@dataclass(slots=True)
class Case:
    """Where a case or an item is, who opened it, and what it remembers."""

    process: Json
    opener: str
    state: str = NEW
    memory: dict[str, set[str]] = field(default_factory=dict)
    items: dict[str, "Case"] = field(default_factory=dict)

    def copy(self) -> "Case":
        """Return a case that goes its own way from here."""
        memory = {name: set(ids) for name, ids in self.memory.items()}
        items = {key: item.copy() for key, item in self.items.items()}
        return Case(self.process, self.opener, self.state, memory, items)

    @property
    def shown(self) -> str:
        """The state, or the hold that lies over it."""
        if self.process["states"].get(self.state, {}).get("final"):
            return self.state
        holds = (name for name, each in self.process["states"].items() if self.memory.get(each.get("during", "")))
        return next(holds, self.state)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``takes`` a message, or does not expect it; ``expected`` are the messages that the case waits for."""

    takes: bool
    expected: tuple[str, ...] = ()


@cache
def _files() -> Mapping[str, Json]:
    folder = files("xinqiao") / "schemas" / "processes"
    read = (yaml.safe_load(each.read_bytes()) for each in folder.iterdir() if each.name.endswith(".yaml"))
    return {each["process"]: each for each in sorted(read, key=lambda each: each["process"])}


@cache
def process_named(name: str) -> Json:
    """Return a process together with the parts that it extends; what is its own comes first."""
    whole = dict(_files()[name])
    for each in whole.get("extends", ()):
        part = process_named(each)
        whole |= {key: [*whole.get(key, ()), *part.get(key, ())] for key in _LISTS}
        whole |= {key: {**part.get(key, {}), **whole.get(key, {})} for key in _TABLES}
    return {"transitions": [], "then": [], "refuses": [], "states": {}, "items": {}} | whole


@cache
def processes() -> Mapping[str, Json]:
    """Return the processes that cases can have, by name."""
    return {name: process_named(name) for name, each in _files().items() if each.get("opens")}


@cache
def openers(body: str) -> tuple[str, ...]:
    """Return the messages that open a case in which a message could come; none: no process is about it."""
    about = [each for each in processes().values() if body in known_messages(each)]
    return tuple(dict.fromkeys(opener for each in about for opener in each["opens"]))


def known_messages(process: Json) -> set[str]:
    """Return the messages that a process is about."""
    keys = (name for each in process["items"].values() for name in each["key"])
    return {*(each["message"] for each in process["transitions"]), *keys}


def _opened(body: str, message: Json) -> Case | None:
    """Return the case that a message opens, the most demanding process first."""
    found = [each for each in processes().values() if body in each["opens"]]
    for each in sorted(found, key=lambda each: -len(each["opens"][body].get("when", ()))):
        case = Case(each, message["header"]["sender"])
        if _holds(each["opens"][body], case, message, body):
            return case
    return None


def decide(case: Case | None, body: str, message: Json) -> tuple[Case | None, Verdict]:
    """Return the case after a message, and whether it was expected; an unexpected one changes nothing."""
    is_directive = message_types()[body].message_class == "DIRECTIVE"
    if case is None:
        case = _opened(body, message)
        if case is None:
            expected = () if is_directive else openers(body)
            return None, Verdict(not expected, expected)
    if body not in known_messages(case.process):
        return case, Verdict(takes=True)
    taken = _taken(case, body, message)
    if taken or is_directive:
        return case, Verdict(takes=True)
    return case, Verdict(False, _expected(case))


def _taken(case: Case, body: str, message: Json) -> bool:
    if message_types()[body].message_class == "REQUEST" and _is_refused(case, body, message):
        return False
    own = _arrow(case, body, message)
    named = dict(_named(case, body, message))
    if own and own.get("alone"):
        named = {key: kind for key, kind in named.items() if key in case.items}
    items = {key: case.items.get(key) or Case(kind, case.opener) for key, kind in named.items()}
    arrows = {key: _arrow(each, body, message) for key, each in items.items()}
    found = {key: arrow for key, arrow in arrows.items() if arrow}
    is_final = case.process["states"].get(case.state, {}).get("final")
    needs_own = is_final or any(each["message"] == body for each in case.process["transitions"])
    if not (own or found) or (named and not found) or (needs_own and not own):
        return False
    if own:
        _move(case, own, message, body)
    for key, arrow in found.items():
        case.items[key] = items[key]
        _move(items[key], arrow, message, body)
    return True


def _is_refused(case: Case, body: str, message: Json) -> bool:
    hold = case.process["states"].get(case.shown, {})
    if "during" in hold and body not in hold.get("ends", ()):
        return True
    return any(body in each["messages"] and _holds(each, case, message, body) for each in case.process["refuses"])


def _named(case: Case, body: str, message: Json) -> Iterable[tuple[str, Json]]:
    for kind, item in case.process["items"].items():
        number = _values(message, body, item["key"][body]) if body in item["key"] else []
        if number:
            yield f"{kind}:{number[0]}", {"then": [], "items": {}, **item}


def _arrows_from(process: Json, state: str, body: str) -> list[Json]:
    of_state = process["states"].get(state, {})
    is_living = state in process["states"] and not of_state.get("final") and "during" not in of_state
    return [
        each
        for each in process["transitions"]
        if each["message"] == body and (is_living if each["from"] == "any" else state in each["from"])
    ]


def _arrow(case: Case, body: str, message: Json) -> Json | None:
    role = "opener" if message["header"]["sender"] == case.opener else "counterparty"
    leaving = (each for each in _arrows_from(case.process, case.state, body) if each.get("by", role) == role)
    return next((each for each in leaving if _holds(each, case, message, body)), None)


def _values(message: Json, body: str, path: str) -> list[Any]:
    found: list[Any] = [message if path.startswith("header.") else message[body]]
    for name in path.replace("[]", "").split("."):
        below = [each.get(name) for each in found if isinstance(each, dict)]
        found = [one for each in below for one in (each if isinstance(each, list) else [each]) if one is not None]
    return found


def _holds(condition: Json, case: Case, message: Json, body: str) -> bool:
    memory = case.memory
    for path, wanted in condition.get("when", {}).items():
        choices = wanted if isinstance(wanted, list) else [wanted]
        if not any(value in choices for value in _values(message, body, path)):
            return False
    for path, name in condition.get("same", {}).items():
        if not memory.get(name, set()) & set(map(str, _values(message, body, path))):
            return False
    for path, name in condition.get("not_after", {}).items():
        latest = max(memory.get(name) or {"9999"})
        if any(str(value) > latest for value in _values(message, body, path)):
            return False
    return (
        all(_values(message, body, path) for path in condition.get("has", ()))
        and not any(_values(message, body, path) for path in condition.get("lacks", ()))
        and all(memory.get(name) for name in condition.get("needs", ()))
        and not any(memory.get(name) for name in condition.get("without", ()))
        and ("only" not in condition or len(memory.get(condition["only"], ())) == 1)
    )


def _read(source: Any, case: Case, message: Json, body: str) -> set[str]:  # noqa: ANN401 -- as the file says it
    if isinstance(source, dict):
        elements = _values(message, body, source["each"])
        fitting = (each for each in elements if all(_in(each, *want) for want in source.get("where", {}).items()))
        return {str(value) for each in fitting for value in _values({"": each}, "", source["take"])}
    if source.startswith("="):
        return {source[1:]}
    if source.startswith("@"):
        return set(case.memory.get(source[1:], ()))
    return set(map(str, _values(message, body, source)))


def _in(element: Any, path: str, wanted: object) -> bool:  # noqa: ANN401 -- any part of a message
    return wanted in _values({"": element}, "", path)


def _move(case: Case, arrow: Json, message: Json, body: str) -> None:
    memory = {name: values for name, values in case.memory.items() if name not in arrow.get("forget", ())}
    changes = {verb: [(name, _read(each, case, message, body)) for name, each in arrow.get(verb, {}).items()]
               for verb in ("drop", "remember", "add")}  # fmt: skip
    for name, ids in changes["drop"]:
        memory[name] = memory.get(name, set()) - ids
    memory |= dict(changes["remember"])
    for name, ids in changes["add"]:
        memory[name] = memory.get(name, set()) | ids
    if arrow.get("due") or "due" in memory:
        memory["due"] = (memory.get("due", set()) - {body}) | set(arrow.get("due", ()))
    case.memory, case.state = memory, arrow.get("to", case.state)
    for _ in case.process["then"]:
        step = next(
            (each for each in case.process["then"] if case.state in each["from"] and _is_ready(each, memory)), None
        )
        if step is None:
            break
        case.state = step["to"]


def _is_ready(then: Json, memory: Mapping[str, set[str]]) -> bool:
    return (
        all(memory.get(part, set()) <= memory.get(whole, set()) for whole, part in then.get("covers", {}).items())
        and all(memory.get(name) for name in then.get("needs", ()))
        and not any(memory.get(name) for name in then.get("without", ()))
    )


def _expected(case: Case) -> tuple[str, ...]:
    hold = case.process["states"].get(case.shown, {})
    bodies = dict.fromkeys(each["message"] for each in case.process["transitions"])
    leaving = [each for body in bodies for each in _arrows_from(case.process, case.state, body)]
    if "during" in hold:
        awaited = [each["message"] for each in leaving if each["message"] in hold["ends"]]
    else:
        awaited = [each["message"] for each in leaving if each["from"] != "any" and not each.get("optional")]
    return tuple(dict.fromkeys((*sorted(case.memory.get("due", ())), *awaited)))
