"""The arrows of the processes, compiled once: conditions and effects as lookups, without pydantic on the hot path."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from xinqiao.message import Json
from xinqiao_gateway.processes.memory import DUE, MOST, CaseState, Memory
from xinqiao_gateway.processes.model import Condition, Role, Source, Take, Then, Transition

__all__ = ["Arrow", "Guard", "Path", "Reader", "path_of", "settled", "values_at"]

Path = tuple[str, ...]


def path_of(written: str) -> Path:
    """Return the names of a path; ``[]`` needs no step of its own, as a list is read element by element."""
    return tuple(written.replace("[]", "").split("."))


def values_at(part: Any, path: Path) -> list[Any]:  # noqa: ANN401 -- any part of a message
    """Return every value that the path leads to."""
    if len(path) == 1 and isinstance(part, dict):
        # Most paths are one step, and most messages pass here several times.
        value = part.get(path[0])
        return value if isinstance(value, list) else [] if value is None else [value]
    found = [part]
    for name in path:
        below = [each.get(name) for each in found if isinstance(each, dict)]
        found = [
            value for each in below for value in (each if isinstance(each, list) else (each,)) if value is not None
        ]
    return found


class Reader:
    """Reads the ids that an effect names: of the message, of the case's memory, or a word."""

    __slots__ = ("_each", "_memory", "_path", "_where", "_word")

    def __init__(self, source: Source) -> None:
        self._word = self._memory = None
        self._each: Path | None = None
        self._where: tuple[tuple[Path, Any], ...] = ()
        if isinstance(source, Take):
            self._each, self._path = path_of(source.each), path_of(source.take)
            self._where = tuple((path_of(name), value) for name, value in source.where.items())
        elif source.startswith("="):
            self._word = source[1:]
        elif source.startswith("@"):
            self._memory = source[1:]
        else:
            self._path = path_of(source)

    def read(self, case: CaseState, message: Json, body: Json) -> Iterable[str]:
        """Return the ids."""
        if self._word is not None:
            return (self._word,)
        if self._memory is not None:
            return case.memory.get(self._memory, ())
        if self._each is None:
            return map(str, values_at(message if self._path[0] == "header" else body, self._path))
        return (str(value) for each in self._elements(body) for value in values_at(each, self._path))

    def _elements(self, body: Json) -> Iterable[Any]:
        for element in values_at(body, self._each or ()):
            if all(wanted in values_at(element, path) for path, wanted in self._where):
                yield element


# Says whether a message with this body fits a case with this memory.
Check = Callable[[Memory, Json, Json], bool]


class Guard:
    """A condition, compiled to the checks that it asks for."""

    __slots__ = ("_checks",)

    def __init__(self, condition: Condition) -> None:
        self._checks: tuple[Check, ...] = (
            *(_is_one_of(path_of(name), value) for name, value in condition.when.items()),
            *(_has(path_of(name), wanted=True) for name in condition.has),
            *(_has(path_of(name), wanted=False) for name in condition.lacks),
            *(_is_known(path_of(name), memory) for name, memory in condition.same.items()),
            *(_is_not_after(path_of(name), memory) for name, memory in condition.not_after.items()),
            *(_holds(name, wanted=True) for name in condition.needs),
            *(_holds(name, wanted=False) for name in condition.without),
            *((_holds_one(condition.only),) if condition.only else ()),
        )

    def holds(self, case: CaseState, message: Json, body: Json) -> bool:
        """Say whether a message fits a case or an item."""
        memory = case.memory
        for check in self._checks:  # noqa: SIM110 -- a generator costs more than the checks
            if not check(memory, message, body):
                return False
        return True


def _is_one_of(path: Path, wanted: object) -> Check:
    choices = wanted if isinstance(wanted, tuple) else (wanted,)
    return lambda _memory, message, body: any(value in choices for value in _read(message, body, path))


def _has(path: Path, *, wanted: bool) -> Check:
    return lambda _memory, message, body: bool(_read(message, body, path)) is wanted


def _is_known(path: Path, name: str) -> Check:
    return lambda memory, message, body: any(str(value) in memory.get(name, ()) for value in _read(message, body, path))


def _is_not_after(path: Path, name: str) -> Check:
    return lambda memory, message, body: (
        not memory.get(name) or all(value <= memory[name][-1] for value in _read(message, body, path))
    )


def _holds(name: str, *, wanted: bool) -> Check:
    return lambda memory, _message, _body: bool(memory.get(name)) is wanted


def _holds_one(name: str) -> Check:
    return lambda memory, _message, _body: len(memory.get(name, ())) == 1


def _read(message: Json, body: Json, path: Path) -> list[Any]:
    return values_at(message if path[0] == "header" else body, path)


class Arrow:
    """A transition, compiled."""

    __slots__ = ("_add", "_drop", "_forget", "_guard", "_names", "_remember", "_remembers", "by", "data")

    def __init__(self, transition: Transition) -> None:
        self.data = transition
        self.by: Role | None = transition.by
        self._guard = Guard(transition)
        self._forget = transition.forget
        self._drop, self._remember, self._add = (
            tuple((name, Reader(source)) for name, source in change.items())
            for change in (transition.drop, transition.remember, transition.add)
        )
        self._remembers = bool(self._forget or self._drop or self._remember or self._add or transition.due)
        self._names = path_of(transition.names) if transition.names else None

    def fits(self, case: CaseState, message: Json, body: Json) -> bool:
        """Say whether the arrow takes this message, from a case (or item) in one of the arrow's states."""
        if self.by is not None and self.by != case.role_of(message["header"]["sender"]):
            return False
        return self._guard.holds(case, message, body)

    def memory(self, case: CaseState, message: Json, body: Json) -> Memory | None:
        """Return the memory after this arrow; None where it would hold too much."""
        data, memory = self.data, case.memory
        if not self._remembers and DUE not in memory:
            return memory
        memory = {name: values for name, values in memory.items() if name not in self._forget}
        for name, reader in self._drop:
            gone = set(reader.read(case, message, body))
            memory[name] = [each for each in memory.get(name, ()) if each not in gone]
        for name, reader in self._remember:
            memory[name] = sorted(set(reader.read(case, message, body)))
        for name, reader in self._add:
            memory[name] = sorted({*memory.get(name, ()), *reader.read(case, message, body)})
        if data.due or DUE in memory:
            memory[DUE] = [each for each in memory.get(DUE, ()) if each != data.message and each not in data.due]
            memory[DUE] += data.due
        return memory if all(len(values) <= MOST for values in memory.values()) else None

    def named(self, message: Json, body: Json) -> str | None:
        """Return the id that the arrow's exception is about."""
        found = _read(message, body, self._names) if self._names else []
        return str(found[0]) if found else None


def settled(state: str, memory: Memory, then: Mapping[str, tuple[Then, ...]]) -> str:
    """Return where a case comes to rest: each arrow without a message leads on at most once."""
    for _ in then if state in then else ():
        step = next((each for each in then.get(state, ()) if _ready(each, memory)), None)
        if step is None:
            break
        state = step.to
    return state


def _ready(then: Then, memory: Memory) -> bool:
    return (
        all(set(memory.get(part, ())) <= set(memory.get(whole, ())) for whole, part in then.covers.items())
        and all(memory.get(name) for name in then.needs)
        and not any(memory.get(name) for name in then.without)
    )
