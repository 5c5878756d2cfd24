"""The commands ``run``, ``list`` and ``explain``: what can be tested, and the test itself."""

import json
import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.errors import SettingsInvalid
from xinqiao_conformance.case import cases
from xinqiao_conformance.declaration import FEATURES, Declaration, read_declaration
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import Kit, kit_named, kits
from xinqiao_conformance.requirements import UnknownRequirement, requirement_of, requirements
from xinqiao_conformance.results.model import RESULTS, Results, write_results
from xinqiao_conformance.results.terminal import Shown, print_requirements, print_results
from xinqiao_conformance.running import Silent, run, unasked

__all__ = ["EVIDENCE", "explain_command", "list_command", "run_command"]

EVIDENCE = "evidence.jsonl"
# Where a folder keeps the run before the last.
BEFORE = "before"

AsJson = Annotated[bool, typer.Option("--json", help="供机器读取 / For machines: JSON on standard output.")]


def list_command(
    what: Annotated[str, typer.Argument(help="要求、套件或用例 / requirements | kits | cases")] = "requirements",
    as_json: AsJson = False,
) -> None:
    """列出要求、套件或用例 / List the requirements, the kits, or the cases."""
    if what not in _LISTS:
        raise typer.BadParameter(f"{what}: 可列 there are {', '.join(_LISTS)}")
    rows = _LISTS[what]()
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    elif what == "requirements":
        print_requirements(requirements(), Counter(each.requirement.id for each in cases()), Console())
    else:
        for row in rows:
            print("  ".join(_shown(each) for each in row.values() if each != []))


def _shown(value: object) -> str:
    """Return what a list for people says: whether a case is negative, and which features it needs."""
    if isinstance(value, bool):
        return "反例 negative" if value else "正例 positive"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _requirement_rows() -> list[dict[str, object]]:
    counts = Counter(each.requirement.id for each in cases())
    return [{**each.as_json(), "cases": counts[each.id]} for each in requirements()]


def _kit_rows() -> list[dict[str, object]]:
    return [_kit_row(each) for each in kits()]


def _kit_row(kit: Kit) -> dict[str, object]:
    return {"kit": kit.id, "zh": kit.title.zh, "en": kit.title.en, "messages": list(kit.types)}


def _case_rows() -> list[dict[str, object]]:
    return [
        {"case": each.id, "requirement": each.requirement.id, "negative": each.negative, "needs": sorted(each.needs)}
        for each in cases()
    ]


# What the messages of a kit are to its role.
_TRAVEL = {
    "sender": "发送 sends",
    "receiver": "接收 takes",
    "gateway": "受理 takes, from the partner's side",
    "file-partner": "文件中可有 may lay in files",
    "h5-host": "业务报文 messages of the business",
}
_LISTS = {"requirements": _requirement_rows, "kits": _kit_rows, "cases": _case_rows}


def explain_command(
    which: Annotated[str, typer.Argument(help="要求或套件，见 list / Requirement or kit, as list shows it: ENV-003.")],
    as_json: AsJson = False,
) -> None:
    """解释一条要求或一个套件 / Explain a requirement with its cases, or a kit with its messages and features."""
    if "/" in which:
        _explain_kit(which, as_json=as_json)
        return
    try:
        found = requirement_of(which.upper())
    except UnknownRequirement as error:
        raise typer.BadParameter(f"没有此要求 {error}; list 列出全部 shows all there are") from error
    tested = [each for each in cases() if each.requirement is found]
    if as_json:
        rows = [{"case": each.id, "role": each.role, "negative": each.negative} for each in tested]
        print(json.dumps({**found.as_json(), "cases": rows}, ensure_ascii=False, indent=2))
        return
    print(f"{found.id}  {found.level}  {found.role}\n{found.text.zh}\n{found.text.en}\n来源 source: {found.source}")
    for each in tested:
        needs = [f"须声明 needs {', '.join(sorted(each.needs))}"] if each.needs else []
        print("  ".join(("", _shown(each.negative), each.id, *needs)))
    if found.reason:
        print(f"无法从外部观察 not observable from outside: {found.reason.zh} / {found.reason.en}")


def _explain_kit(name: str, *, as_json: bool) -> None:
    try:
        kit = kit_named(name)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    of_it = [each for each in cases() if each.is_for(kit, each.needs)]
    features = sorted({name for each in of_it for name in each.needs})
    counts = Counter(each.requirement.id for each in of_it for _ in each.runs(kit))
    if as_json:
        about = {**_kit_row(kit), "features": features, "requirements": counts}
        print(json.dumps(about, ensure_ascii=False, indent=2))
        return
    print(f"{kit.id}  {kit.title.zh}  {kit.title.en}")
    print(f"{_TRAVEL[kit.role]}: {', '.join(kit.types)}")
    for each in features:
        print(f"特性 feature: {each}（{FEATURES[each].zh} / {FEATURES[each].en}）")
    print(f"{counts.total()} 个用例 cases:")
    for requirement, count in sorted(counts.items()):
        print(f"  {requirement}  {count}")


def run_command(
    declaration: Annotated[Path, typer.Option(help="检验对象及其角色 / declaration.yaml: who is tested, and as what.")],
    output: Annotated[Path | None, typer.Option(help="结果目录 / Folder for results.json and evidence.jsonl.")] = None,
    as_json: AsJson = False,
) -> None:
    """运行所声明的套件 / Run what is declared.

    退出码 Exit code: 0 通过 passed, 1 有要求未满足 a requirement failed, 2 无法运行 could not run.
    """
    declared = read_declaration(declaration)
    if output is not None:
        make_folder(output)
    with TemporaryDirectory(prefix="xinqiao-conformance-") as scratch:
        results = _run(declared, Path(scratch) / EVIDENCE, quiet=as_json)
        if output is not None:
            write_run(results, Path(scratch) / EVIDENCE, output)
    if as_json:
        print(json.dumps(results.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=2))
    else:
        print_results(results, Console())
        _print_unasked(declared)
        if output is not None:
            print_written(output)
    raise typer.Exit(0 if results.verdict == "passed" else 1)


def write_run(results: Results, evidence: Path, output: Path) -> None:
    """Write results and their evidence into a folder that is there; what it held goes into its folder ``before``."""
    # Only now: a run that cannot be begun takes nothing from the one before.
    copied = Path(shutil.copy(evidence, output / f".{EVIDENCE}"))
    _put_aside(output)
    copied.replace(output / EVIDENCE)
    write_results(results, output / RESULTS)


def print_written(output: Path) -> None:
    """Say where all of it is, and how to see what changed."""
    print(f"全部内容 in full: {output / RESULTS}")
    if (output / BEFORE / RESULTS).exists():
        print(f"变化 changes: xinqiao-conformance compare {output / BEFORE / RESULTS} {output / RESULTS}")


def make_folder(path: Path) -> None:
    """Make the folder before anything is run into it. Raises ``SettingsInvalid``."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsInvalid(f"--output {path}: 不能作为目录 cannot be a folder: {error.strerror}") from error


def _print_unasked(declared: Declaration) -> None:
    """Say what nothing was asked of, since it is not declared: a verdict is silent on it."""
    for kit in declared.kits:
        for feature, ids in unasked(declared.supports, kit).items():
            said = f"未声明 not declared: {FEATURES[feature].zh} / {FEATURES[feature].en}"
            print(f"未检验 not asked: {kit.id}  {feature}（{said}）  {', '.join(ids)}")


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
