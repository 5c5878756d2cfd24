"""Mutants of a channel profile: each is the profile with one slip of the hand in one row or code table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from xinqiao.errors import ProfileInvalid
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.check.codes import CodesSeen
from xinqiao_adapters.check.profile_rows import said_rows
from xinqiao_adapters.check.proof import Proof, proof_of
from xinqiao_adapters.interface import CompiledInterface
from xinqiao_adapters.loader import LoadedProfile, load_profile
from xinqiao_adapters.mapping.compiled import Mapping as CompiledMapping
from xinqiao_adapters.mapping.rows import plan_of
from xinqiao_adapters.profile import Digits, Profile, Row, Sign

Path = tuple[str, ...]
Table = Mapping[str, Row]
Changed = Callable[[Table], Table]

_OTHER_AMOUNT = {"fen": "yuan", "yuan": "fen", "wan": "yuan"}
_OTHER_PERCENT = {"ratio": "sign", "sign": "ratio"}
# What a row says besides where: rows that say the same could be swapped by a slip of the hand.
_OF_THE_PLACE = {"source", "at", "each", "proposed"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A profile with one change, named, and the interfaces that it touches."""

    name: str
    profile: Profile
    touched: tuple[str, ...]
    table: str | None = None


@dataclass(frozen=True)
class Subject:
    """A shipped channel, loaded once, whose mutants are judged."""

    channel_id: str

    @cached_property
    def loaded(self) -> LoadedProfile:
        return load_profile(self.channel_id, [])

    @cached_property
    def channel(self) -> Channel:
        return load_channel(self.channel_id, [])

    @cached_property
    def proof(self) -> Proof:
        return proof_of(self.channel)

    @cached_property
    def tables(self) -> dict[Path, tuple[str, ...]]:
        """Each table of rows, by its place in the profile, and the interfaces that use it."""
        profile, found = self.loaded.profile, dict[Path, tuple[str, ...]]()
        for name in self.channel.compiled:
            for table in dict.fromkeys(each.table for each in said_rows(profile, name)):
                path = _path_of(table, profile)
                found[path] = (*found.get(path, ()), name)
        return found

    def mutants(self) -> Iterator[Mutant]:
        """Yield every mutant, in the profile's order."""
        for path, touched in self.tables.items():
            for what, table in _table_mutants(_at(self.loaded.profile, path)):
                yield Mutant(f"{'.'.join(path)}: {what}", _with(self.loaded.profile, path, table), touched)
        for name, codes in self.loaded.profile.codes.items():
            users = tuple(each for each in self.channel.compiled if self._uses(each, name))
            for one, other in pairwise(codes.values):
                if codes.values[one] != codes.values[other]:
                    values = {**codes.values, one: codes.values[other], other: codes.values[one]}
                    send = {value: code for value, code in codes.send.items() if code not in (one, other)}
                    other_codes = codes.model_copy(update={"values": values, "send": send})
                    profile = _with(self.loaded.profile, ("codes", name), other_codes)
                    yield Mutant(f"codes.{name}: {one} and {other} swapped", profile, users, name)

    def _uses(self, interface: str, table: str) -> bool:
        return any(each.row.codes == table for each in said_rows(self.loaded.profile, interface))

    def kills(self, mutant: Mutant) -> bool:
        """Whether the check of the channel fails with a mutant, or it does not even load."""
        if mutant.table is not None and self._lists_differ(mutant):
            return True
        for name in mutant.touched:
            try:
                if self.proof.sees(self._compiled(mutant.profile, name)):
                    return True
            except ProfileInvalid:
                return True
        return False

    def _lists_differ(self, mutant: Mutant) -> bool:
        seen = CodesSeen(mutant.profile, self.channel.compiled)
        return any(list(seen.listed(said)) for said in self.proof.cases.codes if said.table == mutant.table)

    def _compiled(self, profile: Profile, name: str) -> CompiledInterface:
        """Compile the mapping anew; format, key and match stay those of the channel."""
        interface = self.channel.compiled[name]
        plan = plan_of(replace(self.loaded, profile=profile), name, profile.interfaces[name])
        mapping = CompiledMapping(name, interface.format.located(plan), interface.mapping.access)
        return replace(interface, mapping=mapping)


def _path_of(table: str, profile: Profile) -> Path:
    """Return the steps to a table; keys hold dots, so they are found by walking."""
    head, name, *_ = table.split(".", 2)
    steps: list[str] = [head, name]
    rest = table[len(head) + len(name) + 2 :]
    rows: Any = getattr(profile, head)[name]
    if head == "interfaces":
        steps, rest, rows = [*steps, "map"], rest.removeprefix("map").removeprefix("."), rows.map
    while rest:
        key = next(each for each in sorted(rows, key=len, reverse=True) if rest.startswith(f"{each}.map"))
        steps += [key, "map"]
        rest, rows = rest[len(key) + 4 :].removeprefix("."), rows[key].map
    return tuple(steps)


def _at(node: Any, path: Path) -> Any:
    for step in path:
        node = node[step] if isinstance(node, dict) else getattr(node, step)
    return node


def _with(node: Any, path: Path, value: Any) -> Any:
    """Return a copy of a model or dict with another value at a path."""
    if not path:
        return value
    step, *rest = path
    if isinstance(node, BaseModel):
        return node.model_copy(update={step: _with(getattr(node, step), tuple(rest), value)})
    return {**node, step: _with(node[step], tuple(rest), value)}


def _table_mutants(table: Table) -> Iterator[tuple[str, Table]]:
    for key, row in table.items():
        yield f"{key} dropped", {name: each for name, each in table.items() if name != key}
        yield from ((f"{key}: {what}", {**table, key: other}) for what, other in _row_mutants(key, row))
    for part in ("source", "at", "each"):
        kinds: dict[str, list[str]] = {}
        for key, row in table.items():
            if getattr(row, part) is not None:
                kinds.setdefault(_kind(key, row), []).append(key)
        for keys in kinds.values():
            for one, other in pairwise(keys):
                if getattr(table[one], part) != getattr(table[other], part):
                    yield f"{one} and {other} swapped", _swapped(table, one, other, part)


def _kind(key: str, row: Row) -> str:
    return repr(row.model_dump(exclude=_OF_THE_PLACE, exclude_defaults=True)) + str(key.startswith("header."))


def _swapped(table: Table, one: str, other: str, part: str) -> Table:
    places = {key: getattr(table[key], part) for key in (one, other)}
    changed = {
        one: table[one].model_copy(update={part: places[other]}),
        other: table[other].model_copy(update={part: places[one]}),
    }
    return {**table, **changed}


def _row_mutants(key: str, row: Row) -> Iterator[tuple[str, Row]]:
    for name, mutate in _MUTATORS.items():
        said = getattr(row, name)
        if said is None or said == {}:
            continue
        for what, update in mutate(row):
            yield f"{name} {what}", row.model_copy(update=update)


Updates = Iterator[tuple[str, dict[str, Any]]]


def _pattern(name: str, one: str, other: str) -> Callable[[Row], Updates]:
    def mutate(row: Row) -> Updates:
        said = str(getattr(row, name))
        if one in said and other in said:
            yield (
                f"with {one} and {other} swapped",
                {name: said.replace(one, "\0").replace(other, one).replace("\0", other)},
            )

    return mutate


def _zone(row: Row) -> Updates:
    yield "of another zone", {"zone": "+09:30"}


def _amount(row: Row) -> Updates:
    other = _OTHER_AMOUNT[str(row.amount)]
    yield f"in {other}", {"amount": other, "decimal": None if other == "fen" else row.decimal}


def _percent(row: Row) -> Updates:
    yield "written otherwise", {"percent": _OTHER_PERCENT[str(row.percent)]}


def _decimal(row: Row) -> Updates:
    if row.amount is None and row.percent is None and row.decimal != 0:
        yield "without digits after the point", {"decimal": Digits(least=0, most=0)}


def _boolean(row: Row) -> Updates:
    said = row.boolean or {}
    yield "swapped", {"boolean": {"true": said["false"], "false": said["true"]}}


def _constant(row: Row) -> Updates:
    if isinstance(row.constant, bool):
        yield "turned", {"constant": not row.constant}
    elif isinstance(row.constant, str):
        yield "of another text", {"constant": f"{row.constant[:-1]}{'Y' if row.constant[-1:] == 'X' else 'X'}"}


def _default(row: Row) -> Updates:
    if isinstance(row.default, bool):
        yield "turned", {"default": not row.default}


def _sign(row: Row) -> Updates:
    sign = row.sign
    if sign is not None:
        yield "turned", {"sign": Sign.model_validate({"from": sign.source, "minus": sign.plus, "plus": sign.minus})}


def _source(row: Row) -> Updates:
    if isinstance(row.source, list) and len(row.source) > 1:
        yield "in another order", {"source": list(reversed(row.source))}


def _piece(row: Row) -> Updates:
    yield "another one", {"piece": ((row.piece or 0) + 1) % (row.pieces or 1)}


def _without(name: str, empty: object) -> Callable[[Row], Updates]:
    def mutate(row: Row) -> Updates:
        yield "taken away", {name: empty}

    return mutate


def _where(row: Row) -> Updates:
    yield "of another text", {"where": {path: f"{text}X" for path, text in row.where.items()}}


_MUTATORS: Mapping[str, Callable[[Row], Updates]] = {
    "date": _pattern("date", "%m", "%d"),
    "datetime": _pattern("datetime", "%m", "%d"),
    "time": _pattern("time", "%H", "%M"),
    "zone": _zone,
    "amount": _amount,
    "percent": _percent,
    "decimal": _decimal,
    "boolean": _boolean,
    "constant": _constant,
    "default": _default,
    "sign": _sign,
    "source": _source,
    "piece": _piece,
    "where": _where,
    "when": _without("when", {}),
    "nothing": _without("nothing", None),
    "pad": _without("pad", None),
    "grouping": _without("grouping", None),
    "halfwidth": _without("halfwidth", None),
}


def survivors(subject: Subject, mutants: Sequence[Mutant]) -> list[str]:
    """Return the names of the mutants that the check of their channel does not notice."""
    return [mutant.name for mutant in mutants if not subject.kills(mutant)]
