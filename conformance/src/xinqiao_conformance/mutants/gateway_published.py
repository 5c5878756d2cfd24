"""Gateways that break one requirement each, made from the rules of the standard and its published processes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from xinqiao.errors import (
    OutOfOrder,
)
from xinqiao.finding import Finding
from xinqiao.message import Json, message_type
from xinqiao.standard import message_types
from xinqiao_conformance.kits import businesses
from xinqiao_conformance.mutants.gateways import mutant_gateway
from xinqiao_conformance.mutants.mutant import Mutant
from xinqiao_conformance.processes import known_messages, openers, process_named, processes
from xinqiao_conformance.published import form_vectors, rules_of
from xinqiao_conformance.references.gateway import ReferenceGateway
from xinqiao_conformance.scenarios import ACCEPTED, Send, paths

__all__ = ["MUTANTS"]

_Kind = type[ReferenceGateway]


def _made(name: str, breaks: str, kind: Callable[[], ReferenceGateway], business: str = "trading-day") -> Mutant:
    return mutant_gateway(name, breaks, kind, business, mechanical=True)


# --- rules


def _ignoring(rule: str) -> _Kind:
    class Ignores(ReferenceGateway):
        def findings(self, message: Json) -> Sequence[Finding]:
            return [each for each in super().findings(message) if each.rule != rule]

    return Ignores


@cache
def _broken_in_vectors() -> Mapping[str, str]:
    """Return the rules that invalid vectors break and nothing else with them, each with a business that has one."""
    found: dict[str, str] = {}
    for name, business in businesses().items():
        for body in business.partner:
            for each in form_vectors(body):
                rules = rules_of(each) if not each["valid"] else set()
                if len(rules) == 1:
                    found.setdefault(rules.pop(), name)
    return {rule: business for rule, business in found.items() if rule != "schema.unknown_field"}


def _of_rules() -> Iterator[Mutant]:
    for rule, business in sorted(_broken_in_vectors().items()):
        yield _made(f"ignores {rule}", "MSG-004", _ignoring(rule), business)


# --- processes


def _with_request(body: str) -> _Kind:
    class TakesOutOfOrder(ReferenceGateway):
        def expects(self, message: Json) -> bool:
            try:
                return super().expects(message)
            except OutOfOrder:
                if message_type(message).body != body:
                    raise
                return True

    return TakesOutOfOrder


def _with_fact(body: str) -> _Kind:
    class DeliversOutOfOrder(ReferenceGateway):
        def expects(self, message: Json) -> bool:
            return super().expects(message) or message_type(message).body == body

    return DeliversOutOfOrder


def _refusing_fact(body: str) -> _Kind:
    class RefusesFact(ReferenceGateway):
        def expects(self, message: Json) -> bool:
            taken = super().expects(message)
            if not taken and message_type(message).body == body:
                raise OutOfOrder("not expected")
            return taken

    return RefusesFact


def _refusing_request(body: str) -> _Kind:
    class RefusesRequest(ReferenceGateway):
        def expects(self, message: Json) -> bool:
            if message_type(message).body == body:
                raise OutOfOrder("not expected")
            return super().expects(message)

    return RefusesRequest


def _requests_in_order(business: str) -> Iterator[str]:
    """Yield the requests that are taken on a path on which everything is."""
    for path in paths(business):
        sends = [each for each in path.steps if isinstance(each, Send)]
        if all(each.expected == ACCEPTED for each in sends):
            yield from (each.sending.body for each in sends)


def _of_processes() -> Iterator[Mutant]:
    for name, business in businesses().items():
        if business.process is None:
            continue
        for body in sorted(set(_requests_in_order(name))):
            if message_types()[body].message_class == "REQUEST":
                yield _made(f"refuses {body} in order in {name}", "PRC-001", _refusing_request(body), name)
        known = sorted(known_messages(process_named(business.process)))
        for body in known:
            kind = message_types()[body].message_class
            opens = any(body in each["opens"] for each in processes().values())
            if kind == "REQUEST" and not opens:
                yield _made(f"takes {body} out of order in {name}", "PRC-001", _with_request(body), name)
            if kind == "FACT" and openers(body) and not opens:
                yield _made(f"refuses {body} out of order in {name}", "PRC-002", _refusing_fact(body), name)
                yield _made(f"delivers {body} out of order in {name}", "PRC-002", _with_fact(body), name)


MUTANTS: tuple[Mutant, ...] = (*_of_rules(), *_of_processes())
