"""The same business through every package: what the journal holds of it afterwards, byte by byte."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from xinqiao.message import Json
from xinqiao_gateway.cli.opening import opened
from xinqiao_gateway.demo.business import Recorded, recorded
from xinqiao_gateway.demo.packages import PACKAGES, Api, Package
from xinqiao_gateway.demo.partner import Partner
from xinqiao_gateway.demo.stage import DemoFailed, Stage
from xinqiao_gateway.journal.search import Search, contents

_PATIENCE = 30.0

__all__ = ["Run", "digest", "facts_in", "runs"]


@dataclass(frozen=True, slots=True)
class Run:
    """One story by one package: the case that it was sent in."""

    story: str
    package: type[Package]
    case_id: str


def runs(stage: Stage) -> Iterator[Run]:
    """Send every story by every package; yield each run once its messages are accepted."""
    api, packages = Api(stage.partner), [kind(stage.partner) for kind in PACKAGES]
    for story, business in recorded().items():
        for package in packages:
            run = Run(story, type(package), f"{story}-{type(package).__name__}".lower())
            for first, part in _parts(business):
                (api if part[0].by_api else package).send(part, run.case_id, first)
                if part[-1].until:
                    _wait(stage, run.case_id, part[-1].until)
            yield run


def _parts(business: Sequence[Recorded]) -> Iterator[tuple[int, Sequence[Recorded]]]:
    """Yield what can be sent together, with the number of its first: up to where the next message waits for a state."""
    first = 0
    for after, each in enumerate(business, 1):
        if each.until or after == len(business):
            yield first, business[first:after]
            first = after


def _wait(stage: Stage, case_id: str, state: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (seen := stage.query(f"/v1/cases/{case_id}")["state"]) != state:
        if time.monotonic() > deadline:
            raise DemoFailed(f"case {case_id} is {seen}, not {state}", "core")
        time.sleep(0.05)


def facts_in(data: Path, partner: Partner, case_id: str) -> list[bytes]:
    """Return what the journal holds of a partner's messages in a case, in order, as canonical JSON with sorted keys.

    Without the header, but for what of it is business: no ids, no times of sending, and not the case, by which the
    runs are told apart.
    """
    with opened(data) as (journal, _):
        found = contents(journal.reading, Search(case_id=case_id, channel=partner.channel))
        return [orjson.dumps(_fact(message), option=orjson.OPT_SORT_KEYS) for _, message in found]


def digest(facts: list[bytes]) -> str:
    """Return the beginning of a digest over facts, for people to compare."""
    return hashlib.sha256(b"\n".join(facts)).hexdigest()[:16]


_BUSINESS = frozenset({"receiver", "sender", "correlationId", "revision", "replaces", "test"})


def _fact(message: Json) -> Mapping[str, object]:
    header = {name: value for name, value in message["header"].items() if name in _BUSINESS}
    return {**message, "header": header}
