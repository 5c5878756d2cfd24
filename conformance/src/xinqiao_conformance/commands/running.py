"""The commands ``run``, ``list`` and ``explain``: what can be tested, and the test itself."""

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from xinqiao_conformance.case import cases
from xinqiao_conformance.declaration import Declaration, read_declaration
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import kits
from xinqiao_conformance.requirements import UnknownRequirement, requirement_of, requirements
from xinqiao_conformance.results.model import RESULTS, Results, write_results
from xinqiao_conformance.results.terminal import Shown, print_requirements, print_results
from xinqiao_conformance.running import Silent, run

__all__ = ["EVIDENCE", "explain_command", "list_command", "run_command"]

EVIDENCE = "evidence.jsonl"
# Where a folder keeps the run before the last.
BEFORE = "before"

AsJson = Annotated[bool, typer.Option("--json", help="供机器读取 / For machines: JSON on standard output.")]


def list_command(
    what: Annotated[str, typer.Argument(help="requirements | kits | cases")] = "requirements",
    as_json: AsJson = False,
) -> None:
    """列出要求、套件或用例 / List the requirements, the kits, or the cases."""
    if what not in _LISTS:
        raise typer.BadParameter(f"no list of {what}; there are {', '.join(_LISTS)}")
    rows = _LISTS[what]()
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    elif what == "requirements":
        print_requirements(requirements(), Counter(each.requirement.id for each in cases()), Console())
    else:
        for row in rows:
            print("  ".join(str(each) for each in row.values()))


def _requirement_rows() -> list[dict[str, object]]:
    counts = Counter(each.requirement.id for each in cases())
    return [{**each.as_json(), "cases": counts[each.id]} for each in requirements()]


def _kit_rows() -> list[dict[str, object]]:
    return [{"kit": each.id, "zh": each.title.zh, "en": each.title.en} for each in kits()]


def _case_rows() -> list[dict[str, object]]:
    return [
        {"case": each.id, "requirement": each.requirement.id, "negative": each.negative, "needs": sorted(each.needs)}
        for each in cases()
    ]


_LISTS = {"requirements": _requirement_rows, "kits": _kit_rows, "cases": _case_rows}


def explain_command(
    requirement: Annotated[str, typer.Argument(help="Id, as list shows it: ENV-003.")], as_json: AsJson = False
) -> None:
    """解释一条要求及其用例 / Explain a requirement: its sentence, its source, its cases."""
    try:
        found = requirement_of(requirement.upper())
    except UnknownRequirement as error:
        raise typer.BadParameter(str(error)) from error
    tested = [each for each in cases() if each.requirement is found]
    if as_json:
        rows = [{"case": each.id, "role": each.role, "negative": each.negative} for each in tested]
        print(json.dumps({**found.as_json(), "cases": rows}, ensure_ascii=False, indent=2))
        return
    print(f"{found.id}  {found.level}  {found.role}\n{found.text.zh}\n{found.text.en}\n来源 source: {found.source}")
    for each in tested:
        print(f"  {'反例 negative' if each.negative else '正例 positive'}  {each.id}")
    if found.reason:
        print(f"无法从外部观察 not observable from outside: {found.reason.zh} / {found.reason.en}")


def run_command(
    declaration: Annotated[Path, typer.Option(help="declaration.yaml: who is tested, and as what.")],
    output: Annotated[Path | None, typer.Option(help="Folder for results.json and evidence.jsonl.")] = None,
    as_json: AsJson = False,
) -> None:
    """运行所声明的套件 / Run what is declared. Exit code 0: passed, 1: a requirement failed, 2: could not run."""
    declared = read_declaration(declaration)
    with TemporaryDirectory(prefix="xinqiao-conformance-") as scratch:
        folder = output or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        _put_aside(folder)
        results = _run(declared, folder / EVIDENCE, quiet=as_json)
        write_results(results, folder / RESULTS)
    if as_json:
        print(json.dumps(results.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=2))
    else:
        print_results(results, Console())
        if output is not None:
            print(f"全部内容 in full: {output / RESULTS}")
            if (output / BEFORE / RESULTS).exists():
                print(f"变化 changes: xinqiao-conformance compare {output / BEFORE / RESULTS} {output / RESULTS}")
    raise typer.Exit(0 if results.verdict == "passed" else 1)


def _put_aside(folder: Path) -> None:
    """Keep the run before, and its evidence, to be compared with."""
    for name in (EVIDENCE, RESULTS):
        if (folder / name).exists():
            (folder / BEFORE).mkdir(exist_ok=True)
            (folder / name).replace(folder / BEFORE / name)


def _run(declared: Declaration, evidence: Path, *, quiet: bool) -> Results:
    with Evidence(evidence, declared) as gathered:
        if quiet:
            return run(declared, gathered, Silent())
        with Shown(Console(stderr=True)) as watch:
            return run(declared, gathered, watch)
