"""``policy check``, ``policy try`` and ``policy watch-list import``: rules are proved before they are served."""

import json
import time
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from xinqiao.errors import NotValid, SettingsInvalid
from xinqiao.finding import errors_in
from xinqiao.message import Json, message_type, read_json
from xinqiao.validation import check as findings_of
from xinqiao_gateway.cli.terminal import line
from xinqiao_gateway.installation import master_key_of
from xinqiao_gateway.journal.vault import Vault, open_vault
from xinqiao_gateway.policy import NO_PAST, Digest, Explained, Judgement, Policy, import_list
from xinqiao_gateway.settings import read_settings

__all__ = ["app"]

app = typer.Typer(
    help="检查和试跑规则，导入名单 / Check and try policy rules, and import watch lists.", no_args_is_help=True
)
watch_list = typer.Typer(
    help="名单，只保存带密钥的摘要 / Watch lists, kept as keyed digests only.", no_args_is_help=True
)
app.add_typer(watch_list, name="watch-list")

Data = Annotated[Path, typer.Option(help="The installation's folder, with its watch lists and master key.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Rules = Annotated[Path, typer.Argument(metavar="FILE", help="The rules, such as DATA/policy.yaml.", exists=True)]
_LARGEST_MESSAGE = 16_777_216


def _digest(data: Path) -> Digest:
    """Return the keyed digest of an installation; its master key is read when it is first needed."""

    @cache
    def vault() -> Vault:
        return open_vault(master_key_of(data, read_settings(data)), is_new=False)

    return lambda text: vault().keyed_digest(text)


@app.command()
def check(file: Rules, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """检查规则及其引用的名单，列出所有问题 /
    Check rules and the watch lists that they name; every problem is said with its line, with exit status 1.
    """
    problems: list[str] = []
    try:
        Policy.load(file, data / "watch-lists", _digest(data))
    except SettingsInvalid as error:
        problems = error.detail.splitlines()
    if as_json:
        typer.echo(json.dumps({"problems": problems}, ensure_ascii=False))
    else:
        for each in problems:
            line(f"✗ {each}", "red")
        line(f"{file}: {f'{len(problems)} problems' if problems else 'in order'}")
    raise typer.Exit(1 if problems else 0)


@app.command("try")
def try_(
    file: Rules,
    message: Annotated[Path, typer.Argument(help="A canonical message, as JSON.", exists=True, dir_okay=False)],
    channel: Annotated[str, typer.Option(help="The channel that it came from.")] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """用一条消息试跑规则，说明结果和理由 /
    Judge one message as if it came now and nothing came before it, and say why; no value of it is printed.
    """
    policy = Policy.load(file, data / "watch-lists", _digest(data))
    found = _read_message(message)
    kind, at = message_type(found), time.time()
    judgement = policy.judge(found, kind, channel, at, NO_PAST)
    reasons = policy.explain(found, kind, channel, at)
    if as_json:
        typer.echo(json.dumps(_as_json(judgement, reasons), ensure_ascii=False))
    else:
        _print(judgement, reasons)


def _read_message(path: Path) -> Json:
    if path.stat().st_size > _LARGEST_MESSAGE:
        raise NotValid(f"{path} is larger than {_LARGEST_MESSAGE} bytes")
    found = read_json(path.read_bytes())
    if errors := errors_in(findings_of(found)):
        raise NotValid(f"{path}: {len(errors)} findings, the first at {errors[0].path}: {errors[0].text.en}")
    return found


def _as_json(judgement: Judgement, reasons: tuple[Explained, ...]) -> dict[str, Any]:
    return {
        "verdict": judgement.verdict,
        "exception": judgement.exception,
        "rules": list(judgement.rules),
        "saidToPartner": [{"rule": rule, "text": text.as_json()} for rule, text in judgement.said],
        "reasons": [
            {
                "rule": each.rule,
                "verdict": each.verdict,
                "applies": each.applies,
                "conditions": [{"says": says, "holds": holds} for says, holds in each.conditions],
            }
            for each in reasons
        ],
    }


def _print(judgement: Judgement, reasons: tuple[Explained, ...]) -> None:
    line(f"{judgement.verdict}{f' ({judgement.exception})' if judgement.exception else ''}")
    for each in reasons:
        line(f"{'●' if each.applies else '○'} {each.rule} {each.title.zh} {each.title.en}: {each.verdict}")
        for says, holds in each.conditions:
            line(f"    {'✓' if holds else '✗'} {says}")
    said = ", ".join(rule for rule, _ in judgement.said) or "nothing"
    line(f"said to the partner: {said}")


@watch_list.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8 with a header: names, ID numbers.", exists=True)],
    name: Annotated[str, typer.Option(help="The list's name, as rules name it.")],
    column: Annotated[list[str] | None, typer.Option(help="Only this column; may be given again.")] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """把名单转换为带密钥的摘要并替换原名单 /
    Turn a list into keyed digests in DATA/watch-lists, in place of the one before; the CSV is yours to destroy.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as source:
            path, count = import_list(source, column, data / "watch-lists", name, _digest(data))
    except UnicodeDecodeError as error:
        raise SettingsInvalid(f"{file} is not UTF-8; convert it first: iconv -f GB18030 -t UTF-8") from error
    if as_json:
        typer.echo(json.dumps({"path": str(path), "digests": count}, ensure_ascii=False))
    else:
        line(f"{path}: {count} digests; a gateway uses them once it has read its policy again")
