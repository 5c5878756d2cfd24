"""Payments in the journal: begun once for each order, changed under a version, asked after until they are settled.

Functions of the writer's transaction, but ``payment_at``, ``payment_of`` and ``due_payments`` which read. A payment
outlives the visit that it was begun on: money that came in ends in a message whether anybody waits for it or not.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy import Connection, Select, insert, select, update

from xinqiao.errors import Conflict, ContentGone
from xinqiao.message import Json
from xinqiao_gateway.journal.instants import written
from xinqiao_gateway.journal.payment_tables import payments
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.journal.vault import Vault
from xinqiao_gateway.journal.visit_tables import visits
from xinqiao_gateway.journal.visits import scope_key

__all__ = ["Payment", "begin_payment", "change_payment", "due_payments", "payment_at", "payment_of"]

_p, _v = payments.c, visits.c


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as it stands; a change is a copy with the same version, given to ``change_payment``.

    ``due_at`` is when the provider is asked next (Unix seconds), None where it is not; ``content`` is the cashier's own
    matter (``fronts/h5/payment``).
    """

    payment_no: str
    provider: str
    channel: str
    case_id: str
    order_reference: str
    visit_id: str
    state: str
    due_at: float | None
    content: Json = field(default_factory=dict)
    version: int = 1


def begin_payment(connection: Connection, vault: Vault, payment: Payment, now: float) -> Payment:
    """Begin a payment, or return the one that was begun for the same order of the same channel.

    Raises ``ContentGone`` where the case was erased.
    """
    same = (_p.channel == payment.channel, _p.order_reference == payment.order_reference)
    row = connection.execute(select(payments).where(*same)).one_or_none()
    if row is not None:
        return _read(connection, vault, row)
    scope = connection.execute(select(_v.scope).where(_v.visit_id == payment.visit_id)).scalar_one()
    values = {
        "payment_no": payment.payment_no,
        "provider": payment.provider,
        "channel": payment.channel,
        "case_id": payment.case_id,
        "order_reference": payment.order_reference,
        "visit_id": payment.visit_id,
        "scope": scope,
        "created_at": written(now),
    }
    connection.execute(insert(payments).values(**values, **_changing(connection, vault, payment, scope, now)))
    return payment


def change_payment(connection: Connection, vault: Vault, payment: Payment, now: float) -> Payment:
    """Store state, content and schedule of a payment; return it with its next version.

    Raises ``Conflict`` where it was changed since it was read.
    """
    row = connection.execute(select(_p.version, _p.scope).where(_p.payment_no == payment.payment_no)).one()
    if row.version != payment.version:
        raise Conflict("the payment was changed meanwhile")
    changed = replace(payment, version=payment.version + 1)
    values = _changing(connection, vault, changed, row.scope, now)
    connection.execute(update(payments).where(_p.payment_no == payment.payment_no).values(**values))
    return changed


def payment_at(reading: Reading, payment_no: str) -> Payment | None:
    """Return a payment by its number; None where there is none."""
    return next(iter(_found(reading, select(payments).where(_p.payment_no == payment_no))), None)


def payment_of(reading: Reading, channel: str, order_reference: str) -> Payment | None:
    """Return the payment of an order of a channel; None where none was begun."""
    query = select(payments).where(_p.channel == channel, _p.order_reference == order_reference)
    return next(iter(_found(reading, query)), None)


def due_payments(reading: Reading, now: float, limit: int) -> list[Payment]:
    """Return payments that are to be asked after by now, those that have waited longest first."""
    return _found(reading, select(payments).where(_p.due_at <= now).order_by(_p.due_at).limit(limit))


def _found(reading: Reading, query: Select[Any]) -> list[Payment]:
    with reading.engine.begin() as connection:
        return [_read(connection, reading.vault, row) for row in connection.execute(query)]


def _read(connection: Connection, vault: Vault, row: Any) -> Payment:  # noqa: ANN401 -- a row of payments
    content: Json = {}
    if row.content is not None:
        try:
            blob = scope_key(connection, vault, row.scope).decrypt(row.content, f"payment:{row.payment_no}")
            content = orjson.loads(blob)
        except ContentGone:  # the case was erased; that it was paid stays known
            content = {}
    return Payment(
        row.payment_no, row.provider, row.channel, row.case_id, row.order_reference, row.visit_id, row.state,
        row.due_at, content, row.version,
    )  # fmt: skip


def _changing(connection: Connection, vault: Vault, payment: Payment, scope: str, now: float) -> dict[str, Any]:
    purpose, sealed = f"payment:{payment.payment_no}", None
    if payment.content:
        sealed = scope_key(connection, vault, scope).encrypt(orjson.dumps(payment.content), purpose)
    return {
        "state": payment.state,
        "version": payment.version,
        "content": sealed,
        "due_at": payment.due_at,
        "changed_at": written(now),
    }
