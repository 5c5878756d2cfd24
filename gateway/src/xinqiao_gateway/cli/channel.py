"""``channel list``, ``add``, ``try`` and ``check``: onboarding without code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from xinqiao.errors import KeyUnusable, ProfileInvalid, SettingsInvalid
from xinqiao.keys import KeyRing
from xinqiao.report import finding_lines
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.check import CheckReport, check_channel
from xinqiao_adapters.coverage import TREATMENTS
from xinqiao_adapters.loader import LoadedProfile, load_profile
from xinqiao_adapters.trial import Trial, try_file
from xinqiao_gateway.certification.clock import reach
from xinqiao_gateway.cli import certification, documents, onboarding
from xinqiao_gateway.cli.files import reading, replacing
from xinqiao_gateway.cli.onboarding import InstitutionKind
from xinqiao_gateway.cli.opening import AsJson
from xinqiao_gateway.cli.shadow import shadow
from xinqiao_gateway.cli.terminal import console, line, table
from xinqiao_gateway.installation import add_channel, complete_channel, is_draft, known_channels, own_keys

__all__ = ["app"]

app = typer.Typer(help="接入渠道 / Onboard channels: list, add, try and check them.", no_args_is_help=True)
app.command("new")(onboarding.new)
app.command("expect")(onboarding.expect)
app.command("confirm")(onboarding.confirm)
app.command("docs")(documents.docs)
app.command("diff")(documents.diff)
app.command("template")(documents.template)
app.command("shadow")(shadow)
app.command("watch")(certification.watch)
app.command("certify")(certification.certify)
app.command("clock")(certification.clock)

Data = Annotated[Path, typer.Option(help="The installation's folder, whose channels come before the shipped ones.")]
Known = Annotated[str, typer.Argument(help="Id of a shipped channel or one of the installation, e.g. demo-bank.")]
# Messages that a terminal shows.
_SHOWN = 20
_LEVEL_STYLES = {"ERROR": "red", "WARNING": "yellow", "INFORMATION": "cyan"}


@app.command("list")
def list_channels(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """列出随附的渠道和本机构的渠道 / List the shipped channels and those of an installation."""
    folder = data / "channels"
    own = own_keys(data)
    rows = [_listed(each, folder, installed, own) for each, installed in known_channels(data).items()]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    columns = ("channel", "institution", "title", "environment", "in", "out", "installed", "certificate")
    table(None, columns, (_cells(row) for row in rows))


def _listed(channel_id: str, folder: Path, installed: bool, own: KeyRing) -> dict[str, Any]:
    """Describe a channel by its profile; one that does not load is listed with its problem, and hides no other."""
    try:
        described = _described(load_profile(channel_id, [folder]), installed)
        return described | (
            certification.listed(folder / channel_id, described["institution"], own) if installed else {}
        )
    except (ProfileInvalid, KeyUnusable, SettingsInvalid) as error:
        return {"channel": channel_id, "installed": installed, "problem": error.detail}


def _cells(row: dict[str, Any]) -> list[str]:
    if "problem" in row:
        return [row["channel"], "", row["problem"], "", "", "", "yes" if row["installed"] else "", ""]
    return [
        row["channel"],
        row["institution"],
        _titled(row),
        "test" if row["test"] else "production",
        str(len(row["in"])),
        str(len(row["out"])),
        "yes" if row["installed"] else "",
        certification.listed_text(row) if row["installed"] else "",
    ]


def _titled(row: dict[str, Any]) -> str:
    title = row["title"].get("zh", "")
    return title if title or row["extends"] is None else f"（沿用 extends {row['extends']}）"


def _described(loaded: LoadedProfile, installed: bool) -> dict[str, Any]:
    """Describe a channel; a title is its own, and not that of the channel which it extends."""
    profile, interfaces = loaded.profile, loaded.profile.interfaces.items()
    own, *others = loaded.folders
    is_own = profile.title is not None and loaded.mark(("title",)).file.parent == own
    return {
        "channel": profile.channel,
        "title": profile.title.model_dump() if profile.title and is_own else {},
        "extends": others[0].name if others else None,
        "institution": profile.institution.code,
        "test": profile.test,
        "in": [name for name, each in interfaces if each.direction in {"in", "both"}],
        "out": [name for name, each in interfaces if each.direction in {"out", "both"}],
        "installed": installed,
    }


@app.command("add")
def add(
    channel_id: Annotated[
        str, typer.Argument(help="Id of the new channel, e.g. my-bank: 2 to 41 of a-z, 0-9 and -, a letter first.")
    ],
    key: Annotated[
        list[Path],
        typer.Option(
            help="Public key of the partner (JWK file), several for a rotation; "
            "for a partner's own scheme each of its files."
        ),
    ],
    extends: Annotated[
        str | None, typer.Option(help="Channel to build on; by default the shipped one of that id.")
    ] = None,
    code: Annotated[str | None, typer.Option(help="Institution code (18 characters) of the partner.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the partner, with --code; by default the id.")] = None,
    kind: Annotated[InstitutionKind, typer.Option("--type", help="Kind of institution, with --code.")] = "bank",
    push_url: Annotated[
        str | None,
        typer.Option(
            help="Where messages are pushed: https, or http on this machine and for test channels; "
            "without it the partner pulls."
        ),
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="A channel for test traffic.")] = False,
    data: Annotated[Path, typer.Option(help="The installation's folder; made where it is missing.")] = Path("data"),
) -> None:
    """添加渠道 / Add a channel to an installation; a running gateway takes it up at POST /v1/reload or SIGHUP.

    The channel is loaded to prove it; where that fails nothing is left behind. One that `channel new` drafted and
    somebody confirmed needs its keys only.
    """
    if name and not code:
        raise typer.BadParameter("--name goes with --code: the name and the code of one institution")
    if is_draft(data, channel_id):
        if extends or code or push_url or test:
            raise typer.BadParameter(f"{channel_id} is drafted in {data}: say the rest in its channel.yaml")
        path = complete_channel(data, channel_id, key)
        reach(path.parent, "added")
        _added(channel_id, path)
        return
    institution = {"name": name or channel_id, "type": kind, "code": code} if code else None
    path = add_channel(
        data,
        channel_id,
        extends=extends or channel_id,
        keys=key,
        institution=institution,
        push_url=push_url,
        test=test,
    )
    reach(path.parent, "created", "added")
    _added(channel_id, path)


def _added(channel_id: str, path: Path) -> None:
    line(f"{channel_id}: {path}")
    line(
        "运行中的网关在 POST /v1/reload 或 SIGHUP 后启用它；a running gateway takes it up at POST /v1/reload or SIGHUP"
    )


@app.command("try")
def try_channel(
    channel_id: Known,
    file: Annotated[Path, typer.Argument(help="A raw input as the partner sends it.", exists=True, dir_okay=False)],
    content_type: Annotated[str, typer.Option(help="Content type; by default the channel's.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write the valid messages here, a line of canonical JSON each.", dir_okay=False)
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """显示报文转换后的结果，不保存 /
    Show what a raw input becomes: canonical messages, leaves that no row reads, findings. Nothing is stored.

    A file may have any size: it is read as a stream, with a bar that shows how far. Exit status 1 where a finding is an
    error or the input is refused as a whole; FILE of --out is then left as it was.
    """
    channel = load_channel(channel_id, [data / "channels"])
    if out is None:
        trial = _tried(channel, file, content_type, None)
    else:
        with replacing(out) as target:
            trial = _tried(channel, file, content_type, target.write)
            if trial.refused:
                target.discard()
    typer.echo(json.dumps(trial.as_json(), ensure_ascii=False)) if as_json else _print_trial(trial)
    raise typer.Exit(0 if trial.passed else 1)


def _tried(channel: Channel, file: Path, content_type: str, write: Callable[[bytes], object] | None) -> Trial:
    with file.open("rb") as raw, reading(raw, file) as source:
        return try_file(channel, source, content_type, keep=_SHOWN, write=write)


def _print_trial(trial: Trial) -> None:
    for message in trial.messages:
        console().print_json(json.dumps(message, ensure_ascii=True), ensure_ascii=False)
    if trial.records > len(trial.messages) == _SHOWN:
        line(f"… 只显示前 {_SHOWN} 条；the first {_SHOWN} are shown, --out FILE writes all")
    for path, value in trial.unmapped:
        line(f"未映射 unmapped  {path} = {value}", "yellow")
    for finding in trial.findings:
        first, *others = finding_lines(finding)
        line(first, _LEVEL_STYLES[finding.level])
        for each in others:
            line(each)
    if trial.refused:
        line("整体拒绝 refused as a whole: nothing of this input counts", "red")
    found = sum(trial.levels.values())
    line(f"{trial.records} records, {trial.valid} valid, {len(trial.unmapped)} unmapped leaves, {found} findings")


@app.command("check")
def check(
    channel_id: Known,
    messages: Annotated[int, typer.Option(min=0, help="Generated messages to prove each interface with.")] = 20,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """检验渠道：样例、用例、规律和覆盖率 /
    Prove a channel: on its samples and on the cases of tests.yaml, by its laws on generated messages, by coverage.

    Exit status 1 where anything is wrong. Fields that are open are named by the group where all of it is open.
    """
    report = check_channel(load_channel(channel_id, [data / "channels"]), messages)
    if report.passed:
        reach(data / "channels" / channel_id, "checked", begin=False)
    typer.echo(json.dumps(report.as_json(), ensure_ascii=False)) if as_json else _print_check(report)
    raise typer.Exit(0 if report.passed else 1)


def _print_check(report: CheckReport) -> None:
    if report.coverage:
        rows = ([name, *covered.cells()] for name, covered in report.coverage.items())
        table(None, ("interface", "fields", *TREATMENTS), rows)
    for name, covered in report.coverage.items():
        if covered.open:
            line(f"{name} 未映射 open: {', '.join(covered.open_groups())}", "dim")
    for problem in report.problems:
        line(f"✗ {problem}", "red")
    line(report.headline)
