# ruff: noqa: D103 -- the names say it
"""Every path through the kit's business: the suite plays both sides, the gateway stands between them."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from xinqiao.message import Json
from xinqiao_conformance.benches.channel import Channel
from xinqiao_conformance.benches.gateway import GatewayBench
from xinqiao_conformance.benches.subject import new_case
from xinqiao_conformance.cases.gateway import case
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange
from xinqiao_conformance.scenarios import ACCEPTED, PARKED, Path, Send, Side, Walker, paths, walk
from xinqiao_conformance.scenarios.walking import Walked
from xinqiao_conformance.simulators.drafting import Parties

_Over = Callable[[Kit], Iterator[tuple[str, Path]]]
# The published examples are of these days.
_NOW = datetime.fromisoformat("2026-01-05T09:00:00+08:00")


class _Between(Walker):
    """Plays both sides; nothing waits for time to pass."""

    def __init__(self, bench: GatewayBench) -> None:
        self._bench = bench

    def channel(self, by: Side) -> Channel:
        """Return the channel of a side: who opens a case is the partner."""
        return self._bench.partner if by == "opener" else self._bench.core

    def parties(self, by: Side) -> Parties:
        other: Side = "counterparty" if by == "opener" else "opener"
        return Parties(self.channel(by).institution, self.channel(other).institution, self._bench.is_test)

    def now(self) -> datetime:
        return _NOW

    def sends_itself(self, by: Side, body: str) -> bool:  # noqa: ARG002
        return False

    def send(self, by: Side, message: Json) -> Exchange:
        return self.channel(by).send(message)

    def await_message(self, by: Side, body: str, case_id: str) -> Json | None:  # noqa: ARG002
        return None

    def advance(self, by: timedelta) -> None:
        """Wait for nothing: the gateway's own clock is not the suite's."""


def _expected(path: Path) -> set[str]:
    return {step.expected for step in path.steps if isinstance(step, Send)}


def _over(chosen: Callable[[set[str]], bool]) -> _Over:
    def over(kit: Kit) -> Iterator[tuple[str, Path]]:
        for path in paths(kit.business):
            if chosen(_expected(path)):
                yield path.name, path

    return over


def _walked(bench: GatewayBench, path: Path) -> list[Walked]:
    return walk(path, _Between(bench), new_case())


@case("PRC-001", over=_over(lambda expected: expected == {ACCEPTED}))
def a_path_in_order_is_taken(bench: GatewayBench, path: Path) -> None:
    _walked(bench, path)


@case("PRC-001", negative=True, over=_over(lambda expected: bool(expected - {ACCEPTED, PARKED})))
def a_request_out_of_order_on_a_path_is_refused(bench: GatewayBench, path: Path) -> None:
    _walked(bench, path)


@case("PRC-002", negative=True, over=_over(lambda expected: PARKED in expected))
def a_fact_out_of_order_on_a_path_is_taken_and_parked(bench: GatewayBench, path: Path) -> None:
    walked = _walked(bench, path)
    if bench.fetches:
        _require_parked(bench, walked)


def _require_parked(bench: GatewayBench, walked: list[Walked]) -> None:
    # What follows has come, so what was not parked has come, too.
    for sender, receiver, is_back in ((bench.partner, bench.core, False), (bench.core, bench.partner, True)):
        marker = sender.send(bench.message("ping", back=is_back))
        marker.require_receipt()
        bench.require_delivery(marker, receiver)
    for each in walked:
        came = each.message["header"]["messageId"] in {**bench.core.by_id, **bench.partner.by_id}
        if each.exchange and each.step.expected == PARKED:
            each.exchange.require(
                not came, "挂起，待人处理后才送达", "parked: not delivered before somebody resolved it"
            )
