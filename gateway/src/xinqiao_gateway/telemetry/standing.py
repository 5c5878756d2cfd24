"""How things stand: the gauges, as data, and the one snapshot that they are read from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from xinqiao_gateway.journal.figures import Figures

__all__ = ["GAUGES", "Gauge", "Standing"]

Readings = Mapping[tuple[str, ...], float]

_BREAKERS = {"closed": 0.0, "half_open": 1.0, "open": 2.0}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known at one moment (``now``, Unix seconds).

    ``figures`` are the journal's, of ``figures.at``; None where it could not be asked. ``breakers``: the state of each
    pushed channel's. ``folders``: of each watched folder, by channel, the looks in a row that had a problem, and the
    files that are not finished.
    """

    now: float = 0.0
    available: bool = False
    ready: bool = False
    figures: Figures | None = None
    breakers: Mapping[str, Literal["closed", "half_open", "open"]] = field(default_factory=dict)
    unknown_years: int = 0
    folders: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    live: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gauge:
    """One gauge: how it is read from a standing, by the values of its labels."""

    name: str
    text: str
    labels: tuple[str, ...]
    read: Callable[[Standing], Readings]


def _one(value: Callable[[Standing], float]) -> Callable[[Standing], Readings]:
    return lambda standing: {(): value(standing)}


def _figure(read: Callable[[Standing, Figures], Readings]) -> Callable[[Standing], Readings]:
    """Show nothing rather than an old or invented figure where the journal cannot be asked."""
    return lambda standing: read(standing, standing.figures) if standing.figures else {}


def _dead(_: Standing, figures: Figures) -> Readings:
    return {(channel,): n for (channel, state), n in figures.deliveries.items() if state == "dead"}


GAUGES = (
    Gauge(
        "xinqiao_journal_available",
        "Whether the journal's last transaction reached the disk",
        (),
        _one(lambda s: float(s.available)),
    ),
    Gauge("xinqiao_ready", "Whether the gateway says that it is ready", (), _one(lambda s: float(s.ready))),
    Gauge(
        "xinqiao_breaker_state",
        "Breaker of a pushed channel: 0 closed, 1 half open, 2 open",
        ("channel",),
        lambda s: {(channel,): _BREAKERS[state] for channel, state in s.breakers.items()},
    ),
    Gauge(
        "xinqiao_backlog_deliveries",
        "Deliveries that wait, by state",
        ("channel", "state"),
        _figure(lambda _, f: {key: float(number) for key, number in f.deliveries.items()}),
    ),
    Gauge(
        "xinqiao_oldest_waiting_seconds",
        "Age of the oldest delivery that is to be sent or fetched",
        ("channel",),
        _figure(lambda s, f: {(channel,): max(s.now - at, 0.0) for channel, at in f.oldest.items()}),
    ),
    Gauge("xinqiao_dead_letters", "Deliveries given up, which a person replays or skips", ("channel",), _figure(_dead)),
    Gauge(
        "xinqiao_open_exceptions",
        "Exceptions that nobody has resolved",
        ("kind",),
        _figure(lambda _, f: {(kind,): float(number) for kind, number in f.exceptions.items()}),
    ),
    Gauge(
        "xinqiao_overdue_obligations",
        "Obligations whose time has come and that nothing has met",
        (),
        _figure(lambda _, f: {(): float(f.overdue)}),
    ),
    Gauge(
        "xinqiao_leases",
        "Deliveries under way, by node",
        ("node",),
        _figure(lambda _, f: {(node,): float(number) for node, number in f.leases.items()}),
    ),
    Gauge(
        "xinqiao_nodes_alive",
        "Nodes that said within 15 seconds that they live",
        (),
        _figure(lambda _, f: {(): float(f.nodes)}),
    ),
    Gauge(
        "xinqiao_journal_ahead_seconds",
        "By how much the last message is dated after now: a clock went ahead and was set back",
        (),
        _figure(lambda _, f: {(): f.ahead}),
    ),
    Gauge(
        "xinqiao_calendar_years_unknown",
        "Years that a calendar was asked for and that nobody has announced to it",
        (),
        _one(lambda s: float(s.unknown_years)),
    ),
    Gauge(
        "xinqiao_folder_failures",
        "Looks in a row at a channel's folder of files that had a problem",
        ("channel",),
        lambda s: {(channel,): float(failures) for channel, (failures, _) in s.folders.items()},
    ),
    Gauge(
        "xinqiao_folder_unfinished",
        "Files in a channel's folder that are not finished",
        ("channel",),
        lambda s: {(channel,): float(unfinished) for channel, (_, unfinished) in s.folders.items()},
    ),
    Gauge(
        "xinqiao_live_broken_requirements",
        "Requirements that a channel's live traffic broke at the last look",
        ("channel",),
        lambda s: {(channel,): float(broken) for channel, (broken, _) in s.live.items()},
    ),
    Gauge(
        "xinqiao_live_drift_requirements",
        "Of these, requirements that the channel's certificate says are met",
        ("channel",),
        lambda s: {(channel,): float(drift) for channel, (_, drift) in s.live.items()},
    ),
)
