"""Results and requirements as tables for people."""

from rich.console import Console
from rich.table import Table

from xinqiao.message import Json
from xinqiao_conformance.requirements import Requirement

__all__ = ["print_requirements", "print_results"]

# Characters of an answer; results.json has more.
_SHOWN = 400
_STYLES = {"passed": "green", "failed": "bold red"}


def print_requirements(rows: list[Requirement], console: Console) -> None:
    """Print each requirement in both languages."""
    table = Table("id", "role", "level", "要求", "requirement")
    for row in rows:
        table.add_row(row.id, row.role, row.level, row.text.zh, row.text.en)
    console.print(table)


def print_results(results: Json, console: Console) -> None:
    """Print the verdict of each requirement, then what was expected and seen where one failed."""
    table = Table("id", "result", "requirement", "seconds", title=f"{results['target']}: {results['verdict']}")
    for row in results["requirements"]:
        style = _STYLES[row["result"]]
        table.add_row(row["id"], f"[{style}]{row['result']}", row["text"]["en"], f"{row['seconds']:.3f}")
    console.print(table)
    for row in results["requirements"]:
        for finding in row["findings"]:
            console.print(f"{row['id']} {finding['test']}", style="bold", markup=False)
            console.print(f"  expected: {finding['expected']}", markup=False)
            console.print(f"  seen:     {str(finding['seen'])[:_SHOWN]}", markup=False)
