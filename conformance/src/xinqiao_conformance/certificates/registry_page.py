"""The registry as a page: who conforms to what, by kit and by institution."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from xinqiao.certificate import Certificate
from xinqiao.finding import Text
from xinqiao_conformance.certificates.registry import Entry, Registry
from xinqiao_conformance.kits import kit_named, kits
from xinqiao_conformance.results.html import HOW
from xinqiao_conformance.results.pages import page

__all__ = ["registry_page"]


def registry_page(registry: Registry, at: datetime | None = None) -> str:
    """Return the page as it stands at a moment; how each certificate stands is that of then."""
    now = at or datetime.now(UTC)
    entries = sorted(registry.entries.values(), key=lambda each: each.certificate.issued_at, reverse=True)
    return page(
        "registry.html.j2",
        registry=registry,
        now=now,
        institutions=_by_institution(entries),
        kits=_by_kit(each.certificate for each in entries if registry.standing(each, now) == "valid"),
        standings={each.certificate.serial: registry.standing(each, now) for each in entries},
        title=_title,
        how=HOW,
    )


def _by_institution(entries: Iterable[Entry]) -> dict[str, list[Certificate]]:
    found: dict[str, list[Certificate]] = defaultdict(list)
    for each in entries:
        found[each.certificate.seen.subject.institution].append(each.certificate)
    return dict(sorted(found.items(), key=lambda row: row[1][0].seen.subject.name))


def _by_kit(certificates: Iterable[Certificate]) -> dict[str, list[Certificate]]:
    """Return who has a certificate for a kit now: the latest of each institution, the kits in the suite's order."""
    found: dict[str, dict[str, Certificate]] = defaultdict(dict)
    for each in certificates:
        for kit in each.seen.kits:
            found[kit.kit].setdefault(each.seen.subject.institution, each)
    known = [each.id for each in kits()]
    names = sorted(found, key=lambda name: (known.index(name) if name in known else len(known), name))
    return {name: list(found[name].values()) for name in names}


def _title(kit: str) -> Text:
    try:
        return kit_named(kit).title
    except ValueError:
        return Text(kit, kit)
