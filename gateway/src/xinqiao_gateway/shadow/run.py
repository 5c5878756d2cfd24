"""The run: every case of a recording replayed, one after another, and what was found."""

from collections.abc import Iterable, Sequence
from datetime import date

from xinqiao_gateway.shadow.explanations import Placed
from xinqiao_gateway.shadow.recording import Broken, Case
from xinqiao_gateway.shadow.replay import Replay
from xinqiao_gateway.shadow.report import ShadowReport

__all__ = ["shadow_run"]


def shadow_run(
    cases: Iterable[Case | Broken], replay: Replay, explanations: Sequence[Placed], today: date
) -> ShadowReport:
    """Replay cases and return what differs; ``today`` decides which explanations count still."""
    channels = (replay.partner.channel.channel_id, replay.core.channel.channel_id)
    report = ShadowReport(*channels, explanations, today)
    for case in cases:
        found = case if isinstance(case, Broken) else replay.differences(case)
        if isinstance(found, Broken):
            report.add_broken(found)
        else:
            report.add(case.name, found)
    return report
