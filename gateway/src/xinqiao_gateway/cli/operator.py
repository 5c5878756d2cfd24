"""``operator add``, ``list`` and ``remove``: the named people who propose and check."""

import json
from pathlib import Path
from typing import Annotated

import typer

from xinqiao_gateway.cli.opening import TOKEN, AsJson, Data
from xinqiao_gateway.cli.terminal import line
from xinqiao_gateway.installation import read_installation
from xinqiao_gateway.operators import Operators

__all__ = ["app"]

app = typer.Typer(
    help="操作员：经办和复核的人员 / Operators: named people with a token each, who propose and check.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name: 2 to 60 of a-z, 0-9, '.', '_', '-', a letter first.")]

_CARE = (
    "令牌只显示这一次：请当面或经加密渠道交给本人，不要用邮件或群聊；遗失时重新执行本命令。",
    f"由本人存入文件（chmod 600），用 --token FILE 给出，或放入环境变量 {TOKEN}。",
    "The token is shown this once: hand it over in person or encrypted, never by mail or chat; if it is lost, run",
    f"this again. Its owner keeps it in a file (chmod 600) for --token FILE, or in {TOKEN}.",
)


@app.command()
def add(name: Name, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """登记操作员或换发令牌，令牌只显示一次 /
    Make an operator, or give one a new token, which is printed once and kept nowhere.

    Standard output is the token alone, so that `operator add anna > anna.token` makes a file for --token.
    """
    operators = _operators(data)
    replaced = name in {each.name for each in operators}
    token = operators.add(name)
    if as_json:
        typer.echo(json.dumps({"operator": name, "token": token, "replaced": replaced}))
        return
    typer.echo(token)
    said = "原令牌已失效 the token before is void" if replaced else "已登记 registered"
    line(f"{name}: {said}", "green", stderr=True)
    for each in _CARE:
        line(each, stderr=True)


@app.command("list")
def list_operators(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """列出操作员，令牌不保存，无法显示 / List the operators; tokens are not kept and cannot be shown."""
    names = [each.name for each in _operators(data)]
    if as_json:
        typer.echo(json.dumps([{"operator": name} for name in names]))
        return
    for name in names:
        line(name)
    if len(names) < 2:
        line("至少需要两名操作员：一人经办，一人复核 two are needed at the least: a maker and a checker", "yellow")


@app.command()
def remove(name: Name, data: Data = Path("data")) -> None:
    """立即取消操作员的权限，已做的操作仍记在其名下 /
    Take an operator's right away, at once; what was done stays in the journal under the name.
    """
    _operators(data).remove(name)
    line(f"{name}: 已移除 removed", "green")


def _operators(data: Path) -> Operators:
    read_installation(data)
    return Operators.load(data)
