"""The same business through every package: what the journal holds of it afterwards, byte by byte."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from xinqiao.message import Json
from xinqiao_gateway.cli.opening import opened
from xinqiao_gateway.demo.business import recorded
from xinqiao_gateway.demo.packages import PACKAGES, Package
from xinqiao_gateway.demo.partner import Partner
from xinqiao_gateway.journal.search import Search, contents

__all__ = ["Run", "digest", "facts_in", "runs"]


@dataclass(frozen=True, slots=True)
class Run:
    """One story by one package: the case that it was sent in."""

    story: str
    package: type[Package]
    case_id: str


def runs(partner: Partner) -> Iterator[Run]:
    """Send every story by every package; yield each run once its messages are accepted."""
    packages = [kind(partner) for kind in PACKAGES]
    for story, business in recorded().items():
        for package in packages:
            run = Run(story, type(package), f"{story}-{type(package).__name__}".lower())
            package.send(business, run.case_id)
            yield run


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
