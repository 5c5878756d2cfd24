"""Samples of an adapter: an input of the partner's, and the messages that it must become."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

from xinqiao.message import Json

__all__ = ["Direction", "Sample", "samples_in"]

Direction = Literal["in", "out", "both"]


@dataclass(frozen=True, slots=True)
class Sample:
    """``content`` as the partner writes it, and what it says in the standard, in order.

    ``messages`` are as the adapter gives them: with ``messageId`` and ``createdAt`` only where the partner has them.
    ``direction`` is as the gateway sees it; a sample that only goes out holds one message.
    """

    name: str
    content: bytes
    content_type: str
    messages: tuple[Json, ...]
    direction: Direction = "both"


def samples_in(folder: Path, content_type: str, direction: Direction = "both") -> tuple[Sample, ...]:
    """Return the samples of a folder: each ``entry.tlv`` with its message, or an array of them, in ``entry.json``.

    The message of a sample that is JSON itself is in ``entry.expected.json``. Raises ``FileNotFoundError`` for a
    sample without its message.
    """
    return tuple(
        Sample(path.name, path.read_bytes(), content_type, _messages(_beside(path)), direction)
        for path in _inputs(folder)
    )


def _inputs(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.suffix != ".json" or path.with_suffix(".expected.json").is_file():
            yield path


def _beside(path: Path) -> Path:
    return path.with_suffix(".expected.json" if path.suffix == ".json" else ".json")


def _messages(path: Path) -> tuple[Json, ...]:
    value = orjson.loads(path.read_bytes())
    return tuple(value) if isinstance(value, list) else (value,)
