"""What a gateway or receiver answered: receipts, repeats, conflicts, and the status of each refusal."""

from collections.abc import Iterable
from functools import cache

from xinqiao.errors import error_table
from xinqiao.finding import Text, errors_in
from xinqiao.message import Json, content_digest
from xinqiao.recording.checking import Broken, Context, Looks, check, taken
from xinqiao.recording.index import Index
from xinqiao.recording.model import Answer, Recorded, body_of

__all__: list[str] = []

_ACCEPTED = frozenset({200, 202, None})
_RECEIPT = Text("写明该消息编号及日志位置的受理回执", "a receipt that names the message's id and its journal position")
_ANY_ANSWER = Text("受理回执或拒绝", "a receipt or a rejection")
_TAKEN = Text("有效的消息得到受理回执", "a receipt: the message is valid")
_SAME = Text("与首次相同的受理回执", "the same receipt as the first time")
_CONFLICT = Text("原因为 conflict、状态为 409 的拒绝", "a rejection with reason conflict and status 409")
# Why an accepted message may not be refused when it comes again: what it says has not changed.
_JUDGED = frozenset({"conflict", "not_valid", "out_of_order", "no_route", "policy_forbids", "unknown_message_type"})


def _receipt(answer: Answer | None) -> Json | None:
    message = answer.message if answer else None
    return message["receipt"] if message and body_of(message) == "receipt" else None


def _reason(answer: Answer | None) -> str | None:
    message = answer.message if answer else None
    return str(message["rejection"].get("reason")) if message and body_of(message) == "rejection" else None


@check(
    "receipts", "ENV-001", "gateway", zh="受理回执不完整，或没有答复", en="a receipt lacks something, or nothing came"
)
def look_at_receipts(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Each answer is a receipt for that message, or a rejection."""
    looked = 0
    for each in taken(recorded):
        if each.message is None or each.answer is None or each.transport == "h5":
            continue
        looked += 1
        receipt, answer = _receipt(each.answer), each.answer
        if receipt is None and _reason(answer) is None:
            yield Broken(each.number, "answer", _ANY_ANSWER, f"status {answer.status} and neither")
        elif receipt is not None and not _is_for(receipt, each, answer):
            said = {"id": receipt.get("acceptedMessageId"), "position": receipt.get("position")}
            yield Broken(each.number, "answer.receipt", _RECEIPT, f"status {answer.status}, {said}"[:200])
    return looked


def _is_for(receipt: Json, each: Recorded, answer: Answer) -> bool:
    position = receipt.get("position")
    placed = isinstance(position, str) and position.isascii() and position.isdigit()
    return placed and receipt.get("acceptedMessageId") == each.message_id and answer.status in _ACCEPTED


@check("valid_taken", "ENV-001", "gateway", zh="有效的消息被拒绝", en="a valid message was refused", veiled=True)
def look_at_refusals(recorded: Iterable[Recorded], context: Context) -> Looks:
    """Refused as not valid, though nothing is wrong with it; of hidden values nobody can tell."""
    looked = 0
    for each in taken(recorded):
        findings = context.findings(each)
        if each.answer is None or findings is None or errors_in(findings):
            continue
        looked += 1
        if _reason(each.answer) == "not_valid" and not context.masked:
            yield Broken(each.number, "answer.rejection", _TAKEN, "not_valid")
    return looked


@check(
    "repeats", "ENV-002", "gateway", zh="重复消息的回执与首次不同", en="a repeat got another answer than the first time"
)
def look_at_repeats(recorded: Iterable[Recorded], _: Context) -> Looks:
    """The same id and content again, after it was accepted. A proof may come to a receipt later."""
    looked = 0
    with Index() as accepted:
        for each in taken(recorded):
            if not each.header or each.message is None or each.answer is None:
                continue
            key = (each.header.get("sender"), each.message_id, content_digest(each.message))
            receipt, first = _receipt(each.answer), accepted.get(*key)
            if first is None:
                if receipt is not None:
                    accepted.put(*key, value=_told(each.answer))
                continue
            looked += 1
            if (receipt is None and _reason(each.answer) in _JUDGED) or (receipt and _told(each.answer) != first):
                yield Broken(each.number, "answer", _SAME, _reason(each.answer) or "another receipt")
    return looked


def _told(answer: Answer) -> Json:
    """Return what a receipt says, without the proof that may follow."""
    message = answer.message or {}
    body = {name: part for name, part in message["receipt"].items() if name != "proof"}
    return {"id": message["header"].get("messageId") if isinstance(message.get("header"), dict) else None, **body}


@check("conflicts", "ENV-003", "gateway", zh="同号不同文的消息被受理", en="a known id with other content was taken")
def look_at_conflicts(recorded: Iterable[Recorded], _: Context) -> Looks:
    """An accepted id again with other content: refused, and where it is refused for that, with its status."""
    looked = 0
    with Index() as accepted:
        for each in taken(recorded):
            if not each.header or each.message is None or each.answer is None:
                continue
            key, digest = (each.header.get("sender"), each.message_id), content_digest(each.message)
            before, is_taken = accepted.get(*key), _receipt(each.answer) is not None
            if before is None and is_taken:
                accepted.put(*key, value=digest)
            if before in {None, digest}:
                continue
            looked += 1
            refused = _reason(each.answer) == "conflict" and each.answer.status not in {409, None}
            if is_taken or refused:
                yield Broken(each.number, "answer", _CONFLICT, f"status {each.answer.status}")
    return looked


@cache
def _statuses() -> dict[str, int]:
    return {error.reason: error.http_status for error in error_table()}


@check(
    "statuses", "TRN-001", "gateway", "receiver", zh="状态与错误表不符", en="a status is not that of the error table"
)
def look_at_statuses(recorded: Iterable[Recorded], _: Context) -> Looks:
    """HTTP's status of each refusal whose reason the table has."""
    looked = 0
    for each in taken(recorded):
        status = _statuses().get(_reason(each.answer) or "")
        if status is None or each.answer is None or each.transport != "rest":
            continue
        looked += 1
        if each.answer.status != status:
            expected = Text(f"{_reason(each.answer)} 的状态 {status}", f"status {status} for {_reason(each.answer)}")
            yield Broken(each.number, "answer.status", expected, str(each.answer.status))
    return looked
