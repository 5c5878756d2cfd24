"""Endpoints that take messages: the gateway beside what people write instead, and beside what the machine can do.

Everything in one run on one machine, rounds interleaved; a ratio is the median of the rounds' ratios.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.endpoints.backlog import measure_backlog
from bench.endpoints.contenders import CONTENDERS, Contender, Place
from bench.endpoints.delivery import measure_delivery
from bench.endpoints.disk import appended_per_second
from bench.endpoints.node_red import installed
from bench.endpoints.report import report
from bench.endpoints.rounds import send
from tests.postgres import Postgres, running_postgres
from xinqiao.seal import SigningKey, new_key

__all__ = ["FULL", "QUICK", "Effort", "measure", "report"]

CONNECTIONS = (1, 32, 256)
LOADS = (0.25, 0.5, 0.75)
AIMS = {"peer": 5.0, "peer_postgresql": 5.0, "node_red": 2.0, "bare": 0.6}


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure: rounds, seconds of each, most requests in one, messages that a full journal holds."""

    rounds: int
    seconds: float
    requests: int
    backlog: int


FULL = Effort(rounds=5, seconds=4.0, requests=20_000, backlog=1_000_000)
QUICK = Effort(rounds=1, seconds=1.5, requests=4_000, backlog=10_000)


@dataclass(frozen=True, slots=True)
class _Running:
    """A contender that serves."""

    contender: Contender
    place: Place
    port: int

    def load(self, effort: Effort, connections: int, rate: float = 0.0) -> dict[str, Any]:
        """Send for one round."""
        count = min(effort.requests, int(rate * effort.seconds) + 1) if rate else effort.requests
        requests = [self.contender.request(self.place.key) for _ in range(count)]
        return send(self.place.folder, self.port, requests, connections, effort.seconds, rate)


def measure(effort: Effort = FULL) -> dict[str, Any]:
    """Run everything; return closed and open loop, delivery, disk, the full journal, and who was left out and why."""
    skipped = {"node_red": why} if (why := installed()) else {}
    key = new_key("bench-1")
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as name, running_postgres() as postgres:
        work = Path(name)
        contenders = [each for each in CONTENDERS if each.name not in skipped]
        with _all_running(contenders, work, key, postgres) as running:
            rounds = _closed(running, effort)
            closed = {count: _medians(each) for count, each in rounds.items()}
            opened = _open(running, closed, effort)
        return {
            "skipped": skipped,
            "effort": [effort.rounds, effort.seconds],
            "closed": closed,
            "ratios": {count: _ratios(each) for count, each in rounds.items()},
            "aims": AIMS,
            "open": opened,
            "delivery": _delivery(work, key, postgres, effort),
            "disk": {str(batch): appended_per_second(work, batch, effort.seconds) for batch in (1, 32)},
            "backlog": measure_backlog(
                _folder(work, "empty"), effort.backlog, effort.rounds, effort.seconds, effort.requests
            ),
        }


@contextmanager
def _all_running(
    contenders: Sequence[Contender], work: Path, key: SigningKey, postgres: Postgres
) -> Iterator[list[_Running]]:
    with ExitStack() as stack:
        running = []
        for each in contenders:
            url = postgres.url() if each.database == "postgresql" else ""
            place = Place(_folder(work, each.name), key, url)
            running.append(_Running(each, place, stack.enter_context(each.start(place))))
        yield running


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir()
    return folder


def _closed(running: Sequence[_Running], effort: Effort) -> dict[str, list[dict[str, Any]]]:
    """Return, for each number of connections, its rounds: what each contender came to."""
    warm = replace(effort, seconds=effort.seconds / 3)
    for each in running:
        each.load(warm, 32)
    return {
        str(count): [{each.contender.name: each.load(effort, count) for each in running} for _ in range(effort.rounds)]
        for count in CONNECTIONS
    }


def _medians(rounds: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    measured = ("per_second", "p50_ms", "p99_ms", "p999_ms")
    return {name: {figure: median(each[name][figure] for each in rounds) for figure in measured} for name in rounds[0]}


def _ratios(rounds: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, float]:
    """Return how many times as many messages as each other contender the gateway takes, on the same database."""
    ours = {each.name: "gateway_postgresql" if each.name == "peer_postgresql" else "gateway" for each in CONTENDERS}
    return {
        name: median(each[ours[name]]["per_second"] / each[name]["per_second"] for each in rounds)
        for name in rounds[0]
        if not name.startswith("gateway")
    }


def _open(
    running: Sequence[_Running], closed: Mapping[str, Mapping[str, Mapping[str, float]]], effort: Effort
) -> dict[str, list[dict[str, float]]]:
    """Return latencies of the gateway and its peer at fixed shares of the best that each took in the closed loop."""
    shown = {"gateway", "gateway_postgresql", "peer"}
    found: dict[str, list[dict[str, float]]] = {}
    for each in running:
        if each.contender.name in shown:
            capacity = max(counts[each.contender.name]["per_second"] for counts in closed.values())
            found[each.contender.name] = [{"load": load} | each.load(effort, 256, load * capacity) for load in LOADS]
    return found


def _delivery(work: Path, key: SigningKey, postgres: Postgres, effort: Effort) -> dict[str, Any]:
    count, calls = effort.requests // 10, int(effort.seconds * 20)
    places = {"sqlite": "", "postgresql": postgres.url()}
    return {
        name: measure_delivery(Place(_folder(work, f"delivery-{name}"), key, url), count, calls, 20.0)
        for name, url in places.items()
    }
