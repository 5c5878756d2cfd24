"""Rules on contracts: their parties, terms and texts, what they distribute, how they change and end."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from xinqiao.message import Json
from xinqiao.rules.exact import HUNDRED, plain, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-041")
def check_open_end(
    start_date: str,  # noqa: ARG001 -- the term as such
    open_ended: bool | None = None,
    end_date: str | None = None,
    term_months: str | None = None,
) -> list[Breach] | None:
    """A trust has an end date or a term, or is without end."""
    given = [name for name, value in (("endDate", end_date), ("termMonths", term_months)) if value is not None]
    if open_ended:
        return [Breach((name,), expected="none where openEnded is true") for name in given] or None
    return None if given else [Breach(("endDate",), expected="endDate or termMonths, or openEnded true")]


@rule("XQ-R-043")
def check_party_ids(parties: list[Json]) -> list[Breach] | None:
    """Each party of a contract has its own partyId."""
    seen: set[str] = set()
    breaches = []
    for index, each in enumerate(parties):
        party_id = each["party"]["partyId"]
        if party_id in seen:
            breaches.append(Breach(("parties", index, "party", "partyId"), expected="a partyId of its own"))
        seen.add(party_id)
    return breaches or None


@rule("XQ-R-044")
def check_roles(
    variety: str,
    parties: list[Json],
    distribution_clauses: list[Json] | None = None,
    beneficiary_class: str | None = None,
) -> list[Breach] | None:
    """A trust has a settlor, a trustee, and beneficiaries: named, a class, or the public (Trust Law, art. 9)."""
    held = {role for each in parties for role in each["roles"]}
    classes = any("beneficiaryClass" in clause for clause in distribution_clauses or ())
    if classes or beneficiary_class is not None or variety in ("CHARITABLE_TRUST", "OTHER_PUBLIC_TRUST"):
        held.add("BENEFICIARY")
    missing = [role for role in ("SETTLOR", "TRUSTEE", "BENEFICIARY") if role not in held]
    return [Breach(("parties",), expected=f"a party with the role {role}") for role in missing] or None


@rule("XQ-R-045")
def check_references(parties: list[Json], distribution_clauses: list[Json]) -> list[Breach] | None:
    """Clauses refer to parties of the contract only."""
    known = {each["party"]["partyId"] for each in parties}
    return [
        Breach(("distributionClauses", index, *at), expected="the partyId of a party of this contract")
        for index, clause in enumerate(distribution_clauses)
        for at, party_id in _references(clause)
        if party_id not in known
    ] or None


def _references(clause: Json) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for name in ("beneficiaryId", "guardianId"):
        if name in clause:
            yield (name,), clause[name]
    for name in ("consentOf", "substituteIds"):
        for index, party_id in enumerate(clause.get(name, ())):
            yield (name, index), party_id


@rule("XQ-R-046")
def check_shares(distribution_clauses: list[Json]) -> list[Breach] | None:
    """The percentages of one order add up to 100, or those of each trigger and frequency in it do.

    60 per cent for one child at 18 and 40 for another at university share out the order; 100 for each of two
    triggers shares out each time. Contracts have both.
    """
    shares: dict[int, dict[tuple[str | None, str], list[tuple[int, int]]]] = {}
    for index, clause in enumerate(distribution_clauses):
        if "percentage" in clause:
            times = shares.setdefault(clause["order"], {})
            time = clause.get("trigger"), clause["frequency"]
            times.setdefault(time, []).append((index, scaled(clause["percentage"])))
    return [breach for times in shares.values() for breach in _shares_of_order(list(times.values()))] or None


def _shares_of_order(times: list[list[tuple[int, int]]]) -> Iterator[Breach]:
    if _share_out([share for time in times for _, share in time]):
        return
    for time in times:
        shares = [share for _, share in time]
        if not _share_out(shares):
            yield Breach(
                ("distributionClauses", time[0][0], "percentage"),
                value=plain(sum(shares)),
                expected="100 as the sum of the percentages of this order, or of this trigger and frequency in it",
            )


def _share_out(shares: list[int]) -> bool:
    """Whether shares add up to 100, give or take 0.1 for each: thirds are written as 33.3."""
    whole: int = HUNDRED
    return abs(sum(shares) - whole) * 1000 <= len(shares) * whole


@rule("XQ-R-047")
def check_beneficiary_named(
    order: int,  # noqa: ARG001 -- the clause as such
    beneficiary_id: str | None = None,
    beneficiary_class: str | None = None,
) -> Breach | None:
    """A clause names a beneficiary or a class of them."""
    if beneficiary_id is None and beneficiary_class is None:
        return Breach(("beneficiaryId",), expected="beneficiaryId or beneficiaryClass")
    return None


@rule("XQ-R-048")
def check_signs(variety: str, parties: list[Json]) -> list[Breach] | None:
    """Settlors and trustees sign; the settlor of a testamentary trust has signed the will."""
    signing = {"TRUSTEE"} if variety == "TESTAMENTARY_TRUST" else {"SETTLOR", "TRUSTEE"}
    return [
        Breach(("parties", index, "signs"), expected="true for a settlor or trustee")
        for index, each in enumerate(parties)
        if not each.get("signs") and not signing.isdisjoint(each["roles"])
    ] or None


@rule("XQ-R-049")
def check_clauses(variety: str, distribution_clauses: list[Json] | None = None) -> Breach | None:
    """A trust of personal wealth says who gets what; a unit trust's holders share by their units."""
    if variety in _PERSONAL_WEALTH and distribution_clauses is None:
        return Breach(("distributionClauses",), expected="at least one distribution clause")
    return None


_PERSONAL_WEALTH = frozenset(
    (
        "FAMILY_TRUST",
        "FAMILY_SERVICE_TRUST",
        "INSURANCE_TRUST",
        "SPECIAL_NEEDS_TRUST",
        "TESTAMENTARY_TRUST",
        "OTHER_PERSONAL_WEALTH_TRUST",
    )
)


@rule("XQ-R-120")
def check_fee(
    basis: str, rate: str | None = None, amount: Json | None = None, tiers: list[Json] | None = None
) -> Breach | None:
    """A fixed fee has an amount, any other a rate or tiers of rates."""
    if basis == "FIXED":
        return Breach(("amount",), expected="the fixed amount") if amount is None else None
    return Breach(("rate",), expected="rate or tiers") if rate is None and tiers is None else None


@rule("XQ-R-121")
def check_term_in_months(start_date: str, end_date: str, term_months: str) -> Breach | None:
    """The term in months leads from the start to the end, which is the last day of it or the day after.

    Half months are terms too: 24.5 months from the 22nd end on a 5th or 6th.
    """
    months = _month(end_date) - _month(start_date)
    if scaled(str(months - 1)) < scaled(term_months) <= scaled(str(months + 1)):
        return None
    return Breach(("termMonths",), expected="the months to endDate")


def _month(day: str) -> int:
    return int(day[:4]) * 12 + int(day[5:7])


@rule("XQ-R-122")
def check_limits(minimum: str, maximum: str) -> Breach | None:
    """A limit's minimum is at most its maximum."""
    return Breach(("minimum",), expected="at most maximum") if scaled(minimum) > scaled(maximum) else None


@rule("XQ-R-123")
def check_currency(currency: str, scale: Json) -> Breach | None:
    """The scale is in the currency of the trust."""
    return Breach(("scale", "currency"), expected="currency") if scale["currency"] != currency else None


@rule("XQ-R-124")
def check_recording(
    quality_state: str,
    started_at: str | None = None,
    ended_at: str | None = None,
    exemption: Json | None = None,
) -> list[Breach] | None:
    """Who is exempted from the recording has an exemption; any other session has its times."""
    if quality_state == "EXEMPTED":
        return [Breach(("exemption",), expected="who exempted, and why")] if exemption is None else None
    needed = {"startedAt": started_at, "endedAt": ended_at}
    breaches = [Breach((name,), expected=f"needed where {quality_state}") for name in needed if needed[name] is None]
    if exemption is not None:
        breaches.append(Breach(("exemption",), expected=f"none where {quality_state}"))
    return breaches or None


@rule("XQ-R-125")
def check_recording_times(started_at: str, ended_at: str) -> Breach | None:
    """A recording ends after it starts."""
    try:
        late = datetime.fromisoformat(started_at) < datetime.fromisoformat(ended_at)
    except ValueError:  # a day that is in no calendar: XQ-R-002 says so
        return None
    return None if late else Breach(("endedAt",), expected="after startedAt")


@rule("XQ-R-126")
def check_reasons(quality_state: str, reasons: list[Json] | None = None) -> Breach | None:
    """A recording that fails its check says why, for it is made again."""
    if quality_state == "FAILED" and not reasons:
        return Breach(("reasons",), expected="at least one reason")
    return None


@rule("XQ-R-127")
def check_documents_to_sign(documents: list[Json], signers: list[Json]) -> list[Breach] | None:
    """Signers sign documents of the request only."""
    known = {each["documentId"] for each in documents}
    return [
        Breach(("signers", index, *at), expected="the documentId of a document of this request")
        for index, signer in enumerate(signers)
        for at, document_id in _documents_of(signer)
        if document_id not in known
    ] or None


def _documents_of(signer: Json) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, document_id in enumerate(signer["documentIds"]):
        yield ("documentIds", index), document_id
    for index, position in enumerate(signer.get("positions", ())):
        yield ("positions", index, "documentId"), position["documentId"]


@rule("XQ-R-128")
def check_document_ids(texts: list[Json] | None = None, documents: list[Json] | None = None) -> list[Breach] | None:
    """Each text has its own documentId."""
    breaches = []
    for name, parts in (("texts", texts), ("documents", documents)):
        ids = [each["documentId"] for each in parts or ()]
        breaches += [
            Breach((name, index, "documentId"), expected="a documentId of its own")
            for index, document_id in enumerate(ids)
            if document_id in ids[:index]
        ]
    return breaches or None


@rule("XQ-R-129")
def check_beneficiaries_change(
    amendment_no: str,  # noqa: ARG001 -- the change as such
    added: list[Json] | None = None,
    removed_ids: list[str] | None = None,
    distribution_clauses: list[Json] | None = None,
) -> Breach | None:
    """A change of beneficiaries adds or removes some, or says what they get."""
    if added or removed_ids or distribution_clauses:
        return None
    return Breach(("distributionClauses",), expected="added, removedIds or distributionClauses")


@rule("XQ-R-130")
def check_removed_get_nothing(removed_ids: list[str], distribution_clauses: list[Json]) -> list[Breach] | None:
    """Who is removed gets nothing under the clauses after the change."""
    return [
        Breach(("distributionClauses", index, "beneficiaryId"), expected="no beneficiary of removedIds")
        for index, clause in enumerate(distribution_clauses)
        if clause.get("beneficiaryId") in removed_ids
    ] or None


@rule("XQ-R-131")
def check_consent_of_beneficiary(ground: str, consents: list[Json] | None = None) -> Breach | None:
    """A change by consent shows the consent (Trust Law, art. 51)."""
    if ground == "BENEFICIARY_CONSENTS" and not consents:
        return Breach(("consents",), expected="the beneficiary's consent")
    return None


@rule("XQ-R-132")
def check_party_references(
    parties: list[Json],
    fees: list[Json] | None = None,
    initial_property: list[Json] | None = None,
    decision_maker_id: str | None = None,
) -> list[Breach] | None:
    """Representatives, successors, payees, deliverers and who decides refer to parties of the contract."""
    known = {each["party"]["partyId"] for each in parties}
    places = [((name, index, *at), party_id) for name, index, at, party_id in _party_references(parties)]
    for name, key, parts in (("fees", "payeeId", fees), ("initialProperty", "delivererId", initial_property)):
        places += [((name, index, key), each[key]) for index, each in enumerate(parts or ()) if key in each]
    if decision_maker_id is not None:
        places.append((("decisionMakerId",), decision_maker_id))
    return [
        Breach(at, expected="the partyId of a party of this contract")
        for at, party_id in places
        if party_id not in known
    ] or None


def _party_references(parties: list[Json]) -> Iterator[tuple[str, int, tuple[str | int, ...], str]]:
    for index, party in enumerate(parties):
        for at, party_id in enumerate(party.get("principalIds", ())):
            yield "parties", index, ("principalIds", at), party_id
        if "predecessorId" in party:
            yield "parties", index, ("predecessorId",), party["predecessorId"]
        for place, power in enumerate(party.get("grantedPowers", ())):
            for at, party_id in enumerate(power.get("consenterIds", ())):
                yield "parties", index, ("grantedPowers", place, "consenterIds", at), party_id


@rule("XQ-R-133")
def check_another_person(
    beneficiary_id: str, guardian_id: str | None = None, substitute_ids: list[str] | None = None
) -> list[Breach] | None:
    """A beneficiary's guardian and substitutes are other persons."""
    others: list[tuple[tuple[str | int, ...], str | None]] = [(("guardianId",), guardian_id)]
    others += [(("substituteIds", index), each) for index, each in enumerate(substitute_ids or ())]
    return [
        Breach(at, expected="another party than the beneficiary")
        for at, party_id in others
        if party_id == beneficiary_id
    ] or None


@rule("XQ-R-134")
def check_ages(age_from: int, age_until: int) -> Breach | None:
    """A distribution between two ages does not end before it begins."""
    return Breach(("ageUntil",), expected="at least ageFrom") if age_until < age_from else None


@rule("XQ-R-135")
def check_residual_shares(residual: list[Json]) -> Breach | None:
    """The percentages that are asked for of the residual property add up to 100."""
    return _residual_shares(residual)


@rule("XQ-R-139")
def check_residual_shared_out(residual: list[Json]) -> Breach | None:
    """The percentages in which the residual property was shared out add up to 100."""
    return _residual_shares(residual)


def _residual_shares(residual: list[Json]) -> Breach | None:
    places = [index for index, each in enumerate(residual) if "percentage" in each]
    shares = [scaled(residual[index]["percentage"]) for index in places]
    if not shares or _share_out(shares):
        return None
    return Breach(("residual", places[0], "percentage"), value=plain(sum(shares)), expected="100 as the sum")


@rule("XQ-R-136")
def check_entitled_named(
    basis: str,  # noqa: ARG001 -- the attribution as such
    party_id: str | None = None,
    entitled: Json | None = None,
) -> Breach | None:
    """Residual property goes to somebody who is named, by one of the two ways."""
    if (party_id is None) is not (entitled is None):
        return None
    return Breach(("partyId",), expected="either partyId or entitled")


@rule("XQ-R-138")
def check_scale(
    effective_date: str,  # noqa: ARG001 -- the fact as such
    scale: Json | None = None,
    amendment_no: str | None = None,
) -> Breach | None:
    """A trust takes effect with a scale; an amendment may leave it as it is."""
    return Breach(("scale",), expected="scale, or amendmentNo") if scale is None and amendment_no is None else None


@rule("XQ-R-137")
def check_tiers(tiers: list[Json]) -> list[Breach] | None:
    """The tiers of a fee rise, and are in one currency."""
    return [
        Breach(("tiers", index, "above"), expected="above the tier before, in its currency")
        for index, (first, second) in enumerate(pairwise(each["above"] for each in tiers), 1)
        if first["currency"] != second["currency"] or scaled(second["value"]) <= scaled(first["value"])
    ] or None
