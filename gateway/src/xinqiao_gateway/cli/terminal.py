"""What the commands print on. Names, paths and partners' values are shown as they are, never read as markup."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from xinqiao_gateway.calendars import CHINA

__all__ = ["china_time", "console", "counted", "held_text", "line", "printable", "table"]

_WIDE = 400
_COPIED = frozenset({"channel", "institution", "sender", "delivery_id", "case_id"})


def console(*, stderr: bool = False) -> Console:
    """Return the terminal: no markup, no emoji codes, nothing highlighted; styles are given beside the text."""
    found = Console(markup=False, emoji=False, highlight=False, stderr=stderr)
    if not found.is_terminal:
        found.width = _WIDE  # a file or another program: nothing is gained by folding cells
    return found


def line(text: str, style: str | None = None, *, stderr: bool = False) -> None:
    """Print a line unwrapped, so that it can be copied."""
    console(stderr=stderr).print(printable(text), style=style, soft_wrap=True)


def china_time(at: str) -> str:
    """Return an instant of the journal (ISO 8601, UTC) as people read and type it: China time, with its offset."""
    return datetime.fromisoformat(at).astimezone(CHINA).isoformat(timespec="milliseconds")


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its English noun: ``1 problem``, ``2 problems``."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def table(title: str | None, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print rows in columns; None is an empty cell. Ids are never broken: they are there to be copied."""
    shown = Table(title=title)
    for name in columns:
        shown.add_column(name, overflow="fold", no_wrap=name in _COPIED)
    for row in rows:
        shown.add_row(*("" if cell is None else printable(str(cell)) for cell in row))
    console().print(shown)


def held_text(messages: int, batches: int) -> str:
    """Return how much a journal holds."""
    english = f"{counted(messages, 'message')} in {counted(batches, 'batch', 'batches')}"
    return f"{messages} 条消息，{batches} 批 {english}"


def printable(text: str) -> str:
    """Return a text without control characters, which a partner could use to write over a terminal."""
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)
