"""Passive checks as cases: each looks at all that was exchanged in a run, when the other cases are done."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from xinqiao.finding import Text
from xinqiao.message import Json, write_json
from xinqiao.recording import Check, Context, Found, Head, Recorded
from xinqiao.recording.checking import judged
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, new_key, seal
from xinqiao.testing import BANK, vectors
from xinqiao_conformance.case import Test
from xinqiao_conformance.observing import Breach, Owner, Unseen

__all__ = ["Observed", "is_always_shown", "look", "named", "nothing_shown", "require_shown", "where"]

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


def require_shown(check: Check, bench: Observed, types: Iterable[str], fix: Text | None = None) -> None:
    """Raise ``Breach`` for what a check finds first, or where it saw nothing of what these types always hold.

    Raises ``Unseen`` where it saw nothing of what they may hold. A run in which nothing was exchanged meets nothing.
    """
    if look(check, bench):
        return
    is_empty = next(iter(bench.recording), None) is None
    if is_empty or is_always_shown(check, types):
        raise nothing_shown(check, fix=fix)
    raise Unseen(check.id)


def is_always_shown(check: Check, types: Iterable[str]) -> bool:
    """Say whether a type always holds what a check is about, as each of its published examples does.

    The standard leaves the rest to who sends it: where it does not occur there is nothing to show.
    """
    return any(all(_shows(check, each["message"]) for each in vectors(body)) for body in types)


def _shows(check: Check, message: Json) -> bool:
    key = new_key("example-1")
    sealed = seal(write_json(message), CONTENT_TYPE_JSON, key)
    seen = Recorded.of(sealed, "subject", "rest", None)
    looked = check.test([seen], Context(Head(BANK, test=True), "sender", KeyRing([key.public()])))
    while True:
        try:
            next(looked)
        except StopIteration as end:
            return bool(end.value)


def named(test: Callable[[Any], None], name: str, module: str, about: str) -> Test:
    """Return a case under the name by which the suite lists it."""
    test.__name__ = test.__qualname__ = name
    test.__module__, test.__doc__ = module, about
    return test
