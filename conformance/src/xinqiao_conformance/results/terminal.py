"""A run for people at a terminal, in Chinese and English: its progress, its verdict, and what to mend."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from xinqiao_conformance.kits import Kit, kit_named
from xinqiao_conformance.requirements import Requirement, requirement_of
from xinqiao_conformance.results.model import CaseResult, Finding, KitResult, RequirementResult, Results
from xinqiao_conformance.results.quoting import is_repeated, parts_of, readable, text_in

__all__ = ["Shown", "print_requirements", "print_results"]

# Of one requirement; results.json has them all.
_MOST_FINDINGS = 2
_MOST_PLACES = 3
_MOST_TEXT = 600
_STYLES = {"passed": "green", "failed": "bold red", "unseen": "yellow"}
# What should be met and is not fails nothing.
_NOT_MET, _WARNING = "[bold red]不符合 not met", "[yellow]提醒 warning"
_VERDICTS = {"passed": "通过 passed", "failed": "未通过 failed", "unseen": "未见 not seen"}


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
        failed = [each for each in kit.requirements if each.result == "failed"]
        if failed and len(results.kits) > 1:
            console.print(kit.kit, style="bold underline", highlight=False)
        for each in failed:
            _print_findings(each, console)


def _print_kit(kit: KitResult, console: Console) -> None:
    negative = sum(each.negative for each in kit.cases)
    title = kit_named(kit.kit).title
    console.print(
        f"[{_STYLES[kit.verdict]}]{_VERDICTS[kit.verdict]}[/] {kit.kit}  {title.zh}  "
        f"{len(kit.requirements)} 条要求 requirements, {len(kit.cases)} 个用例 cases, {negative} 个反例 negative"
    )
    if unseen := [each.id for each in kit.requirements if each.result == "unseen"]:
        console.print(f"  [{_STYLES['unseen']}]{_VERDICTS['unseen']}[/] {len(unseen)}: {', '.join(unseen)}")
    failed = [each for each in kit.requirements if each.result == "failed"]
    if not failed:
        return
    table = Table("id", "level", Column("结果 result", no_wrap=True), _sentences(), show_lines=True)
    for each in failed:
        text = requirement_of(each.id).text
        table.add_row(each.id, each.level, _NOT_MET if each.level == "MUST" else _WARNING, f"{text.zh}\n{text.en}")
    console.print(table)


def _sentences() -> Column:
    # Chinese has no spaces to break at: a line that is full is continued on the next.
    return Column("要求 requirement", overflow="fold")


def _print_findings(requirement: RequirementResult, console: Console) -> None:
    """Print what the first cases of a requirement found: none hides what another requirement is about."""
    failed = [each for each in requirement.cases if each.finding]
    for case in failed[:_MOST_FINDINGS]:
        console.print(f"{requirement.id}  {case.case}", style="bold", markup=False, highlight=False, soft_wrap=True)
        for line in _lines(case.finding) if case.finding else ():
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    if (more := len(failed) - _MOST_FINDINGS) > 0:
        console.print(f"… 还有 {more} more of {requirement.id}", markup=False, highlight=False)


def _lines(found: Finding) -> Iterator[str]:
    yield f"期望 expected: {found.expected.zh} / {found.expected.en}"
    for each in found.difference[:_MOST_PLACES]:
        yield f"位置 at: {each.path}"
        if text_in(each.expected) != found.expected:
            yield from _value("应为 expected", each.expected)
        yield from _value("所见 seen", each.seen)
    if found.sent is not None:
        yield from _quoted("发送 sent", found.sent, found)
    if found.seen is not None and not is_repeated(found):
        yield from _quoted("所见 seen", found.seen, found)
    if found.fix:
        yield f"修正 fix: {found.fix.zh} / {found.fix.en}"


def _value(name: str, value: object) -> Iterator[str]:
    """Yield a value of a difference; a text in both languages on a line for each."""
    if text := text_in(value):
        yield f"  {name}: {text.zh}"
        yield f"    {text.en}"
    elif value is not None:
        yield f"  {name}: {_line(value)}"


def _quoted(name: str, document: dict[str, Any], found: Finding) -> Iterator[str]:
    """Yield what of a message the finding is about, or its beginning where it names no place in it."""
    parts = [each for each in parts_of(document, found) if not each.missing]
    for part in parts:
        yield f"{name}: {part.path}: {' '.join(part.text.split())}"
    whole = readable(document, on_one_line=True)
    if not parts and (len(whole) <= _MOST_TEXT or not found.difference):
        yield f"{name}: {_line(document)}"


def _line(value: object) -> str:
    text = readable(value, on_one_line=True)
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "…"
