"""What the commands print on. Names, paths and partners' values are shown as they are, never read as markup."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["console", "line", "printable", "table"]

_WIDE = 400
_COPIED = frozenset({"channel", "institution", "sender", "delivery_id", "lane", "case_id"})


def console(*, stderr: bool = False) -> Console:
    """Return the terminal: no markup, no emoji codes, nothing highlighted; styles are given beside the text."""
    found = Console(markup=False, emoji=False, highlight=False, stderr=stderr)
    if not found.is_terminal:
        found.width = _WIDE  # a file or another program: nothing is gained by folding cells
    return found


def line(text: str, style: str | None = None) -> None:
    """Print a line unwrapped, so that it can be copied."""
    console().print(printable(text), style=style, soft_wrap=True)


def table(title: str | None, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print rows in columns; None is an empty cell. Ids are never broken: they are there to be copied."""
    shown = Table(title=title)
    for name in columns:
        shown.add_column(name, overflow="fold", no_wrap=name in _COPIED)
    for row in rows:
        shown.add_row(*("" if cell is None else printable(str(cell)) for cell in row))
    console().print(shown)


def printable(text: str) -> str:
    """Return a text without control characters, which a partner could use to write over a terminal."""
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)
