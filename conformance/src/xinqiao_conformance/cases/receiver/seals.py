# ruff: noqa: D103 -- the names say it
"""What a receiver says about seals: the cases of the published ``sealed.json``, made anew for its own clock."""

from collections.abc import Callable, Iterator, Sequence

from xinqiao_conformance.benches.forging import (
    FOREIGN,
    FORGERIES,
    FORM,
    IN_TIME,
    MEMBERS,
    MISSING,
    OUT_OF_TIME,
    RIGHT,
    seal_said,
)
from xinqiao_conformance.benches.receiver import ReceiverBench
from xinqiao_conformance.cases.receiver import case
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange

_Over = Callable[[Kit], Iterator[tuple[str, str]]]


def _over(names: Sequence[str]) -> _Over:
    def over(_kit: Kit) -> Iterator[tuple[str, str]]:
        yield from ((name, name) for name in names)

    return over


def _push(bench: ReceiverBench, name: str) -> Exchange:
    message = bench.message(bench.kit.types[0])
    sealed = FORGERIES[name](bench.sealed(message).content, bench.key)
    return bench.push(message, sealed, note=f"{name}: {seal_said(sealed)}")


@case("MSG-004", over=_over(RIGHT))
def a_right_seal_is_taken(bench: ReceiverBench, name: str) -> None:
    _push(bench, name).require_receipt()


@case("SEC-004", over=_over(IN_TIME))
def a_seal_just_within_its_time_is_taken(bench: ReceiverBench, name: str) -> None:
    _push(bench, name).require_receipt()


@case("SEC-001", negative=True, over=_over(FOREIGN))
def a_seal_that_does_not_belong_to_the_bytes_is_refused(bench: ReceiverBench, name: str) -> None:
    _push(bench, name).require_refusal(401, "signature_invalid")


@case("SEC-003", negative=True, over=_over(FORM))
def a_seal_of_another_form_is_refused(bench: ReceiverBench, name: str) -> None:
    _push(bench, name).require_refusal(401, "signature_invalid")


@case("SEC-002", negative=True, over=_over(MEMBERS))
def a_seal_whose_header_has_not_exactly_its_members_is_refused(bench: ReceiverBench, name: str) -> None:
    _push(bench, name).require_refusal(401, "signature_invalid")


@case("SEC-004", negative=True, over=_over(OUT_OF_TIME))
def a_seal_outside_its_time_is_refused(bench: ReceiverBench, name: str) -> None:
    _push(bench, name).require_refusal(401, "signature_expired")


@case("TRN-002", negative=True, over=_over(MISSING))
def a_message_without_a_seal_is_refused(bench: ReceiverBench, name: str) -> None:
    _push(bench, name).require_refusal(401, "signature_missing")
