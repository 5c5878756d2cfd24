"""Rules on the header."""

from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-100")
def check_correction(revision: int, replaces: str | None = None) -> Breach | None:
    """A revision after the first names the message that it corrects."""
    if revision > 1 and replaces is None:
        return Breach(("replaces",), expected="the messageId of the revision before")
    return None


@rule("XQ-R-101")
def check_replaces_another(message_id: str, replaces: str) -> Breach | None:
    """A message does not replace itself."""
    return Breach(("replaces",), expected="another message's id") if replaces == message_id else None
