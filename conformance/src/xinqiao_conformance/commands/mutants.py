"""The command ``mutants``: every wrong implementation against the suite that must find it."""

import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from xinqiao_conformance.kits import ROLES
from xinqiao_conformance.mutants import mutants
from xinqiao_conformance.mutants.mutant import failing

__all__ = ["mutants_command"]


def _kills(number: int) -> bool:
    mutant = mutants()[number]
    return mutant.breaks in failing(mutant, only=[mutant.breaks])


def mutants_command(
    role: Annotated[str, typer.Option(help="只运行该角色 / Only those of this role.")] = "",
    processes: Annotated[int, typer.Option(min=1, max=64, help="同时运行的进程数 / Processes at a time.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="供机器读取 / For machines.")] = False,
) -> None:
    """让每个错误实现接受检验 / Run the suite against each wrong implementation. Exit code 1: one was not found out."""
    if role and role not in ROLES:
        raise typer.BadParameter(f"没有角色 there is no role {role}; 可用 there are {', '.join(ROLES)}")
    chosen = [number for number, each in enumerate(mutants()) if role in ("", each.kit.role)]
    with ProcessPoolExecutor(processes) as pool:
        verdicts = pool.map(_kills, chosen, chunksize=4)
        shown = track(verdicts, "变异体 mutants", len(chosen), console=Console(stderr=True), disable=as_json)
        killed = dict(zip(chosen, shown, strict=True))
    rows = [
        {
            "mutant": mutants()[number].name,
            "breaks": mutants()[number].breaks,
            "kit": mutants()[number].kit.id,
            "mechanical": mutants()[number].mechanical,
            "killed": dead,
        }
        for number, dead in killed.items()
    ]
    print(json.dumps(rows, ensure_ascii=False, indent=2)) if as_json else _print(rows)
    raise typer.Exit(0 if all(killed.values()) else 1)


def _print(rows: list[dict[str, object]]) -> None:
    for row in rows:
        print(f"{'killed  ' if row['killed'] else 'SURVIVED'}  {row['breaks']}  {row['mutant']}  ({row['kit']})")
    count = Counter(bool(row["killed"]) for row in rows)
    mechanical = sum(bool(row["mechanical"]) for row in rows)
    requirements = len({row["breaks"] for row in rows})
    rate = 100 * count[True] / len(rows) if rows else 0
    print(
        f"{len(rows)} mutants of {requirements} requirements, {mechanical} made mechanically: "
        f"{count[True]} killed, {count[False]} survived, kill rate {rate:.1f} %"
    )
