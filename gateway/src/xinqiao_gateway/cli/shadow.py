"""``channel shadow``: recorded traffic through a channel's profile, held against an existing system."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from xinqiao_adapters.channel import load_channel
from xinqiao_gateway.cli.files import reading, replacing
from xinqiao_gateway.cli.terminal import console, line, table
from xinqiao_gateway.installation import read_installation
from xinqiao_gateway.shadow import (
    Broken,
    Case,
    Core,
    Partner,
    Recording,
    Replay,
    Row,
    ShadowReport,
    read_explanations,
    shadow_run,
)

__all__ = ["shadow"]

_ROWS_SHOWN = 30


def shadow(
    channel_id: Annotated[str, typer.Argument(help="Id of the partner's channel.")],
    recording: Annotated[
        Path, typer.Argument(help="Folder with a folder for each case, or a file of JSON Lines.", exists=True)
    ],
    core: Annotated[str, typer.Option(help="Id of the channel in whose format the existing system hands on.")],
    explained: Annotated[
        Path | None, typer.Option(help="Explanations of differences (YAML).", exists=True, dir_okay=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report here: .html, or Markdown.", dir_okay=False)] = None,
    unsealed: Annotated[
        bool, typer.Option("--unsealed", help="The requests were recorded behind the seal: plain, without signatures.")
    ] = False,
    answers_only: Annotated[
        bool, typer.Option("--answers-only", help="What was handed on to the core was not recorded.")
    ] = False,
    data: Annotated[
        Path, typer.Option(help="The installation's folder, whose channels come before the shipped ones.")
    ] = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """用录制的报文回放渠道配置，列出与现有系统的全部差异 /
    Replay recorded traffic through a channel's profile and list every difference from an existing system.

    Nothing is stored, nothing is sent; values in the report are masked. Exit status 0 only where every case could be
    compared and every difference is explained.
    """
    if unsealed:
        partner = Partner(load_channel(channel_id, [data / "channels"]))
    else:
        served = read_installation(data).channels.find(channel_id)
        partner = Partner(served.channel, served)
    replay = Replay(partner, Core(load_channel(core, [data / "channels"])), forwarded=not answers_only)
    explanations = read_explanations(explained) if explained else []
    with _watched(Recording(recording)) as cases:
        report = shadow_run(cases, replay, explanations, date.today())
    if out is not None:
        with replacing(out) as target:
            page = report.as_html() if out.suffix in {".html", ".htm"} else report.as_markdown()
            target.write(page.encode())
    typer.echo(json.dumps(report.as_json(), ensure_ascii=False)) if as_json else _print(report, out)
    raise typer.Exit(0 if report.passed else 1)


@contextmanager
def _watched(recording: Recording) -> Iterator[Iterable[Case | Broken]]:
    """Give the cases, and show on standard error how far they are, where there are many and a person looks."""
    if recording.is_folder:
        total = len(recording.names())
        bar = console(stderr=True)
        yield track(
            recording.cases(), recording.path.name, total, console=bar, transient=True, disable=not bar.is_terminal
        )
        return
    with recording.path.open("rb") as file, reading(file, recording.path) as watched:
        yield recording.cases(watched)


def _print(report: ShadowReport, out: Path | None) -> None:
    rows = report.rows
    if rows:
        columns = ("path", "class", "differences", "unexplained", "case", "ours", "theirs")
        table(None, columns, (_cells(row) for row in rows[:_ROWS_SHOWN]))
    if len(rows) > _ROWS_SHOWN:
        line(
            f"… 只显示前 {_ROWS_SHOWN} 行；the first {_ROWS_SHOWN} of {len(rows)} rows are shown, --out FILE writes all"
        )
    for broken in report.broken[:_ROWS_SHOWN]:
        line(f"✗ 录制有误 broken  {broken.name}: {broken.problem}", "red")
    for each in report.explanations:
        if each.state != "used":
            said = "已过期 expired" if each.state == "expired" else "已无对应差异 explains nothing any more"
            line(f"{each.at}: {each.where}: {said}", "yellow")
    if out is not None:
        line(f"已写入 written: {out}", "green")
    line(
        f"{report.cases} cases, {report.alike} alike, {report.broken_count} broken, "
        f"{report.differences} differences, {report.unexplained} unexplained",
        "green" if report.passed else "red",
    )


def _cells(row: Row) -> list[object]:
    example = row.examples[0]
    return [row.path, row.kind, row.count, row.unexplained, example.case, example.ours, example.theirs]
