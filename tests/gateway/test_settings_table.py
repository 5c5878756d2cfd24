"""The README of the gateway names every setting with its default and every command, and nothing else."""

import re
from collections.abc import Iterator

from pydantic import BaseModel
from typer.main import get_command

from generate import ROOT
from xinqiao_gateway.cli import app
from xinqiao_gateway.settings import Settings

README = (ROOT / "gateway" / "README.md").read_text(encoding="utf-8")
SETTING = re.compile(r"^\| `([a-z_.]+)` \| (none|`[^`]+`) \|", re.MULTILINE)
COMMAND = re.compile(r"^\| `([a-z][^`…]*)` \| ", re.MULTILINE)


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each setting with its default as documents write it; those of a group as ``group.name``."""
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from settings_of(type(default), f"{prefix}{name}.")
        else:
            yield prefix + name, "none" if default in (None, (), {}) else f"`{default}`"


def commands_of(command: object, path: str = "") -> Iterator[str]:
    """Yield the full name of every command that runs something."""
    below: dict[str, object] | None = getattr(command, "commands", None)
    if below is None:
        yield path
        return
    for name, each in below.items():
        yield from commands_of(each, f"{path} {name}".strip())


def section(title: str) -> str:
    """Return a section of the README, up to the next of its level."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_setting_is_listed_with_its_default() -> None:
    assert sorted(SETTING.findall(section("Settings"))) == sorted(settings_of(Settings))


def test_every_command_is_listed() -> None:
    listed = [re.split(r" (?=[A-Z<\[-])", each)[0] for each in COMMAND.findall(section("Commands"))]
    assert sorted(listed) == sorted(commands_of(get_command(app)))
