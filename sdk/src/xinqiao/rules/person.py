"""Rules on what happens to a person: that the event says what it changes and how it is proved."""

from xinqiao.message import Json
from xinqiao.rules.rule import Breach, rule

__all__ = ["of_age_on"]

_MAJORITY = 18  # Civil Code, art. 17


def of_age_on(birth_date: str, day: str) -> bool:
    """Return whether somebody born on that ISO date is 18 or older on that day."""
    return f"{int(birth_date[:4]) + _MAJORITY:04}{birth_date[4:]}" <= day


@rule("XQ-R-440")
def check_new_values(kind: str, after: Json | None = None, guardian: Json | None = None) -> Breach | None:
    """A change of name, document or nationality says the new one; one of guardian names the new guardian."""
    if kind == "GUARDIAN_CHANGE":
        return None if guardian else Breach(("guardian",), expected="the new guardian")
    name = _CHANGED.get(kind)
    return Breach(("after", name), expected=f"the new {name}") if name and name not in (after or {}) else None


_CHANGED = {"NAME_CHANGE": "name", "DOCUMENT_CHANGE": "documents", "NATIONALITY_CHANGE": "nationality"}


@rule("XQ-R-441")
def check_proved(kind: str, state: str | None = None, certificates: list[Json] | None = None) -> Breach | None:
    """A verified death, declaration or change of capacity has a certificate."""
    if kind in _TO_PROVE and state in (None, "VERIFIED") and certificates is None:
        return Breach(("certificates",), expected="at least one certificate")
    return None


_TO_PROVE = frozenset(
    ("DEATH", "DECLARED_DEAD", "DECLARED_MISSING", "DECLARATION_REVOKED", "INCAPACITY", "CAPACITY_RECOVERED")
)


@rule("XQ-R-442")
def check_overlap(effective_on: str, overlap_until: str) -> Breach | None:
    """The old is not refused before the new counts."""
    return Breach(("overlapUntil",), expected="not before effectiveOn") if overlap_until < effective_on else None


@rule("XQ-R-443")
def check_name_differs(kind: str, name: str, after: Json) -> Breach | None:
    """A change of name changes it."""
    if kind == "NAME_CHANGE" and after.get("name") == name:
        return Breach(("after", "name"), expected="another name than before")
    return None


@rule("XQ-R-444")
def check_of_age(kind: str, birth_date: str, event_date: str) -> Breach | None:
    """Nobody comes of age before the 18th birthday (Civil Code, art. 17)."""
    if kind != "COMING_OF_AGE" or of_age_on(birth_date, event_date):
        return None
    return Breach(("eventDate",), expected="not before the 18th birthday")


@rule("XQ-R-445")
def check_capacity(kind: str, after: Json) -> Breach | None:
    """Who loses capacity has not full capacity afterwards; who recovers it has some."""
    if after.get("capacity") != _IMPOSSIBLE.get(kind, ""):
        return None
    return Breach(("after", "capacity"), expected="a capacity that this kind of event leaves")


_IMPOSSIBLE = {"INCAPACITY": "FULL_CAPACITY", "CAPACITY_RECOVERED": "NO_CAPACITY"}


@rule("XQ-R-446")
def check_born_before(birth_date: str, event_date: str) -> Breach | None:
    """Nothing happens to a person before birth."""
    return Breach(("eventDate",), expected="not before birthDate") if event_date < birth_date else None
