"""Every field of the standard is described, and every message says its class and how people call it."""

from typing import Any

import pytest

from xinqiao.standard import message_types, schema_of

NAMES = sorted(kind.name for kind in message_types().values())


def fields(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    definitions = schema["$defs"].items()
    return [(f"{name}.{field}", part) for name, each in definitions for field, part in each["properties"].items()]


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_titles_sensitivity_and_a_scalar_an_example(name: str) -> None:
    for where, part in fields(schema_of(name)):
        assert part["title"], where
        assert part["x-xinqiao"]["titleZh"], where
        assert part["x-xinqiao"]["sensitivity"] in {"C1", "C2", "C3"}, where
        if "$ref" not in part.get("items", part):
            assert "examples" in part, where


@pytest.mark.parametrize("name", NAMES)
def test_every_message_has_a_class(name: str) -> None:
    assert schema_of(name)["x-xinqiao"]["class"] in {"REQUEST", "FACT", "DIRECTIVE"}
