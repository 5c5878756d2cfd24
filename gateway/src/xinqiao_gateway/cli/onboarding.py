"""``channel new``, ``expect``, ``confirm``: a draft from samples, what they become, and who stands for it."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from xinqiao_adapters.channel import load_channel
from xinqiao_adapters.onboarding.confirmation import Wanted as WantedProposals
from xinqiao_adapters.onboarding.confirmation import confirm as confirm_proposals
from xinqiao_adapters.onboarding.expectation import expect as expect_messages
from xinqiao_adapters.onboarding.new_channel import NewChannelReport, Wanted, flat_rows, new_channel
from xinqiao_gateway.certification.clock import reach
from xinqiao_gateway.cli.opening import AsJson, Data
from xinqiao_gateway.cli.terminal import line, table
from xinqiao_gateway.settings import read_settings

__all__ = ["InstitutionKind", "confirm", "expect", "new"]

InstitutionKind = Literal[
    "bank", "insurer", "wealth-manager", "fund-distributor", "platform", "asset-servicer", "trust-company"
]
_TO_BE_FILLED_IN = "000000000000000000"
_MOST_FINDINGS = 10


def new(
    channel_id: Annotated[str, typer.Argument(help="Id of the new channel, e.g. my-bank.")],
    samples: Annotated[
        list[Path],
        typer.Option("--from", help="Sample of what the partner sends; several.", exists=True, dir_okay=False),
    ] = [],  # noqa: B006 -- typer reads it, nobody writes it
    outgoing: Annotated[
        list[Path],
        typer.Option("--to", help="Sample of what the partner wants to receive; several.", exists=True, dir_okay=False),
    ] = [],  # noqa: B006 -- as above
    interface_table: Annotated[
        Path | None,
        typer.Option(help="The partner's field table (.xlsx, .xls, .csv): names, titles, types, lengths, remarks.",
                     exists=True, dir_okay=False),
    ] = None,
    message: Annotated[str | None, typer.Option(help="Message type of all samples, where it is known.")] = None,
    institution: Annotated[str | None, typer.Option(help="Name of the partner; by default the id.")] = None,
    kind: Annotated[InstitutionKind, typer.Option("--type", help="Kind of institution.")] = "bank",
    code: Annotated[str, typer.Option(help="Institution code (18 characters) of the partner.")] = _TO_BE_FILLED_IN,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """由合作方的样例起草渠道，每项推测附理由 /
    Draft a channel from a partner's samples: formats, message types and mapping, each guess with its reason.

    Writes DATA/channels/ID. Nothing is served before `channel confirm`.
    """
    if not re.fullmatch("[0-9A-HJ-NPQRTUWXY]{18}", code):
        raise typer.BadParameter(f"{code[:30]!r} is no institution code: 18 characters of a social credit code")
    wanted = Wanted(
        channel_id,
        incoming=samples,
        outgoing=outgoing,
        field_table=interface_table,
        message=message,
        institution={"name": institution or channel_id, "type": kind, "code": code},
        receiver=read_settings(data).institution_code,
    )
    report = new_channel(wanted, data / "channels")
    reach(report.profile.parent, "created")
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False))
        return
    _print(report, data)


def _print(report: NewChannelReport, data: Path) -> None:
    for each in report.draft.interfaces:
        title = f"{each.name}: {each.message} {each.title[0]} ({each.confidence:.2f})"
        rows = ((_source(row), row["path"], _converter(row), f"{row['confidence']:.2f}", row["reason"])
                for row in flat_rows(each.rows, ""))  # fmt: skip
        table(title, ("from", "path", "as", "sure", "why"), rows)
        for left in each.unproposed:
            near = ", ".join(f"{path} {score}" for path, score in left.near)
            line(f"未提出 not proposed  {left.partner}{f'  near: {near}' if near else ''}", "yellow")
        for name, codes in each.codes.items():
            if codes.unknown:
                line(f"代码待补 codes to complete  {name}: {', '.join(codes.unknown)}", "yellow")
    for sample in report.samples:
        line(f"{sample.sample}: {sample.messages} messages, {len(sample.findings)} findings")
        for finding in sample.findings[:_MOST_FINDINGS]:
            line(f"  {finding}", "yellow")
    _print_next(report, data)


def _source(row: dict[str, Any]) -> str:
    said = row.get("from") or row.get("each") or f"= {row.get('constant')}"
    return " + ".join(said) if isinstance(said, list) else str(said)


def _converter(row: dict[str, Any]) -> str:
    said = {name: part for name, part in row.items()
            if name not in ("from", "each", "constant", "path", "confidence", "reason")}  # fmt: skip
    return ", ".join(f"{name} {part}" for name, part in said.items())


def _print_next(report: NewChannelReport, data: Path) -> None:
    name, command, at = report.draft.channel, "xinqiao-gateway channel", f"--data {data}"
    sample = next((each.sample for each in report.samples), "FILE")
    if report.problem:
        line(f"草稿尚不能加载 the draft does not load yet: {report.problem}", "red")
    line(f"已写入 written: {report.profile}", "green")
    line("下一步 next:")
    steps = [
        "校对 channel.yaml 的每一行，补全代码表  look at each row of channel.yaml, complete the code tables",
        f"试读 try: {command} try {name} {report.profile.parent / 'samples' / sample} {at}",
        f"修改后重新生成 after changes: {command} expect {name} {at}",
        "核对 samples 中的 *.unreviewed.json 后改名为 *.json（JSON 样例为 *.expected.json）  "
        "review these files, then rename them",
        f"检查 check: {command} check {name} {at}",
        f"确认 confirm: {command} confirm {name} --by NAME --all-above 0.9 {at}",
        f"接口文档 docs: {command} docs {name} {at}",
        f"安装 add: {command} add {name} --key PARTNER.pub.jwk {at}",
    ]
    if report.draft.institution["code"] == _TO_BE_FILLED_IN:
        steps.insert(0, "填写 institution.code  fill in the partner's institution code")
    for number, step in enumerate(steps, 1):
        line(f"  {number}. {step}")


def expect(
    channel_id: Annotated[str, typer.Argument(help="Id of a channel of the installation.")],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """在样例旁写出其转换结果，供人工核对 /
    Write what each sample becomes now beside it, as NAME.unreviewed.json; what was reviewed stays as it is.

    Exit status 1 where a sample cannot be read whole.
    """
    done = list(expect_messages(load_channel(channel_id, [data / "channels"])))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in done], ensure_ascii=False))
    else:
        for each in done:
            line(f"{each.sample}: {each.messages} messages → {each.written}", "green")
            for finding in each.findings[:_MOST_FINDINGS]:
                line(f"  {finding}", "yellow")
    raise typer.Exit(1 if any(each.findings for each in done) else 0)


def confirm(
    channel_id: Annotated[str, typer.Argument(help="Id of a channel of the installation.")],
    by: Annotated[str, typer.Option(help="Who stands for the proposals.")],
    interface: Annotated[str | None, typer.Option(help="Those of one interface.")] = None,
    row: Annotated[list[str], typer.Option(help="The row of a canonical path; several.")] = [],  # noqa: B006 -- typer reads it
    all_above: Annotated[float | None, typer.Option(help="Those at least so sure, 0 to 1.", min=0, max=1)] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """确认起草的内容，并记录确认人 /
    Write who confirms proposals into the profile. Say which: an interface, rows, or those that are sure enough.
    """
    if interface is None and not row and all_above is None:
        raise typer.BadParameter("say which: --interface, --row or --all-above")
    path = data / "channels" / channel_id / "channel.yaml"
    done = confirm_proposals(path, by, WantedProposals(interface, row, all_above))
    if as_json:
        typer.echo(json.dumps({"channel": channel_id, "confirmed": done}, ensure_ascii=False))
        return
    for each in done:
        line(f"已确认 confirmed  {each}", "green")
    line(f"{len(done)} proposals confirmed by {by}")
