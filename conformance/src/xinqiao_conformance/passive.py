"""Passive checks as cases: each looks at all that was exchanged in a run, when the other cases are done."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from xinqiao.finding import Text
from xinqiao.recording import Check, Context, Found, Recorded
from xinqiao.recording.checking import judged
from xinqiao_conformance.case import Test
from xinqiao_conformance.observing import Breach, Owner

__all__ = ["Observed", "look", "named", "nothing_shown", "where"]

_NOT_SHOWN = Text("本次运行中出现该要求所涉内容", "something in this run that the requirement is about")


class Observed(Protocol):
    """A bench as a check sees it."""

    @property
    def recording(self) -> Iterable[Recorded]:
        """Return all that was exchanged."""

    @property
    def context(self) -> Context:
        """Return what is known beside it."""


def look(check: Check, bench: Observed) -> bool:
    """Return whether the recording holds anything that a check is about. Raises ``Breach`` for what it finds first."""
    came = judged(check, bench.recording, bench.context)
    for found in came.found[:1]:
        raise Breach(found.expected, seen=where(found), difference=[where(found)], exchanges=[found.exchange])
    return came.state != "not_seen"


def where(found: Found) -> dict[str, Any]:
    """Return what a check found, as a report shows it."""
    return {"path": found.path, "expected": found.expected.as_json(), "seen": found.seen}


def nothing_shown(check: Check, owner: Owner = "subject", fix: Text | None = None) -> Breach:
    """Return what to raise where a run had to show something of a check and did not."""
    return Breach(_NOT_SHOWN, seen={"check": check.id}, owner=owner, fix=fix)


def named(test: Callable[[Any], None], name: str, module: str, about: str) -> Test:
    """Return a case under the name by which the suite lists it."""
    test.__name__ = test.__qualname__ = name
    test.__module__, test.__doc__ = module, about
    return test
