"""``python -m tests.crash``: the whole crash test. Its last line counts kills, lost, duplicated and reordered."""

import argparse
import sys
import time
from contextlib import nullcontext

from tests.crash.run import Report, crash_run
from tests.postgres import running_postgres


def main() -> int:
    """Run and return the exit status: 0 where nothing was lost, duplicated, reordered or otherwise in breach."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how often, on each journal")
    parser.add_argument("--journal", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    journals = ["sqlite", "postgres"] if chosen.journal == "both" else [chosen.journal]
    reports = [_run(journal, chosen.kills, chosen.seed) for journal in journals]
    _say(
        f"kills {sum(each.kills.total() for each in reports)} lost {sum(each.verdict.lost for each in reports)} "
        f"duplicated {sum(each.verdict.duplicated for each in reports)} "
        f"reordered {sum(each.verdict.reordered for each in reports)}"
    )
    return 0 if all(each.verdict.clean for each in reports) else 1


def _run(journal: str, kills: int, seed: int) -> Report:
    began = time.monotonic()
    _say(f"{journal}, seed {seed}")
    with running_postgres() if journal == "postgres" else nullcontext() as server:
        report = crash_run(kills, seed, server, lambda said: _say(f"  {time.monotonic() - began:6.1f} s  {said}"))
    for breach in report.verdict.breaches[:50]:
        _say(f"  breach: {breach}")
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(report.kills.items()))
    _say(f"{journal}: {report.acknowledged} acknowledged, {report.applied} applied; kills: {kinds}")
    if report.database_crashes:
        _say(f"{journal}: the database itself crashed {report.database_crashes} times under load")
    _say(f"{journal}: {len(report.verdict.breaches)} other breaches, {time.monotonic() - began:.0f} s")
    return report


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
