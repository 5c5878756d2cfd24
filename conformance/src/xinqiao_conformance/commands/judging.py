"""The command ``judge``: certification from recordings, for who runs nothing for us."""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.errors import Conflict
from xinqiao.recording import Recording
from xinqiao_conformance.commands.running import EVIDENCE, AsJson
from xinqiao_conformance.declaration import read_declaration
from xinqiao_conformance.judging import judge
from xinqiao_conformance.results.model import RESULTS, Results, write_results
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
    declared, recorded = read_declaration(declaration), _opened(recording)
    _refuse_overwriting(output)
    if as_json:
        results = judge(declared, recorded, patience, Silent())
    else:
        with Shown(Console(stderr=True)) as watch:
            results = judge(declared, recorded, patience, watch)
    if output is not None:
        _write(results, recording, output)
    if as_json:
        print(json.dumps(results.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=2))
    else:
        print_results(results, Console())
        if output is not None:
            print(f"全部内容 in full: {output / RESULTS}")
    raise typer.Exit(0 if results.verdict == "passed" else 1)


def _opened(path: Path) -> Recording:
    if not path.is_file():
        raise typer.BadParameter(f"没有此文件 {path} is no file", param_hint="--recording")
    return Recording.open(path)


def _refuse_overwriting(output: Path | None) -> None:
    """Refuse a folder that holds other evidence. Raises ``Conflict``."""
    if output is not None and (output / EVIDENCE).exists():
        raise Conflict(
            f"{output / EVIDENCE} 已存在，不会覆盖，请另指定目录 is there already and is never overwritten; "
            "name another folder"
        )


def _write(results: Results, recording: Path, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    # Byte for byte: the root in the results is that of this file.
    shutil.copyfile(recording, output / EVIDENCE)
    write_results(results, output / RESULTS)
