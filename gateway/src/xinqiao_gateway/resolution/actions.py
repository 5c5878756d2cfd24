"""What an operator may do, as data: on which kinds of exception, and what it needs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from xinqiao.finding import Text
from xinqiao.message import Json

__all__ = ["ACTIONS", "KINDS", "PARKING", "Action", "explained", "possible"]

# Kinds under which a message may be parked.
PARKING = frozenset({"unexpected_fact", "late", "correction", "approval", "suspicion", "watch_list", "suspense"})
_IS_PARKED, _IS_STUCK = frozenset({"parked"}), frozenset({"dead", "held"})
_DELIVERIES = frozenset({"dead_letter", "unknown_outcome"})

# Every kind of exception, in the words of people.
KINDS: Mapping[str, Text] = MappingProxyType(
    {
        "unexpected_fact": Text("未预期的事实", "a fact that its case did not expect"),
        "suspense": Text("资金挂账", "funds in suspense"),
        "dead_letter": Text("投递失败", "a delivery given up on"),
        "unknown_outcome": Text("投递结果未知", "a delivery whose outcome is unknown"),
        "late": Text("逾截止时间", "it came after the cut-off"),
        "correction": Text("更正待核", "a known record came again, changed"),
        "approval": Text("待审批", "policy wants a person's approval"),
        "suspicion": Text("疑似重复", "it looks like an order sent twice"),
        "watch_list": Text("名单命中", "somebody on a watch list"),
        "alert": Text("规则提示", "a rule of the policy wants somebody to look"),
        "person_event": Text("当事人变化", "a person died, lost capacity or changed"),
        "kyc_lost": Text("尽调失效", "KYC expired or was withdrawn"),
        "recording_failed": Text("双录未通过", "a recording failed its check"),
        "payment_returned": Text("退票", "a payment came back after its success"),
        "policy_changed": Text("保单变化", "a policy lapsed, was surrendered or changed"),
        "undeliverable": Text("无法送达", "a notice cannot reach its recipient"),
        "directive": Text("监管指令", "an authority's directive, and what was in flight"),
        "overdue": Text("逾期未到", "a message that did not come in time"),
        "calendar_unknown": Text("日历缺失", "a calendar does not know a year"),
        "batch": Text("批次异常", "a batch of files is out of sequence, of another day, or came before"),
        "mail_unreadable": Text("邮件未能接收", "a mail that could not be taken"),
    }
)


@dataclass(frozen=True, slots=True)
class Action:
    """What an operator may propose.

    ``kinds``: the exceptions that it resolves, None for all; empty where it is ``about`` something else.
    ``message``: it sends one that the maker gives. ``needs``: states of which something of the exception must be;
    ``last``: it is done only once nothing of it waits any more. ``warning``: what both should know before it is done.
    """

    name: str
    text: Text
    kinds: frozenset[str] | None
    message: bool = False
    needs: frozenset[str] = frozenset()
    last: bool = False
    about: Literal["exception", "case", "document"] = "exception"
    warning: Text | None = None

    def resolves(self, kind: str, waits: Collection[str]) -> bool:
        """Say whether it is something to do about an exception of a kind, of which something waits in these states."""
        fits = self.kinds is None or kind in self.kinds
        return fits and (not self.needs or not self.needs.isdisjoint(waits)) and not (self.last and waits)


def possible(kind: str, waits: Collection[str]) -> list[str]:
    """Return the names of the actions that resolve an exception of a kind, as it stands."""
    return [action.name for action in ACTIONS.values() if action.resolves(kind, waits)]


def explained(proposal: Json) -> Json:
    """Return a proposal with the words of people for its action and, while it is open, what they are warned of."""
    action = ACTIONS[proposal["action"]]
    warning = action.warning if proposal["state"] == "open" else None
    return proposal | {"text": action.text.as_json(), "warning": warning and warning.as_json()}


def _by_name(*actions: Action) -> Mapping[str, Action]:
    return MappingProxyType({action.name: action for action in actions})


_ERASE = Text(
    "销毁后任何人都无法再读取该业务的内容，不能恢复；证据链保持完整，此前的备份仍可读，须另行删除；"
    "文档不随业务销毁，请先用 document list --case 列出，再用 document remove 申请销毁",
    "erasing is for good: nobody reads the case any more; its evidence stays whole, and backups made before can still "
    "be read until they are deleted; documents are not erased with it: list them now with document list --case, and "
    "propose to remove them with document remove",
)
_REMOVE = Text(
    "销毁后任何人都无法再读取该文档，不能恢复，无论被哪个业务引用；此前的备份仍可读，须另行删除",
    "removing is for good: nobody reads the document any more, whichever case names it; backups made before can still "
    "be read until they are deleted",
)

ACTIONS = _by_name(
    Action("release", Text("放行", "let a message go on that waits"), PARKING, needs=_IS_PARKED),
    Action("decline", Text("退回", "turn a message back that waits"), PARKING, needs=_IS_PARKED),
    Action("resend", Text("重发", "deliver again under the same id"), _DELIVERIES, needs=_IS_STUCK),
    Action("skip", Text("跳过", "pass over a delivery, so that its case goes on"), _DELIVERIES, needs=_IS_STUCK),
    Action("confirm", Text("确认送达", "it has arrived, on evidence from outside"), _DELIVERIES, needs=_IS_STUCK),
    Action("supplement", Text("补单", "send the message that is missing"), None, message=True),
    Action("reverse", Text("冲正", "send a message that undoes another"), None, message=True),
    Action("suspense", Text("挂账", "leave money in suspense until it is matched or returned"), PARKING - {"suspense"}),
    Action("waive", Text("豁免", "nothing need come any more"), frozenset({"overdue"})),
    Action("close", Text("结案", "nothing is to be done any more"), None, last=True),
    Action("abandon", Text("终止", "give a case up"), frozenset(), about="case"),
    Action(
        "erase",
        Text("销毁", "destroy the keys of a case: nobody can read it any more"),
        frozenset(),
        about="case",
        warning=_ERASE,
    ),
    Action(
        "remove",
        Text("销毁文档", "destroy a document: nobody can read it any more"),
        frozenset(),
        about="document",
        warning=_REMOVE,
    ),
)
