"""Which cases of a kit a subject on a bench passes, and which it fails."""

from collections.abc import Iterable
from contextlib import suppress

from xinqiao_conformance.case import Run
from xinqiao_conformance.observing import Breach, Unseen

__all__ = ["failed_on", "passed_on"]


def failed_on(bench: object, runs: Iterable[Run]) -> list[str]:
    """Return the cases that fail, each with what was expected. What is raised beside ``Breach`` is raised."""
    failed = []
    for each in runs:
        try:
            with suppress(Unseen):
                each.do(bench)
        except Breach as breach:
            failed.append(f"{each.id}: {breach}")
    return failed


def passed_on(bench: object, runs: Iterable[Run]) -> list[str]:
    """Return the cases that pass. What is raised beside ``Breach`` and ``Unseen`` is raised."""
    return [each.id for each in runs if _passes(each, bench)]


def _passes(run: Run, bench: object) -> bool:
    try:
        run.do(bench)
    except (Breach, Unseen):
        return False
    return True
