"""The flows of the H5 pages, read from ``flows.yaml``: what a host launches in a business."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["Flow", "flows_of"]


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow: the message that comes of it (empty: it only shows), whom it is for, and facts that are needed."""

    name: str
    body: str
    roles: tuple[str, ...]
    needed: tuple[str, ...]


@cache
def _known() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((files(__package__) / "flows.yaml").read_text(encoding="utf-8"))
    return found


def flows_of(business: str) -> Mapping[str, Flow]:
    """Return the flows of a business by their names."""
    rows = _known()["flows"]
    return {
        name: Flow(name, rows[name].get("body", ""), tuple(rows[name]["roles"]), tuple(rows[name].get("needed", ())))
        for name in _known()["businesses"][business]
    }
