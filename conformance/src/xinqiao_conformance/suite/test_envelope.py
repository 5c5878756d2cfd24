# ruff: noqa: D103 -- the names say it
"""What a gateway answers to a message, to a repeat of it, and to another under the same id."""

import re

from xinqiao_conformance.suite import requirement
from xinqiao_conformance.target import Target, with_value

_POSITION = re.compile(r"0|[1-9][0-9]{0,18}")


@requirement("ENV-001")
def test_a_valid_message_is_answered_with_a_receipt_that_names_id_and_position(target: Target) -> None:
    message = target.message("kycApplication")
    exchange = target.send(message)
    exchange.require_receipt()
    message_id = message["header"]["messageId"]
    named = exchange.receipt.get("acceptedMessageId")
    exchange.require(named == message_id, f"receipt.acceptedMessageId is {message_id}")
    position = exchange.receipt.get("position")
    numeric = isinstance(position, str) and _POSITION.fullmatch(position)
    exchange.require(numeric, "receipt.position is a decimal string")


@requirement("ENV-002")
def test_a_repeat_is_answered_with_the_same_receipt(target: Target) -> None:
    message = target.message("kycApplication")
    first = target.send(message)
    first.require_receipt()
    second = target.send(message)
    second.require_receipt()
    second.require(second.receipt == first.receipt, "the receipt of the first time, unchanged")


@requirement("ENV-003")
def test_the_same_id_with_other_content_is_refused_as_a_conflict(target: Target) -> None:
    message = target.message("kycApplication")
    target.send(message).require_receipt()
    other = with_value(message, "kycApplication.purpose", "另一目的")
    target.send(other).require_refusal(409, "conflict")
