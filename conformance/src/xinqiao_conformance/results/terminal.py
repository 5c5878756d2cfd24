"""A run for people at a terminal, in Chinese and English: its progress, its verdict, and what to mend."""

from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from xinqiao_conformance.kits import Kit, kit_named
from xinqiao_conformance.requirements import Requirement, requirement_of
from xinqiao_conformance.results.model import CaseResult, KitResult, Results

__all__ = ["Shown", "print_requirements", "print_results"]

_MOST_FINDINGS = 20
_MOST_TEXT = 600
_STYLES = {"passed": "green", "failed": "bold red", "not_run": "yellow"}
_VERDICTS = {"passed": "通过 passed", "failed": "未通过 failed", "not_run": "未运行 not run"}


class Shown:
    """Shows on standard error how far a run is."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=not console.is_terminal)
        self._failed = 0

    def __enter__(self) -> "Shown":
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def begin(self, kit: Kit, total: int) -> None:
        """Show a kit's bar."""
        self._failed = 0
        self._kit = kit.id
        self._task = self._progress.add_task(kit.id, total=total)

    def done(self, result: CaseResult) -> None:
        """Show that one more is done."""
        if result.result == "failed":
            self._failed += 1
            self._progress.update(self._task, description=f"{self._kit} [red]✗ {self._failed}[/red]")
        self._progress.advance(self._task)


def print_requirements(rows: list[Requirement], counts: dict[str, int], console: Console) -> None:
    """Print each requirement in both languages, with how many cases it has, or why it has none."""
    table = Table("id", "role", "level", "cases", _sentences(), show_lines=True)
    for row in rows:
        why = f"\n{row.reason.zh}\n{row.reason.en}" if row.reason else ""
        table.add_row(row.id, row.role, row.level, str(counts.get(row.id, 0)), f"{row.text.zh}\n{row.text.en}{why}")
    console.print(table)


def print_results(results: Results, console: Console) -> None:
    """Print the verdict on each kit and each failed requirement, then what was expected, sent and seen."""
    for kit in results.kits:
        _print_kit(kit, console)
    for kit in results.kits:
        failed = [each for each in kit.cases if each.result == "failed"]
        for each in failed[:_MOST_FINDINGS]:
            _print_finding(each, console)
        if len(failed) > _MOST_FINDINGS:
            console.print(f"… {len(failed) - _MOST_FINDINGS} more in results.json", markup=False)


def _print_kit(kit: KitResult, console: Console) -> None:
    negative = sum(each.negative for each in kit.cases)
    title = kit_named(kit.kit).title
    console.print(
        f"[{_STYLES[kit.verdict]}]{_VERDICTS[kit.verdict]}[/] {kit.kit}  {title.zh}  "
        f"{len(kit.requirements)} 条要求 requirements, {len(kit.cases)} 个用例 cases, {negative} 个反例 negative"
    )
    short = [each for each in kit.requirements if each.result != "passed"]
    if not short:
        return
    table = Table("id", "level", Column("结果 result", no_wrap=True), _sentences(), show_lines=True)
    for each in short:
        text = requirement_of(each.id).text
        verdict = f"[{_STYLES[each.result]}]{_VERDICTS[each.result]}"
        table.add_row(each.id, each.level, verdict, f"{text.zh}\n{text.en}")
    console.print(table)


def _sentences() -> Column:
    # Chinese has no spaces to break at: a line that is full is continued on the next.
    return Column("要求 requirement", overflow="fold")


def _print_finding(result: CaseResult, console: Console) -> None:
    found = result.finding
    if found is None:
        return
    lines: list[tuple[str, str]] = [("期望 expected", f"{found.expected.zh} / {found.expected.en}")]
    lines += [("发送 sent", _line(found.sent))] if found.sent is not None else []
    lines += [("所见 seen", _line(found.seen))] if found.seen is not None else []
    lines += [("修正 fix", f"{found.fix.zh} / {found.fix.en}")] if found.fix else []
    console.print(result.case, style="bold", markup=False, soft_wrap=True)
    for name, said in lines:
        console.print(f"  {name}: {said}", markup=False, highlight=False, soft_wrap=True)


def _line(value: Any) -> str:  # noqa: ANN401 -- JSON
    text = orjson.dumps(value).decode()
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "…"
