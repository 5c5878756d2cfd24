"""What is paid: from the signed launch, and in agreement with the order that the journal has; never from a form.

Facts that a launch may state are those of ``PrepaidPayment`` which are known before anybody pays. What only the
provider can know is refused: a launch must not say that something was paid.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from xinqiao.finding import Finding, Text, errors_in
from xinqiao.message import Json
from xinqiao.validation import check
from xinqiao_gateway.fronts.h5.drafting import message_of, with_facts
from xinqiao_gateway.fronts.h5.model import Context, Problem, Visit
from xinqiao_gateway.fronts.h5.money import same_money
from xinqiao_gateway.fronts.h5.problems import problem_of
from xinqiao_gateway.fronts.h5.statement import address_of
from xinqiao_gateway.fronts.h5.words import word
from xinqiao_gateway.journal.shown import delivered_to, item_state, sent_by

__all__ = ["OF_PROVIDER", "Terms", "body_of_payment", "payee_of", "terms_of"]

# What the provider alone knows.
OF_PROVIDER = frozenset(
    {
        "paidAt", "channel", "channelSerial", "channelFee", "payerAccount", "thirdPartyPayer", "clearedOn",
        "bankReference",
    }
)  # fmt: skip
# Orders of a case that are looked through for the one that is paid, the latest first.
_MOST_ORDERS = 500
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is paid, as the body of the message but for what the provider will say; ``problems``: why it cannot be."""

    body: Json
    problems: tuple[Problem, ...] = ()

    @property
    def amount(self) -> Json:
        """The amount; empty where the launch states none."""
        amount: Json = self.body.get("amount", {})
        return amount

    @property
    def order_reference(self) -> str:
        """The order that is paid."""
        return str(self.body.get("orderReference", ""))


def terms_of(visit: Visit, context: Context) -> Terms:
    """Return what is paid on a visit. Reads the journal."""
    body = with_facts({}, visit.facts)
    ahead = [name for name in body if name in OF_PROVIDER or name == "paymentNo"]
    if ahead:
        return Terms(body, (_problem("pay_stated", what=", ".join(sorted(ahead))),))
    if not body.get("amount", {}).get("value") or not body.get("orderReference"):
        return Terms(body, (_problem("pay_incomplete"),))
    orders = _orders(visit, context)
    order = next((each for each in orders if each.get("orderReference") == body["orderReference"]), None)
    problems = _disagreements(body, order, len(orders), context.now)
    if _state_of(visit, context, body["orderReference"]) == "paid":
        problems.append(_problem("pay_paid_before"))
    body = _completed(body, order, visit, context)
    problems += [] if problems else _unfit(body, visit, context)
    return Terms(body, tuple(problems))


def body_of_payment(terms: Json, payment_no: str, details: Json) -> Json:
    """Return the body of the message: the terms, and what the provider says."""
    told = {name: details[name] for name in details if name in OF_PROVIDER}
    return {"paymentNo": payment_no, **terms, **told}


def _orders(visit: Visit, context: Context) -> list[Json]:
    found = sent_by(context.gateway.journal.reading, address_of(visit, context), "prepaidOrder", _MOST_ORDERS)
    return [each["prepaidOrder"] for each in found]


def _state_of(visit: Visit, context: Context, order_reference: str) -> str | None:
    return item_state(context.gateway.journal.reading, address_of(visit, context), f"order:{order_reference}")


def _disagreements(body: Json, order: Json | None, count: int, now: float) -> list[Problem]:
    if order is None:
        # A case with so many orders that one may be older is no reason to refuse it.
        return [_problem("pay_no_order")] if 0 < count < _MOST_ORDERS else []
    problems = []
    if not same_money(body["amount"], order["payable"]):
        problems.append(_problem("pay_other_amount"))
    if any(name in body and body[name] != order.get(name) for name in ("merchantNo", "consumerNo")):
        problems.append(_problem("pay_other_party"))
    if "payDueAt" in order and datetime.fromisoformat(order["payDueAt"]).timestamp() < now:
        problems.append(_problem("pay_too_late"))
    return problems


def _completed(body: Json, order: Json | None, visit: Visit, context: Context) -> Json:
    """Fill in what the order says, and how the money is divided between the trust and the merchant."""
    said: Json = {name: order[name] for name in ("merchantNo", "consumerNo") if order and name in order}
    completed: Json = {**said, **body}
    if "supervisedAmount" in completed and "releasedAmount" in completed:
        return completed
    share = completed.get("supervisedPercentage") or _share(completed.get("merchantNo"), visit, context)
    if "supervisedAmount" not in completed and share is None:
        return completed
    try:
        return completed | _division(completed, share)
    except (InvalidOperation, KeyError):  # no number: the check says so
        return completed


def _division(body: Json, share: str | None) -> Json:
    amount, currency = Decimal(body["amount"]["value"]), body["amount"]["currency"]
    if "supervisedAmount" in body:
        supervised = Decimal(body["supervisedAmount"]["value"])
    else:
        supervised = (amount * Decimal(share or "0") / _HUNDRED).quantize(Decimal("0.01"), ROUND_HALF_UP)
    said = {"supervisedPercentage": share} if share else {}
    return said | {
        "supervisedAmount": {"value": str(supervised), "currency": currency},
        "releasedAmount": {"value": str(amount - supervised), "currency": currency},
    }


def _share(merchant_no: object, visit: Visit, context: Context) -> str | None:
    """Return the share that the trustee has decided on for a merchant last."""
    address, reading = address_of(visit, context), context.gateway.journal.reading
    found = delivered_to(reading, address, "supervisedRatio", _MOST_ORDERS, of_case=True)
    ratios = (each["supervisedRatio"] for each in found if each["header"]["sender"] == context.gateway.code)
    return next((each["supervisedPercentage"] for each in ratios if each.get("merchantNo") == merchant_no), None)


def _unfit(body: Json, visit: Visit, context: Context) -> list[Problem]:
    """Say before anybody pays what would keep the message from being accepted afterwards."""
    at = datetime.fromtimestamp(context.now).astimezone().isoformat(timespec="seconds")
    whole = body_of_payment(body, "P0", {"paidAt": at, "channel": "OTHER"})
    message = message_of(visit.with_content(body=whole, facts={}), context)
    found = [each for each in errors_in(check(message)) if each.path.startswith("prepaidPayment")]
    return [_of_institution(each) for each in found]


def _of_institution(finding: Finding) -> Problem:
    problem = problem_of(finding)
    return Problem(problem.text, word("pay_ask_institution"))


def payee_of(body: Json) -> str:
    """Return who is paid, as the terms say it."""
    account = body.get("trustAccount", {})
    return str(account.get("name") or body.get("merchantNo", ""))


def _problem(key: str, **names: str) -> Problem:
    said = word(key)
    return Problem(Text(said.zh.format(**names), said.en.format(**names)), word("pay_ask_institution"))
