# ruff: noqa: D103 -- the names say it
"""What a sender does when an attempt fails and a further one may succeed."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from xinqiao.errors import InternalError, Overloaded, RateLimited, Retryable, error_table
from xinqiao.finding import Text
from xinqiao_conformance.benches.listening import Attempt, Turn, refused
from xinqiao_conformance.benches.sender import SenderBench, Sent
from xinqiao_conformance.cases.sender import case
from xinqiao_conformance.kits import Kit

# Seconds: what Retry-After asks for, what clocks may differ by, and how long a slow answer takes.
_ASKED = 1
_TOLERANCE = 0.05
_SLOW = 0.5
# By less a pause is longer by chance, too.
_GROWTH = 1.25
_LATER_REASON = {"reason": "reason_of_a_later_version", "retryable": True}

_SAME = Text(
    "重试时沿用首次的编号和内容；只有 createdAt 和签名可以重新生成",
    "repeat the message under the id of the first attempt and unchanged; only createdAt and the seal may be made anew",
)


def _failures(_kit: Kit) -> Iterator[tuple[str, Turn]]:
    for error in error_table():
        if issubclass(error, Retryable):
            yield error.reason, refused(error)
    yield "a_retryable_reason_of_a_later_version", refused(Overloaded, **_LATER_REASON)
    for status in (502, 503, 504):
        yield f"a_page_of_a_proxy_with_status_{status}", Turn(page=status)
    yield "connection_lost_before_acceptance", Turn(lost="before")
    yield "connection_lost_after_acceptance", Turn(lost="after")


def _limits(_kit: Kit) -> Iterator[tuple[str, Turn]]:
    for error in (Overloaded, RateLimited):
        yield error.reason, Turn(error=error, retry_after=_ASKED)


def _is_repeat(attempts: Sequence[Attempt]) -> bool:
    return all(each.message_id == attempts[0].message_id and each.said == attempts[0].said for each in attempts)


def _require_repeated(sent: Sent) -> None:
    repeated = len(sent.attempts) > 1
    sent.require(repeated, "失败后以同一编号重试", "another attempt after the failure, under the same id", _SAME)
    same = _is_repeat(sent.attempts)
    sent.require(same, "每次重试编号与内容相同", "every attempt with the same id and the same content", _SAME)


@case("TRN-004", negative=True, over=_failures)
def a_failed_attempt_is_repeated_under_the_same_id(bench: SenderBench, failure: Turn) -> None:
    _require_repeated(bench.send(bench.kit.types[0], failure))


@case("TRN-004", negative=True, transports={"rest"})
def no_attempt_comes_before_the_date_in_retry_after(bench: SenderBench) -> None:
    # A date is of whole seconds: of two, one at the least is left.
    sent = bench.send(bench.kit.types[0], Turn(error=Overloaded, retry_after=_ASKED + 1, dated=True))
    _require_repeated(sent)
    _require_waited(sent)


@case("TRN-004", negative=True, over=_limits)
def no_attempt_comes_before_retry_after_is_over(bench: SenderBench, limit: Turn) -> None:
    sent = bench.send(bench.kit.types[0], limit)
    _require_repeated(sent)
    _require_waited(sent)


def _require_waited(sent: Sent) -> None:
    waited = sent.attempts[1].at - sent.attempts[0].at
    sent.require(
        waited >= _ASKED - _TOLERANCE,
        f"按 Retry-After 至少 {_ASKED} 秒后重试",
        f"the next attempt after {_ASKED} second at the least, as Retry-After says",
    )


@case("TRN-004", negative=True)
def the_pauses_between_attempts_grow(bench: SenderBench) -> None:
    failures = [refused(InternalError)] * 3
    sent = bench.send(bench.kit.types[0], *failures)
    sent.require(len(sent.attempts) > len(failures), "三次失败后仍重试", "another attempt after three that failed")
    _require_repeated(sent)
    pauses = [later.at - earlier.at for earlier, later in pairwise(sent.attempts)]
    sent.require(
        pauses[2] >= _GROWTH * pauses[0],
        "第三次间隔比第一次至少长四分之一",
        "a third pause that is longer than the first, by a quarter at the least",
        Text("每次失败后延长间隔，例如加倍", "lengthen the pause with each failure, for instance double it"),
    )


@case("TRN-004", negative=True)
def whoever_waits_for_a_slow_answer_sends_nothing_else_meanwhile(bench: SenderBench) -> None:
    sent = bench.send(bench.kit.types[0], Turn(delay=min(_SLOW, bench.patience / 4)))
    sent.require(sent.attempts, "发送一条消息", "a message sent")
    sent.require(_is_repeat(sent.attempts), "编号与内容相同", "the same id and the same content", _SAME)
