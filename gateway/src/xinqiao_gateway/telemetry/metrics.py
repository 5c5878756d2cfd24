"""The metrics of a gateway, in a registry of their own. Labels are bounded: channels, message types, reasons, states.

Counting stands on the way of every message, so each combination of labels is bound once and then found by a tuple.
"""

from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from xinqiao_gateway.telemetry.observer import Observer, Taken
from xinqiao_gateway.telemetry.standing import GAUGES, Standing

__all__ = ["CONTENT_TYPE", "Metrics", "described"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Seconds. Acceptance is to stay under 50 ms; the upper ones show a disk or a database that is slow.
_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
_SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)


class Metrics(Observer):
    """Counts what it is told and, when asked, shows how things stand. ``standing`` returns that; it is quick."""

    def __init__(self, standing: Callable[[], Standing] = Standing) -> None:
        self.registry = CollectorRegistry()
        self._messages = Counter(
            "xinqiao_messages",
            "Messages by what became of them: accepted, repeated, refused (with the reason of the error table)",
            ("channel", "type", "outcome", "reason"),
            registry=self.registry,
        )
        self._acceptance = self._histogram(
            "xinqiao_acceptance_seconds", "From the whole input to its answer", _QUICK, "channel"
        )
        self._commit = self._histogram("xinqiao_commit_seconds", "One commit of the journal with messages", _QUICK)
        self._batch = self._histogram("xinqiao_commit_messages", "Messages in one commit", _SIZES)
        self._verdicts = Counter(
            "xinqiao_policy_verdicts", "Messages that the policy judged", ("verdict",), registry=self.registry
        )
        self._attempts = Counter(
            "xinqiao_attempts",
            "Attempts to deliver, by what they prove",
            ("channel", "outcome"),
            registry=self.registry,
        )
        self._attempt = self._histogram("xinqiao_attempt_seconds", "One attempt to deliver", _SLOW, "channel")
        self._deliveries = Counter(
            "xinqiao_deliveries",
            "Deliveries that an attempt ended: delivered, dead, held",
            ("channel", "state"),
            registry=self.registry,
        )
        self._bound: dict[tuple[str, Taken], Counter] = {}
        self._judged: dict[str, Counter] = {}
        self._observed: dict[str, Histogram] = {}
        self.registry.register(_Gauges(standing))
        ProcessCollector(registry=self.registry)

    def took(self, channel: str, messages: Iterable[Taken], seconds: float) -> None:
        """Count the messages of one input, those alike together."""
        told = tuple(messages)
        if len(told) == 1:
            self._count(channel, told[0], 1)
        else:
            for taken, number in Count(told).items():
                self._count(channel, taken, number)
        observed = self._observed.get(channel)
        if observed is None:
            observed = self._observed[channel] = self._acceptance.labels(channel)
        observed.observe(seconds)

    def _count(self, channel: str, taken: Taken, number: int) -> None:
        bound = self._bound.get((channel, taken))
        if bound is None:
            bound = self._bound[channel, taken] = self._messages.labels(channel, *taken)
        bound.inc(number)

    def committed(self, messages: int, seconds: float) -> None:
        """Take note of one commit."""
        self._commit.observe(seconds)
        self._batch.observe(messages)

    def judged(self, verdict: str) -> None:
        """Count a verdict."""
        bound = self._judged.get(verdict)
        if bound is None:
            bound = self._judged[verdict] = self._verdicts.labels(verdict)
        bound.inc()

    def attempted(self, channel: str, outcome: str, seconds: float) -> None:
        """Count an attempt."""
        self._attempts.labels(channel, outcome).inc()
        self._attempt.labels(channel).observe(seconds)

    def settled(self, channel: str, state: str) -> None:
        """Count a delivery."""
        self._deliveries.labels(channel, state).inc()

    def exposition(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, text: str, buckets: Iterable[float], *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=tuple(buckets), registry=self.registry)


class _Gauges(Collector):
    """Shows how things stand when somebody looks, so that what is no more is not shown as it was last."""

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        standing = self._standing()
        for gauge in GAUGES:
            family = GaugeMetricFamily(gauge.name, gauge.text, labels=gauge.labels)
            for labels, value in gauge.read(standing).items():
                family.add_metric(labels, value)
            yield family

    def describe(self) -> list[Any]:
        return [GaugeMetricFamily(gauge.name, gauge.text, labels=gauge.labels) for gauge in GAUGES]


def described() -> list[tuple[str, str, tuple[str, ...], str]]:
    """Return name, type, labels and text of each metric, without those of the process."""
    metrics = Metrics()
    own = [each for each in vars(metrics).values() if isinstance(each, Counter | Histogram)]
    rows = []
    for each in own:
        (family,) = each.describe()
        suffix = "_total" if family.type == "counter" else ""
        rows.append((family.name + suffix, family.type, tuple(each._labelnames), family.documentation))
    return rows + [(gauge.name, "gauge", gauge.labels, gauge.text) for gauge in GAUGES]
