"""Code tables: every value of the standard has a code or a reason, and every code is shown by a sample or a list."""

from collections.abc import Iterable, Iterator, Mapping

from xinqiao_adapters.check.cases import PlacedCodes
from xinqiao_adapters.check.profile_rows import said_rows
from xinqiao_adapters.check.spelling import names_of
from xinqiao_adapters.interface import CompiledInterface
from xinqiao_adapters.mapping.shapes import shape_at
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import AnswerTable, Profile

__all__ = ["CodesSeen", "unexplained_codes"]

Names = tuple[str, ...]


class CodesSeen:
    """Which codes of which table samples and lists show."""

    def __init__(self, profile: Profile, compiled: Mapping[str, CompiledInterface]) -> None:
        self._profile = profile
        self._seen: dict[str, set[str]] = {name: set() for name in _of_answers(profile)}
        self._tables: dict[tuple[str, Names], list[str]] = {}
        for interface in compiled:
            for each in said_rows(profile, interface):
                if each.row.codes is not None:
                    self._seen.setdefault(each.row.codes, set())
                    self._tables.setdefault((interface, each.names), []).append(each.row.codes)

    def read(self, interface: str, readings: Iterable[Reading]) -> None:
        """Note the codes that a sample's texts are."""
        for each in readings:
            for name in self._tables.get((interface, names_of(each.path)), ()):
                values = self._profile.codes[name].values
                if values == each.leaf.converter.table:
                    self._seen[name] |= _codes_of(values, each)

    def listed(self, said: PlacedCodes) -> Iterator[str]:
        """Note the codes that a list beside the profile gives; yield where the table says something else."""
        table = self._profile.codes.get(said.table)
        if table is None:
            yield f"{said.mark}: there is no code table {said.table!r}; known: {', '.join(self._profile.codes)}"
            return
        self._seen.setdefault(said.table, set()).update(said.meanings)
        for code, meaning in said.meanings.items():
            if table.values.get(code) != meaning:
                got = table.values.get(code, "nothing")
                yield f"{said.mark}: codes.{said.table}: {code} means {got} in the profile, expected {meaning}"

    def problems(self) -> Iterator[str]:
        """Yield a problem for a table of which two codes could change places unseen."""
        for name, seen in self._seen.items():
            values = self._profile.codes[name].values
            unseen = [code for code in values if code not in seen]
            if len({values[code] for code in unseen}) > 1:
                yield (
                    f"codes.{name}: no sample shows {', '.join(unseen)}: two that changed places would not be seen; "
                    "copy what they mean from the partner's own list under codes in tests.yaml"
                )


def _codes_of(values: Mapping[str, str], reading: Reading) -> set[str]:
    """Return the code that was read: the only one of its value, or the one that the text is."""
    same = {code for code, value in values.items() if value == reading.value}
    return same if len(same) == 1 else same & {(reading.text or "").strip()}


def _of_answers(profile: Profile) -> Iterator[str]:
    tables = [profile.answer, *(each.answer for each in profile.interfaces.values())]
    for table in tables:
        yield from _of_answer(table) if table is not None else ()


def _of_answer(table: AnswerTable) -> Iterator[str]:
    for said in (*table.accepted.values(), *table.rejected.values()):
        if said.codes is not None:
            yield said.codes


def unexplained_codes(profile: Profile, compiled: Mapping[str, CompiledInterface]) -> Iterator[str]:
    """Yield a problem for values of an enum that a code table neither holds nor lists under ``missing``."""
    fields: dict[tuple[str, str], dict[str, None]] = {}
    for name, interface in compiled.items():
        for each in said_rows(profile, name):
            shape = shape_at(interface.mapping.plan.body, each.names) if each.row.codes is not None else None
            if shape is None or each.row.codes is None:
                continue
            table = profile.codes[each.row.codes]
            left = set(shape.names) - set(table.values.values()) - set(table.missing)
            if left:
                fields.setdefault((each.row.codes, ", ".join(sorted(left))), {})[".".join(each.names)] = None
    for (code_table, values), paths in sorted(fields.items()):
        yield f"codes.{code_table}: {values} ({', '.join(paths)}): no code and no reason under missing"
