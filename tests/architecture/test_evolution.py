"""What a version of the standard may not do to the messages of a released one is found."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from generate.compatibility import breaks, changed_requirements, lost_codes, stricter_rules
from generate.release import RELEASED, last_release
from xinqiao.standard import schema_of

Schema = dict[str, Any]
RELEASED_SCHEMAS = {name: schema_of(name) for name in ("KycApplication", "SubscriptionOrder", "NavReport")}


def part(schemas: dict[str, Schema], message: str, definition: str) -> Schema:
    found: Schema = schemas[message]["$defs"][definition]
    return found


def field(schemas: dict[str, Schema], message: str, definition: str, name: str) -> Schema:
    found: Schema = part(schemas, message, definition)["properties"][name]
    return found


BREAKING: list[tuple[str, Callable[[dict[str, Schema]], object]]] = [
    ("NavReport: the message type is gone", lambda s: s.pop("NavReport")),
    ("Instrument.isin: the field is gone", lambda s: part(s, "NavReport", "Instrument")["properties"].pop("isin")),
    ("NavReport.units: now required", lambda s: part(s, "NavReport", "NavReport")["required"].append("units")),
    ("SubscriptionOrder: other choices", lambda s: part(s, "SubscriptionOrder", "SubscriptionOrder").pop("allOf")),
    ("Instrument: the definition is gone", lambda s: s["NavReport"]["$defs"].pop("Instrument")),
    ("NavReport: another class", lambda s: s["NavReport"]["x-xinqiao"].update({"class": "REQUEST"})),
    ("NavReport: another body", lambda s: s["NavReport"]["x-xinqiao"].update(body="nav")),
    ("Header: now in one currency", lambda s: part(s, "NavReport", "Header")["x-xinqiao"].update(oneCurrency=True)),
    (
        "NavReport.navDate: another kind",
        lambda s: field(s, "NavReport", "NavReport", "navDate")["x-xinqiao"].pop("kind"),
    ),
    (
        "Address.region: another codes",
        lambda s: field(s, "KycApplication", "Address", "region")["x-xinqiao"].update(codes="other"),
    ),
    (
        "NavReport.netAssets: another sign",
        lambda s: field(s, "NavReport", "NavReport", "netAssets")["x-xinqiao"].update(sign="POSITIVE"),
    ),
    ("Party.documents: minItems was", lambda s: field(s, "KycApplication", "Party", "documents").update(minItems=2)),
    ("Party.name: minLength was", lambda s: field(s, "KycApplication", "Party", "name").update(minLength=2)),
    (
        "RiskAssessment.score: minimum was",
        lambda s: field(s, "KycApplication", "RiskAssessment", "score").update(minimum=9),
    ),
    (
        "NavReport.instrument: $ref was",
        lambda s: field(s, "NavReport", "NavReport", "instrument").update({"$ref": "#/$defs/Money"}),
    ),
    (
        "Party.documents: a list became a single value",
        lambda s: field(s, "KycApplication", "Party", "documents").pop("items"),
    ),
    (
        "Party.name: maxLength was",
        lambda s: field(s, "KycApplication", "Party", "name").update(maxLength=3),
    ),
    ("Party.gender: enum was", lambda s: field(s, "KycApplication", "Party", "gender")["enum"].append("OTHER")),
    ("NavReport.unitNav: pattern was", lambda s: field(s, "NavReport", "NavReport", "unitNav").update(pattern="^1$")),
    (
        "RiskAssessment.score: maximum was",
        lambda s: field(s, "KycApplication", "RiskAssessment", "score").update(maximum=9),
    ),
    ("Party.documents: maxItems was", lambda s: field(s, "KycApplication", "Party", "documents").update(maxItems=1)),
    (
        "Money.value: less sensitive",
        lambda s: field(s, "NavReport", "Money", "value")["x-xinqiao"].update(sensitivity="C1"),
    ),
    ("Header.test: type was", lambda s: field(s, "NavReport", "Header", "test").update(type="string")),
]
ALLOWED: list[Callable[[dict[str, Schema]], object]] = [
    lambda s: s.update(Later=schema_of("Receipt")),
    lambda s: part(s, "NavReport", "NavReport")["properties"].update(later={"type": "string"}),
    lambda s: part(s, "NavReport", "NavReport")["required"].remove("unitNav"),
    lambda s: field(s, "KycApplication", "Party", "name").update(maxLength=500),
    lambda s: field(s, "KycApplication", "RiskAssessment", "score").update(maximum=2000),
    lambda s: field(s, "NavReport", "NavReport", "unitNav")["x-xinqiao"].update(sensitivity="C2"),
    lambda s: field(s, "NavReport", "NavReport", "unitNav").update(title="NAV of a unit"),
]


@pytest.mark.parametrize(("said", "change"), BREAKING, ids=[said for said, _ in BREAKING])
def test_what_breaks_a_release_is_named(said: str, change: Callable[[dict[str, Schema]], object]) -> None:
    now = copy.deepcopy(RELEASED_SCHEMAS)
    change(now)

    assert [each[: len(said)] for each in breaks(RELEASED_SCHEMAS, now)][:1] == [said]


@pytest.mark.parametrize("change", ALLOWED)
def test_what_loosens_or_adds_breaks_nothing(change: Callable[[dict[str, Schema]], object]) -> None:
    now = copy.deepcopy(RELEASED_SCHEMAS)
    change(now)

    assert breaks(RELEASED_SCHEMAS, now) == []


def about(level: str, on_fact: str | None = None, *applies_to: str) -> Schema:
    return {"level": level, "onFact": on_fact or level, "appliesTo": list(applies_to)}


def test_a_new_rule_may_warn_and_not_refuse() -> None:
    released = {"XQ-R-001": about("ERROR", None, "Party"), "XQ-R-002": about("WARNING")}

    assert stricter_rules(released, {**released, "XQ-R-003": about("WARNING")}) == []
    assert stricter_rules(released, {"XQ-R-001": about("WARNING", None, "Party", "Address")}) == []
    assert stricter_rules(released, {"XQ-R-002": about("ERROR"), "XQ-R-003": about("ERROR")}) == [
        "XQ-R-002: an error now",
        "XQ-R-003: an error now",
    ]


def test_a_rule_may_not_refuse_more_than_it_did() -> None:
    released = {"XQ-R-001": about("ERROR", "WARNING", "Party")}

    assert stricter_rules(released, {"XQ-R-001": about("ERROR", "ERROR", "Party")}) == ["XQ-R-001: an error now"]
    assert stricter_rules(released, {"XQ-R-001": about("ERROR", "WARNING", "Party", "Address")}) == [
        "XQ-R-001: an error now"
    ]


def test_a_code_list_may_grow_and_lose_nothing() -> None:
    released = {"reasons": ["OTHER", "EXPIRED"]}

    assert lost_codes(released, {"reasons": ["OTHER", "EXPIRED", "LATE"]}) == []
    assert lost_codes(released, {"reasons": ["OTHER"]}) == ["reasons: EXPIRED is no code any more"]


def test_a_requirement_of_a_release_stays_as_it_was() -> None:
    released = [{"id": "ENV-001", "level": "MUST"}, {"id": "ENV-002", "level": "MUST"}]

    assert changed_requirements(released, [*released, {"id": "ENV-003", "level": "MAY"}]) == []
    assert changed_requirements(released, [{"id": "ENV-001", "level": "SHOULD"}]) == [
        "ENV-001: gone or changed",
        "ENV-002: gone or changed",
    ]


def test_there_is_a_release_to_compare_with() -> None:
    last = last_release()

    assert last is not None
    assert last.parent == RELEASED
