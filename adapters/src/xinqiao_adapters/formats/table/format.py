"""What CSV and Excel have in common as formats of an interface: the tree, its paths, and what a profile may say."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any, BinaryIO

from xinqiao.errors import ContentRefused, ProfileInvalid
from xinqiao.finding import Finding
from xinqiao_adapters.formats.spec import TableSpec
from xinqiao_adapters.formats.table.header import key_of, labels_of
from xinqiao_adapters.formats.table.table import TableFile
from xinqiao_adapters.formats.table.writing import stands_after
from xinqiao_adapters.formats.tree_access import TreeAccess
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.access import Node, kept, trimmed
from xinqiao_adapters.mapping.plan import Plan, Repeat, Rows, Source
from xinqiao_adapters.mapping.trace import Reading
from xinqiao_adapters.profile import Interface

__all__ = ["TableFormat", "check_table"]

# As many as a rejection holds.
_MOST_FINDINGS = 1000


def check_table(loaded: LoadedProfile, name: str, interface: Interface, spec: TableSpec) -> None:
    """Raise ``ProfileInvalid`` for labels that two columns or values share, and for names that do not exist."""
    where = ("interfaces", name, "format")
    _refuse_shared(
        loaded,
        (*where, "columns"),
        ((name, label) for name, each in spec.columns.items() for label in labels_of(name, each)),
    )
    _refuse_shared(
        loaded,
        (*where, "labels"),
        (
            (f"{name} in {each.column}", f"{label} in {each.column}")
            for name, each in spec.labels.items()
            for label in labels_of(name, each)
        ),
    )
    for label, each in spec.labels.items():
        if each.column is not None and each.column not in spec.columns:
            loaded.fail(
                (*where, "labels", label, "column"), f"no column {each.column!r}; known: {', '.join(spec.columns)}"
            )
    for column in spec.totals.sums:
        if column not in spec.columns:
            loaded.fail((*where, "totals", "sums", column), f"no such column; known: {', '.join(spec.columns)}")
    for path in [spec.totals.count, *spec.totals.sums.values()]:
        if path is not None and path.removeprefix("File/") not in spec.labels:
            loaded.fail((*where, "totals"), f"{path} is none of labels: {', '.join(spec.labels) or 'none is given'}")
    if interface.records not in (None, "Record"):
        loaded.fail(("interfaces", name, "records"), "the records of a table are at Record")
    if interface.direction != "in":
        _check_written(loaded, name, spec)


def _refuse_shared(loaded: LoadedProfile, where: tuple[str, ...], labels: Iterable[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for name, label in labels:
        first = seen.setdefault(key_of(label), name)
        if first != name:
            loaded.fail(where, f"{label} is a label of {first} and of {name}: which one is meant would be a guess")


def _check_written(loaded: LoadedProfile, name: str, spec: TableSpec) -> None:
    """Refuse a table whose end would not be found again, and two texts in one cell."""
    where = ("interfaces", name, "format", "labels")
    after = {each: label for each, label in spec.labels.items() if stands_after(spec, each)}
    taken: dict[tuple[str, int], str] = {}
    for each, label in after.items():
        first = labels_of(each, label)[0]
        if not taken and key_of(first) not in {key_of(end) for end in spec.ends}:
            loaded.fail((*where, each), f"{first} is the first row after the table: name it under ends as well")
        place = list(spec.columns).index(label.column) if label.column is not None else 1
        other = taken.setdefault((first, place), each)
        if place == 0 or other != each:
            other = "its label" if place == 0 else other
            loaded.fail((*where, each), f"it is written where {other} stands: name another column")


class TableFormat(ABC):
    """One interface's table."""

    kind: str
    content_type: str

    def __init__(self, spec: TableSpec) -> None:
        self.table = spec
        self.access = TreeAccess(trimmed if spec.trim else kept)

    @abstractmethod
    def open(self, file: BinaryIO, content_type: str = "") -> TableFile:
        """Read what stands before the records."""

    @abstractmethod
    def write_file(self, outside: Node, records: Iterable[Node]) -> Iterator[bytes]:
        """Yield a file's bytes."""

    def parse(self, raw: bytes, content_type: str = "") -> dict[str, Any]:
        """Read a file that is one message: ``{"File": {…}, "Record": [{…}, …]}``.

        Raises ``ContentRefused`` with what is found in any of its records.
        """
        table = self.open(BytesIO(raw), content_type)
        records: list[Node] = []
        findings: list[Finding] = []
        for record in table.records():
            records.append(record.node)
            findings += record.findings
        if findings:
            raise ContentRefused(f"{len(findings)} cells or rows cannot be read", findings=findings[:_MOST_FINDINGS])
        return {**table.root, "Record": records}

    def write(self, document: Node) -> bytes:
        """Return the bytes of a file that is one message."""
        records = document.get("Record", [])
        return b"".join(self.write_file(document, records if isinstance(records, list) else [records]))

    def is_root(self, root: Node) -> bool:  # noqa: ARG002 -- the format's shape
        """Say yes: what has no header of this interface is refused before."""
        return True

    def root_name(self, root: Node) -> str:
        """Return the columns of the first record."""
        records = root.get("Record") or [{}]
        return ", ".join(list(records[0])[:5])

    def findings(self, root: Node, readings: Callable[[], Iterable[Reading]]) -> list[Finding]:  # noqa: ARG002
        """Return nothing: a table has no schema language."""
        return []

    def located(self, plan: Plan) -> Plan:
        """Return the plan as it is.

        Raises ``ProfileInvalid`` for a row that names neither a value of ``labels`` nor one of ``columns``.
        """
        self._check_rows(plan.rows, ())
        return plan

    def path(self, path: Source, base: Source = ()) -> Source:
        """Return the path as it is. Raises ``ValueError`` for one that names no label and no column."""
        self._check_path((*base, *path))
        return path

    def _check_rows(self, rows: Rows, base: Source) -> None:
        for row in rows:
            if row.source is None:
                continue
            where = (*base, *row.source)
            try:
                if isinstance(row, Repeat):
                    self._check_rows(row.rows, where)
                else:
                    for source in row.sources:
                        self._check_path((*base, *source))
            except ValueError as error:
                raise ProfileInvalid(f"{row.mark}: {error}") from error

    def _check_path(self, path: Source) -> None:
        known = {"File": self.table.labels, "Record": self.table.columns}.get(path[0]) if path else None
        if known is None or len(path) > 2 or (len(path) == 2 and path[1] not in known):
            names = [f"File/{name}" for name in self.table.labels] + [f"Record/{name}" for name in self.table.columns]
            raise ValueError(f"{'/'.join(path)}: no such value of the table; known: {', '.join(names)}")
