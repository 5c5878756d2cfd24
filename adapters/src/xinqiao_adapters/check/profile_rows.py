"""The rows as a profile says them, parts laid in where they are used: what a plan no longer tells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xinqiao_adapters.mapping.shapes import parse_steps
from xinqiao_adapters.onboarding.confirmation import open_proposals
from xinqiao_adapters.profile import Profile, Row

__all__ = ["SaidRow", "said_rows", "unconfirmed"]

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SaidRow:
    """A row, where the profile says it, and its canonical names from the message (none: the partner's own value).

    ``table`` is the map or part that it stands in, ``key`` its own name there.
    """

    table: str
    key: str
    names: Names
    row: Row

    @property
    def where(self) -> str:
        """Where the profile says it."""
        return f"{self.table}.{self.key}"


def said_rows(profile: Profile, interface: str) -> Iterator[SaidRow]:
    """Yield the rows of one interface, groups before what they hold."""
    found = profile.interfaces[interface]
    yield from _said(profile, f"interfaces.{interface}.map", found.map, (found.message,))


def _said(profile: Profile, where: str, rows: Mapping[str, Row], base: Names) -> Iterator[SaidRow]:
    for key, row in rows.items():
        own = f"{where}.{key}"
        if "/" in key:
            yield SaidRow(where, key, (), row)
            continue
        steps = tuple(name for name, _ in parse_steps(key) or ())
        names = steps if len(base) == 1 and steps[:1] == ("header",) else (*base, *steps)
        yield SaidRow(where, key, names, row)
        if row.use is not None:
            yield from _said(profile, f"parts.{row.use}", profile.parts[row.use], names)
        yield from _said(profile, f"{own}.map", row.map or {}, names)


def unconfirmed(profile: Profile) -> Iterator[str]:
    """Yield a problem for each proposal that nobody has confirmed by name."""
    for where, proposed in open_proposals(profile):
        sure = f"{proposed.confidence:.0%}"
        yield f"{where}: proposed ({sure}: {proposed.reason}) and not confirmed; add confirmed: <your name>"
