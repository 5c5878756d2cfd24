"""Every row of an interface, one after another, with whole paths: what people read and compare."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.plan import Leaf, Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.rows import plan_of
from xinqiao_adapters.mapping.shapes import Steps, text_of_steps
from xinqiao_adapters.marked import Mark, Where
from xinqiao_adapters.profile import Row

__all__ = ["ListedRow", "list_rows", "listed_rows"]


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A row with its paths from the top, and the row of the profile that it was made from.

    ``target`` is empty for a value of the partner's own, ``place`` is None for a constant of the standard. A list of
    values is one row, whose ``item`` is that of the values; other lists come before what they hold.
    ``said`` is None for a row that the profile does not write as one (``case:``).
    """

    target: Steps
    place: Source | None
    row: Leaf | Repeat
    said: Row | None

    @property
    def path(self) -> str:
        """The canonical path as people write it; empty for a value of the partner's own."""
        return text_of_steps(self.target)

    @property
    def partner_path(self) -> str:
        """The partner's path; empty for a constant of the standard."""
        return "/".join(self.place or ())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the canonical path, without indices."""
        return tuple(name for name, _ in self.target)

    @property
    def item(self) -> Leaf | None:
        """The leaf that holds the value; None for a list of groups."""
        if isinstance(self.row, Leaf):
            return self.row
        first = self.row.rows[0]
        return first if self.row.scalar and isinstance(first, Leaf) else None

    @property
    def mark(self) -> Mark:
        """Where the profile says it."""
        return self.row.mark


def listed_rows(loaded: LoadedProfile, name: str) -> list[ListedRow]:
    """Return the rows of one interface in the profile's order; none where it has no mapping.

    Raises ``ProfileInvalid`` with file and line.
    """
    interface = loaded.profile.interfaces[name]
    return list_rows(loaded, name, plan_of(loaded, name, interface)) if interface.map else []


def list_rows(loaded: LoadedProfile, name: str, plan: Plan) -> list[ListedRow]:
    """Return the rows of a plan in its order."""
    said: dict[Mark, list[tuple[str, Row]]] = {}
    for where, rows in _tables(loaded, name):
        _collect(loaded, where, rows, said)
    return list(_listed(plan.rows, (), (), said))


def _tables(loaded: LoadedProfile, name: str) -> Iterator[tuple[Where, Mapping[str, Row]]]:
    yield ("interfaces", name, "map"), loaded.profile.interfaces[name].map
    for part, rows in loaded.profile.parts.items():
        yield ("parts", part), rows


def _collect(
    loaded: LoadedProfile, where: Where, rows: Mapping[str, Row], said: dict[Mark, list[tuple[str, Row]]]
) -> None:
    for key, row in rows.items():
        said.setdefault(loaded.mark((*where, key)), []).append((key, row))
        _collect(loaded, (*where, key, "map"), row.map or {}, said)


def _listed(
    rows: Rows, target: Steps, place: Source, said: Mapping[Mark, Sequence[tuple[str, Row]]]
) -> Iterator[ListedRow]:
    for row in rows:
        whole = (*target, *row.target) if row.target is not None else ()
        where = (*place, *row.source) if row.source is not None else None
        yield ListedRow(whole, where, row, _row_of(row, said.get(row.mark, ())))
        if isinstance(row, Repeat) and not row.scalar:
            yield from _listed(row.rows, whole, where or (), said)


def _row_of(row: Leaf | Repeat, candidates: Sequence[tuple[str, Row]]) -> Row | None:
    """Return the row that stands on a line: several may, and then its names and places tell them apart."""
    if len(candidates) == 1:
        return candidates[0][1]
    return next((said for key, said in candidates if _is_of(row, key, said)), None)


def _is_of(row: Leaf | Repeat, key: str, said: Row) -> bool:
    path = said.each or said.at or (said.source if isinstance(said.source, str) else (said.source or [""])[0])
    if not row.target:
        path = path or key
    elif key != "." and not text_of_steps(row.target).endswith(key):
        return False
    steps = tuple(step for step in (path or "").split("/") if step not in ("", "."))
    source = row.source or ()
    return source[len(source) - len(steps) :] == steps
