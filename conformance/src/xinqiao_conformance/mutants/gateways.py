"""How mutants of gateways are made: the reference with some steps done otherwise, in this process."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from xinqiao.testing import TRUST_COMPANY
from xinqiao_conformance.benches.gateway import GatewayBench, opened
from xinqiao_conformance.benches.in_process import in_process
from xinqiao_conformance.declaration import Declaration, GatewayReach, Link, Reach, Subject
from xinqiao_conformance.kits import Kit, kit_named
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.references.gateway import ReferenceGateway, parties

__all__ = ["declared", "mutant_gateway", "reference_gateway"]

_PATIENCE = 0.5
_SUPPORTS = frozenset(("pull", "proofs", "xml"))


def declared(kit: Kit) -> Declaration:
    """Return what a reference declares: all that there is for its kit. Its keys are in no file."""
    links = {
        name: Link(channel=party.channel, key=Path(f"{name}.jwk"), institution=party.institution)
        for name, party in parties().items()
    }
    reach = Reach(gateway=GatewayReach(url="http://in-process", **links))
    subject = Subject(name="reference", institution=TRUST_COMPANY)
    return Declaration(subject, (kit,), _SUPPORTS, reach, _PATIENCE, True, "sha256:" + "0" * 64)


@contextmanager
def reference_gateway(kit: Kit, kind: Callable[[], ReferenceGateway] = ReferenceGateway) -> Iterator[GatewayBench]:
    """Yield a bench with a gateway in this process."""
    keys = {party.channel: party.key for party in parties().values()}
    with in_process(kind().handle) as client:
        yield opened(declared(kit), kit, keys, client)


def mutant_gateway(
    name: str,
    breaks: str,
    kind: Callable[[], ReferenceGateway],
    business: str = "trading-day",
    also: Iterable[str] = (),
    *,
    mechanical: bool = False,
) -> Mutant:
    """Return a gateway that breaks a requirement."""
    kit = kit_named(f"gateway/{business}/rest")
    open_ = partial(reference_gateway, kit, kind)
    return Mutant(f"gateway: {name}", breaks, mechanical, declared(kit), kit, open_, frozenset(also))
