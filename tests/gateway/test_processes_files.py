"""Every file of ``schemas/processes`` fits the standard: messages, classes, paths, and states that lead somewhere."""

import json
from collections.abc import Iterator
from itertools import chain

import pytest

from generate import ROOT
from xinqiao.standard import field_at, message_types, schema_of
from xinqiao_gateway.processes import processes
from xinqiao_gateway.processes.model import Condition, ItemKind, Process, Source, Take, Transition

NAMES = sorted(processes())
KINDS = [(name, kind) for name in NAMES for kind in sorted(processes()[name].items)]


def machine(name: str, kind: str | None) -> Process | ItemKind:
    return processes()[name].items[kind] if kind else processes()[name]


MACHINES: list[tuple[str, str | None]] = [*((name, None) for name in NAMES), *KINDS]


def exists(body: str, path: str) -> bool:
    named = path if path.startswith("header.") else f"{body}.{path}"
    return field_at(body, named) is not None


def source_paths(source: Source) -> Iterator[str]:
    if isinstance(source, Take):
        yield from (f"{source.each}[].{name}" for name in (source.take, *source.where))
    elif source[0] not in "=@":
        yield source


def condition_paths(condition: Condition) -> Iterator[str]:
    yield from chain(condition.when, condition.has, condition.lacks, condition.same, condition.not_after)


def paths(each: Transition) -> Iterator[str]:
    yield from condition_paths(each)
    for changes in (each.drop, each.remember, each.add):
        yield from chain.from_iterable(map(source_paths, changes.values()))
    if each.names:
        yield each.names


@pytest.mark.parametrize(("name", "kind"), MACHINES)
def test_every_message_is_one_of_the_standard_and_every_path_leads_to_a_field(name: str, kind: str | None) -> None:
    for each in machine(name, kind).transitions:
        assert each.message in message_types(), each.message
        assert [path for path in paths(each) if not exists(each.message, path)] == [], each.message


@pytest.mark.parametrize("name", NAMES)
def test_what_opens_refuses_and_numbers_leads_to_fields_as_well(name: str) -> None:
    process = processes()[name]
    for message, condition in process.opens.items():
        assert [path for path in condition_paths(condition) if not exists(message, path)] == []
    for refusal in process.refuses:
        for message in refusal.messages:
            assert [path for path in condition_paths(refusal) if not exists(message, path)] == [], message
            assert message_types()[message].message_class == "REQUEST"
    for kind in process.items.values():
        assert [message for message, path in kind.key.items() if not exists(message, path)] == []
        assert set(kind.key) == {each.message for each in kind.transitions}


def allowed(body: str, path: str) -> set[object]:
    """Return the values that a field may have, of its enumeration or its code list; nothing where it is free."""
    field = field_at(body, path if path.startswith("header.") else f"{body}.{path}")
    assert field is not None
    if field.codes:
        return set(json.loads((ROOT / "schemas" / "codes" / f"{field.codes}.json").read_text())["codes"])
    part = field.schema.get("items", field.schema)
    definitions = schema_of(message_types()[body].name)["$defs"]
    return set(definitions.get(part.get("$ref", "").rpartition("/")[2], part).get("enum", ()))


@pytest.mark.parametrize(("name", "kind"), MACHINES)
def test_a_value_that_is_asked_for_is_one_that_the_field_may_have(name: str, kind: str | None) -> None:
    for each in machine(name, kind).transitions:
        for path, wanted in each.when.items():
            asked = set(wanted if isinstance(wanted, tuple) else (wanted,))
            may_be = allowed(each.message, path)
            assert not may_be or asked <= may_be, (each.message, path)


@pytest.mark.parametrize(("name", "kind"), MACHINES)
def test_every_state_is_reached_and_left_unless_it_is_final(name: str, kind: str | None) -> None:
    data = machine(name, kind)
    holds = {state for state, each in data.states.items() if "during" in each}
    resting = set(data.states) - holds
    final = {state for state, each in data.states.items() if each.get("final")}
    reached = {each.to for each in data.transitions if each.to} | {each.to for each in data.then}
    left = {state for each in data.transitions if each.from_ != "any" for state in each.from_}
    left |= {state for each in data.then for state in each.from_}
    if isinstance(data, Process):
        reached |= {each.to for each in data.expires} | ({data.abandon.to} if data.abandon else set())
        left |= {state for each in data.transitions if each.from_ == "any" for state in resting - final}
    assert resting == reached
    assert resting - final <= left <= resting | {"new"}


@pytest.mark.parametrize("name", NAMES)
def test_a_hold_is_laid_and_lifted_by_memories_that_some_arrow_fills_and_empties(name: str) -> None:
    process = processes()[name]
    filled = {memory for each in process.transitions for memory in (*each.add, *each.remember)}
    emptied = {memory for each in process.transitions for memory in (*each.drop, *each.forget)}
    for each in process.states.values():
        if "during" in each:
            assert each["during"] in filled & emptied
            assert set(each.get("ends", ())) <= set(message_types())


@pytest.mark.parametrize(("name", "kind"), MACHINES)
def test_every_memory_that_is_read_is_filled_somewhere(name: str, kind: str | None) -> None:
    data = machine(name, kind)
    filled = {memory for each in data.transitions for memory in (*each.add, *each.remember)}
    read = {memory for each in data.transitions for memory in (*each.same.values(), *each.not_after.values())}
    read |= {memory for each in data.transitions for memory in (*each.needs, *([each.only] if each.only else []))}
    for each in data.then:
        read |= {*each.covers, *each.covers.values(), *each.needs, *each.without}
    assert read <= filled


@pytest.mark.parametrize("name", NAMES)
def test_every_process_takes_directives_in_every_state_that_is_not_final(name: str) -> None:
    directives = {body for body, each in message_types().items() if each.message_class == "DIRECTIVE"}
    anywhere = {each.message for each in processes()[name].transitions if each.from_ == "any"}
    assert directives <= anywhere


def test_no_two_processes_open_by_the_same_message_under_the_same_condition() -> None:
    opening = [(message, str(each)) for process in processes().values() for message, each in process.opens.items()]
    assert len(opening) == len(set(opening))
