"""Rules on parties and their self-certifications."""

from xinqiao.message import Json
from xinqiao.rules.exact import HUNDRED, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-020")
def check_person_fields(
    kind: str,
    birth_date: str | None = None,
    gender: str | None = None,
    marital_status: str | None = None,
    occupation: str | None = None,
    employer: str | None = None,
    industry: str | None = None,
    job_title: str | None = None,
    education: str | None = None,
    capacity: str | None = None,
) -> list[Breach] | None:
    """Fields of natural persons stand on natural persons only."""
    if kind == "NATURAL_PERSON":
        return None
    fields = {
        "birthDate": birth_date,
        "gender": gender,
        "maritalStatus": marital_status,
        "occupation": occupation,
        "employer": employer,
        "industry": industry,
        "jobTitle": job_title,
        "education": education,
        "capacity": capacity,
    }
    return [Breach((name,)) for name, value in fields.items() if value is not None] or None


@rule("XQ-R-021")
def check_institution_profile(kind: str, institution: Json) -> Breach | None:  # noqa: ARG001 -- its presence counts
    """A natural person has no institution profile."""
    return Breach(("institution",)) if kind == "NATURAL_PERSON" else None


@rule("XQ-R-022")
def check_document_types(kind: str, documents: list[Json]) -> list[Breach] | None:
    """Persons do not identify themselves with documents of institutions, nor the other way round."""
    return [
        Breach(("documents", index, "type"))
        for index, document in enumerate(documents)
        if (document["type"] in _OF_INSTITUTIONS if kind == "NATURAL_PERSON" else document["type"] in _OF_PERSONS)
    ] or None


_OF_INSTITUTIONS = frozenset(
    (
        "UNIFIED_SOCIAL_CREDIT_CODE",
        "TRUST_PRODUCT_CODE",
        "BUSINESS_LICENCE",
        "ORGANISATION_CODE",
        "PUBLIC_INSTITUTION_CERTIFICATE",
        "SOCIAL_ORGANISATION_CERTIFICATE",
        "FOUNDATION_CERTIFICATE",
        "FINANCIAL_LICENCE",
        "FOREIGN_REGISTRATION",
        "PRODUCT_FILING",
        "GOVERNMENT_APPROVAL",
        "ARMY_APPROVAL",
        "ARMED_POLICE_APPROVAL",
        "LEGAL_ENTITY_IDENTIFIER",
    )
)
_OF_PERSONS = frozenset(
    (
        "RESIDENT_ID",
        "TEMPORARY_RESIDENT_ID",
        "PASSPORT",
        "HK_MACAO_PERMIT",
        "TAIWAN_PERMIT",
        "HK_MACAO_TAIWAN_RESIDENCE",
        "FOREIGNER_PERMANENT_RESIDENCE",
        "HOUSEHOLD_REGISTER",
        "MILITARY_ID",
        "OFFICER_ID",
        "SOLDIER_ID",
        "CIVILIAN_STAFF_ID",
        "CHINESE_PASSPORT",
        "FOREIGN_PASSPORT",
        "BIRTH_CERTIFICATE",
        "POLICE_ID",
        "FOREIGN_ID",
    )
)


@rule("XQ-R-103")
def check_identified(
    applicant: Json | None = None,
    consumer: Json | None = None,
    borrower: Json | None = None,
    parties: list[Json] | None = None,
) -> list[Breach] | None:
    """Who applies, borrows, prepays or settles a trust is identified by a document; others may have none yet."""
    people = {"applicant": applicant, "consumer": consumer, "borrower": borrower}
    alone = [Breach((name, "documents")) for name, each in people.items() if each and "documents" not in each]
    settlors = [
        Breach(("parties", index, "party", "documents"))
        for index, each in enumerate(parties or ())
        if "SETTLOR" in each["roles"] and "documents" not in each["party"]
    ]
    return [*alone, *settlors] or None


@rule("XQ-R-023")
def check_percentage(percentage: str) -> Breach | None:
    """A percentage is at most 100."""
    return Breach(("percentage",), expected="0 to 100") if scaled(percentage) > HUNDRED else None


@rule("XQ-R-030")
def check_assessment_period(assessed_on: str, valid_until: str) -> Breach | None:
    """A risk assessment does not expire before it was made."""
    return Breach(("validUntil",), expected="not before assessedOn") if valid_until < assessed_on else None


@rule("XQ-R-031")
def check_tax_number(country: str, tin: str | None = None, no_tin_reason: str | None = None) -> Breach | None:  # noqa: ARG001 -- the residence as such
    """A tax residence has a number, or the reason why there is none."""
    if tin is None and no_tin_reason is None:
        return Breach(("tin",), expected="tin or noTinReason")
    return None


@rule("XQ-R-032")
def check_residences(declaration: str, residences: list[Json] | None = None) -> Breach | None:
    """Who declares a tax residence abroad names it."""
    if declaration == "RESIDENT_ONLY" or any(each["country"] != "CN" for each in residences or ()):
        return None
    return Breach(("residences",), expected="at least one tax residence other than CN")


@rule("XQ-R-034")
def check_explanation(no_tin_reason: str, explanation: str | None = None) -> Breach | None:
    """Who could not obtain a taxpayer number explains why."""
    if no_tin_reason == "NOT_OBTAINED" and explanation is None:
        return Breach(("explanation",), expected="why the number was not obtained")
    return None


@rule("XQ-R-033")
def check_reasons(
    outcome: str, reasons: list[Json] | None = None, items_needed: list[str] | None = None
) -> Breach | None:
    """A decision that is no approval says why, or what is needed."""
    if outcome == "APPROVED" or reasons or (outcome == "MORE_NEEDED" and items_needed):
        return None
    return Breach(("reasons",), expected="at least one reason")
