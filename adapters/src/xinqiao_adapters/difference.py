"""What changes between two profiles, row by row, and whether it breaks what a partner sends or reads today.

A change is **breaking** where a document of today may be refused, read otherwise, or lack what was in it: a place that
must now be filled, a code that is gone, a form that is narrower. What only adds is **compatible**. Where nobody can
tell, it is breaking. The judgements on settings and on parts of rows are in ``judgement``.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from xinqiao.finding import Text
from xinqiao_adapters.fingerprint import file_fingerprint
from xinqiao_adapters.interface_document.codes import table_name
from xinqiao_adapters.interface_document.presence import presence_of
from xinqiao_adapters.judgement import breaks_part, breaks_setting
from xinqiao_adapters.listing import ListedRow, listed_rows
from xinqiao_adapters.loader import LoadedProfile
from xinqiao_adapters.mapping.shapes import text_of_steps
from xinqiao_adapters.marked import Where
from xinqiao_adapters.profile import Interface

__all__ = ["Change", "Difference", "difference"]

Kind = Literal["added", "removed", "changed"]
Settings = dict[tuple[str, ...], Any]

_ROWS = frozenset({"from", "at", "each", "use", "map", "proposed"})
# Said elsewhere: rows and code tables by themselves, the shared format within each interface.
_NOT_CHANNEL = frozenset({"interfaces", "parts", "codes", "format"})
_ADDED = Text("新增，不影响现有报文", "new; documents of today are as good as before")
_NEEDED = Text("新增必填字段，现有报文会被拒绝", "a new field that must be there: documents of today lack it")
_GONE = Text("不再读取或发出", "no longer read or sent")
_MOVED = Text("位置改变", "stands elsewhere")
_OTHER_MEANING = Text("同一位置，含义改变", "the same place means something else")
_NARROWER = Text("要求改变或收紧", "expects something else, or less than before")
_WIDER = Text("要求放宽", "takes all that it took")
_CODE_GONE = Text("代码不再有效或含义改变", "a code is gone, or means something else")
_BY_ROWS = Text("影响见使用该代码表的各行", "the rows that use the table say what it means")
_OURS = Text("只影响标准消息的内容", "changes only what the message of the standard says")


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``path`` is canonical for rows; else the name of a setting, or ``id_type.07`` for a code.

    ``before`` and ``after`` show what the profile says, ``before_at`` and ``after_at`` where (``file:line``);
    None where it says nothing. ``fields`` are the fields of messages that it touches (``kycApplication.purpose``).
    """

    what: Literal["channel", "interface", "setting", "row", "code"]
    kind: Kind
    interface: str | None
    path: str
    partner_path: str
    before: str | None
    after: str | None
    before_at: str | None
    after_at: str | None
    breaking: bool
    reason: Text
    fields: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        names = ("what", "kind", "interface", "path", "before", "after", "breaking")
        return {
            **{name: getattr(self, name) for name in names},
            "partnerPath": self.partner_path or None,
            "beforeAt": self.before_at,
            "afterAt": self.after_at,
            "reason": self.reason.as_json(),
            "fields": list(self.fields),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes from one profile to another."""

    before: str
    after: str
    changes: tuple[Change, ...]

    @property
    def breaking(self) -> bool:
        """Whether any change breaks."""
        return any(change.breaking for change in self.changes)

    @property
    def fields(self) -> list[str]:
        """The fields of messages that the changes touch, each once."""
        return sorted({name for change in self.changes for name in change.fields})

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "before": self.before,
            "after": self.after,
            "same": not self.changes,
            "breaking": self.breaking,
            "fields": self.fields,
            "changes": [change.as_json() for change in self.changes],
        }


def difference(before: LoadedProfile, after: LoadedProfile) -> Difference:
    """Return what changes from one profile to the other.

    Raises ``ProfileInvalid`` where the rows of one of them fit the standard no more.
    """
    found = _Comparison(before, after)
    changes = [*found.settings("channel"), *found.interfaces(), *found.codes()]
    return Difference(before.profile.channel, after.profile.channel, tuple(changes))


@dataclass(slots=True)
class _Comparison:
    """Two profiles; ``users`` are the fields that use each code table, noted while rows are compared."""

    before: LoadedProfile
    after: LoadedProfile
    users: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    # --- settings ------------------------------------------------------------------------------------------------

    def settings(self, what: Literal["channel", "setting"], interface: str | None = None) -> Iterator[Change]:
        """Yield what changes in the settings of the channel, or of an interface that both have."""
        where: Where = ("interfaces", interface) if interface else ()
        old, new = (_settings(each, interface) for each in (self.before, self.after))
        for path in {**old, **new}:
            one, other = old.get(path), new.get(path)
            if one == other:
                continue
            breaking = breaks_setting(path, one, other)
            yield Change(
                what=what,
                kind=_kind(one, other),
                interface=interface,
                path=".".join(path),
                partner_path="",
                before=_shown(one),
                after=_shown(other),
                before_at=None if one is None else str(self.before.mark((*where, *path))),
                after_at=None if other is None else str(self.after.mark((*where, *path))),
                breaking=breaking,
                reason=_NARROWER if breaking else _ADDED if one is None else _WIDER,
            )

    # --- interfaces and rows -------------------------------------------------------------------------------------

    def interfaces(self) -> Iterator[Change]:
        """Yield interfaces that are new or gone, and what changes in the others."""
        old, new = self.before.profile.interfaces, self.after.profile.interfaces
        for name in {**old, **new}:
            if name in old and name in new:
                yield from self.settings("setting", name)
                yield from self._rows(name)
            elif name in old:
                yield self._interface(name, self.before, old[name], "removed")
            else:
                yield self._interface(name, self.after, new[name], "added")

    def _interface(self, name: str, loaded: LoadedProfile, interface: Interface, kind: Kind) -> Change:
        rows = listed_rows(loaded, name)
        self._note_tables(loaded, rows)
        said, at, gone = interface.message, str(loaded.mark(("interfaces", name))), kind == "removed"
        return Change(
            what="interface",
            kind=kind,
            interface=name,
            path=interface.message,
            partner_path="",
            before=said if gone else None,
            after=None if gone else said,
            before_at=at if gone else None,
            after_at=None if gone else at,
            breaking=gone,
            reason=_GONE if gone else _ADDED,
            fields=tuple(dict.fromkeys(".".join(row.names) for row in rows if row.names)),
        )

    def _rows(self, name: str) -> Iterator[Change]:
        old, new = listed_rows(self.before, name), listed_rows(self.after, name)
        self._note_tables(self.before, old)
        self._note_tables(self.after, new)
        interface = self.after.profile.interfaces[name]
        bases = (self.before.profile.interfaces[name].records or "", interface.records or "")
        for one, other in _pairs(old, new):
            if one is not None and other is not None:
                yield from _changed(name, interface, one, other, bases)
            elif one is not None:
                yield _removed(name, interface, one)
            elif other is not None:
                yield _added(name, interface, other, old, new)

    def _note_tables(self, loaded: LoadedProfile, rows: Sequence[ListedRow]) -> None:
        for row in rows:
            table = table_name(loaded, row)
            if table is not None:
                self.users[table].add(".".join(row.names))

    # --- code tables ---------------------------------------------------------------------------------------------

    def codes(self) -> Iterator[Change]:
        """Yield the codes that are new, gone or of another meaning; and what is sent where several mean the same."""
        old, new = self.before.profile.codes, self.after.profile.codes
        for table in {**old, **new}:
            if table not in old or table not in new:
                yield self._table(table, gone=table in old)
                continue
            one, other = _flat(old[table].model_dump()), _flat(new[table].model_dump())
            for path in {**one, **other}:
                if one.get(path) != other.get(path):
                    yield self._code(table, path, one.get(path), other.get(path))

    def _table(self, table: str, *, gone: bool) -> Change:
        at = str((self.before if gone else self.after).mark(("codes", table)))
        return Change(
            what="code",
            kind="removed" if gone else "added",
            interface=None,
            path=table,
            partner_path="",
            before=table if gone else None,
            after=None if gone else table,
            before_at=at if gone else None,
            after_at=None if gone else at,
            breaking=False,
            reason=_BY_ROWS,
            fields=tuple(sorted(self.users[table])),
        )

    def _code(self, table: str, path: tuple[str, ...], one: Any, other: Any) -> Change:  # noqa: ANN401 -- YAML
        shown = path[1:] if path[0] == "values" else path
        breaking = one is not None and path[0] != "missing"
        return Change(
            what="code",
            kind=_kind(one, other),
            interface=None,
            path=".".join((table, *shown)),
            partner_path="",
            before=_shown(one),
            after=_shown(other),
            before_at=None if one is None else str(self.before.mark(("codes", table, *path))),
            after_at=None if other is None else str(self.after.mark(("codes", table, *path))),
            breaking=breaking,
            reason=_CODE_GONE if breaking else _ADDED,
            fields=tuple(sorted(self.users[table])),
        )


def _settings(loaded: LoadedProfile, interface: str | None) -> Settings:
    if interface is None:
        return _flat(loaded.profile.model_dump(by_alias=True, exclude=set(_NOT_CHANNEL)))
    found = _flat(loaded.profile.interfaces[interface].model_dump(by_alias=True, exclude={"map"}))
    xsd = found.get(("format", "xsd"))
    return found if xsd is None else {**found, ("format", "xsd"): file_fingerprint(Path(xsd))}


def _flat(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> Settings:
    """Return nested settings by their path; a list of parts with names becomes those parts and their order."""
    found: Settings = {}
    for name, part in value.items():
        if isinstance(part, list) and part and all(isinstance(each, dict) and "name" in each for each in part):
            found[(*path, name, "order")] = [each["name"] for each in part]
            found |= _flat({each["name"]: {**each, "name": None} for each in part}, (*path, name))
        elif isinstance(part, dict):
            found |= _flat(part, (*path, name))
        elif part is not None and part != []:
            found[(*path, name)] = part
    return found


def _pairs(old: Sequence[ListedRow], new: Sequence[ListedRow]) -> Iterator[tuple[ListedRow | None, ListedRow | None]]:
    """Pair rows: by both paths, then by the canonical one, then by the partner's; the rest stand alone."""
    left, right = list(old), list(new)
    keys = (
        lambda row: (row.path, row.partner_path),
        lambda row: row.path or None,
        lambda row: row.partner_path or None,
    )
    for key in keys:
        waiting: dict[Any, list[ListedRow]] = defaultdict(list)
        for row in right:
            waiting[key(row)].append(row)
        for row in list(left):
            found = waiting[key(row)] if key(row) is not None else []
            if found:
                other = found.pop(0)
                left.remove(row)
                right.remove(other)
                yield row, other
    yield from ((row, None) for row in left)
    yield from ((None, row) for row in right)


def _changed(
    name: str, interface: Interface, one: ListedRow, other: ListedRow, bases: tuple[str, str]
) -> Iterator[Change]:
    old, new = _parts(one), _parts(other)
    differ = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    moved = not _stays(one, other, bases)
    if not differ and not moved and one.path == other.path:
        return
    if one.path != other.path:
        breaking, reason = True, _OTHER_MEANING
    elif moved:
        breaking, reason = True, _MOVED
    elif other.place is None:
        breaking, reason = False, _OURS
    else:
        breaking = any(_breaks(key, one, other, interface) for key in differ)
        reason = _NARROWER if breaking else _WIDER
    paths = moved or one.path != other.path
    yield Change(
        what="row",
        kind="changed",
        interface=name,
        path=other.path or one.path,
        partner_path=other.partner_path or one.partner_path,
        before=_row_shown(one, {key: old[key] for key in differ if key in old}, paths=paths),
        after=_row_shown(other, {key: new[key] for key in differ if key in new}, paths=paths),
        before_at=str(one.mark),
        after_at=str(other.mark),
        breaking=breaking,
        reason=reason,
        fields=tuple(dict.fromkeys(".".join(row.names) for row in (one, other) if row.names)),
    )


def _stays(one: ListedRow, other: ListedRow, bases: tuple[str, str]) -> bool:
    """Say whether a row stands where it stood; where its list or its records moved, those say so themselves."""
    left, right = (row.partner_path.removeprefix(base) for row, base in zip((one, other), bases, strict=True))
    relative = (one.row.source, one.row.target) == (other.row.source, other.row.target)
    return left == right or (relative and one.path == other.path)


def _breaks(part: str, one: ListedRow, other: ListedRow, interface: Interface) -> bool:
    if part == "codes" and one.item is not None and other.item is not None and one.item.converter.table:
        return not one.item.converter.table.items() <= other.item.converter.table.items()
    return breaks_part(part, _parts(one).get(part), _parts(other).get(part), interface.direction)


def _removed(name: str, interface: Interface, row: ListedRow) -> Change:
    ours = row.place is None
    unread = not row.names and interface.direction == "in"
    return _alone(name, row, "removed", not ours and not unread, _OURS if ours else _WIDER if unread else _GONE)


def _added(
    name: str, interface: Interface, row: ListedRow, old: Sequence[ListedRow], new: Sequence[ListedRow]
) -> Change:
    if row.place is None:
        return _alone(name, row, "added", False, _OURS)
    breaking = _is_needed(interface, row, old, new)
    return _alone(name, row, "added", breaking, _NEEDED if breaking else _ADDED)


def _is_needed(interface: Interface, row: ListedRow, old: Sequence[ListedRow], new: Sequence[ListedRow]) -> bool:
    """Say whether a new row asks for something that documents of today may lack."""
    leaf = row.item
    if not interface.comes_in or (leaf is not None and not leaf.reads):
        return False
    presence = presence_of(interface.message, row, new, incoming=True)
    if presence.need != "with":
        return presence.need == "always"
    return any(each.names[: len(presence.names)] == presence.names and each.place is not None for each in old)


def _alone(name: str, row: ListedRow, kind: Kind, breaking: bool, reason: Text) -> Change:
    said, at, gone = _row_shown(row, _parts(row), paths=False), str(row.mark), kind == "removed"
    return Change(
        what="row",
        kind=kind,
        interface=name,
        path=row.path,
        partner_path=row.partner_path,
        before=said if gone else None,
        after=None if gone else said,
        before_at=at if gone else None,
        after_at=None if gone else at,
        breaking=breaking,
        reason=reason,
        fields=(".".join(row.names),) if row.names else (),
    )


def _parts(row: ListedRow) -> dict[str, Any]:
    """Return what a row says besides its paths; conditions whole, those of its groups too."""
    said = row.said.model_dump(by_alias=True, exclude_defaults=True) if row.said is not None else {}
    parts = {key: value for key, value in said.items() if key not in _ROWS}
    conditions = getattr(row.row, "conditions", ())
    if conditions:
        parts["when"] = {text_of_steps(each.path): list(each.values) for each in conditions}
    return parts


def _row_shown(row: ListedRow, parts: Mapping[str, Any], *, paths: bool) -> str:
    shown = [f"{key}: {_shown(value)}" for key, value in parts.items()]
    return ", ".join([*([f"{row.path or '–'} ⇔ {row.partner_path or '–'}"] if paths else []), *shown]) or "–"


def _kind(one: object, other: object) -> Kind:
    return "added" if one is None else "removed" if other is None else "changed"


def _shown(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(str(_shown(each)) for each in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_shown(each)}' for key, each in value.items())}}}"
    return str(value)
