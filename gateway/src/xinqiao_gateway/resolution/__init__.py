"""Resolution: what operators do to exceptions and cases, proposed by one and checked by another, all in the journal."""

from xinqiao_gateway.resolution.actions import ACTIONS, KINDS, Action, explained, possible
from xinqiao_gateway.resolution.desk import Desk, Wish

__all__ = ["ACTIONS", "KINDS", "Action", "Desk", "Wish", "explained", "possible"]
