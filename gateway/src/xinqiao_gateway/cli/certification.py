"""``channel watch``, ``certify`` and ``clock``: live traffic against the standard, the certificate, and onboarding."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.errors import UnknownChannel
from xinqiao.keys import KeyRing
from xinqiao.message import Json, timestamp
from xinqiao.report import bilingual
from xinqiao_gateway.certification.certificate import Held, held_certificate
from xinqiao_gateway.certification.certifying import Issuing, Outcome, certified
from xinqiao_gateway.certification.clock import Clock, Party, clock_of, created_at, reach, wait_for
from xinqiao_gateway.certification.look import Broken, Look, Seen, broken_in, judged_look, keep, last_look
from xinqiao_gateway.certification.traffic import Asked, Traffic, sample
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.cli.opening import AsJson, Data, Since, opened
from xinqiao_gateway.cli.terminal import china_time, line, table
from xinqiao_gateway.installation import Installation, read_installation
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.search import Search, found

__all__ = ["certify", "clock", "listed", "listed_text", "watch"]

Known = Annotated[str, typer.Argument(help="Id of a channel of the installation.")]
# Exchanges of one look by hand.
_MOST = 5000
_STATES = {
    "none": "无证书 none",
    "valid": "有效 valid",
    "other_subject": "属于其他机构 of another institution",
    "malformed": "不是证书 malformed",
    "foreign_key": "签发方未受信任 foreign key",
    "tampered": "被篡改 tampered",
    "revoked": "已吊销 revoked",
    "not_yet_valid": "尚未生效 not yet valid",
    "expired": "已过期 expired",
    "other_results": "与结果不符 other results",
}
_STAGE_TEXTS = {
    "created": "创建 created",
    "checked": "首次检验通过 first green check",
    "added": "密钥到位、启用 added",
    "first_message": "首条报文 first message",
    "first_green": "实际报文首次无误 first green traffic",
    "certified": "认证 certified",
}
_PARTIES = {"partner": "合作方 partner", "us": "我方 us", None: "无 nobody"}


def watch(
    channel_id: Known,
    since: Since = None,
    share: Annotated[
        float | None,
        typer.Option(help="Share of the cases that is looked at; by default the profile's, or 0.1.", min=0.001, max=1),
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """检查渠道的实际报文是否符合标准，并与证书对照 /
    Look at a channel's live traffic, masked, and hold it against its certificate; by default that of the last day and
    of as long before as an answer may take.

    Exit status 1 where the traffic breaks what must be met, or what the certificate says is met.
    """
    with opened(data) as (journal, installation):
        look = _looked(journal, installation, channel_id, since, share)
    keep(data / "channels" / channel_id, look)
    typer.echo(json.dumps(look.as_json(), ensure_ascii=False)) if as_json else _print_look(look)
    raise typer.Exit(1 if look.is_failed else 0)


def _looked(
    journal: Journal, installation: Installation, channel_id: str, since: datetime | None, share: float | None
) -> Look:
    channel = installation.channels.find(channel_id)
    asked = Asked.of(channel, datetime.now(UTC), since, share)
    chosen = sample(journal.reading, channel_id, asked, _MOST)
    traffic = Traffic(journal.reading, channel, installation.settings.institution_code)
    rows = [row for page in traffic.pages(chosen.exchanges) for row in traffic.page(page)]
    seen = Seen(channel_id, traffic.head, rows, asked, chosen.whole)
    return judged_look(seen, _held(installation, channel), last_look(installation.data / "channels" / channel_id))


def _held(installation: Installation, channel: ServedChannel) -> Held:
    folder = installation.data / "channels" / channel.channel_id
    return held_certificate(folder, channel.institution_code, installation.verifying_keys)


def _print_look(look: Look) -> None:
    cut = "" if look.whole else "；只看了最近的 the latest only"
    asked = look.asked
    line(
        f"{look.channel}: {look.exchanges} 次往来 exchanges since {china_time(asked.since)}, share {asked.share:g}{cut}"
    )
    for each in look.broken:
        _print_broken(each)
    line(f"证书 certificate: {_standing_text(look.certificate.as_json())}")
    if look.drift:
        line(f"偏离证书 drift from the certificate: {', '.join(look.drift)}", "red")
    if look.broken:
        line("处理 do: 导出下列记录交给合作方修正 export it, and give it to the partner to mend:")
        line(f"    xinqiao-gateway recording export --channel {look.channel} --since {asked.since} --to FILE")
    counts = ", ".join(f"{count} {name}" for name, count in look.states.items() if count)
    line(f"检查 checks: {counts}", "red" if look.is_failed else "green")


def _print_broken(each: Broken) -> None:
    said = f"✗ {each.requirement} {each.level} ({each.check}) ×{each.count}: {bilingual(each.title)}"
    line(said, "red" if each.level == "MUST" or each.is_drift else "yellow")
    line(f"    {each.path}: {each.seen}")
    line(f"    期望 expected: {bilingual(each.expected)}")
    line(f"    始于 since {china_time(each.since)}: {each.first}")
    line(f"    消息 messages: {', '.join(each.messages)}")
    if each.is_drift:
        line(f"    证书声明符合 the certificate says it is met: {', '.join(each.kits)}")


def listed(folder: Path, institution: str, own: KeyRing) -> Json:
    """Return what ``channel list`` says of a channel: its certificate, and what the last look at its traffic found.

    Raises ``SettingsInvalid``, ``KeyUnusable``.
    """
    look = last_look(folder)
    kept = {name: look[name] for name in ("at", "drift")} | {"broken": broken_in(look)} if look else None
    return {"certificate": held_certificate(folder, institution, own).as_json(), "look": kept}


def listed_text(row: Json) -> str:
    """Return that on one line."""
    certificate, look = row["certificate"], row["look"] or {"drift": (), "broken": ()}
    said = _STATES[certificate["state"]]
    if certificate["expires_at"]:
        said += f" until {certificate['expires_at'][:10]}"
    others = [each for each in look["broken"] if each not in look["drift"]]
    said += f"；偏离 drift: {', '.join(look['drift'])}" if look["drift"] else ""
    return said + (f"；违反 broken: {', '.join(others)}" if others else "")


def _standing_text(certificate: Json) -> str:
    """Return how a certificate stands, on one line."""
    said = _STATES[certificate["state"]]
    if certificate["expires_at"]:
        said += f" until {certificate['expires_at'][:10]} ({', '.join(certificate['kits'])})"
    return f"{said}: {certificate['detail']}" if certificate["detail"] else said


def certify(
    channel_id: Known,
    declaration: Annotated[
        Path,
        typer.Option(
            help="declaration.yaml of the partner; without `reach` its address is the profile's push.url.",
            exists=True,
            dir_okay=False,
        ),
    ],
    recording: Annotated[
        Path | None,
        typer.Option(help="Masked recording: it is judged, and nothing is run.", exists=True, dir_okay=False),
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="Name of who signs; by default our own in a profile.")] = None,
    days: Annotated[int, typer.Option(help="Days until the certificate expires.", min=1, max=1095)] = 365,
    timeout: Annotated[float, typer.Option(help="Seconds that the run may take.", min=1, max=86_400)] = 3600,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """用一致性套件测试合作方，通过后由本机构签发证书，存放在渠道配置旁 /
    Test a channel's partner with the conformance suite, and sign a certificate over what passed, beside the profile.

    Exit status 1 where a requirement is not met; the results are kept for the partner then.
    """
    installation = read_installation(data)
    channel = installation.channels.find(channel_id)
    folder = data / "channels" / channel_id
    named = issuer or _own_name(installation)
    key = data / "keys" / "gateway.jwk"
    issuing = Issuing(key, named, installation.settings.institution_code, days)
    outcome = certified(channel, folder, declaration, recording, issuing, timeout=timeout, quiet=as_json)
    if outcome.passed:
        reach(folder, "certified")
    else:
        wait_for(folder, outcome.waits_for)
    _say_outcome(channel_id, outcome, _held(installation, channel), as_json=as_json)
    raise typer.Exit(0 if outcome.passed else 1)


def _own_name(installation: Installation) -> str:
    """Return the name of this gateway's institution as a channel of its own says it, else its code."""
    code = installation.settings.institution_code
    own = (each.channel.profile.institution for each in installation.channels if each.institution_code == code)
    return next((each.name for each in own), code)


def _say_outcome(channel_id: str, outcome: Outcome, held: Held, *, as_json: bool) -> None:
    if as_json:
        said = {"channel": channel_id, "passed": outcome.passed, "results": str(outcome.results)}
        made = {"path": str(outcome.certificate), **held.as_json()} if outcome.certificate else None
        found_out = {"lacking": list(outcome.lacking), "unseen": list(outcome.unseen), "certificate": made}
        typer.echo(json.dumps(said | found_out, ensure_ascii=False))
    elif outcome.passed:
        line(f"{channel_id}: {outcome.certificate}", "green")
        line(f"证书 certificate: {_standing_text(held.as_json())}")
    else:
        why = ", ".join(outcome.lacking) or f"记录未涉及 nothing recorded of {', '.join(outcome.unseen)}"
        line(f"{channel_id}: 未通过，不签发证书 not met: {why}", "red")
        line(f"全部内容 in full: {outcome.results}")


def clock(
    channel_id: Known,
    waiting_for: Annotated[
        Party | None, typer.Option(help="Record who is waited for from now on: partner or us.")
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """显示接入各阶段的时间、耗时和在等待谁 /
    Show when each stage of onboarding was reached, how long it took, and who is waited for.
    """
    folder = data / "channels" / channel_id
    if not (folder / "channel.yaml").is_file():
        raise UnknownChannel(f"{channel_id[:60]}: {folder} holds no channel.yaml")
    if waiting_for is not None:
        wait_for(folder, waiting_for)
    shown = clock_of(folder, _first_message(data, channel_id))
    if as_json:
        typer.echo(json.dumps({"channel": channel_id} | shown.as_json(), ensure_ascii=False))
    else:
        _print_clock(channel_id, shown)


def _first_message(data: Path, channel_id: str) -> str | None:
    """Return when a channel's first message was accepted; None before, and where no gateway was started yet."""
    if not (data / "keys" / "gateway.jwk").exists() or not read_installation(data).has_journal:
        return None
    wanted = Search(channel=channel_id, since=created_at(data / "channels" / channel_id))
    with opened(data) as (journal, _):
        rows = found(journal.reading, wanted, 1)
    return rows[0]["accepted_at"] if rows else None


def _print_clock(channel_id: str, shown: Clock) -> None:
    rows = (
        [_STAGE_TEXTS[each.stage], china_time(timestamp(each.at)), *(_span(each.after[party]) for party in each.after)]
        for each in shown.reached
    )
    table(f"接入 onboarding: {channel_id}", ("stage", "at", "等合作方 partner", "等我方 us"), rows)
    total = ", ".join(f"{_PARTIES[party]} {_span(seconds)}" for party, seconds in shown.seconds.items())
    line(f"合计 in all: {total}")
    if shown.next is None:
        line("接入完成 onboarding is done", "green")
    else:
        since = f" since {china_time(timestamp(shown.since))}" if shown.since else ""
        line(f"下一步 next: {_STAGE_TEXTS[shown.next]}；等待 waiting for {_PARTIES[shown.waits_for]}{since}", "yellow")


def _span(seconds: float) -> str:
    """Return a length of time as people read it: days, hours and minutes."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}d {hours:02}:{minutes:02}:{rest:02}" if days else f"{hours:02}:{minutes:02}:{rest:02}"
