"""What is odd about a batch and no reason to refuse it: its records are taken, and a person is told."""

from collections.abc import Sequence
from datetime import date

__all__ = ["content_note", "date_note", "sequence_note"]

# Days that a batch may be about before the day that it comes, over the longest holidays.
_OLDEST = 15


def sequence_note(sequence: int | None, last: int) -> str:
    """Return what to say of a batch's number in its day, where ``last`` is the highest that came before."""
    if sequence is None or sequence == last + 1:
        return ""
    if sequence > last + 1:
        return f"it is number {sequence} of its day, and number {last + 1} did not come"
    return f"it is number {sequence} of its day, and came after number {last}"


def date_note(business_date: str, today: date) -> str:
    """Return what to say of a business date that is after today, or long before."""
    day = date.fromisoformat(business_date) if business_date else today
    if day > today:
        return f"its business date {day} is still to come"
    return f"its business date {day} is more than {_OLDEST} days ago" if (today - day).days > _OLDEST else ""


def content_note(others: Sequence[str]) -> str:
    """Return what to say of a batch whose content came before, under other numbers."""
    return f"its content came before as batch {others[0]}" if others else ""
