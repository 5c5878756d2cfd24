"""Generated Python: lines, names and the objects that the code refers to."""

import linecache
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

__all__ = ["Code", "literal", "template"]

# A part of a template: text as it is, or the name of a variable.
Part = tuple[bool, str]


class Code:
    """A module being written. ``constants`` are what its names refer to besides its own functions."""

    def __init__(self) -> None:
        self.constants: dict[str, object] = {}
        self._finished: list[str] = []
        self._lines: list[str] = []
        self._depth = 0
        self._count = 0

    def fresh(self, letter: str) -> str:
        """Return a name that was not used before."""
        self._count += 1
        return f"{letter}{self._count}"

    def constant(self, letter: str, value: object) -> str:
        """Give an object a name in the module."""
        name = self.fresh(letter)
        self.constants[name] = value
        return name

    def line(self, text: str) -> None:
        """Add a line at the present depth."""
        self._lines.append("    " * self._depth + text)

    def function(self, signature: str, write: Callable[[], None]) -> None:
        """Add a function to the module; ``write`` adds its lines. Functions asked for meanwhile come before it."""
        outside = self._lines, self._depth
        self._lines, self._depth = [f"def {signature}:"], 1
        write()
        self._finished += [*self._lines, "", ""]
        self._lines, self._depth = outside

    def source(self) -> str:
        """Return the whole module."""
        return "\n".join(self._finished)

    def run(self, name: str) -> dict[str, Any]:
        """Execute the module once and return its names; tracebacks show its lines under ``<mapping name>``."""
        text, file = self.source(), f"<mapping {name}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        names: dict[str, Any] = dict(self.constants)
        exec(_compiled(text, file), names)  # noqa: S102 -- written by us, from a checked profile
        return names


# A channel is loaded to be proven, then to be served, and again at each reload: mostly it says what it said before.
@lru_cache(maxsize=512)
def _compiled(text: str, file: str) -> CodeType:
    return compile(text, file, "exec")


def literal(text: str) -> Part:
    """Return a part of a template that stays as it is."""
    return (True, text)


def template(parts: list[Part]) -> str:
    """Return an f-string of literal parts and variables."""
    written = "".join(_escaped(text) if is_literal else f"{{{text}}}" for is_literal, text in parts)
    return f"f'{written}'"


def _escaped(text: str) -> str:
    plain = text.encode("unicode_escape").decode("ascii")
    return plain.replace("'", "\\'").replace("{", "{{").replace("}", "}}")
