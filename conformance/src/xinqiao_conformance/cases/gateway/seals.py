# ruff: noqa: D103 -- the names say it
"""What a gateway says about a seal that is not right."""

from collections.abc import Callable, Iterator, Sequence

from xinqiao.errors import SealExpired, SealInvalid, SealMissing
from xinqiao_conformance.benches.forging import FOREIGN, FORGERIES, FORM, IN_TIME, MEMBERS, OUT_OF_TIME, seal_said
from xinqiao_conformance.benches.gateway import GatewayBench
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.cases.gateway.stories import opening
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange

_Over = Callable[[Kit], Iterator[tuple[str, str]]]


def _over(*names: str) -> _Over:
    def over(_kit: Kit) -> Iterator[tuple[str, str]]:
        yield from ((name, name) for name in names)

    return over


def _sent(bench: GatewayBench, name: str) -> Exchange:
    message = opening(bench)
    sealed = FORGERIES[name](bench.partner.sealed(message).content, bench.partner.key)
    return bench.send(message, sealed, f"{name}: {seal_said(sealed)}")


@case("SEC-001", negative=True, over=_over(*FOREIGN))
def a_seal_that_does_not_belong_to_the_bytes_is_refused(bench: GatewayBench, name: str) -> None:
    bench.require_refusal(_sent(bench, name), SealInvalid)


@case("SEC-001", negative=True)
def the_seal_of_another_message_is_refused(bench: GatewayBench) -> None:
    message, other = opening(bench), opening(bench)
    borrowed = bench.partner.sealed(other).signature
    sealed = bench.partner.sealed(message)
    exchange = bench.send(message, type(sealed)(sealed.content, sealed.content_type, borrowed), "another's seal")
    bench.require_refusal(exchange, SealInvalid)


@case("SEC-001", negative=True)
def a_seal_of_the_core_is_none_of_the_partner(bench: GatewayBench) -> None:
    message = opening(bench)
    bench.require_refusal(bench.send(message, bench.core.sealed(message), "the core's seal"), SealInvalid)


@case("SEC-001", negative=True)
def what_was_refused_for_its_seal_has_no_effect(bench: GatewayBench) -> None:
    message = opening(bench)
    bench.send(message, bench.core.sealed(message), "the core's seal")
    exchange = bench.send(message)
    exchange.require_receipt()
    exchange.require(exchange.status == 202, "首次受理", "an acceptance for the first time: nothing was kept before")


@case("TRN-001", negative=True)
def a_message_without_a_seal_is_refused(bench: GatewayBench) -> None:
    bench.require_refusal(_sent(bench, "no signature"), SealMissing)


@case("SEC-001")
def a_seal_over_the_bytes_as_they_travel_is_taken(bench: GatewayBench) -> None:
    _sent(bench, "a leading space that was sealed too").require_receipt()


@case("SEC-003", negative=True, over=_over(*FORM))
def a_seal_of_another_form_is_refused(bench: GatewayBench, name: str) -> None:
    bench.require_reason(_sent(bench, name), SealInvalid)


@case("SEC-002", negative=True, over=_over(*MEMBERS))
def a_seal_whose_header_has_not_exactly_its_members_is_refused(bench: GatewayBench, name: str) -> None:
    bench.require_reason(_sent(bench, name), SealInvalid)


@case("SEC-004", over=_over(*IN_TIME))
def a_seal_just_within_its_time_is_taken(bench: GatewayBench, name: str) -> None:
    _sent(bench, name).require_receipt()


@case("SEC-004", negative=True, over=_over(*OUT_OF_TIME))
def a_seal_outside_its_time_is_refused(bench: GatewayBench, name: str) -> None:
    bench.require_reason(_sent(bench, name), SealExpired)


_NO_SEALS: Sequence[tuple[str, str]] = (
    ("a word", "signature"),
    ("two segments", "e30.e30"),
    ("four segments", "e30..e30.e30"),
    ("no base64url", "***..***"),
    ("an empty header", "e30..AAAA"),
    ("a header that is a list", "W10..AAAA"),
    ("a header that is no JSON", "AAAA..AAAA"),
    ("a very long one", "A" * 5000 + "..AAAA"),
)


def _no_seals(_kit: Kit) -> Iterator[tuple[str, str]]:
    yield from _NO_SEALS


@case("SEC-003", negative=True, over=_no_seals)
def what_is_no_seal_at_all_is_refused(bench: GatewayBench, signature: str) -> None:
    message = opening(bench)
    sealed = bench.partner.sealed(message)
    exchange = bench.send(message, type(sealed)(sealed.content, sealed.content_type, signature), "no seal")
    bench.require_reason(exchange, SealInvalid)
