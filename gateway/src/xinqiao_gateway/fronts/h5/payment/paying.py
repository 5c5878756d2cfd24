"""A payment from its beginning to one message. Each step is noted before what follows it is done.

created → started → paid → settled; failed where the provider says so, and started anew from there under the same
number, for which the provider takes money once. Whoever learns of a result (the page, a callback, the round) applies it
here; the version of the row lets one be first, and the others find that it is done.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from xinqiao.errors import Conflict, ContentGone, DestinationDown, NotAuthorized, XinqiaoError
from xinqiao_gateway.fronts.h5.drafting import message_of
from xinqiao_gateway.fronts.h5.model import Context, Visit
from xinqiao_gateway.fronts.h5.payment.port import Order, PaymentProvider, Result, Started, provider_named
from xinqiao_gateway.fronts.h5.payment.record import SHORTEST, asked, check_same, is_amount, new_payment, visit_of
from xinqiao_gateway.fronts.h5.payment.terms import Terms, body_of_payment, payee_of
from xinqiao_gateway.fronts.h5.submission import send
from xinqiao_gateway.journal.payments import (
    Payment,
    begin_payment,
    change_payment,
    due_payments,
    payment_at,
    payment_of,
)
from xinqiao_gateway.journal.reading import Reading
from xinqiao_gateway.journal.visits import StoredVisit, change_visit, visit_with_id

if TYPE_CHECKING:
    # What loads channels reads the kinds of steps, too; it is read before the gateway is.
    from xinqiao_gateway.gateway import Gateway

__all__ = ["Cashier"]

_log = structlog.get_logger("h5")

# Seconds: a provider may take so long to answer.
_PATIENCE = 10.0
# A person who waits at the page asks at most so often.
_BETWEEN_LOOKS = 2.0
_ROUND = 50
_TRIES = 5
_OPEN = frozenset({"created", "started", "failed", "disputed"})


@dataclass(frozen=True, slots=True)
class Cashier:
    """Payments of one gateway; made anew wherever one is needed, since it keeps nothing."""

    gateway: "Gateway"

    @property
    def provider_name(self) -> str:
        """The provider that the settings name."""
        return self.gateway.installation.settings.payment

    def provider(self) -> PaymentProvider | None:
        """Return the provider that takes the money; None where there is none."""
        return provider_named(self.provider_name)

    def provider_for(self, context: Context) -> PaymentProvider | None:
        """Return who takes money on a channel; None where nobody does, or one that takes none on a real channel."""
        provider = self.provider()
        if provider is None or (provider.test_only and not context.channel.test):
            return None
        return provider if provider.test_only or self.gateway.installation.settings.public_url else None

    async def of_order(self, channel: str, order_reference: str) -> Payment | None:
        """Return the payment of an order; None where none was begun."""
        journal = self.gateway.journal
        return await journal.read(payment_of, journal.reading, channel, order_reference)

    async def begin(self, visit: Visit, context: Context, terms: Terms) -> Payment:
        """Begin the payment of an order, or go on with the one that was begun, and start it with the provider.

        Raises ``Conflict`` where it was begun on other terms, a ``Retryable`` where the provider is not there now.
        """
        provider = self.provider_for(context)
        if provider is None:
            raise NotAuthorized("nobody takes payments on this channel")
        journal, now = self.gateway.journal, context.now
        new = new_payment(visit, terms, self.provider_name, now)
        payment = await journal.run(lambda c: begin_payment(c, journal.reading.vault, new, now))
        check_same(payment, visit, terms)
        if payment.state not in {"created", "failed"}:
            return payment
        started = await _patiently(provider.start(self._order(payment, visit, context)))
        return await self._note_start(payment, started, now)

    def _order(self, payment: Payment, visit: Visit, context: Context) -> Order:
        base = str(self.gateway.installation.settings.public_url or "").rstrip("/")
        return Order(
            payment_no=payment.payment_no,
            amount=payment.content["terms"]["amount"],
            order_reference=payment.order_reference,
            payee=payee_of(payment.content["terms"]),
            return_address=base + context.address,
            notify_address=f"{base}/h5/payments/{payment.provider}/callback",
            language=visit.language,
        )

    async def _note_start(self, payment: Payment, started: Started, now: float) -> Payment:
        """Note where the customer pays, unless the result came before this."""
        current: Payment | None = payment
        for _ in range(_TRIES):
            if current is None or current.state not in {"created", "failed"}:
                break
            content = {**current.content, "address": started.address, "startedAt": now}
            try:
                return await self._changed(replace(current, state="started", content=content, due_at=now + SHORTEST))
            except Conflict:
                current = await self._at(payment.payment_no)
        return current or payment

    async def look(self, payment: Payment) -> Payment:
        """Ask the provider now, for a person who waits; not more often than that is of use."""
        if payment.state == "paid":
            return await self.settle(payment)
        if payment.state not in _OPEN or self.gateway.journal.now() - payment.content["askedAt"] < _BETWEEN_LOOKS:
            return payment
        return await self.ask(payment)

    async def ask(self, payment: Payment) -> Payment:
        """Ask the provider what became of a payment, and apply what it says; silence is no result."""
        provider, now = provider_named(payment.provider), self.gateway.journal.now()
        try:
            result = await _patiently(provider.query(payment.payment_no)) if provider else Result("unknown")
        except XinqiaoError as error:
            _log.warning("payment not answered", payment=payment.payment_no, reason=error.reason)
            result = Result("pending")
        with suppress(Conflict):
            if result.state in {"paid", "failed"}:
                return await self.apply(payment, result)
            return await self._changed(asked(payment, now))
        return await self._at(payment.payment_no) or payment

    async def told(self, payment_no: str, provider: str, result: Result) -> Payment | None:
        """Apply what a provider told by itself; None where it has no payment of this number here.

        Raises ``Conflict`` for another amount than is to be paid, ``ContentGone`` where the case was erased.
        """
        payment = await self._at(payment_no)
        if payment is None or payment.provider != provider:
            return None
        if not payment.content:
            _log.error("payment of an erased case", payment=payment_no)
            raise ContentGone("the case of the payment was erased")
        if result.state == "paid" and payment.state in _OPEN and not is_amount(payment, result):
            _log.error("payment told with another amount", payment=payment_no, order=payment.order_reference)
            raise Conflict("the amount is not that of the order")
        return await self.apply(payment, result)

    async def apply(self, payment: Payment, result: Result) -> Payment:
        """Apply a result, whoever brought it; what is known already changes nothing."""
        for _ in range(_TRIES):
            changed = self._applied(payment, result)
            try:
                if changed is not payment:
                    payment = await self._changed(changed)
            except Conflict:
                payment = await self._at(payment.payment_no) or payment
                continue
            return await self.settle(payment) if payment.state == "paid" else payment
        return payment

    def _applied(self, payment: Payment, result: Result) -> Payment:
        now = self.gateway.journal.now()
        if payment.state not in _OPEN:
            return payment
        if result.state == "failed":
            failed = asked(payment, now)
            return failed if payment.state == "disputed" else replace(failed, state="failed")
        if result.state != "paid":
            return payment
        if not is_amount(payment, result):
            _log.error("payment of another amount", payment=payment.payment_no, order=payment.order_reference)
            return replace(asked(payment, now), state="disputed")
        body = body_of_payment(payment.content["terms"], payment.payment_no, result.details)
        return replace(payment, state="paid", content={**payment.content, "body": body}, due_at=now)

    async def settle(self, payment: Payment) -> Payment:
        """Hand in the message of a payment that is paid, and note what became of it, here and on its visit."""
        with suppress(Conflict):  # another one is at it, with the same message
            return await self._settled(payment)
        return await self._at(payment.payment_no) or payment

    async def _settled(self, payment: Payment) -> Payment:
        now, journal = self.gateway.journal.now(), self.gateway.journal
        try:
            channel = self.gateway.channels.find(payment.channel)
        except XinqiaoError as error:
            _log.error("payment without its channel", payment=payment.payment_no, reason=error.reason)
            return await self._later(payment, now)
        context = Context(self.gateway, channel, now, "")
        stored = await journal.read(_stored_visit, journal.reading, payment.visit_id)
        visit = visit_of(payment, stored)
        if "sent" not in payment.content:
            sent = message_of(visit.with_content(body=payment.content["body"], facts={}), context)
            payment = await self._changed(replace(payment, content={**payment.content, "sent": sent}))
        fixed = visit.with_content(sent=payment.content["sent"]).with_state("submitting")
        answered = await send(fixed, context)
        if answered.stored.state == "submitting":
            return await self._later(payment, now)
        if stored is not None:
            await self._mirror(answered, payment)
        if answered.stored.state == "refused":
            _log.error("payment refused", payment=payment.payment_no, reason=answered.content["refusal"]["reason"])
            return await self._changed(replace(payment, state="refused", due_at=None))
        amount = payment.content["terms"]["amount"]
        content = {"terms": {"amount": amount}, "receipt": answered.content["receipt"]}
        return await self._changed(replace(payment, state="settled", content=content, due_at=None))

    async def _mirror(self, answered: Visit, payment: Payment) -> None:
        """Say on the visit, too, that its message was accepted, whatever was typed there meanwhile."""
        journal = self.gateway.journal

        def act(connection: Any) -> None:  # noqa: ANN401 -- a connection of the journal
            current = visit_with_id(connection, journal.reading.vault, payment.visit_id)
            if current is not None and current.state != "submitted":
                stored = replace(answered.stored, version=current.version)
                state = answered.stored.state
                change_visit(connection, journal.reading.vault, stored, answered.door, now=journal.now(), act=state)

        await journal.run(act)

    async def _later(self, payment: Payment, now: float) -> Payment:
        with suppress(Conflict):
            return await self._changed(replace(payment, due_at=now + 60.0))
        return payment

    async def round(self) -> int:
        """Ask after the payments whose time has come; return how many."""
        journal = self.gateway.journal
        due = await journal.read(due_payments, journal.reading, journal.now(), _ROUND)
        for payment in due:
            if not payment.content:
                _log.error("payment of an erased case", payment=payment.payment_no)
                await self._changed(replace(payment, due_at=None))
                continue
            try:
                await (self.settle(payment) if payment.state == "paid" else self.ask(payment))
            except Exception:  # noqa: BLE001 -- the top of one payment's turn: a provider is anybody's code
                _log.exception("payment not asked after", payment=payment.payment_no)
                await self._later(payment, journal.now())
        return len(due)

    async def _at(self, payment_no: str) -> Payment | None:
        journal = self.gateway.journal
        return await journal.read(payment_at, journal.reading, payment_no)

    async def _changed(self, payment: Payment) -> Payment:
        journal = self.gateway.journal
        return await journal.run(lambda c: change_payment(c, journal.reading.vault, payment, journal.now()))


def _stored_visit(reading: Reading, visit_id: str) -> StoredVisit | None:
    with reading.engine.begin() as connection:
        return visit_with_id(connection, reading.vault, visit_id)


async def _patiently(answer: Any) -> Any:  # noqa: ANN401 -- what a provider answers
    """Wait for a provider, not for ever. Raises ``DestinationDown``."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await answer
    except TimeoutError as error:
        raise DestinationDown("the payment provider does not answer") from error
