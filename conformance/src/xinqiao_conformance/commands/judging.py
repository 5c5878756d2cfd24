"""The command ``judge``: certification from recordings, for who runs nothing for us."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.recording import Recording
from xinqiao_conformance.commands.running import AsJson, make_folder, print_written, write_run
from xinqiao_conformance.declaration import read_declaration
from xinqiao_conformance.judging import judge
from xinqiao_conformance.results.terminal import Shown, print_results
from xinqiao_conformance.running import Silent

__all__ = ["judge_command"]


def judge_command(
    declaration: Annotated[Path, typer.Option(help="判读对象及其角色 / declaration.yaml: who is judged, and as what.")],
    recording: Annotated[Path, typer.Option(help="脱敏的记录 / Masked recording of the subject's traffic.")],
    output: Annotated[Path | None, typer.Option(help="结果目录 / Folder for results.json and evidence.jsonl.")] = None,
    patience: Annotated[
        float | None,
        typer.Option(
            help="答复的时限（秒），不填则不判未答复 / Seconds an answer may take; without it none is missed.", min=1
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """由脱敏记录判读所声明的套件 / Judge a masked recording as what is declared. Exit codes as of run."""
    declared, recorded = read_declaration(declaration, to_run=False), _opened(recording)
    if output is not None:
        make_folder(output)
    if as_json:
        results = judge(declared, recorded, patience, Silent())
    else:
        with Shown(Console(stderr=True)) as watch:
            results = judge(declared, recorded, patience, watch)
    if output is not None:
        # Byte for byte: the root in the results is that of this file.
        write_run(results, recording, output)
    if as_json:
        print(json.dumps(results.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=2))
    else:
        print_results(results, Console())
        if output is not None:
            print_written(output)
    raise typer.Exit(0 if results.verdict == "passed" else 1)


def _opened(path: Path) -> Recording:
    if not path.is_file():
        raise typer.BadParameter(f"没有此文件 {path} is no file", param_hint="--recording")
    return Recording.open(path)
