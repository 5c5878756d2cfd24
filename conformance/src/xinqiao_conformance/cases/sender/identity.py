# ruff: noqa: D103 -- the names say it
"""That each message of a sender has an id of its own."""

from xinqiao.errors import NotValid, OutOfOrder
from xinqiao_conformance.benches.listening import Turn, refused
from xinqiao_conformance.benches.sender import SenderBench, Sent
from xinqiao_conformance.benches.subject import new_case
from xinqiao_conformance.cases.sender import case


def _require_other_ids(first: Sent, second: Sent) -> None:
    earlier = first.header.get("messageId")
    later = second.header.get("messageId")
    second.require(later != earlier, f"编号不是 {earlier} 的新消息", f"a message with an id of its own, not {earlier}")


@case("ENV-005")
def two_messages_of_one_case_have_ids_of_their_own(bench: SenderBench) -> None:
    body, case_id = bench.kit.types[0], new_case()
    _require_other_ids(bench.send(body, case=case_id), bench.send(body, case=case_id))


@case("ENV-005", negative=True)
def a_message_after_a_refused_one_has_an_id_of_its_own(bench: SenderBench) -> None:
    for error in (NotValid, OutOfOrder):
        body = bench.kit.types[0]
        first = bench.send(body, then=refused(error))
        _require_other_ids(first, bench.send(body))


@case("ENV-005", negative=True)
def a_message_after_one_whose_answer_was_lost_has_an_id_of_its_own(bench: SenderBench) -> None:
    body = bench.kit.types[0]
    first = bench.send(body, Turn(lost="after"))
    _require_other_ids(first, bench.send(body))
