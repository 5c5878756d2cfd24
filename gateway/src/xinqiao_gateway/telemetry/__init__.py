"""Telemetry: what is seen of a running gateway from outside. Counts, durations and ids, never contents."""

from xinqiao_gateway.telemetry.metrics import Metrics
from xinqiao_gateway.telemetry.observer import NOBODY, Observer

__all__ = ["NOBODY", "Metrics", "Observer"]
