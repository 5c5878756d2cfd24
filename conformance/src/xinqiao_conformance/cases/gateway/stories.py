"""Courses of business: the messages of one case in the order in which its process expects them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import yaml

from xinqiao.message import Json
from xinqiao.testing import vectors
from xinqiao_conformance.benches.channel import Channel
from xinqiao_conformance.benches.gateway import GatewayBench, with_value
from xinqiao_conformance.benches.subject import new_case
from xinqiao_conformance.kits import Kit
from xinqiao_conformance.observing import Exchange
from xinqiao_conformance.processes import Case, Verdict, decide

__all__ = ["Course", "Step", "opening", "prefixes", "story_of", "types"]


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a course: its type, whether the core sends it, which example it is and what of that is changed."""

    body: str
    is_back: bool = False
    changes: Json = field(default_factory=dict)
    example: str = ""


@cache
def story_of(business: str) -> tuple[Step, ...]:
    """Return the course of a business."""
    rows = yaml.safe_load((files(__package__) / "stories.yaml").read_bytes())[business]
    return tuple(_step(each if isinstance(each, dict) else {"partner": each}) for each in rows)


def _step(row: Json) -> Step:
    return Step(row.get("core") or row["partner"], "core" in row, row.get("set", {}), row.get("example", ""))


def types(kit: Kit) -> Iterator[tuple[str, str]]:
    """Yield the message types that the partner sends in a kit."""
    yield from ((body, body) for body in kit.types)


def prefixes(kit: Kit) -> Iterator[tuple[str, int]]:
    """Yield how far a course of the kit may have gone, from its first message to the last but one."""
    story = story_of(kit.business)
    yield from ((f"{number} {story[number - 1].body}", number) for number in range(1, len(story)))


def opening(bench: GatewayBench) -> Json:
    """Return a message that opens a case of the kit's business."""
    return Course(bench).message(story_of(bench.kit.business)[0])


class Course:
    """A case of the kit's business, as far as it has gone; ``case`` is what the published process makes of it."""

    def __init__(self, bench: GatewayBench) -> None:
        self.bench = bench
        self.case_id = new_case()
        self.case: Case | None = None
        self.steps = story_of(bench.kit.business)
        self.exchanges: list[Exchange] = []

    def message(self, step: Step) -> Json:
        """Return the message of a step: one contract and one application are what the whole course is about."""
        message = self.bench.message(step.body, self.case_id, back=step.is_back)
        if step.example:
            found = next(each["message"] for each in vectors(step.body) if each["name"] == step.example)
            message = {**message, step.body: found[step.body]}
        for name in ("contractNo", "applicationNo"):
            if name in message[step.body] and step.body not in _NUMBERED_APART:
                message[step.body][name] = self.case_id
        for path, value in step.changes.items():
            message = with_value(message, path, value)
        return message

    def sender(self, step: Step) -> Channel:
        """Return who sends a step."""
        return self.bench.core if step.is_back else self.bench.partner

    def receiver(self, step: Step) -> Channel:
        """Return whom a step is for."""
        return self.bench.partner if step.is_back else self.bench.core

    def go(self, steps: Sequence[Step]) -> "Course":
        """Let steps happen. Raises ``Breach`` where one is not accepted."""
        for step in steps:
            message = self.message(step)
            exchange = self.sender(step).send(message)
            exchange.require_receipt()
            self.exchanges.append(exchange)
            self.case, _ = decide(self.case, step.body, message)
        return self

    def foreseen(self, message: Json, body: str) -> Verdict:
        """Return what the published process says of a message now, which does not happen."""
        return decide(self.case and self.case.copy(), body, message)[1]


# Applications of these have numbers of their own, which nothing else in the course repeats.
_NUMBERED_APART = frozenset(
    (
        *("priorReport", "preRegistration", "initialRegistration", "changeRegistration", "terminationRegistration"),
        *("registrationReply", "registrationSupplement"),
    )
)
