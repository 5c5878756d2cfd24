"""A finding: one observed breach of the standard, said so that its reader can mend it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

__all__ = ["Finding", "Level", "Text", "errors_in"]

Level = Literal["ERROR", "WARNING", "INFORMATION"]


class Text(NamedTuple):
    """What people read, in Chinese and English."""

    zh: str
    en: str

    def as_json(self) -> dict[str, str]:
        """Return the canonical ``BilingualText``."""
        return {"zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach, in the shape of the standard's ``Finding``.

    ``path`` is canonical and starts with the body's or header's name
    (``kycApplication.applicant.documents[0].number``); ``partner_path`` names the same place in the partner's
    own terms (``Body/CertNo, line 14``). ``value`` is masked when the field is C2 or C3.
    """

    rule: str
    path: str
    text: Text
    level: Level = "ERROR"
    value: str | None = None
    expected: str | None = None
    fix: Text | None = None
    partner_path: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the canonical JSON of the finding; absent parts are left out."""
        parts: dict[str, Any] = {
            "rule": self.rule,
            "level": self.level,
            "path": self.path,
            "partnerPath": self.partner_path,
            "value": self.value,
            "expected": self.expected,
            "text": self.text.as_json(),
            "fix": self.fix.as_json() if self.fix else None,
        }
        return {name: part for name, part in parts.items() if part is not None}

    @classmethod
    def from_json(cls, parts: dict[str, Any]) -> "Finding":
        """Read the canonical JSON of a finding."""
        return cls(
            rule=parts["rule"],
            path=parts["path"],
            text=_text(parts["text"]),
            level=parts["level"],
            value=parts.get("value"),
            expected=parts.get("expected"),
            fix=_text(parts["fix"]) if "fix" in parts else None,
            partner_path=parts.get("partnerPath"),
        )


def _text(parts: dict[str, Any]) -> Text:
    return Text(parts["zh"], parts["en"])


def errors_in(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that make a message invalid."""
    return [finding for finding in findings if finding.level == "ERROR"]
