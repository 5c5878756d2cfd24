"""``case list``, ``show``, ``abandon`` and ``erase``: one business as it went, and what is expected next."""

import json
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.message import Json
from xinqiao.standard import message_types
from xinqiao_gateway.cli.opening import AsJson, Data, Limit, Reason, Token, documents_of, listed, opened
from xinqiao_gateway.cli.resolution import proposed
from xinqiao_gateway.cli.terminal import china_time, line, table
from xinqiao_gateway.resolution import Wish
from xinqiao_gateway.views import case_view

__all__ = ["app"]

app = typer.Typer(
    help="业务的经过和下一步期望 / Cases: each with its timeline and what is expected next.", no_args_is_help=True
)

CaseId = Annotated[str, typer.Argument(help="Id of the case.")]
Institution = Annotated[
    str | None, typer.Option(help="Code of one of its institutions; without it, of several cases the one changed last.")
]
Test = Annotated[bool, typer.Option("--test", help="A case of test traffic.")]
_CASES = ("case_id", "process", "state", "test", "opened_at", "changed_at")


@app.command("list")
def list_cases(data: Data = Path("data"), limit: Limit = 100, as_json: AsJson = False) -> None:
    """列出最近有变化的业务 / List the cases that changed last, latest first."""
    with opened(data) as (journal, _):
        found = journal.reading.cases(limit)
    listed("业务 cases", _CASES, found, as_json=as_json)


@app.command("show")
def show_case(
    case_id: CaseId,
    data: Data = Path("data"),
    institution: Institution = None,
    test: Test = False,
    as_json: AsJson = False,
) -> None:
    """显示业务的状态、经过和下一步期望 /
    Show a case: its state, its timeline, what is expected next and from whom, what is many in it.
    """
    with opened(data) as (journal, installation):
        known = (installation.channels, documents_of(installation, journal.reading.vault))
        found = case_view(journal.reading, *known, case_id, test=test, institution=institution)
    typer.echo(json.dumps(found, ensure_ascii=False)) if as_json else _print(found)


def _print(found: Json) -> None:
    title = found["title"] or {"zh": "", "en": ""}
    line(f"业务 case {found['case_id']}: {found['state']} {title['zh']} {title['en']}", "bold")
    for each in found["institutions"]:
        line(f"  {each['code']} {each['name'] or ''}")
    more = found["message_count"] - len(found["messages"])
    if more:
        line(f"  另有 {more} 条更早的消息未显示；{more} earlier messages are not shown", "yellow")
    table("时间线 timeline", ("at", "what", "which", "how"), (_cells(each) for each in found["timeline"]))
    for each in found["items"]:
        name = f"{each['title']['zh']} {each['title']['en']}" if each["title"] else each["kind"]
        line(f"{name}: " + ", ".join(f"{state} {count}" for state, count in each["states"].items()))
    for each in found["missing_documents"]:
        line(f"缺少文档 missing document: {each['document']} (消息 message {each['position']})", "yellow")
    line("下一步期望 expected next:" if found["expected"] else "不再期望任何消息 nothing more is expected")
    for each in found["expected"]:
        whom = f"{each['from']['name'] or ''} {each['from']['code']}" if each["from"] else "任一方 either side"
        line(f"  {each['message_type']} {each['title']['zh']} ← {whom.strip()}{'  必到 due' if each['due'] else ''}")


def _cells(each: Json) -> tuple[str, str, str, str]:
    """Return an event in four cells: when, what, which, how it stands."""
    which, how = _SHOWN[each["event"]](each)
    return china_time(each["at"]), _EVENTS[each["event"]], which, how


_EVENTS = {
    "message": "消息 message",
    "delivery": "投递 delivery",
    "exception": "异常 exception",
    "resolved": "已处理 resolved",
    "proposed": "申请 proposed",
    "approved": "复核通过 approved",
    "declined": "复核退回 declined",
    "due": "应到 due",
    "settled": "已了结 settled",
    "visit": "页面 page",
}


def _message(each: Json) -> tuple[str, str]:
    kind = message_types()[each["message_type"]]
    said = f"{each['position']} {kind.title.zh} {each['message_type']}"
    return said, f"{each['sender']} → {each['receiver']}  {each['case_state'] or ''}"


def _delivery(each: Json) -> tuple[str, str]:
    said = " ".join(filter(None, (each["outcome"], each["reason"], each["detail"])))
    return f"{each['position']} → {each['channel']}", said


def _exception(each: Json) -> tuple[str, str]:
    return f"#{each['exception_id']} {each['kind']}", each["detail"] or each["state"]


def _resolved(each: Json) -> tuple[str, str]:
    return f"#{each['exception_id']} {each['kind']}", f"{each['resolution']} {each['handled_by'] or ''}".strip()


def _proposal(each: Json) -> tuple[str, str]:
    about = f" #{each['exception_id']}" if each["exception_id"] else ""
    return f"{each['proposal_id']} {each['action']}{about}", f"{each['by']}: {each['reason']}"


def _obligation(each: Json) -> tuple[str, str]:
    return f"{each['rule']} {each['day']}", f"{each['expects']} {each['state']}"


def _visit(each: Json) -> tuple[str, str]:
    return f"{each['flow']} {each['act']}", f"{each['role']}  {each['channel']} {each['kid']}"


_SHOWN = {
    "message": _message,
    "delivery": _delivery,
    "exception": _exception,
    "resolved": _resolved,
    "proposed": _proposal,
    "approved": _proposal,
    "declined": _proposal,
    "due": _obligation,
    "settled": _obligation,
    "visit": _visit,
}


def _proposal_of(action: str, about: str) -> None:
    """Add the command that proposes an action on a whole case."""

    def propose(
        case_id: CaseId,
        reason: Reason,
        institution: Institution = None,
        test: Test = False,
        token: Token = None,
        data: Data = Path("data"),
        as_json: AsJson = False,
    ) -> None:
        wish = Wish(action, reason, case_id=case_id, institution=institution, test=test)
        proposed(wish, token, data, as_json=as_json)

    app.command(action, help=about)(propose)


_proposal_of("abandon", "申请终止业务，由另一名操作员复核 / Propose to give a case up; another operator approves it.")
_proposal_of(
    "erase",
    "申请销毁业务的内容，不可恢复，证据链保持完整 / "
    "Propose to destroy the keys of a case, for good: nobody reads it any more, and its evidence stays whole.",
)
