"""Visits in the journal: opened by a launch, changed under a version, ended by a submission or by time.

Functions of the writer's transaction, but ``at_secret`` and ``visits_of`` which read. What a visit holds is the pages'
own matter (``fronts/h5``); here it is one JSON object, encrypted under the key of its case, so that whoever erases the
case erases it, too.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection, case, delete, insert, select, update

from xinqiao.errors import Conflict, ContentGone, NotFound
from xinqiao.message import Json, new_message_id
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.batch import case_scope
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.journal.vault import DataKey, Vault
from xinqiao_gateway.journal.visit_tables import launches, visits

__all__ = [
    "Arrival",
    "Door",
    "StoredVisit",
    "at_secret",
    "change_visit",
    "keep_open",
    "let_go",
    "note_reading",
    "open_visit",
    "scope_key",
    "state_after",
    "visit_with_id",
    "visits_of",
]

_v, _l, _k = visits.c, launches.c, tables.data_keys.c
# So many at once are let go whose time is over.
_SWEPT = 20
# Seconds: longer than a token of a launch, or the seal of an entry, is taken; till then it is known as used.
_LONGEST_TOKEN = 3_600.0
_LONGEST_TRAIL = 500


@dataclass(frozen=True, slots=True)
class Door:
    """One launch: by whose key, in which role, by whom (a keyed digest), and the host it was made for."""

    jti: str
    kid: str
    role: str
    actor: str
    host: Json
    expires_at: float


@dataclass(frozen=True, slots=True)
class StoredVisit:
    """A visit as it stands; a change is a copy with the same version, given to ``change_visit``."""

    visit_id: str
    channel: str
    case_id: str
    flow: str
    entry: str
    state: str
    version: int
    content: Json
    trail: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A launch that was verified. ``secret`` is a keyed digest; ``parties`` are the case's, as ``case_key`` has them.

    ``idle`` is how long the door stays open untouched, ``keep`` how long the visit is kept (seconds).
    """

    channel: str
    case_id: str
    flow: str
    entry: str
    test: bool
    parties: str
    secret: str
    door: Door
    idle: float
    keep: float


def open_visit(
    connection: Connection,
    vault: Vault,
    arrival: Arrival,
    fill: Callable[[StoredVisit | None], Json],
    now: float,
) -> StoredVisit:
    """Use a launch: open the visit that was begun, or begin one; ``fill`` returns its content, or refuses.

    Raises ``Conflict`` for a launch that was used, ``ContentGone`` where the case was erased.
    """
    if connection.execute(select(_l.jti).where(_l.jti == arrival.door.jti)).first():
        raise Conflict("this launch was used before; ask for a new one")
    let_go(connection, now)
    found = _begun(connection, vault, arrival, now)
    content = fill(found)
    at = written(now)
    if found is None:
        found = _begin(connection, vault, arrival, content, now)
    elif content != found.content:
        found = change_visit(connection, vault, replace(found, content=content), arrival.door, now=now)
    row = {
        "jti": arrival.door.jti,
        "visit_id": found.visit_id,
        "secret": arrival.secret,
        "kid": arrival.door.kid,
        "role": arrival.door.role,
        "actor": arrival.door.actor,
        "host": orjson.dumps(arrival.door.host).decode(),
        "opened_at": at,
        "expires_at": now + arrival.idle,
    }
    connection.execute(insert(launches).values(**row))
    return found


def state_after(connection: Connection, jti: str) -> Json | None:
    """Return the visit that a launch was used for, and its state now; None for one that was not used."""
    query = select(_v.visit_id, _v.state).join(launches, _l.visit_id == _v.visit_id).where(_l.jti == jti)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)


def _begun(connection: Connection, vault: Vault, arrival: Arrival, now: float) -> StoredVisit | None:
    same = (
        _v.case_id == arrival.case_id, _v.channel == arrival.channel, _v.flow == arrival.flow,
        _v.entry == arrival.entry, _v.expires_at > now,
        _v.scope == case_scope(arrival.case_id, arrival.test, arrival.parties),
    )  # fmt: skip
    row = connection.execute(select(visits).where(*same).order_by(_v.opened_at.desc()).limit(1)).one_or_none()
    return None if row is None else _read(connection, vault, row)


def _begin(connection: Connection, vault: Vault, arrival: Arrival, content: Json, now: float) -> StoredVisit:
    visit = StoredVisit(
        new_message_id(), arrival.channel, arrival.case_id, arrival.flow, arrival.entry, "open", 1, content
    )
    scope = case_scope(arrival.case_id, arrival.test, arrival.parties)
    row = {
        "visit_id": visit.visit_id,
        "channel": visit.channel,
        "case_id": visit.case_id,
        "flow": visit.flow,
        "entry": visit.entry,
        "state": visit.state,
        "version": visit.version,
        "scope": scope,
        "content": _sealed(scope_key(connection, vault, scope), visit),
        "trail": "[]",
        "opened_at": written(now),
        "changed_at": written(now),
        "expires_at": now + arrival.keep,
    }
    connection.execute(insert(visits).values(**row))
    return visit


def change_visit(
    connection: Connection,
    vault: Vault,
    visit: StoredVisit,
    door: Door,
    *,
    now: float,
    act: str | None = None,
) -> StoredVisit:
    """Store content and state of a visit; return it with its next version.

    ``act`` is what the trail says that was done (entered, handed_over, confirmed, submitted, refused). Raises
    ``Conflict`` where the visit was changed since it was read.
    """
    row = connection.execute(select(_v.version, _v.scope, _v.trail).where(_v.visit_id == visit.visit_id)).one()
    if row.version != visit.version:
        raise Conflict("the visit was changed meanwhile, in another window perhaps")
    trail = _further(orjson.loads(row.trail), door, act, now)
    changed = replace(visit, version=visit.version + 1, trail=tuple(trail))
    values = {
        "state": changed.state,
        "version": changed.version,
        "content": _sealed(scope_key(connection, vault, row.scope), changed),
        "trail": orjson.dumps(trail).decode(),
        "changed_at": written(now),
    }
    connection.execute(update(visits).where(_v.visit_id == visit.visit_id).values(**values))
    return changed


def _further(trail: list[Json], door: Door, act: str | None, now: float) -> list[Json]:
    """Return a trail with one act more; what the same launch does again stands there once, with its last time."""
    if act is None:
        return trail
    said = {"act": act, "role": door.role, "actor": door.actor, "kid": door.kid, "launch": door.jti}
    kept = [each for each in trail if {**each, "at": ""} != {**said, "at": ""}]
    return [*kept, {**said, "at": written(now)}]


def note_reading(connection: Connection, visit_id: str, door: Door, document: str, now: float) -> None:
    """Note in the trail that a document (its digest) was served whole to whoever came by a launch.

    The first time of each actor stands; a page that is open meanwhile stays of the current version.
    """
    trail: list[Json] = orjson.loads(connection.execute(select(_v.trail).where(_v.visit_id == visit_id)).scalar_one())
    said = {"act": "read", "document": document, "actor": door.actor}
    if len(trail) < _LONGEST_TRAIL and not any(said.items() <= each.items() for each in trail):
        noted = {**said, "role": door.role, "kid": door.kid, "launch": door.jti, "at": written(now)}
        row = update(visits).where(_v.visit_id == visit_id).values(trail=orjson.dumps([*trail, noted]).decode())
        connection.execute(row)


def keep_open(connection: Connection, door: Door, until: float) -> None:
    """Let a door stay open, since somebody is there (``until``: Unix seconds)."""
    connection.execute(update(launches).where(_l.jti == door.jti).values(expires_at=until))


def at_secret(reading: Reading, secret: str, now: float) -> tuple[Door, StoredVisit | None]:
    """Return the launch that a secret (its keyed digest) is of, and its visit; None where its time is over.

    Raises ``NotFound`` for a secret that nobody was given.
    """
    with reading.engine.begin() as connection:
        opened = connection.execute(select(launches).where(_l.secret == secret)).one_or_none()
        if opened is None:
            raise NotFound("nothing is at this address")
        row = connection.execute(select(visits).where(_v.visit_id == opened.visit_id)).one()
        door = Door(opened.jti, opened.kid, opened.role, opened.actor, orjson.loads(opened.host), opened.expires_at)
        if opened.expires_at < now or row.expires_at is None or row.expires_at < now:
            return door, None
        return door, _read(connection, reading.vault, row)


def visit_with_id(connection: Connection, vault: Vault, visit_id: str) -> StoredVisit | None:
    """Return a visit, whoever asks; None where what was entered is no longer kept."""
    row = connection.execute(select(visits).where(_v.visit_id == visit_id)).one_or_none()
    return None if row is None or row.content is None else _read(connection, vault, row)


def visits_of(connection: Connection, case_id: str, channel: str | None = None) -> list[Json]:
    """Return what is known of the visits of a case without their content, oldest first: state, trail, scope."""
    query = select(visits).where(_v.case_id == case_id).order_by(_v.opened_at, _v.visit_id)
    if channel is not None:
        query = query.where(_v.channel == channel)
    shown = ("visit_id", "channel", "flow", "entry", "state", "scope", "opened_at", "changed_at")
    return [
        {name: row[name] for name in shown} | {"trail": orjson.loads(row["trail"])}
        for row in connection.execute(query).mappings()
    ]


def let_go(connection: Connection, now: float) -> None:
    """Let go the contents of visits whose time is over, and their launches once their tokens are too old to come again.

    At most twenty of each, so that it is never long. The row stays with its trail: what was submitted stays known so.
    """
    full = select(_v.visit_id).where(_v.expires_at < now, _v.content.is_not(None)).order_by(_v.expires_at).limit(_SWEPT)
    over = connection.execute(full).scalars().all()
    state = case((_v.state == "submitted", _v.state), else_="expired")
    connection.execute(update(visits).where(_v.visit_id.in_(over)).values(state=state, content=None))
    late = select(_v.visit_id).where(_v.expires_at < now - _LONGEST_TOKEN).order_by(_v.expires_at).limit(_SWEPT)
    gone = connection.execute(late).scalars().all()
    connection.execute(delete(launches).where(_l.visit_id.in_(gone)))
    connection.execute(update(visits).where(_v.visit_id.in_(gone)).values(expires_at=None))


def _read(connection: Connection, vault: Vault, row: Any) -> StoredVisit:  # noqa: ANN401 -- a row of visits
    if row.content is None:
        raise ContentGone("what was entered is no longer kept")
    blob = scope_key(connection, vault, row.scope).decrypt(row.content, f"visit:{row.visit_id}")
    return StoredVisit(
        row.visit_id, row.channel, row.case_id, row.flow, row.entry, row.state, row.version,
        orjson.loads(blob), tuple(orjson.loads(row.trail)),
    )  # fmt: skip


def _sealed(key: DataKey, visit: StoredVisit) -> bytes:
    return key.encrypt(orjson.dumps(visit.content), f"visit:{visit.visit_id}")


def scope_key(connection: Connection, vault: Vault, scope: str) -> DataKey:
    """Return the key of a case, made where it has none yet. Raises ``ContentGone`` where it was erased."""
    row = connection.execute(select(_k.wrapped).where(_k.scope == scope)).one_or_none()
    if row is None:
        key = vault.new_key(scope)
        connection.execute(insert(tables.data_keys).values(scope=scope, wrapped=key.wrapped))
        return key
    if not row.wrapped:
        raise ContentGone("the case was erased; go on under a case of its own")
    return vault.open_key(scope, row.wrapped)
