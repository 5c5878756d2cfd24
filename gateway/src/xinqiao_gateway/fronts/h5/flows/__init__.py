"""The flows, one YAML file each: which steps lead to a message. Read once; a file is right as a whole or refused."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError

from xinqiao.errors import SettingsInvalid
from xinqiao.launch import Role
from xinqiao.standard import field_at, message_types
from xinqiao_gateway.fronts.h5.model import STRICT, Flow, Said, Step, Value
from xinqiao_gateway.fronts.h5.steps import KINDS

__all__ = ["flow_names", "flow_of", "read_flow"]


class _FlowFile(BaseModel):
    """A flow's file, but for what each kind of step reads of its own."""

    model_config = STRICT

    flow: str = Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")
    title: Said
    body: str | None = None
    entered_by: frozenset[Role] = Field(min_length=1)
    confirmed_by: frozenset[Role] = frozenset()
    constants: dict[str, Value] = {}
    derived: dict[str, Literal["case", "now", "today"]] = {}
    of_launch: frozenset[str] = frozenset()
    steps: list[dict[str, Any]] = Field(min_length=1)


def read_flow(content: bytes, name: str) -> Flow:
    """Read a flow's file. Raises ``SettingsInvalid`` that names the file, the step, and what is wrong with it."""
    try:
        found = _FlowFile.model_validate(yaml.safe_load(content))
    except (ValidationError, yaml.YAMLError) as error:
        raise SettingsInvalid(f"flow {name}: {error}") from error
    if found.flow != name or found.body not in {None, *message_types()}:
        raise SettingsInvalid(f"flow {name}: says flow: {found.flow}, body: {found.body}")
    if unknown := [
        each for each in found.of_launch if not found.body or field_at(found.body, f"{found.body}.{each}") is None
    ]:
        raise SettingsInvalid(f"flow {name}: of_launch: {', '.join(sorted(unknown))} is no field of {found.body}")
    steps = tuple(_step(name, found.body, entry) for entry in found.steps)
    names = [each.spec.step for each in steps]
    if len(set(names)) < len(names):
        raise SettingsInvalid(f"flow {name}: two steps have one name: {', '.join(names)}")
    return Flow(
        name=name,
        title=found.title.text,
        body=found.body,
        entered_by=found.entered_by | found.confirmed_by,
        confirmed_by=found.confirmed_by,
        constants=found.constants,
        derived=found.derived,
        steps=steps,
        of_launch=found.of_launch,
    )


def _step(flow: str, body: str | None, entry: Mapping[str, Any]) -> Step:
    where = f"flow {flow}: step {str(entry.get('step'))[:40]}"
    kind = KINDS.get(str(entry.get("kind")))
    if kind is None:
        raise SettingsInvalid(f"{where}: kind is one of {', '.join(sorted(KINDS))}")
    try:
        return kind(entry, body)
    except ValueError as error:
        raise SettingsInvalid(f"{where}: {error}") from error


@cache
def flow_names() -> tuple[str, ...]:
    """Return the names of the flows that there are."""
    found = (files("xinqiao_gateway.fronts.h5") / "flows").iterdir()
    return tuple(sorted(each.name.removesuffix(".yaml") for each in found if each.name.endswith(".yaml")))


@cache
def flow_of(name: str) -> Flow | None:
    """Return a flow by its name; None where there is none. Raises ``SettingsInvalid`` for a file that is wrong."""
    if name not in flow_names():
        return None
    return read_flow((files("xinqiao_gateway.fronts.h5") / "flows" / f"{name}.yaml").read_bytes(), name)
