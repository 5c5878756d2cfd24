# ruff: noqa: D103 -- the names say it
"""How a sender corrects what it sent before."""

from xinqiao.errors import InternalError
from xinqiao_conformance.benches.listening import Turn, refused
from xinqiao_conformance.benches.sender import SenderBench, Sent
from xinqiao_conformance.cases.sender import case


def _corrected(bench: SenderBench, *turns: Turn) -> tuple[Sent, Sent]:
    first = bench.send(bench.kit.types[0])
    return first, bench.correct(str(first.header.get("messageId", "")), *turns)


def _require_correction(first: Sent, second: Sent) -> None:
    old, new = first.header, second.header
    replaced = old.get("messageId")
    second.require(new.get("messageId") != replaced, "更正用新的编号", "the correction has an id of its own")
    second.require(new.get("replaces") == replaced, f"header.replaces 为 {replaced}", f"header.replaces is {replaced}")
    revision = old.get("revision", 1) + 1
    second.require(new.get("revision") == revision, f"header.revision 为 {revision}", f"header.revision is {revision}")


@case("ENV-012", needs={"corrections"})
def a_correction_is_a_new_message_with_the_next_revision_that_names_the_old(bench: SenderBench) -> None:
    _require_correction(*_corrected(bench))


@case("ENV-012", needs={"corrections"})
def a_correction_of_a_correction_names_the_correction(bench: SenderBench) -> None:
    _, second = _corrected(bench)
    third = bench.correct(str(second.header.get("messageId", "")))
    _require_correction(second, third)


@case("ENV-012", negative=True, needs={"corrections"})
def a_correction_that_has_to_be_repeated_stays_the_same_revision(bench: SenderBench) -> None:
    first, second = _corrected(bench, refused(InternalError), Turn(lost="after"))
    _require_correction(first, second)


@case("ENV-012", negative=True, needs={"corrections"})
def the_old_message_is_not_sent_again_under_its_id(bench: SenderBench) -> None:
    first, second = _corrected(bench)
    old = first.header.get("messageId")
    second.require(second.header, "发送更正", "a correction sent")
    again = any(each.message_id == old for each in second.attempts)
    second.require(not again, f"不再以编号 {old} 发送", f"nothing is sent under the id {old} any more")
