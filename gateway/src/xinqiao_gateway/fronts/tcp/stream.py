"""A connection as both sides use it."""

import asyncio
from dataclasses import dataclass

__all__ = ["Stream"]


@dataclass(frozen=True, slots=True)
class Stream:
    """Both directions of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
