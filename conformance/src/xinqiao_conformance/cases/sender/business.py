# ruff: noqa: D103 -- the names say it
"""How a sender's messages of one business case belong together."""

from collections.abc import Iterator

from xinqiao.message import new_message_id
from xinqiao_conformance.benches.sender import SenderBench, typed
from xinqiao_conformance.benches.subject import new_case
from xinqiao_conformance.cases.sender import case
from xinqiao_conformance.kits import Kit


def _types(kit: Kit) -> Iterator[tuple[str, str]]:
    yield from ((body, body) for body in kit.types)


@case("ENV-010", over=_types)
def each_type_of_the_kit_is_sent_in_the_case_that_was_asked_for(bench: SenderBench, body: str) -> None:
    case_id = new_case()
    sent = bench.send(body, case=case_id)
    sent.require(typed(sent, body), f"发送一条 {body}", f"a message {body} is sent")
    sent.require(sent.header.get("caseId") == case_id, f"header.caseId 为 {case_id}", f"header.caseId is {case_id}")


@case("ENV-011", over=_types)
def an_answer_names_the_message_that_it_answers(bench: SenderBench, body: str) -> None:
    answered = new_message_id()
    sent = bench.send(body, correlation=answered)
    named = sent.header.get("correlationId") == answered
    sent.require(named, f"header.correlationId 为 {answered}", f"header.correlationId is {answered}")
