"""Paths made from the published processes: each message where its case does not expect it.

A request out of order is refused; a fact is accepted and parked. Early is before anything of the case has come; late
is the last state of the happy path that the message does not lead on from; wrong-side is from whoever does not send it;
twice is a request that comes again under its number, in another message.
"""

from collections.abc import Iterator
from dataclasses import replace

from xinqiao.standard import message_types
from xinqiao.testing import TRUST_COMPANY, vector
from xinqiao_conformance.scenarios.arrows import NEW, Arrows, Process, opening_messages
from xinqiao_conformance.scenarios.composing import PARKED, Send, Side
from xinqiao_conformance.scenarios.reading import Business, Path, states_along
from xinqiao_conformance.simulators.drafting import Sending

__all__ = ["disordered"]

OUT_OF_ORDER = "out_of_order"


def disordered(business: Business) -> Iterator[Path]:
    """Yield the paths of a business in which one message comes out of order, at the end."""
    process = business.process
    if process is None:
        return
    for body in sorted({*process.own, *process.items}):
        kind = message_types()[body].message_class
        if kind != "DIRECTIVE":
            expected = OUT_OF_ORDER if kind == "REQUEST" else PARKED
            yield from _paths_of(business, process, body, expected)


def _paths_of(business: Business, process: Process, body: str, expected: str) -> Iterator[Path]:
    arrows = process.own.get(body)
    by = _sender(business, body, arrows)
    happy = business.happy

    def path(name: str, steps: int, *last: Send) -> Path:
        return Path(business.name, f"{name}.{body}", (*happy.steps[:steps], *last))

    message = Sending(body)
    along = [(steps, arrows is None or arrows.may_leave(state)) for steps, state in states_along(happy) if state != NEW]
    wrong, right = ([steps for steps, fits in along if fits is wanted] for wanted in (False, True))
    if body not in opening_messages():
        yield path("early", 0, Send(by, message, expected=expected))
    if wrong:
        yield path("late", wrong[-1], Send(by, message, expected=expected))
    if arrows is not None and arrows.by and right:
        yield path("wrong-side", right[0], Send(_other(by), message, expected=expected))
    if body in process.once and right and expected == OUT_OF_ORDER:
        key = process.once[body]
        again = replace(message, set={key: f"{{{body}.{key}}}"})
        yield path("twice", right[-1], Send(by, message), Send(by, again, expected=expected))


def _other(side: Side) -> Side:
    return "counterparty" if side == "opener" else "opener"


def _sender(business: Business, body: str, arrows: Arrows | None) -> Side:
    if arrows and arrows.by == "opener":
        return "opener"
    if arrows and arrows.by == "counterparty":
        return "counterparty"
    is_trustees = vector(body)["header"]["sender"] == TRUST_COMPANY
    return business.trustee if is_trustees else _other(business.trustee)
