"""``pay``: the cashier. What is paid is the launch's and the journal's matter; a form has nothing but a button."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from xinqiao.errors import Conflict, NotAuthorized, Retryable
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.model import Context, Problem, Section, Shown, StepSpec, Taken, Visit
from xinqiao_gateway.fronts.h5.money import money_text
from xinqiao_gateway.fronts.h5.payment.paying import Cashier
from xinqiao_gateway.fronts.h5.payment.terms import Terms, payee_of, terms_of
from xinqiao_gateway.fronts.h5.words import word
from xinqiao_gateway.journal.payments import Payment

__all__ = ["PayStep"]

_BODY = "prepaidPayment"
# How often the page looks by itself, by the payment's age in seconds; then only when somebody asks.
_QUICK, _SLOW, _LONG = 120.0, 600.0, 15


class PayStep:
    """The step that takes a payment. Its message is submitted by whoever learns of the money, not by a button."""

    def __init__(self, spec: StepSpec) -> None:
        self.spec = spec

    @classmethod
    def read(cls, entry: Mapping[str, Any], body: str | None) -> Self:
        """Read a step of a flow's file. Raises ``ValueError``."""
        if body != _BODY:
            raise ValueError(f"a payment ends in a message {_BODY}; write body: {_BODY}")
        return cls(StepSpec.model_validate(entry))

    @property
    def paths(self) -> tuple[str, ...]:
        """It fills in nothing: the message is made of what is paid."""
        return ()

    def sections(self, visit: Visit) -> Sequence[Section]:  # noqa: ARG002
        """It is the last step, and is confirmed by paying."""
        return ()

    def wrong(self, visit: Visit, context: Context) -> Sequence[Problem]:  # noqa: ARG002
        """Say that it is paid by nothing but a payment."""
        return (Problem(word("pay_here"), field=f"step:{self.spec.step}"),)

    async def show(self, visit: Visit, context: Context, problems: Sequence[Problem] = ()) -> Shown:
        """Return what is to be paid, and how far it is."""
        terms = await _terms(visit, context)
        cashier = Cashier(context.gateway)
        payment = await cashier.of_order(visit.stored.channel, terms.order_reference) if terms.order_reference else None
        if payment is not None and payment.content and payment.case_id == visit.stored.case_id:
            payment = await cashier.look(payment)
            return Shown("pay.html.j2", _values(visit, context, terms, payment), tuple(problems))
        found = [*problems, *(each for each in terms.problems if each not in problems)]
        if payment is not None:
            found.append(Problem(word("pay_other_case"), word("pay_ask_institution")))
        is_open = cashier.provider_for(context) is not None
        if not is_open and not found:
            found.append(Problem(word("pay_unavailable"), word("pay_ask_institution")))
        can_pay = is_open and not terms.problems and payment is None
        values = _values(visit, context, terms, None) | {"state": "new" if can_pay else "closed"}
        return Shown("pay.html.j2", values, tuple(found))

    async def keep(self, visit: Visit, form: FormData, context: Context) -> Visit:  # noqa: ARG002
        """Nothing is typed here."""
        return visit

    async def take(self, visit: Visit, form: FormData, context: Context) -> Taken:
        """Begin the payment, or look how far it is; whatever else was posted is not read."""
        terms, cashier = await _terms(visit, context), Cashier(context.gateway)
        payment = await cashier.of_order(visit.stored.channel, terms.order_reference) if terms.order_reference else None
        if form.act != "pay" or (payment is not None and payment.state not in {"created", "failed"}):
            if payment is not None and payment.state == "refused":
                await cashier.settle(payment)
            return Taken(visit, stay=True)
        if terms.problems:
            return Taken(visit, terms.problems)
        try:
            await cashier.begin(visit, context, terms)
        except Conflict:
            return Taken(visit, (Problem(word("pay_other_terms"), word("pay_ask_institution")),))
        except NotAuthorized:
            return Taken(visit, (Problem(word("pay_unavailable"), word("pay_ask_institution")),))
        except Retryable:
            return Taken(visit, (Problem(word("pay_provider_down"), word("pay_try_again")),))
        return Taken(visit, stay=True)


async def _terms(visit: Visit, context: Context) -> Terms:
    return await context.gateway.journal.read(terms_of, visit, context)


def _values(visit: Visit, context: Context, terms: Terms, payment: Payment | None) -> dict[str, Any]:
    content = payment.content if payment else {}
    begun = content.get("terms", terms.body)
    age = context.now - content.get("startedAt", context.now)
    return {
        "state": payment.state if payment else "new",
        "amount": money_text(begun.get("amount", {})),
        "payee": payee_of(begun),
        "order_reference": terms.order_reference,
        "payment_no": payment.payment_no if payment else "",
        "provider_address": content.get("address", ""),
        "embedded": "origin" in visit.door.host,
        "refresh": _refresh(visit, payment, age),
        "receipt": content.get("receipt", {}),
    }


def _refresh(visit: Visit, payment: Payment | None, age: float) -> int:
    """Return after how many seconds the page looks again by itself; 0: not at all."""
    if payment is not None and payment.state == "settled" and payment.visit_id == visit.stored.visit_id:
        return 1  # the visit has ended just now: its last page comes
    if payment is None or payment.state not in {"created", "started", "paid"} or age > _SLOW:
        return 0
    return 5 if age < _QUICK else _LONG
