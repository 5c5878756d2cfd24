"""What a simulated institution remembers of a case."""

from collections import Counter

from xinqiao.message import Json, message_type

__all__ = ["CaseFile"]

# The messages of one case that are kept.
_MOST = 500


class CaseFile:
    """What was sent in a case, by either side, oldest first; beyond 500 messages the oldest are forgotten."""

    def __init__(self, case_id: str) -> None:
        self.case_id = case_id
        self._messages: list[tuple[str, Json]] = []
        self._added: Counter[str] = Counter()

    @property
    def size(self) -> int:
        """Return how many messages are kept."""
        return len(self._messages)

    def add(self, message: Json) -> None:
        """Keep a message."""
        body = message_type(message).body
        self._added[body] += 1
        self._messages.append((body, message))
        del self._messages[:-_MOST]

    def added(self, body: str) -> int:
        """Return how many messages of a type there were, those that are forgotten too."""
        return self._added[body]

    def all(self, body: str) -> list[Json]:
        """Return the messages of a type."""
        return [message for each, message in self._messages if each == body]

    def with_id(self, message_id: str) -> Json | None:
        """Return a message by its id."""
        return next((each for _, each in self._messages if each["header"]["messageId"] == message_id), None)

    def other_than(self, institution: str) -> str | None:
        """Return who the other side of the case is, by its last message."""
        header = self._messages[-1][1]["header"] if self._messages else {}
        other: str | None = header.get("receiver" if header.get("sender") == institution else "sender")
        return other

    def unanswered(self, body: str, answer: str) -> list[Json]:
        """Return the messages of a type that no message of the type ``answer`` has named as what it is about."""
        about = {each["header"].get("correlationId") for each in self.all(answer)}
        return [each for each in self.all(body) if each["header"]["messageId"] not in about]

    def latest(self, body: str) -> Json | None:
        """Return the last message of a type."""
        return next((message for each, message in reversed(self._messages) if each == body), None)
