"""``config check`` and ``config show``: what a gateway would be started with, looked at without starting it."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from xinqiao_gateway.cli.terminal import counted, line, table
from xinqiao_gateway.configuration import inspect_installation
from xinqiao_gateway.settings import origins, read_settings

__all__ = ["app"]

app = typer.Typer(
    help="检查和显示配置 / Check and show the configuration, without starting anything.", no_args_is_help=True
)

Data = Annotated[Path, typer.Option(help="The installation's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_USER = re.compile(r"(?<=://)[^/@\s]*@")
_IN_QUERY = re.compile(r"(?i)([?&][^=&#]*(?:password|token|secret|key|passfile)[^=&#]*=)[^&#\s]*")


@app.command()
def check(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """检查全部配置，一次列出所有问题 /
    Check settings, keys, channels, routes, policy, obligations, calendars, operators, the journal and the disk.

    Every problem is said, with file and line where it has one; exit status 1 where there is any.
    """
    problems = inspect_installation(data)
    if as_json:
        shown = {"ok": not problems, "problems": [each.as_json() for each in problems]}
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        for each in problems:
            line(str(each), "red")
        line(f"{counted(len(problems), 'problem')} / 共 {len(problems)} 个问题" if problems else "OK 配置无误", "bold")
    raise typer.Exit(1 if problems else 0)


@app.command()
def show(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """显示生效的设置及其来源，口令和令牌已隐去 /
    Show the settings in force and where each comes from; passwords and tokens are masked.
    """
    settings, found = read_settings(data), origins(data)
    values = _mask(settings.model_dump(mode="json"))
    shown = {name: {"value": value, "from": found[name]} for name, value in values.items()}
    if as_json:
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    rows = ((name, json.dumps(each["value"], ensure_ascii=False), each["from"]) for name, each in shown.items())
    table(None, ("setting", "value", "from"), rows)


def _mask(value: Any) -> Any:  # noqa: ANN401 -- JSON
    """Return a value without what stands for a user's secret in the addresses that it holds."""
    if isinstance(value, dict):
        return {name: _mask(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_mask(part) for part in value]
    if not isinstance(value, str):
        return value
    return _IN_QUERY.sub(r"\1***", _USER.sub("***@", value))
