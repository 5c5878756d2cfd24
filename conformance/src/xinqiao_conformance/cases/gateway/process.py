# ruff: noqa: D103 -- the names say it
"""The order of a case: requests out of it are refused, facts out of it are parked, directives are always taken.

What a case expects is computed from the published processes, at each step of a course of the kit's business.
"""

from collections.abc import Iterator

from xinqiao.errors import CaseMissing, OutOfOrder
from xinqiao.message import Json
from xinqiao.standard import message_types
from xinqiao_conformance.benches.gateway import GatewayBench, with_value
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.cases.gateway.stories import Course, Step, opening, prefixes, story_of
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange
from xinqiao_conformance.processes import known_messages, openers, process_named, processes

_TRUSTS = {"family-trust", "insurance-trust"}


def _of_class(kit: Kit, name: str) -> list[str]:
    """Return the messages of a class in the kit's process, none where no process is published for its business."""
    process = kit.about.process
    known = known_messages(process_named(process)) if process else ()
    return [body for body in sorted(known) if message_types()[body].message_class == name]


def _opens(body: str) -> bool:
    return any(body in each["opens"] for each in processes().values())


def _early_requests(kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((body, body) for body in _of_class(kit, "REQUEST") if not _opens(body))


def _require_expected(exchange: Exchange, expected: tuple[str, ...]) -> None:
    said = exchange.rejection.get("expected")
    named = set(said) if isinstance(said, list) else set()
    exchange.require(
        named == set(expected),
        f"rejection.expected 为 {', '.join(expected)}",
        f"rejection.expected with {', '.join(expected)}",
    )


@case("PRC-001", negative=True, over=_early_requests)
def a_request_that_opens_no_case_is_refused_as_the_first_of_one(bench: GatewayBench, body: str) -> None:
    exchange = bench.send(bench.message(body))
    bench.require_refusal(exchange, OutOfOrder)
    said = exchange.rejection.get("expected")
    named = set(said) if isinstance(said, list) else set()
    known = set(openers(body))
    exchange.require(
        named and named <= known,
        f"rejection.expected 取自 {', '.join(sorted(known))}",
        f"rejection.expected out of {', '.join(sorted(known))}",
    )


def _unexpected(course: Course, kind: str) -> Iterator[tuple[str, Json, tuple[str, ...]]]:
    """Yield messages of a class that the case does not expect now, and what it does."""
    for body in _of_class(course.bench.kit, kind):
        message = course.message(Step(body))
        verdict = course.foreseen(message, body)
        if not verdict.takes:
            yield body, message, verdict.expected


@case("PRC-001", negative=True, over=prefixes)
def every_request_that_a_case_does_not_expect_now_is_refused(bench: GatewayBench, length: int) -> None:
    course = Course(bench)
    course.go(course.steps[:length])
    for _, message, expected in _unexpected(course, "REQUEST"):
        exchange = bench.send(message)
        bench.require_refusal(exchange, OutOfOrder)
        _require_expected(exchange, expected)
    # They left the case where it was.
    course.go([course.steps[length]])


@case("PRC-001", negative=True)
def a_message_that_opens_a_named_case_must_name_it(bench: GatewayBench) -> None:
    body = story_of(bench.kit.business)[0].body
    exchange = bench.send(bench.message(body, caseId=None))
    if any(body in each["opens"] and each.get("named") for each in processes().values()):
        bench.require_reason(exchange, CaseMissing)
    else:
        exchange.require_receipt()


def _delivered_of(bench: GatewayBench, exchanges: list[Exchange]) -> list[Exchange]:
    """Return which messages came to the core; what follows them is there, so they would be, too."""
    last = bench.send(opening(bench))
    last.require_receipt()
    bench.require_delivery(last, bench.core)
    return [each for each in exchanges if each.sent["header"]["messageId"] in bench.core.by_id]


@case("PRC-002", negative=True, over=prefixes)
def every_fact_that_a_case_does_not_expect_now_is_taken_and_parked(bench: GatewayBench, length: int) -> None:
    course = Course(bench)
    course.go(course.steps[:length])
    parked = [bench.send(message) for _, message, _ in _unexpected(course, "FACT")]
    for each in parked:
        each.require_receipt()
    # They left the case where it was.
    course.go([course.steps[length]])
    for each in _delivered_of(bench, parked) if bench.fetches else ():
        each.require(met=False, zh="挂起，待人处理后才送达", en="parked: not delivered before somebody resolved it")


@case("PRC-002", needs={"pull"})
def facts_and_requests_in_order_are_delivered(bench: GatewayBench) -> None:
    course = Course(bench)
    course.go(course.steps)
    for step, exchange in zip(course.steps, course.exchanges, strict=True):
        bench.require_delivery(exchange, course.receiver(step))


def _freeze(course: Course) -> Json:
    message = course.message(Step("regulatorDirective"))
    return with_value(message, "regulatorDirective.directiveNo", f"D-{course.case_id}")


@case("PRC-003", negative=True, needs={"pull"})
def a_directive_is_taken_and_delivered_whatever_stands_before_it(bench: GatewayBench) -> None:
    course = Course(bench)
    course.go(course.steps[:1])
    for _, message, _ in _unexpected(course, "FACT"):
        bench.send(message)
    directive = bench.send(_freeze(course))
    directive.require_receipt()
    bench.require_delivery(directive, bench.core)


@case("PRC-003", negative=True, needs={"pull"})
def a_directive_of_a_case_that_nobody_knows_is_taken_and_delivered(bench: GatewayBench) -> None:
    directive = bench.send(_freeze(Course(bench)))
    directive.require_receipt()
    bench.require_delivery(directive, bench.core)


def _frozen(kit: Kit) -> Iterator[tuple[str, int]]:
    requests = _of_class(kit, "REQUEST")
    for number, step in enumerate(story_of(kit.business)):
        if number and not step.is_back and step.body in requests:
            yield step.body, number


@case("PRC-003", negative=True, over=_frozen)
def a_request_in_order_waits_for_the_end_of_a_freeze(bench: GatewayBench, length: int) -> None:
    course = Course(bench)
    course.go(course.steps[:length])
    bench.send(_freeze(course)).require_receipt()
    bench.require_reason(bench.send(course.message(course.steps[length])), OutOfOrder)


def _before_effective(kit: Kit) -> Iterator[tuple[str, int]]:
    bodies = [each.body for each in story_of(kit.business)]
    last = bodies.index("contractEffective") if "contractEffective" in bodies else len(bodies)
    yield from ((f"after {number} {bodies[number - 1]}", number) for number in range(1, last))


def _require_not_effective(course: Course, effective: Json) -> None:
    bench = course.bench
    exchange = bench.core.send(effective)
    exchange.require_receipt()
    marker = bench.core.send(bench.message("ping", back=True))
    marker.require_receipt()
    bench.require_delivery(marker, bench.partner)
    came = effective["header"]["messageId"] in bench.partner.by_id
    exchange.require(
        not came, "挂起，不送达渠道：信托尚不能生效", "parked and not delivered: the trust cannot become effective yet"
    )


_EFFECTIVE = Step("contractEffective", is_back=True)


@case("PRC-005", negative=True, needs={"pull"}, businesses=_TRUSTS, over=_before_effective)
def a_trust_is_not_effective_before_its_property_is_delivered_and_matched(bench: GatewayBench, length: int) -> None:
    course = Course(bench)
    course.go(course.steps[:length])
    _require_not_effective(course, course.message(_EFFECTIVE))


def _delivered(bench: GatewayBench, last: str = "deliveryConfirmation") -> Course:
    course = Course(bench)
    bodies = [each.body for each in course.steps]
    return course.go(course.steps[: bodies.index(last) + 1])


@case("PRC-004", negative=True, needs={"pull"}, businesses={"family-trust"})
def a_trust_is_not_effective_after_its_kyc_has_ended(bench: GatewayBench) -> None:
    course = _delivered(bench)
    late = with_value(course.message(_EFFECTIVE), "contractEffective.effectiveDate", "2027-06-30")
    _require_not_effective(course, late)


@case("PRC-004", negative=True, needs={"pull"}, businesses={"family-trust"})
def a_trust_is_not_effective_while_its_kyc_is_lost(bench: GatewayBench) -> None:
    course = _delivered(bench)
    course.go([Step("kycDecision", is_back=True, changes={"kycDecision.outcome": "REJECTED"})])
    _require_not_effective(course, course.message(_EFFECTIVE))


@case("PRC-004", needs={"pull"}, businesses={"family-trust"})
def a_trust_is_effective_with_everything_delivered_and_a_valid_kyc(bench: GatewayBench) -> None:
    course = _delivered(bench, "contractEffective")
    bench.require_delivery(course.exchanges[-1], bench.partner)
