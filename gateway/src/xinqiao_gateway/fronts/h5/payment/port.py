"""The port for whoever takes the money (支付机构、银行收单): starts a payment, is asked for its result, tells it.

An installed package offers one under a name (entry-point group ``xinqiao.payment``), a function of no arguments; the
setting ``payment`` chooses it. The gateway's own simulator takes no money and is for test channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Literal, Protocol, runtime_checkable

from xinqiao.errors import SettingsInvalid
from xinqiao.message import Json

__all__ = ["NO_PAYMENT", "Order", "PaymentProvider", "Result", "Started", "Told", "provider_named"]

NO_PAYMENT = "none"
_PORT = "xinqiao.payment"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be paid: ``amount`` as ``Money`` of the standard, to ``payee`` for ``order_reference``.

    ``return_address`` is where the customer goes afterwards, ``notify_address`` where the result is told; absolute
    where the gateway knows its ``public_url``.
    """

    payment_no: str
    amount: Json
    order_reference: str
    payee: str
    return_address: str
    notify_address: str
    language: Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Started:
    """Where the customer pays: the address of the provider's page."""

    address: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a provider says of a payment.

    ``unknown``: it has none under this number. Of one that is paid: ``amount``, and ``details``: fields of
    ``PrepaidPayment`` that the provider alone knows (paidAt, channel, channelSerial, channelFee, payerAccount,
    thirdPartyPayer, clearedOn, bankReference).
    """

    state: Literal["paid", "failed", "pending", "unknown"]
    amount: Json | None = None
    details: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """A result that the provider told by itself, and what it is answered with."""

    payment_no: str
    result: Result
    answer: bytes = b"success"


@runtime_checkable
class PaymentProvider(Protocol):
    """Takes money at most once for a payment number, however often it is started."""

    @property
    def test_only(self) -> bool:
        """Whether it moves no money: it is for test channels then."""
        ...

    async def start(self, order: Order) -> Started:
        """Start a payment, or one that failed anew. Raises a ``Retryable`` where it cannot be reached now."""
        ...

    async def query(self, payment_no: str) -> Result:
        """Return what became of a payment. Raises a ``Retryable`` where it cannot be reached now."""
        ...

    def verified(self, headers: Mapping[str, str], content: bytes) -> Told:
        """Return what a callback says. Raises a ``Rejected`` where it is not the provider's, or cannot be read."""
        ...


@cache
def provider_named(name: str) -> PaymentProvider | None:
    """Return the provider of a name; None for ``none``. Raises ``SettingsInvalid`` where there is not exactly one."""
    if name == NO_PAYMENT:
        return None
    if name == "simulator":
        from xinqiao_gateway.fronts.h5.payment.simulator import Simulator  # noqa: PLC0415 -- it implements this port

        return Simulator()
    offered = [each for each in entry_points(group=_PORT) if each.name == name]
    if len(offered) != 1:
        known = ", ".join(sorted({each.name for each in entry_points(group=_PORT)} | {NO_PAYMENT, "simulator"}))
        raise SettingsInvalid(f"payment: {len(offered)} packages offer {name!r} as {_PORT}; offered: {known}")
    made = offered[0].load()()
    if not isinstance(made, PaymentProvider):
        raise SettingsInvalid(f"payment: what {name!r} offers has not test_only, start, query and verified")
    return made
