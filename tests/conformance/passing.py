"""Which cases of a kit a subject on a bench passes."""

from collections.abc import Iterable

from xinqiao_conformance.case import Run
from xinqiao_conformance.observing import Breach


def passed_on(bench: object, runs: Iterable[Run]) -> list[str]:
    """Return the cases that pass. What is raised beside ``Breach`` is raised."""
    return [each.id for each in runs if _passes(each, bench)]


def _passes(run: Run, bench: object) -> bool:
    try:
        run.do(bench)
    except Breach:
        return False
    return True
