"""``channel docs``, ``template`` and ``diff``: what a partner receives, and what a change does to it."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.errors import UnknownChannel
from xinqiao_adapters.difference import Change, Difference, difference
from xinqiao_adapters.formats.table.template import write_template
from xinqiao_adapters.interface_document import Language, document_of, html_of
from xinqiao_adapters.loader import LoadedProfile, load_profile
from xinqiao_gateway.cli.terminal import line, table

__all__ = ["diff", "docs", "template"]

Data = Annotated[Path, typer.Option(help="The installation's folder, whose channels come before the shipped ones.")]
_PROFILE = "channel.yaml"
_KINDS = {"added": "新增 added", "removed": "删除 removed", "changed": "修改 changed"}


def docs(
    channel_id: Annotated[str, typer.Argument(help="Id of a shipped channel or one of the installation.")],
    out: Annotated[
        Path, typer.Option(help="File to write, or folder for ID.html; by default this folder.", show_default=False)
    ] = Path(),
    language: Annotated[Language, typer.Option(help="Chinese, English, or both with Chinese first.")] = "both",
    data: Data = Path("data"),
) -> None:
    """生成交给合作方的接口文档（HTML，可打印） /
    Write the interface document that a partner receives: one HTML file, fit for print.
    """
    html = html_of(document_of(channel_id, [data / "channels"], date.today()), language)
    path = out if out.suffix in {".html", ".htm"} else out / f"{channel_id}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    typer.echo(str(path))


def template(
    channel_id: Annotated[str, typer.Argument(help="Id of a shipped channel or one of the installation.")],
    interface: Annotated[str, typer.Argument(help="An interface of the channel whose format is Excel.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; by default INTERFACE.xlsx in this folder.", show_default=False)
    ] = None,
    data: Data = Path("data"),
) -> None:
    """生成供人填写的 Excel 模板 /
    Write the workbook that people fill in: hints in both languages, lists to choose from, an example.
    """
    path = out or Path(f"{interface}.xlsx")
    loaded = load_profile(channel_id, [data / "channels"])
    if interface not in loaded.profile.interfaces:
        known = ", ".join(loaded.profile.interfaces)
        raise typer.BadParameter(f"{channel_id} has no interface {interface!r}; it has {known}")
    write_template(loaded, interface, path)
    typer.echo(str(path))


def diff(
    before: Annotated[str, typer.Argument(help="Id of a channel, or path of a channel.yaml: how it was.")],
    after: Annotated[str, typer.Argument(help="Id of a channel, or path of a channel.yaml: how it is now.")],
    data: Data = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """比较两份渠道配置，指出会使对方现有报文失效的改动 /
    Show what changes between two profiles, and what of it breaks a partner's documents of today.

    Exit status 0 where nothing changes, 1 where something does.
    """
    found = difference(_loaded(before, data), _loaded(after, data))
    typer.echo(json.dumps(found.as_json(), ensure_ascii=False)) if as_json else _show(found)
    raise typer.Exit(1 if found.changes else 0)


def _loaded(what: str, data: Path) -> LoadedProfile:
    """Load a profile by its channel's id, or by its file or folder; what it extends may stand beside that folder."""
    path, installed = Path(what), data / "channels"
    if path.name != _PROFILE and "/" not in what and not (path / _PROFILE).is_file():
        return load_profile(what, [installed])
    file = (path if path.name == _PROFILE else path / _PROFILE).resolve()
    if not file.is_file():
        raise UnknownChannel(f"{what}: no {_PROFILE} is there; give a channel's id, or the path of a {_PROFILE}")
    return load_profile(file.parent.name, [file.parent.parent, installed])


def _show(found: Difference) -> None:
    if not found.changes:
        line("没有差异 no difference")
        return
    columns = ("", "what", "field, partner's place", "before", "after")
    table(None, columns, (_cells(change) for change in sorted(found.changes, key=lambda change: not change.breaking)))
    breaking = sum(change.breaking for change in found.changes)
    compatible = len(found.changes) - breaking
    line(f"涉及字段 fields ({len(found.fields)}): {', '.join(found.fields) or '-'}")
    line(
        f"{len(found.changes)} 处差异 changes: {breaking} 破坏 breaking, {compatible} 兼容 compatible",
        "red" if found.breaking else "green",
    )


def _cells(change: Change) -> tuple[str, ...]:
    judged = "✗ 破坏 breaking" if change.breaking else "✓ 兼容 compatible"
    return (
        f"{judged}\n{change.reason.zh}\n{change.reason.en}\n",
        f"{_KINDS[change.kind]} {change.what}\n{change.interface or ''}",
        f"{change.path}\n{change.partner_path}",
        _side(change.before, change.before_at),
        _side(change.after, change.after_at),
    )


def _side(said: str | None, at: str | None) -> str:
    return "" if said is None else f"{said}\n{_near(at or '')}"


def _near(mark: str) -> str:
    """Return a place from here where it is below this folder."""
    return mark.removeprefix(f"{Path.cwd()}/")
