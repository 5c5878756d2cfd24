"""Reading of ``DATA/obligations.yaml``, with errors that name file and line and say what to write instead."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xinqiao.errors import SettingsInvalid
from xinqiao_adapters.marked import Marked, Where, read_marked, validated
from xinqiao_adapters.problems import Problems
from xinqiao_gateway.calendars import Calendars
from xinqiao_gateway.obligations.terms import CutoffTerms, Rule, Terms

__all__ = ["read_obligations"]


def read_obligations(
    data: Path,
    calendars: Calendars | None,
    channels: Collection[str],
    webhooks: Collection[str] | None = (),
    interfaces: Mapping[str, Collection[str]] | None = None,
) -> Terms:
    """Read the obligations of an installation folder; none where there is no file.

    ``interfaces`` are those of each channel that could be loaded. ``calendars`` and ``webhooks`` are None where they
    are not known, because the files that name them cannot be used.
    Raises ``SettingsInvalid`` with file and line of every problem, also where a calendar, channel, interface or
    webhook is not there.
    """
    path = data / "obligations.yaml"
    if not path.is_file():
        return Terms()
    problems = Problems(SettingsInvalid)
    known = _Known(calendars.names if calendars else None, channels, interfaces or {}, webhooks)
    terms = problems.attempt(_read, path, known, problems)
    problems.check()
    return terms or Terms()


@dataclass(frozen=True, slots=True)
class _Known:
    """The names that terms may use; None where nobody knows them."""

    calendars: Collection[str] | None
    channels: Collection[str]
    interfaces: Mapping[str, Collection[str]]
    webhooks: Collection[str] | None


def _read(path: Path, known: _Known, problems: Problems) -> Terms:
    marked = read_marked(path)
    terms = validated(marked, Terms)
    inspection = _Inspection(marked, known, problems)
    for index, rule in enumerate(terms.obligations):
        inspection.rule(("obligations", index), rule)
    for index, cutoff in enumerate(terms.cutoffs):
        inspection.cutoff(("cutoffs", index), cutoff)
    return terms


@dataclass(slots=True)
class _Inspection:
    """Looks up every name in what is there, and notes those that are not."""

    marked: Marked
    known: _Known
    problems: Problems
    ids: set[str] = field(default_factory=set)

    def rule(self, where: Where, rule: Rule) -> None:
        self._id(where, rule.id)
        self._shared(where, rule)
        self._interface((*where, "file"), rule.from_, rule.file)
        opener = rule.after.from_ if rule.after else None
        self._name((*where, "after", "from"), "channel", opener, self.known.channels)

    def cutoff(self, where: Where, cutoff: CutoffTerms) -> None:
        for each in cutoff.rules():
            self._id(where, each.id)
        self._shared(where, cutoff)
        self._interface((*where, "interface"), cutoff.from_, cutoff.interface)

    def _shared(self, where: Where, terms: Rule | CutoffTerms) -> None:
        self._name((*where, "calendar"), "calendar", terms.calendar, self.known.calendars)
        self._name((*where, "from"), "channel", terms.from_, self.known.channels)
        for webhook in terms.to:
            self._name((*where, "to"), "webhook", webhook, self.known.webhooks)

    def _interface(self, where: Where, channel: str | None, name: str | None) -> None:
        self._name(where, f"interface of {channel}", name, self.known.interfaces.get(channel or ""))

    def _id(self, where: Where, name: str) -> None:
        if name in self.ids:
            self._note((*where, "id"), f"{name} is there already; give it another id")
        self.ids.add(name)

    def _name(self, where: Where, what: str, name: str | None, known: Collection[str] | None) -> None:
        if name is not None and known is not None and name not in known:
            self._note(where, f"no {what} {name!r}; there are: {', '.join(sorted(known)) or 'none'}")

    def _note(self, where: Where, problem: str) -> None:
        self.problems.note(f"{self.marked.mark(where)}: {'.'.join(map(str, where))}: {problem}")
