"""Processes as data: which message a case expects, and what happens to one that it does not.

Pure: a decision is a function of the case's state and the message. The journal takes it inside its commit.
"""

from xinqiao_gateway.processes.decision import Decision, Verdict, decide, item_ids
from xinqiao_gateway.processes.expectation import Expectation, abandoned, expectations, expired, expires_after
from xinqiao_gateway.processes.memory import CaseState, Memory
from xinqiao_gateway.processes.model import Process, processes

__all__ = [
    "CaseState",
    "Decision",
    "Expectation",
    "Memory",
    "Process",
    "Verdict",
    "abandoned",
    "decide",
    "expectations",
    "expired",
    "expires_after",
    "item_ids",
    "processes",
]
