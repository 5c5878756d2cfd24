"""How mutants of senders and receivers are made: a reference with some steps done otherwise, on a bench of its own."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import partial

from xinqiao.testing import BANK, TRUST_COMPANY
from xinqiao_conformance.benches.receiver import ReceiverBench, receiver_bench
from xinqiao_conformance.benches.sender import SenderBench, sender_bench
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit, kit_named
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.mutants.on_bench import declaring, on_bench
from xinqiao_conformance.references.receiver import ReactingReceiver, ReferenceReceiver, receiver_at
from xinqiao_conformance.references.sender import ReferenceSender, sender_at

__all__ = ["declared", "mutant_receiver", "mutant_sender", "reference_receiver", "reference_sender"]

_PATIENCE = 5.0


def declared(kit: Kit, kind: type[ReferenceSender | ReferenceReceiver] | None = None) -> Declaration:
    """Return what a reference declares, or a mutant made of one: all that it supports."""
    institution = TRUST_COMPANY if kit.is_of_trustee == (kit.role == "sender") else BANK
    supports = {"sender": {"corrections"}, "receiver": {"xml"}}[kit.role]
    if kind is not None and issubclass(kind, ReactingReceiver):
        supports |= {"reactions", "process"}
    return declaring(kit, institution, supports, _PATIENCE)


def reference_sender(kit: Kit, kind: type[ReferenceSender] = ReferenceSender) -> AbstractContextManager[SenderBench]:
    """Return a bench with a sender in this process."""
    return on_bench(declared(kit, kind), sender_bench, partial(sender_at, kind=kind))


def reference_receiver(
    kit: Kit, kind: type[ReferenceReceiver] = ReferenceReceiver
) -> AbstractContextManager[ReceiverBench]:
    """Return a bench with a receiver in this process."""
    return on_bench(declared(kit, kind), receiver_bench, partial(receiver_at, kind=kind))


def mutant_sender(
    name: str,
    breaks: str,
    kind: type[ReferenceSender],
    kit: str = "sender/family-trust/rest",
    also: Iterable[str] = (),
    *,
    mechanical: bool = False,
) -> Mutant:
    """Return a sender that does a step otherwise."""
    chosen = kit_named(kit)
    opened = partial(reference_sender, chosen, kind)
    return Mutant(f"sender that {name}", breaks, mechanical, declared(chosen, kind), chosen, opened, frozenset(also))


def mutant_receiver(
    name: str,
    breaks: str,
    kind: type[ReferenceReceiver],
    kit: str = "receiver/registration/rest",
    also: Iterable[str] = (),
    *,
    mechanical: bool = False,
) -> Mutant:
    """Return a receiver that does a step otherwise."""
    chosen = kit_named(kit)
    opened = partial(reference_receiver, chosen, kind)
    return Mutant(f"receiver that {name}", breaks, mechanical, declared(chosen, kind), chosen, opened, frozenset(also))
