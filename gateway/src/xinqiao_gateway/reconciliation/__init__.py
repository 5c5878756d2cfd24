"""Reconciliation 对账: a partner's statement against the journal, and what would mend the differences.

Pure: messages in, a result and proposals out. What is booked or sent is decided by people, elsewhere. ``kinds.yaml``
says what is compared with what, ``causes.yaml`` why two sides differ.
"""

from xinqiao_gateway.reconciliation.answer import Answering, repairs, result_messages
from xinqiao_gateway.reconciliation.causes import BusinessDays, Terms
from xinqiao_gateway.reconciliation.comparison import Difference, Result, reconcile
from xinqiao_gateway.reconciliation.kinds import kind_of
from xinqiao_gateway.reconciliation.repairs import Repair
from xinqiao_gateway.reconciliation.window import Window, messages_of, terms_of, window_of

__all__ = [
    "Answering",
    "BusinessDays",
    "Difference",
    "Repair",
    "Result",
    "Terms",
    "Window",
    "kind_of",
    "messages_of",
    "reconcile",
    "repairs",
    "result_messages",
    "terms_of",
    "window_of",
]
