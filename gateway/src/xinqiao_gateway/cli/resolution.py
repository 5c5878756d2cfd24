"""``exception`` and ``proposal``: what a person must resolve, proposed by one operator and decided by another."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from xinqiao.errors import NotFound
from xinqiao.message import Json
from xinqiao_gateway.cli.opening import After, AsJson, Data, Limit, Reason, Token, at_desk, listed, opened, show
from xinqiao_gateway.cli.terminal import china_time, console, counted, line
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.listing import cases_of, suspended_as
from xinqiao_gateway.journal.timeline import timeline
from xinqiao_gateway.resolution import ACTIONS, Wish
from xinqiao_gateway.views import exception_view, exceptions_view, proposal_view, proposals_view

__all__ = ["exceptions", "proposals", "proposed"]

exceptions = typer.Typer(help="异常：须由人处理的事项 / Exceptions: what a person must resolve.", no_args_is_help=True)
proposals = typer.Typer(
    help="申请：一人经办，另一人复核 / Proposals: what one operator asks for and another decides.", no_args_is_help=True
)

ExceptionId = Annotated[int, typer.Argument(help="Number of the exception, as exception list shows it.", min=1)]
ProposalId = Annotated[int, typer.Argument(help="Number of the proposal, as proposal list shows it.", min=1)]
_ABOUT = ", ".join(f"{each.name} {each.text.zh}" for each in ACTIONS.values() if each.about == "exception")
_EXCEPTIONS = ("exception_id", "kind", "title", "case_id", "channel", "message_type", "state", "raised_at")
_PROPOSALS = ("proposal_id", "action", "case_id", "exception_id", "reason", "maker", "state", "checker")


@exceptions.command("list")
def list_exceptions(
    data: Data = Path("data"),
    state: Annotated[
        Literal["open", "in_hand", "resolved"] | None, typer.Option(help="Only these; else all that are unresolved.")
    ] = None,
    after: After = 0,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """列出异常，最早的在前 / List exceptions, oldest first."""
    with opened(data) as (journal, _):
        found = exceptions_view(journal.reading, state, after, limit)
    shown = found if as_json else [each | {"title": (each["title"] or {}).get("zh")} for each in found]
    listed("异常 exceptions", _EXCEPTIONS, shown, as_json=as_json)


_FIELDS = {
    "state": "状态",
    "case_id": "业务",
    "channel": "渠道",
    "message_type": "消息类型",
    "message_id": "消息",
    "detail": "说明",
    "expected": "期望",
    "raised_at": "发生时间",
}


@exceptions.command("show")
def show_exception(exception_id: ExceptionId, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """显示异常及可选操作 /
    Show an exception: its message, its deliveries, its proposals, and what can be done about it.
    """
    with opened(data) as (journal, _):
        found = exception_view(journal.reading, exception_id)
    typer.echo(json.dumps(found, ensure_ascii=False)) if as_json else _print_exception(found)


def _print_exception(found: Json) -> None:
    title = found["title"] or {"zh": "", "en": ""}
    line(f"异常 exception {found['exception_id']}: {found['kind']} {title['zh']} {title['en']}", "bold")
    for name, zh in _FIELDS.items():
        if found[name]:
            line(f"  {zh} {name}: {china_time(found[name]) if name == 'raised_at' else found[name]}")
    if found["resolution"]:
        at = china_time(found["resolved_at"])
        line(f"  处理结果 resolution: {found['resolution']} by {found['handled_by']} at {at}")
    for each in found["deliveries"]:
        tries = f"{each['attempts']} 次尝试 {counted(each['attempts'], 'attempt')}"
        line(f"  投递 delivery {each['delivery_id']} → {each['channel']}: {each['state']}, {tries}")
        for tried in each["tried"][-5:]:
            line(f"    {china_time(tried['at'])} {tried['outcome']} {tried['reason']} {tried['detail']}")
    for each in found.get("affected_orders") or ():
        at = china_time(each["accepted_at"])
        line(f"  涉及的订单 affected order {each['order_reference']}: {each['message_id']}, {at}")
    for each in found["proposals"]:
        line(f"  {_said(each)}")
    if found["actions"]:
        line("可选操作 what can be done:")
    for each in found["actions"]:
        needs = " --message FILE" if each["message"] else ""
        line(f"  --action {each['action']}{needs}  {each['text']['zh']} {each['text']['en']}")


@exceptions.command("resolve")
def resolve(
    exception_id: ExceptionId,
    action: Annotated[str, typer.Option(help=f"What to do: {_ABOUT}.")],
    reason: Reason,
    message: Annotated[
        Path | None,
        typer.Option(help="The message to send, as canonical JSON (supplement, reverse).", exists=True, dir_okay=False),
    ] = None,
    batch: Annotated[
        str | None, typer.Option(help="Named batch for a late file, e.g. 20261123-2; else the one that it missed.")
    ] = None,
    token: Token = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """申请处理异常，由另一名操作员复核 /
    Propose an action. Nothing happens before another operator approves it with proposal approve.
    """
    content = message.read_bytes() if message else None
    proposed(Wish(action, reason, exception_id, batch=batch, message=content), token, data, as_json=as_json)


def proposed(wish: Wish, token: Path | None, data: Path, *, as_json: bool) -> None:
    """Propose what an operator asks for and print the proposal."""
    with at_desk(data, token) as it:
        made = asyncio.run(it.desk.propose(it.operator, wish))
        if as_json:
            typer.echo(json.dumps(made, ensure_ascii=False))
            return
        line(_said(made), "green")
        _print_about(it.journal, made)
    line("须由另一名操作员复核 another operator decides it:")
    line(f"  xinqiao-gateway proposal approve {made['proposal_id']} --data {data}")


def _print_about(journal: Journal, proposal: Json) -> None:
    """Say which case a proposal is about, how it stands, how much it holds; and what people are warned of."""
    if "case_id" in proposal["arguments"]:
        _print_case(journal, proposal["arguments"])
    _warn(proposal)


def _warn(proposal: Json) -> None:
    if warning := proposal["warning"]:
        line(f"  警告：{warning['zh']}；warning: {warning['en']}", "bold red")


def _print_case(journal: Journal, about: Json) -> None:
    with suppress(NotFound):  # its rows may be gone since
        # Both of its institutions: the same id may be a case of one of them with somebody else.
        found = timeline(journal.reading, about["case_id"], about["test"], about["parties"])
        title = found["title"] or {"zh": "", "en": ""}
        line(f"  业务 case {found['case_id']}: {found['state']} {title['zh']} {title['en']}")
        line(f"  {found['message_count']} 条消息 {counted(found['message_count'], 'message')}")
        line(f"  {' ↔ '.join(found['parties'])}{'  测试 test' if found['test'] else ''}")


def _said(each: Json) -> str:
    action = ACTIONS[each["action"]]
    arguments = each["arguments"]
    about = f"{action.about} {each['exception_id'] or arguments.get('case_id') or arguments.get('document')}"
    decided = f", {_DECIDED[_how(each)]} by {each['checker']}" if each["checker"] else ""
    said = f"申请 proposal {each['proposal_id']}: {action.name} {action.text.zh}, {about}, by {each['maker']}{decided}"
    return f"{said}: {each['reason']}"


_DECIDED = {"approved": "复核通过 approved", "declined": "复核退回 declined", "withdrawn": "已撤回 withdrawn"}


def _how(proposal: Json) -> str:
    """Return how a proposal was decided; whose maker declined it withdrew it."""
    own = proposal["state"] == "declined" and proposal["maker"] == proposal["checker"]
    return "withdrawn" if own else str(proposal["state"])


@proposals.command("list")
def list_proposals(
    data: Data = Path("data"),
    state: Annotated[
        Literal["open", "approved", "declined", "any"], typer.Option(help="Only proposals in this state.")
    ] = "open",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """列出申请，最早的在前 / List proposals, oldest first."""
    with opened(data) as (journal, _):
        found = proposals_view(journal.reading, None if state == "any" else state, limit)
        cases = cases_of(journal.reading, (each["exception_id"] for each in found if each["exception_id"]))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    named = ({"case_id": each["arguments"].get("case_id") or cases.get(each["exception_id"])} for each in found)
    show("申请 proposals", _PROPOSALS, [each | case for each, case in zip(found, named, strict=True)])
    for each in {each["action"]: each for each in found if each["warning"]}.values():
        _warn(each)


@proposals.command("show")
def show_proposal(proposal_id: ProposalId, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """显示申请、涉及的业务和将发送的消息（脱敏） /
    Show a proposal, what it is about, and the message that it would send, masked.
    """
    with opened(data) as (journal, _):
        found = proposal_view(journal.reading, proposal_id)
        if as_json:
            typer.echo(json.dumps(found, ensure_ascii=False))
            return
        line(_said(found), "bold")
        _print_about(journal, found)
    if found["arguments"].get("batch"):
        line(f"  批次 batch: {found['arguments']['batch']}")
    if found["message"]:
        console().print_json(json.dumps(found["message"]), ensure_ascii=False)
    if found["exception"]:
        _print_exception(found["exception"] | {"actions": [], "proposals": []})


@proposals.command()
def approve(proposal_id: ProposalId, token: Token = None, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """复核通过他人的申请，随即生效 /
    Approve a proposal of another operator: it is done when this returns, in one commit with its record.
    """
    _decide(proposal_id, token, data, approved=True, as_json=as_json)


@proposals.command()
def decline(proposal_id: ProposalId, token: Token = None, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """退回他人的申请，或撤回本人的申请 /
    Decline a proposal, or withdraw your own: nothing is done, and its exception is open again.
    """
    _decide(proposal_id, token, data, approved=False, as_json=as_json)


def _decide(proposal_id: int, token: Path | None, data: Path, *, approved: bool, as_json: bool) -> None:
    with at_desk(data, token) as it:
        done = asyncio.run(it.desk.decide(it.operator, proposal_id, approved=approved))
        if as_json:
            typer.echo(json.dumps(done, ensure_ascii=False))
            return
        line(_said(done), "green")
        if approved and done["action"] == "suspense":
            number = suspended_as(it.journal.reading, done["exception_id"])
            line(f"挂账的资金列为异常 the money in suspense is exception {number}")
