"""The requirements of the standard, read from ``schemas/requirements``; their text is written nowhere else."""

from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from xinqiao.finding import Text
from xinqiao.standard import STANDARD_VERSION

__all__ = ["Requirement", "UnknownRequirement", "requirement_of", "requirements"]


class UnknownRequirement(LookupError):
    """An id that the set of requirements does not hold."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative sentence. ``level`` is that of RFC 2119, ``role`` who must meet it.

    ``shown_by`` is how somebody shows that they meet it: the ``suite`` has cases for it, or a person looks
    (``inspection``) because it cannot be observed from outside, for a ``reason``.
    """

    id: str
    role: str
    level: str
    shown_by: str
    text: Text
    source: str
    reason: Text | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the requirement as machines read it."""
        reason = {"reason": self.reason.as_json()} if self.reason else {}
        shown = {name: value for name, value in asdict(self).items() if name != "reason"}
        return {**shown, "text": self.text.as_json(), **reason}


def _requirement(row: dict[str, Any]) -> Requirement:
    reason = Text(**row["reason"]) if "reason" in row else None
    return Requirement(**{**row, "text": Text(**row["text"]), "reason": reason})


@cache
def _all() -> dict[str, Requirement]:
    source = files("xinqiao") / "schemas" / "requirements" / f"{STANDARD_VERSION}.yaml"
    rows = yaml.safe_load(source.read_bytes())["requirements"]
    read = [_requirement(row) for row in rows]
    found = {each.id: each for each in read}
    if len(found) != len(read):
        raise ValueError("an id of a requirement is used twice")
    return found


def requirements(role: str | None = None, *, shown_by: str | None = None) -> list[Requirement]:
    """Return the requirements of a role and of a way to show them, or of all, in the order of the file."""
    return [each for each in _all().values() if role in (None, each.role) and shown_by in (None, each.shown_by)]


def requirement_of(requirement_id: str) -> Requirement:
    """Return a requirement by its id. Raises ``UnknownRequirement``."""
    try:
        return _all()[requirement_id]
    except KeyError:
        raise UnknownRequirement(f"{requirement_id} is no requirement of {STANDARD_VERSION}") from None
