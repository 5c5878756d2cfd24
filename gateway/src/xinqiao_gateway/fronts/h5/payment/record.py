"""A payment as the cashier keeps it: how it begins, when it is asked after, and the visit that it stands for."""

from dataclasses import replace

import structlog

from xinqiao.errors import Conflict
from xinqiao.finding import Text
from xinqiao.message import Json, new_message_id
from xinqiao_gateway.fronts.h5.model import Flow, Visit
from xinqiao_gateway.fronts.h5.money import same_money
from xinqiao_gateway.fronts.h5.payment.port import Result
from xinqiao_gateway.fronts.h5.payment.terms import Terms
from xinqiao_gateway.journal.payments import Payment
from xinqiao_gateway.journal.visits import Door, StoredVisit

__all__ = ["SHORTEST", "asked", "check_same", "is_amount", "new_payment", "visit_of"]

_log = structlog.get_logger("h5")
_TITLE = Text("收银台", "Cashier")
# Seconds: a payment is asked after the less often the older it is, and then no more.
SHORTEST, _LONGEST, _OLDEST = 5.0, 600.0, 7 * 86_400.0


def check_same(payment: Payment, visit: Visit, terms: Terms) -> None:
    """Refuse to go on with a payment that was begun on other terms. Raises ``Conflict``."""
    begun = payment.content.get("terms", {})
    other_payee = "trustAccount" in begun and begun["trustAccount"] != terms.body.get("trustAccount")
    if other_payee or payment.case_id != visit.stored.case_id or not same_money(terms.amount, begun.get("amount")):
        raise Conflict("this order is being paid already, in another case, with another amount or to somebody else")


def new_payment(visit: Visit, terms: Terms, provider: str, now: float) -> Payment:
    """Return a payment that is to be begun on a visit."""
    door = visit.door
    content = {
        "terms": terms.body,
        "flow": visit.flow.name,
        "messageId": visit.content["messageId"],
        "door": {"jti": door.jti, "kid": door.kid, "role": door.role, "actor": door.actor},
        "begunAt": now,
        "askedAt": now,
    }
    return Payment(
        payment_no=f"P{new_message_id().replace('-', '')}",
        provider=provider,
        channel=visit.stored.channel,
        case_id=visit.stored.case_id,
        order_reference=terms.order_reference,
        visit_id=visit.stored.visit_id,
        state="created",
        due_at=now + 60.0,
        content=content,
    )


def is_amount(payment: Payment, result: Result) -> bool:
    """Say whether what was paid is what was to be paid."""
    return same_money(payment.content["terms"]["amount"], result.amount)


def asked(payment: Payment, now: float) -> Payment:
    """Return a payment as it is after it was asked after in vain: the older it is, the longer until the next time."""
    age = now - payment.content["begunAt"]
    if age > _OLDEST:
        _log.error("payment without a result", payment=payment.payment_no, order=payment.order_reference)
        return replace(payment, due_at=None, content={**payment.content, "askedAt": now})
    wait = min(max(age / 2, SHORTEST), _LONGEST)
    return replace(payment, due_at=now + wait, content={**payment.content, "askedAt": now})


def visit_of(payment: Payment, stored: StoredVisit | None) -> Visit:
    """Return the visit of a payment; where what was entered is gone, one with what the payment itself has kept."""
    kept = payment.content
    if stored is None:
        content: Json = {"messageId": kept["messageId"], "language": "zh", "large": False, "actors": {}, "done": []}
        content |= {"body": {}, "facts": {}, "steps": {}}
        stored = StoredVisit(
            payment.visit_id, payment.channel, payment.case_id, kept["flow"], "", "submitting", 0, content
        )
    # The body is whole: no step fills in anything of it.
    flow = Flow(kept["flow"], _TITLE, "prepaidPayment", frozenset(), frozenset(), {}, {}, ())
    return Visit(stored, Door(**kept["door"], host={}, expires_at=0.0), flow)
