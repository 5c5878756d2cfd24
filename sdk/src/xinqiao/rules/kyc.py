"""Rules on KYC: who is named in it, what is declared, what changes."""

from collections.abc import Iterator

from xinqiao.message import Json
from xinqiao.rules.exact import scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-035")
def check_whose_expires(
    element: str,  # noqa: ARG001 -- the fact as such
    application_no: str | None = None,
    party_id: str | None = None,
) -> Breach | None:
    """What expires is the KYC of an application or of a party."""
    if application_no is None and party_id is None:
        return Breach(("partyId",), expected="partyId or applicationNo")
    return None


@rule("XQ-R-110")
def check_something_changes(
    kind: str,
    changes: list[Json] | None = None,
    new_documents: list[Json] | None = None,
    new_name: str | None = None,
    party: Json | None = None,
    crs: Json | None = None,
    risk_assessment: Json | None = None,
    qualified_investor: Json | None = None,
    beneficial_owners: list[Json] | None = None,
) -> Breach | None:
    """A change or correction says what is new; a renewal may find everything as it was."""
    new = (changes, new_documents, new_name, party, crs, risk_assessment, qualified_investor, beneficial_owners)
    if kind == "RENEWAL" or any(each is not None for each in new):
        return None
    return Breach(("changes",), expected="what changes, or the new state of it")


@rule("XQ-R-111")
def check_overlap(effective_on: str, overlap_until: str) -> Breach | None:
    """Old and new are both accepted after the change, not before it."""
    return Breach(("overlapUntil",), expected="not before effectiveOn") if overlap_until < effective_on else None


@rule("XQ-R-112")
def check_product_profile(kind: str, product: Json) -> Breach | None:  # noqa: ARG001 -- its presence counts
    """Only a product has a product profile."""
    return None if kind == "PRODUCT" else Breach(("product",))


@rule("XQ-R-113")
def check_references(
    applicant: Json,
    related_parties: list[Json] | None = None,
    consent: Json | None = None,
    further_consents: list[Json] | None = None,
    identity_checks: list[Json] | None = None,
    attachments: list[Json] | None = None,
) -> list[Breach] | None:
    """Whoever is referred to is the applicant or a related party of the application."""
    known = {applicant["partyId"]} | {each["party"]["partyId"] for each in related_parties or ()}
    places = [
        *_references("relatedParties", "relatedToId", related_parties),
        *_references("furtherConsents", "partyId", further_consents),
        *_references("identityChecks", "partyId", identity_checks),
        *_references("attachments", "partyId", attachments),
    ]
    if consent and "partyId" in consent:
        places.append((("consent", "partyId"), consent["partyId"]))
    return [
        Breach(at, expected="the partyId of the applicant or a related party")
        for at, party_id in places
        if party_id not in known
    ] or None


def _references(field: str, name: str, parts: list[Json] | None) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, each in enumerate(parts or ()):
        if name in each:
            yield (field, index, name), each[name]


@rule("XQ-R-114")
def check_party_ids(applicant: Json, related_parties: list[Json]) -> list[Breach] | None:
    """The applicant and each related party have a partyId of their own."""
    seen = {applicant["partyId"]}
    breaches = []
    for index, each in enumerate(related_parties):
        party_id = each["party"]["partyId"]
        if party_id in seen:
            breaches.append(Breach(("relatedParties", index, "party", "partyId"), expected="a partyId of its own"))
        seen.add(party_id)
    return breaches or None


# In CNY: a family's financial assets and net financial assets, a person's average income of three years, an
# institution's net assets.
_THRESHOLDS = {
    "BY_ASSETS": "5000000",
    "BY_NET_FINANCIAL_ASSETS": "3000000",
    "BY_INCOME": "400000",
    "BY_INSTITUTION": "10000000",
}


@rule("XQ-R-115")
def check_qualification(basis: str, amount: Json, experience_years: int | None = None) -> list[Breach] | None:
    """A qualified investor has the means, and a person two years of experience."""
    breaches = []
    threshold = _THRESHOLDS.get(basis)
    if threshold and amount["currency"] == "CNY" and scaled(amount["value"]) < scaled(threshold):
        breaches.append(Breach(("amount", "value"), expected=f"at least {threshold} for {basis}"))
    if experience_years is not None and experience_years < 2 and basis not in ("BY_INSTITUTION", "BY_PRODUCT"):
        breaches.append(Breach(("experienceYears",), expected="at least 2"))
    return breaches or None


@rule("XQ-R-116")
def check_exposure(political_exposure: Json, politically_exposed: bool | None = None) -> Breach | None:  # noqa: ARG001 -- its presence counts
    """Whose political exposure is described is declared to be exposed."""
    return None if politically_exposed else Breach(("politicallyExposed",), expected="true where details are given")


@rule("XQ-R-117")
def check_controlling_persons(entity_class: str, controlling_persons: list[Json] | None = None) -> Breach | None:
    """A passive non-financial entity names who controls it."""
    if entity_class == "PASSIVE_NON_FINANCIAL" and not controlling_persons:
        return Breach(("controllingPersons",), expected="at least one controlling person")
    return None


@rule("XQ-R-118")
def check_declared_residences(declaration: str, residences: list[Json]) -> list[Breach] | None:
    """The tax residences named are those that the declaration allows."""
    if declaration == "BOTH":
        return None
    chinese = declaration == "RESIDENT_ONLY"
    return [
        Breach(("residences", index, "country"), expected="CN" if chinese else "a country or region other than CN")
        for index, each in enumerate(residences)
        if (each["country"] == "CN") is not chinese
    ] or None


@rule("XQ-R-119")
def check_lei(lei: str) -> Breach | None:
    """The check digits of an LEI are right: with letters as 10 to 35 it is 1 modulo 97."""
    number = int("".join(str(int(character, 36)) for character in lei))
    return None if number % 97 == 1 else Breach(("lei",), expected="the check digits of ISO 17442")
