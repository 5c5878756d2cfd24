# ruff: noqa: D103 -- the names say it
"""What a sender says became of a message: success on evidence only."""

from collections.abc import Iterator

from xinqiao.errors import InternalError
from xinqiao.finding import Text
from xinqiao_conformance.benches.listening import ACCEPTED, Attempt, Turn, refused
from xinqiao_conformance.benches.sender import SenderBench, Sent
from xinqiao_conformance.cases.sender import case
from xinqiao_conformance.cases.sender.finality import refusals
from xinqiao_conformance.kits import Kit

_EVIDENCE = Text(
    "只有 acceptedMessageId 为所发消息编号的受理回执才表示已受理",
    "only a receipt whose acceptedMessageId is the id of what was sent says that it was accepted",
)


def _troubles(_kit: Kit) -> Iterator[tuple[str, tuple[Turn, ...]]]:
    other = Turn(other=True)
    yield "a_receipt_of_another_message", (other, other, other)
    yield "a_page_of_a_proxy_with_status_200", (Turn(page=200),) * 3
    yield "an_answer_lost_after_acceptance", (Turn(lost="after"),)
    yield "a_failure_on_the_other_side", (refused(InternalError),)


def _is_evidence(attempt: Attempt) -> bool:
    receipt = (attempt.answer or {}).get("receipt", {})
    return bool(receipt.get("acceptedMessageId") == attempt.message_id)


def _require_evidence(sent: Sent) -> None:
    sent.require(sent.attempts, "发送一条消息", "a message sent")
    accepted = any(_is_evidence(each) for each in sent.attempts)
    told = sent.told.outcome == "accepted"
    if accepted:
        sent.require(told, "结果为 accepted", "the outcome accepted")
    else:
        sent.require(
            not told,
            "结果不是 accepted：没有本消息的受理回执",
            "another outcome than accepted: no receipt of this message came",
            _EVIDENCE,
        )


@case("TRN-008")
def what_was_accepted_is_told_as_accepted(bench: SenderBench) -> None:
    _require_evidence(bench.send(bench.kit.types[0], ACCEPTED))


@case("TRN-008", negative=True, over=_troubles)
def success_is_told_on_evidence_only(bench: SenderBench, trouble: tuple[Turn, ...]) -> None:
    _require_evidence(bench.send(bench.kit.types[0], *trouble))


@case("TRN-008", negative=True, over=refusals)
def a_rejection_is_told_with_its_reason(bench: SenderBench, refusal: Turn) -> None:
    sent = bench.send(bench.kit.types[0], then=refusal)
    reason = refusal.says.get("reason") or (refusal.error.reason if refusal.error else "")
    told = f"rejected: {reason}"
    sent.require(sent.attempts, "发送一条消息", "a message sent")
    sent.require(sent.told.outcome == told, f"结果为 {told}", f"the outcome {told}")
