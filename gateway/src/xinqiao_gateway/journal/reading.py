"""Reading the journal: single messages, cases, deliveries, exceptions. Never blocks the writer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Select, select

from xinqiao.errors import NotFound
from xinqiao.message import Json
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.entry import Due
from xinqiao_gateway.journal.vault import Vault

__all__ = ["Reading", "Waiting"]

_m, _r, _d, _k = tables.messages.c, tables.raws.c, tables.deliveries.c, tables.data_keys.c
_raw_keys = tables.data_keys.alias("raw_keys")

_SHOWN = (
    _m.position, _m.message_id, _m.message_type, _m.channel, _m.interface, _m.sender, _m.receiver, _m.case_id,
    _m.correlation_id, _m.partner_serial, _m.business_date, _m.replaces, _m.test, _m.case_state,
    _m.accepted_at,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that a pulling partner has yet to read."""

    position: int
    message: Json


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
            query = _contents().add_columns(*_SHOWN).where(_m.message_id == message_id).order_by(_m.position)
            row = connection.execute(query.limit(1)).mappings().one_or_none()
            if row is None:
                raise NotFound(f"no message {message_id}")
            deliveries = _deliveries(connection, _d.position == row["position"])
            shown = {column.name: row[column.name] for column in _SHOWN}
            return shown | {"deliveries": deliveries, "message": self._canonical(row)}

    def case(self, case_id: str, test: bool = False) -> Json:
        """Return a case: process, state, and its messages in order. Raises ``NotFound``."""
        c, x = tables.cases.c, tables.exceptions.c
        with self.engine.begin() as connection:
            query = select(tables.cases).where(c.case_id == case_id, c.test == test)
            case = connection.execute(query).mappings().one_or_none()
            messages = _dicts(
                connection,
                select(*_SHOWN).where(_m.case_id == case_id, _m.test == test).order_by(_m.position),
            )
            if case is None and not messages:
                raise NotFound(f"no case {case_id}")
            positions = [message["position"] for message in messages]
            exceptions = _dicts(
                connection,
                select(tables.exceptions).where(x.position.in_(positions)).order_by(x.exception_id),
            )
            shown: Json = {"case_id": case_id, "test": test, "process": None, "state": None}
            if case is not None:
                shown |= dict(case) | {"memory": orjson.loads(case["memory"])}
            return shown | {"messages": messages, "exceptions": exceptions}

    def cases(self, limit: int = 100) -> list[Json]:
        """Return the cases changed last."""
        c = tables.cases.c
        query = select(c.case_id, c.test, c.process, c.state, c.opened_at, c.changed_at)
        with self.engine.begin() as connection:
            return _dicts(connection, query.order_by(c.changed_at.desc()).limit(limit))

    def deliveries(self, state: str | None = None, limit: int = 100) -> list[Json]:
        """Return deliveries in a state (any by default), latest first, each with its attempts."""
        with self.engine.begin() as connection:
            return _deliveries(connection, True if state is None else _d.state == state, limit)

    def exceptions(self, state: str = "open", limit: int = 100) -> list[Json]:
        """Return the exceptions that a person must resolve, oldest first."""
        x = tables.exceptions.c
        query = (
            select(tables.exceptions, _m.message_type, _m.message_id, _m.channel)
            .join(tables.messages, _m.position == x.position)
            .where(x.state == state)
            .order_by(x.exception_id)
            .limit(limit)
        )
        with self.engine.begin() as connection:
            return _dicts(connection, query)

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
                    self._canonical(row),
                )
                for row in connection.execute(query).mappings()
            ]

    def waiting(self, channel: str, after: int, limit: int) -> list[Waiting]:
        """Return what a pulling channel gets after a position, in journal order."""
        query = (
            _contents()
            .add_columns(_m.position)
            .join(tables.deliveries, _d.position == _m.position)
            .where(_d.channel == channel, _d.state.in_(("waiting", "delivered")), _m.position > after)
            .order_by(_m.position)
            .limit(limit)
        )
        with self.engine.begin() as connection:
            return [Waiting(row["position"], self._canonical(row)) for row in connection.execute(query).mappings()]

    def _canonical(self, row: Mapping[Any, Any]) -> Json:
        if row["canonical"] is None:
            content = self.vault.decrypt(row["raw_scope"], row["raw_wrapped"], row["content"], f"raw:{row['raw_id']}")
        else:
            content = self.vault.decrypt(row["scope"], row["wrapped"], row["canonical"], f"canonical:{row['position']}")
        message: Json = orjson.loads(content)
        return message


def _contents() -> Select[Any]:
    """Return the query for a message's contents with the keys that open them."""
    return (
        select(
            _m.scope,
            _m.canonical,
            _k.wrapped,
            _r.raw_id,
            _r.scope.label("raw_scope"),
            _r.content,
            _raw_keys.c.wrapped.label("raw_wrapped"),
        )
        .select_from(tables.messages)
        .join(tables.raws, _r.raw_id == _m.raw_id)
        .join(tables.data_keys, _k.scope == _m.scope)
        .join(_raw_keys, _raw_keys.c.scope == _r.scope)
    )


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
        own = (each for each in attempts if each["delivery_id"] == delivery["delivery_id"])
        delivery["tried"] = [{name: each[name] for name in ("at", "outcome", "reason", "detail")} for each in own]
    return deliveries


def _dicts(connection: Connection, query: Select[Any]) -> list[Json]:
    return [dict(row) for row in connection.execute(query).mappings()]
