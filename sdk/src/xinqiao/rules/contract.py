"""Rules on contracts: their parties, what they distribute, and their term."""

from collections.abc import Iterator

from xinqiao.message import Json
from xinqiao.rules.exact import HUNDRED, plain, scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-041")
def check_open_end(
    start_date: str,  # noqa: ARG001 -- the term as such
    open_ended: bool | None = None,
    end_date: str | None = None,
) -> Breach | None:
    """A trust has an end date, or is without end."""
    if open_ended:
        return Breach(("endDate",), expected="no endDate where openEnded is true") if end_date is not None else None
    return Breach(("endDate",), expected="endDate, or openEnded true") if end_date is None else None


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
def check_roles(parties: list[Json], distribution_clauses: list[Json] | None = None) -> list[Breach] | None:
    """A trust has a settlor, a trustee, and a beneficiary or a class of them (Trust Law, art. 9)."""
    held = {role for each in parties for role in each["roles"]}
    if any("beneficiaryClass" in clause for clause in distribution_clauses or ()):
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
    for index, party_id in enumerate(clause.get("consentOf", ())):
        yield ("consentOf", index), party_id


@rule("XQ-R-046")
def check_shares(distribution_clauses: list[Json]) -> list[Breach] | None:
    """The percentages of one order add up to exactly 100, or those of each trigger and frequency in it do.

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
    totals = [sum(share for _, share in time) for time in times]
    if sum(totals) == HUNDRED:
        return
    for time, total in zip(times, totals, strict=True):
        if total != HUNDRED:
            yield Breach(
                ("distributionClauses", time[0][0], "percentage"),
                value=plain(total),
                expected="100 as the sum of the percentages of this order, or of this trigger and frequency in it",
            )


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
