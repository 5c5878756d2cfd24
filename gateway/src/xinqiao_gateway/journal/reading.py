"""Reading the journal: single messages, cases, deliveries. Never blocks the writer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, bindparam, case, func, select, true

from xinqiao.errors import ContentGone, NotFound
from xinqiao.message import Json, read_json
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.entry import Due
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.vault import Vault

__all__ = ["SHOWN", "Reading", "Waiting", "deliveries_of"]

_m, _r, _d, _k = tables.messages.c, tables.raws.c, tables.deliveries.c, tables.data_keys.c
_raw_keys = tables.data_keys.alias("raw_keys")

_ENDED = ("delivered", "skipped")
_NEXT_CHANNEL = select(func.min(_d.channel)).where(_d.channel > bindparam("after"))

SHOWN = (
    _m.position, _m.message_id, _m.message_type, _m.channel, _m.interface, _m.sender, _m.receiver, _m.case_id,
    _m.correlation_id, _m.partner_serial, _m.business_date, _m.replaces, _m.test, _m.case_state,
    _m.accepted_at,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that a pulling partner has yet to read; ``cursor`` continues after it."""

    delivery_id: int
    cursor: int
    message: Json
    original: bytes | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Queries over the journal; each uses a connection of its own."""

    engine: Engine
    vault: Vault

    def message(self, message_id: str) -> Json:
        """Return what is known of a message, with its canonical form under ``message``.

        Raises ``NotFound``.
        """
        with self.engine.begin() as connection:
            query = _contents().add_columns(*SHOWN).where(_m.message_id == message_id).order_by(_m.position)
            row = connection.execute(query.limit(1)).mappings().one_or_none()
            if row is None:
                raise NotFound(f"no message {message_id}")
            deliveries = _deliveries(connection, _d.position == row["position"])
            shown = {column.name: row[column.name] for column in SHOWN}
            return shown | {"deliveries": deliveries, "message": self._canonical(row)[0]}

    def case_row(self, connection: Connection, case_id: str, test: bool, institution: str | None) -> Json | None:
        """Return where a case stands, None where no process is about that id.

        Each pair of institutions numbers its cases by itself: of several, that of ``institution``, or the one that
        changed last.
        """
        c = tables.cases.c
        query = select(tables.cases).where(c.case_id == case_id, c.test == test).order_by(c.changed_at.desc())
        if institution is not None:
            query = query.where(c.parties.contains(institution, autoescape=True))
        row = connection.execute(query.limit(1)).mappings().one_or_none()
        if row is None:
            return None
        return dict(row) | {"memory": orjson.loads(row["memory"]), "parties": row["parties"].split("|")}

    def cases(self, limit: int = 100) -> list[Json]:
        """Return the cases changed last."""
        c = tables.cases.c
        query = select(c.case_id, c.test, c.process, c.state, c.opened_at, c.changed_at).where(~c.case_id.contains("#"))
        with self.engine.begin() as connection:
            return _dicts(connection, query.order_by(c.changed_at.desc()).limit(limit))

    def deliveries(self, state: str | None = None, limit: int = 100) -> list[Json]:
        """Return deliveries in a state (any by default), latest first, each with its attempts."""
        with self.engine.begin() as connection:
            return _deliveries(connection, _in_state(connection, state), limit)

    def backlogs(self, channels: Iterable[str]) -> dict[str, int]:
        """Return how many deliveries wait for each of these channels: to be sent, or for a person.

        Asked by channel and state, so that the index answers and what was delivered is not read.
        """
        waiting = _d.state.in_(("pending", "leased", "held", "dead", "waiting"))
        query = select(_d.channel, func.count()).where(_d.channel.in_(list(channels)), waiting).group_by(_d.channel)
        with self.engine.begin() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def due(self, delivery_ids: Sequence[int]) -> list[Due]:
        """Return leased deliveries with their canonical messages, in journal order."""
        columns = (_d.delivery_id, _d.channel.label("destination"), _d.lane, _d.attempts, _m.position)
        query = (
            _contents()
            .add_columns(*columns)
            .join(tables.deliveries, _d.position == _m.position)
            .where(_d.delivery_id.in_(delivery_ids))
            .order_by(_m.position)
        )
        with self.engine.begin() as connection:
            return [
                Due(
                    row["delivery_id"],
                    row["position"],
                    row["destination"],
                    row["lane"],
                    row["attempts"],
                    *self._canonical(row),
                )
                for row in connection.execute(query).mappings()
            ]

    def waiting(self, channel: str, after: int, limit: int) -> list[Waiting]:
        """Return what a pulling channel gets after a cursor, in the order of acceptance or release."""
        query = (
            _contents()
            .add_columns(_m.position, _d.delivery_id, _d.sequence)
            .join(tables.deliveries, _d.position == _m.position)
            .where(_d.channel == channel, _d.state.in_(("waiting", "delivered")), _d.sequence > after)
            .order_by(_d.sequence)
            .limit(limit)
        )
        with self.engine.begin() as connection:
            return [
                Waiting(row["delivery_id"], row["sequence"], *self._canonical(row))
                for row in connection.execute(query).mappings()
            ]

    def at(self, connection: Connection, position: int) -> Json:
        """Return the message at a position, inside a transaction of the caller."""
        row = connection.execute(_contents().add_columns(_m.position).where(_m.position == position)).mappings().one()
        return self._canonical(row)[0]

    def _canonical(self, row: Mapping[Any, Any]) -> tuple[Json, bytes | None]:
        """Return a message, and its exact bytes where it came in as canonical JSON. Raises ``ContentGone``."""
        if row["canonical"] is not None:
            key = self.vault.open_key(row["scope"], _there(row["wrapped"]))
            return read_json(key.decrypt(row["canonical"], f"canonical:{row['position']}")), None
        if not row["content"]:
            raise ContentGone("it is in an archive; xinqiao-gateway journal unarchive FILE puts it back")
        key = self.vault.open_key(row["raw_scope"], _there(row["raw_wrapped"]))
        content = key.decrypt(row["content"], f"raw:{row['raw_id']}")
        return read_json(content), content


def _there(wrapped: bytes) -> bytes:
    if not wrapped:
        raise ContentGone("its key was destroyed")
    return wrapped


def _contents() -> Select[Any]:
    """Return the query for a message's contents with the keys that open them."""
    return (
        select(
            _m.scope,
            _m.canonical,
            _k.wrapped,
            _r.raw_id,
            _r.scope.label("raw_scope"),
            # Read only where it is the message: an input may hold a thousand.
            case((_m.canonical.is_(None), _r.content), else_=None).label("content"),
            _raw_keys.c.wrapped.label("raw_wrapped"),
        )
        .select_from(tables.messages)
        .join(tables.raws, _r.raw_id == _m.raw_id)
        .join(tables.data_keys, _k.scope == _m.scope)
        .join(_raw_keys, _raw_keys.c.scope == _r.scope)
    )


def deliveries_of(connection: Connection, position: int) -> list[Json]:
    """Return the deliveries of a message, each with its attempts."""
    return _deliveries(connection, _d.position == position)


def _in_state(connection: Connection, state: str | None) -> ColumnElement[bool]:
    """Return which deliveries are in a state, so that an index answers: what ended is most, the rest is few."""
    if state is None:
        return true()
    if state in _ENDED:
        return _d.state == state
    # The index begins with the channel: each is found by a step of its own, and no delivery is read for that.
    channels: list[str] = []
    following: str | None = ""
    while (following := connection.execute(_NEXT_CHANNEL, {"after": following}).scalar()) is not None:
        channels.append(following)
    return and_(_d.channel.in_(channels), _d.state == state)


def _deliveries(connection: Connection, condition: Any, limit: int = 100) -> list[Json]:  # noqa: ANN401
    query = (
        select(tables.deliveries, _m.message_type, _m.message_id, _m.case_id)
        .join(tables.messages, _m.position == _d.position)
        .where(condition)
        .order_by(_d.delivery_id.desc())
        .limit(limit)
    )
    deliveries = _dicts(connection, query)
    a = tables.attempts.c
    wanted = [delivery["delivery_id"] for delivery in deliveries]
    attempts = _dicts(connection, select(tables.attempts).where(a.delivery_id.in_(wanted)).order_by(a.attempt_id))
    for delivery in deliveries:
        delivery["due_at"] = written(delivery["due_at"])
        delivery.pop("leased_until")
        own = (each for each in attempts if each["delivery_id"] == delivery["delivery_id"])
        delivery["tried"] = [{name: each[name] for name in ("at", "outcome", "reason", "detail")} for each in own]
    return deliveries


def _dicts(connection: Connection, query: Select[Any]) -> list[Json]:
    return [dict(row) for row in connection.execute(query).mappings()]
