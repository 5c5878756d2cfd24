"""Rules on the header."""

from xinqiao.message import NOBODY, Json
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-007")
def check_names_somebody(
    header: Json | None = None, rejection: Json | None = None, insurer_code: str | None = None
) -> list[Breach] | None:
    """Zeros, whose check character is right, name nobody: only a rejection of unreadable content is for nobody."""
    header = header or {}
    breaches: list[tuple[str, ...]] = []
    if header.get("sender") == NOBODY:
        breaches.append(("header", "sender"))
    if header.get("receiver") == NOBODY and rejection is None:
        breaches.append(("header", "receiver"))
    if insurer_code == NOBODY:
        breaches.append(("insurerCode",))
    return [Breach(at, expected="the code of an institution") for at in breaches] or None


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
