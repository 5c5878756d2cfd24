"""A short run of the crash test, as ``make test`` has it; ``make test-crash`` is the whole one."""

from tests.crash.run import Report, crash_run
from tests.crash.verdict import Verdict
from tests.postgres import Postgres


def said(report: Report) -> str:
    return f"{report.kills.total()} kills, {report.acknowledged} acknowledged, {report.applied} applied"


def test_on_sqlite_nothing_is_lost_doubled_or_reordered_when_the_gateway_is_killed() -> None:
    report = crash_run(6, 1, None, print)
    assert report.verdict == Verdict(), said(report)
    assert (report.kills.total(), report.applied) == (6, report.acknowledged)


def test_on_postgresql_nothing_is_lost_doubled_or_reordered_when_gateway_and_database_are_killed(
    postgres: Postgres,
) -> None:
    report = crash_run(4, 1, postgres, print)
    assert report.verdict == Verdict(), said(report)
    assert (report.kills.total(), report.database_crashes) == (4, 1)
