"""The port for where mails lie: a folder on an IMAP server, or ``.eml`` files in a folder.

It knows nothing of what is in a mail, and remembers nothing: what lies in it is what is to be done, and a mail that is
done with is taken away from there, or flagged. Methods block: call them in one thread, one at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["MOST_AT_ONCE", "Item", "Mailbox", "Verdict"]

# Mails in one look; what is left comes with the next.
MOST_AT_ONCE = 100

Verdict = Literal["done", "exceptions"]


@dataclass(frozen=True, slots=True)
class Item:
    """One mail that lies there: what the mailbox calls it, and its size in bytes."""

    name: str
    size: int


class Mailbox(Protocol):
    """A mailbox.

    Methods raise ``DestinationDown`` where it is away for now, and a ``ConfigurationError`` where it refuses the login,
    is not the server that it should be, or lacks a folder. Every wait has a bound.
    """

    def open(self) -> None:
        """Connect, and find the folders."""

    def waiting(self) -> Sequence[Item]:
        """Return the mails that are to be done, the oldest first, at most ``MOST_AT_ONCE``."""

    def head(self, name: str, most: int) -> bytes | None:
        """Return the head of a mail, at most so many bytes; None where the mail is gone."""

    def content(self, name: str, most: int) -> bytes | None:
        """Return a mail, at most so many bytes; None where it is gone."""

    def settle(self, name: str, verdict: Verdict) -> None:
        """Take a mail away, to where those of its kind lie, or flag it; one that is gone is settled."""

    def abort(self) -> None:
        """End the connection at once, from another thread: what is under way in its own fails."""

    def close(self) -> None:
        """End the connection, where there is one."""
