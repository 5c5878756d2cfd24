"""What the demo shows: a line for each message as the journal got it, in columns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from xinqiao.standard import message_types
from xinqiao_gateway.calendars import CHINA
from xinqiao_gateway.processes import processes

__all__ = ["Screen"]

_CAST = {
    "91110000100000000R": "银行 bank",
    "913100001000100012": "核心 core",
}


class Screen:
    """Prints to the terminal; wide enough for both languages wherever it goes."""

    def __init__(self) -> None:
        self._console = Console(width=128, highlight=False, markup=False, emoji=False)
        states = [process.states for process in processes().values()]
        self._states = {name: f"{said['zh']} {said['en']}" for each in states for name, said in each.items()}

    def title(self, text: str) -> None:
        """Print the heading of an act."""
        self._console.print(f"\n{text}", style="bold")

    def note(self, text: str) -> None:
        """Print a remark between messages."""
        self._console.print(f"  {text}", style="dim")

    def messages(self, rows: Sequence[dict[str, Any]]) -> None:
        """Print messages: time, who, what, which case, and the state of the case after it."""
        if not rows:
            return
        table = Table.grid(padding=(0, 1))
        for width in (3, 10, 21, 38, 19, 32):
            table.add_column(width=width, no_wrap=True)
        for row in rows:
            kind = message_types()[row["message_type"]]
            table.add_row(
                str(row["position"]),
                _clock(row["accepted_at"]),
                f"{_CAST[row['sender']]} → {_CAST[row['receiver']]}",
                f"{kind.title.zh} {kind.name}",
                row["case_id"] or "",
                self._states.get(row["case_state"] or "", ""),
            )
        self._console.print(table)

    def package(self, zh: str, en: str, case_id: str, count: int, digest: str) -> None:
        """Print what came of one business by one package: its case, how many messages, a digest over their facts."""
        table = Table.grid(padding=(0, 1))
        for width in (3, 20, 20, 30, 14, 24):
            table.add_column(width=width, no_wrap=True)
        table.add_row("", zh, en, case_id, f"{count} 条 messages", f"SHA-256 {digest}")
        self._console.print(table)

    def proof(self, text: str) -> None:
        """Print one thing that was proven."""
        self._console.print(Text.assemble("  ", ("✓", "green"), f" {text}"))

    def failure(self, reason: str, log: Sequence[str]) -> None:
        """Print why the demo ended early, and the end of the log that tells more."""
        self._console.print(f"\n{reason}", style="bold red", soft_wrap=True)
        for line in log:
            self._console.print(f"  | {line[:500]}", soft_wrap=True)

    def end(self, ok: bool) -> None:
        """Print the last line."""
        self._console.print("\ndemo: OK" if ok else "\ndemo: FAILED")


def _clock(at: str) -> str:
    """Return the time of day in China of an instant in UTC, to tenths of a second."""
    return datetime.fromisoformat(at).astimezone(CHINA).isoformat()[11:21]
