# ruff: noqa: D103 -- the names say it
"""What a sender does when it was refused for good."""

from collections.abc import Iterator

from xinqiao.errors import Conflict, InternalError, NotValid, Rejected, error_table
from xinqiao.finding import Text
from xinqiao_conformance.benches.listening import Turn, refused
from xinqiao_conformance.benches.sender import SenderBench
from xinqiao_conformance.cases.sender import case
from xinqiao_conformance.kits import Kit

_FIX = Text(
    "拒绝消息中 retryable 为 false 的，不再发送，转人工处理",
    "where the rejection says retryable false, send no more and let somebody look at it",
)
_LATER_REASON = {"reason": "reason_of_a_later_version", "retryable": False}


def refusals(_kit: Kit) -> Iterator[tuple[str, Turn]]:
    for error in error_table():
        if issubclass(error, Rejected):
            yield error.reason, refused(error)
    yield str(_LATER_REASON["reason"]), refused(NotValid, **_LATER_REASON)


@case("TRN-005", negative=True, over=refusals)
def what_was_refused_for_good_is_not_sent_again(bench: SenderBench, refusal: Turn) -> None:
    sent = bench.send(bench.kit.types[0], then=refusal)
    sent.require(len(sent.attempts) == 1, "只发送一次", "one attempt and no other", _FIX)


@case("TRN-005", negative=True)
def a_refusal_for_good_ends_the_attempts_that_were_under_way(bench: SenderBench) -> None:
    failures = (refused(InternalError), Turn(lost="after"))
    sent = bench.send(bench.kit.types[0], *failures, then=refused(Conflict))
    most = len(failures) + 1
    sent.require(sent.attempts, "发送一条消息", "a message sent")
    sent.require(len(sent.attempts) <= most, f"至多发送 {most} 次", f"{most} attempts at the most", _FIX)
