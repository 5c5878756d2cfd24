"""Reading of ``DATA/obligations.yaml``, with errors that name file and line and say what to write instead."""

from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

from xinqiao.errors import SettingsInvalid
from xinqiao_adapters.marked import Marked, Where
from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.calendars.reading import read_model
from xinqiao_gateway.obligations.terms import Terms

__all__ = ["read_obligations"]


def read_obligations(
    data: Path, calendars: Calendars, channels: Collection[str], webhooks: Collection[str] = ()
) -> Terms:
    """Read the obligations of an installation folder; none where there is no file.

    Raises ``SettingsInvalid`` with file and line, also where a calendar, channel or webhook is not there.
    """
    path = data / "obligations.yaml"
    if not path.is_file():
        return Terms()
    terms, marked = read_model(path, Terms)
    seen: set[str] = set()
    for index, rule in enumerate(terms.obligations):
        where = ("obligations", index)
        opener = rule.after.from_ if rule.after else None
        _check_id(marked, where, rule.id, seen)
        _check(marked, (*where, "calendar"), "calendar", [rule.calendar], calendars.names)
        _check(marked, (*where, "from"), "channel", [rule.from_], channels)
        _check(marked, (*where, "after", "from"), "channel", [opener], channels)
        _check(marked, (*where, "to"), "webhook", rule.to, webhooks)
    for index, cutoff in enumerate(terms.cutoffs):
        where = ("cutoffs", index)
        for each in cutoff.rules():
            _check_id(marked, where, each.id, seen)
        _check(marked, (*where, "calendar"), "calendar", [cutoff.calendar], calendars.names)
        _check(marked, (*where, "from"), "channel", [cutoff.from_], channels)
        _check(marked, (*where, "to"), "webhook", cutoff.to, webhooks)
    return terms


def _check_id(marked: Marked, where: Where, name: str, seen: set[str]) -> None:
    if name in seen:
        _fail(marked, (*where, "id"), f"{name} is there already; give it another id")
    seen.add(name)


def _check(marked: Marked, where: Where, what: str, names: Collection[str | None], known: Collection[str]) -> None:
    for name in names:
        if name is not None and name not in known:
            _fail(marked, where, f"no {what} {name!r}; there are: {', '.join(sorted(known)) or 'none'}")


def _fail(marked: Marked, where: Where, problem: str) -> NoReturn:
    raise SettingsInvalid(f"{marked.mark(where)}: {'.'.join(map(str, where))}: {problem}")
