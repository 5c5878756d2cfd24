"""Gateways over gRPC that give reasons other codes than the error table, made from it; none without grpcio."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

from xinqiao.errors import OutOfOrder, XinqiaoError
from xinqiao_conformance.benches.gateway import GatewayBench, opened
from xinqiao_conformance.benches.in_process import in_process
from xinqiao_conformance.benches.ways import grpc_way
from xinqiao_conformance.kits import Kit, kit_named
from xinqiao_conformance.mutants.gateway_mechanical import REASONS, STATUSES
from xinqiao_conformance.mutants.gateways import declared
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.gateway import ReferenceGateway, parties

__all__ = ["MUTANTS", "reference_exchange"]

_KIT = kit_named("gateway/trading-day/grpc")
# Seconds: here a server answers.
_PATIENCE = 5.0
# What this kit does not provoke: XML, and messages that only other businesses have.
_ELSEWHERE = frozenset(("forbidden_xml", "malformed_xml", "case_missing"))


@contextmanager
def reference_exchange(kit: Kit, broken: str = "") -> Iterator[GatewayBench]:
    """Yield a bench with a gateway that serves gRPC in this process; the reason ``broken`` has another code."""
    from xinqiao_conformance.references.gateway_grpc import ReferenceExchange, served  # noqa: PLC0415 -- grpcio

    class Exchange(ReferenceExchange):
        def code(self, reason: str) -> str:
            right = super().code(reason)
            return right if reason != broken else "INTERNAL" if right != "INTERNAL" else "UNKNOWN"

    gateway = ReferenceGateway()
    keys = {party.channel: party.key for party in parties().values()}
    with served(Exchange(gateway)) as target, grpc_way(target, _PATIENCE) as way, in_process(gateway.handle) as client:
        yield opened(declared(kit), kit, keys, client, way)


def _made(error: type[XinqiaoError]) -> Mutant:
    name = f"gateway: gives {error.reason} another code over gRPC"
    open_ = partial(reference_exchange, _KIT, error.reason)
    breaks = STATUSES.get(error, "TRN-001")
    also = {"TRN-001"} - {breaks} | ({"PRC-001"} if error is OutOfOrder else set())
    return Mutant(name, breaks, True, declared(_KIT), _KIT, open_, frozenset(also))


MUTANTS: tuple[Mutant, ...] = (
    tuple(_made(error) for error in REASONS if error.reason not in _ELSEWHERE) if find_spec("grpc") else ()
)
