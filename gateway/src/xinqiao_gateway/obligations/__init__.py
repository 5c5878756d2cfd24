"""Obligations: messages that must arrive by a time, and whose absence raises an alarm.

Dates and frequencies are terms of product and contract, so they are data. This package is the pure part: terms, due
times, and which obligation a message meets or opens. What is kept of it is in ``journal/obligations.py``; ``watch.py``
looks at the clock.
"""

from xinqiao_gateway.obligations.book import Arrival, Book, Meeting, Occurrence
from xinqiao_gateway.obligations.cutoffs import Batch, Cutoffs
from xinqiao_gateway.obligations.reading import read_obligations
from xinqiao_gateway.obligations.terms import CutoffTerms, Rule, Terms

__all__ = [
    "Arrival",
    "Batch",
    "Book",
    "CutoffTerms",
    "Cutoffs",
    "Meeting",
    "Occurrence",
    "Rule",
    "Terms",
    "read_obligations",
]
