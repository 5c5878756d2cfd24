"""What the other side reads: ``reconciliationResult`` messages, and the repairs that an operator is asked to approve.

The standard takes 10,000 items in a result and knows no pages of one. Many differences are told in several results,
each complete in itself: its counts are those of its own items. What matched and the control totals stand in the last.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from xinqiao.message import Json, derived_message_id
from xinqiao.standard import STANDARD_VERSION
from xinqiao_gateway.reconciliation.comparison import Difference, Result
from xinqiao_gateway.reconciliation.lines import amount_of, units_of
from xinqiao_gateway.reconciliation.repairs import Repair, repair

__all__ = ["Answering", "repairs", "result_messages"]

# Of 600 bytes each they stay within a body of 1 MB, the limit of a channel that sets none.
_ITEMS = 1000
_COUNTS = {"ONLY_HERE": "onlyHereCount", "ONLY_THERE": "onlyThereCount", "DIFFERENT": "differentCount"}
# As many totals as a message takes.
_TOTALS = 50


@dataclass(frozen=True, slots=True)
class Answering:
    """Who says a result, of what number, and when: ``partner`` is the code of the side that made the statement."""

    number: str
    partner: str
    at: str
    checked_by: str | None = None


def repairs(result: Result, at: str) -> Iterator[Repair]:
    """Yield the proposals that would mend the differences, where a message mends them."""
    header = result.statements[0]["header"] if result.statements else None
    if header is None:
        header = {"messageId": derived_message_id(at, "no statement"), "receiver": result.terms.institution}
    for each in result.differences():
        if found := repair(each.pair, each.row, result.terms, header, at):
            yield found


def result_messages(result: Result, answering: Answering, items: int = _ITEMS) -> Iterator[Json]:
    """Yield the result as valid messages, at most ``items`` items in each; at least one."""
    differences = result.differences()
    part, number = list(islice(differences, items)), 1
    while following := list(islice(differences, items)):
        yield _message(result, answering, part, f"{answering.number}-{number}", is_last=False)
        part, number = following, number + 1
    name = answering.number if number == 1 else f"{answering.number}-{number}"
    yield _message(result, answering, part, name, is_last=True)


def _message(result: Result, answering: Answering, part: list[Difference], number: str, *, is_last: bool) -> Json:
    terms = result.terms
    counts = Counter(_COUNTS[each.outcome] for each in part)
    body: Json = {
        "reconciliationNo": number,
        "kind": terms.name,
        "periodStart": terms.period_start.isoformat(),
        "periodEnd": terms.period_end.isoformat(),
        **_about(result, number),
        "agreed": not part,
        "matchedCount": str(result.counts["MATCHED"] if is_last else 0),
        **{name: str(counts[name]) for name in _COUNTS.values()},
        "reconciledAt": answering.at,
    }
    if is_last:
        totals = {"totalsHere": result.here.counted, "totalsThere": result.there.counted}
        body |= {name: found[:_TOTALS] for name, each in totals.items() if (found := each.as_json())}
    if part:
        body["items"] = [_item(each) for each in part]
    if answering.checked_by:
        body["checkedBy"] = answering.checked_by
    return {"header": _header(result, answering, number), "reconciliationResult": body}


def _about(result: Result, number: str) -> Json:
    statement = result.statements[0].get("statement", {}) if result.statements else {}
    about = {name: statement[name] for name in ("contractNo", "instrument") if name in statement}
    return {"statementThere": statement.get("statementNo", number), **about}


def _header(result: Result, answering: Answering, number: str) -> Json:
    theirs = result.statements[0]["header"] if result.statements else {}
    header = {
        "messageId": derived_message_id(answering.at, f"{result.terms.institution} {number}"),
        "standardVersion": STANDARD_VERSION,
        "sender": result.terms.institution,
        "receiver": answering.partner,
        "businessDate": result.terms.period_end.isoformat(),
        "createdAt": answering.at,
    }
    said = {"correlationId": theirs.get("messageId"), "caseId": theirs.get("caseId"), "test": theirs.get("test")}
    return header | {name: value for name, value in said.items() if value is not None}


def _item(each: Difference) -> Json:
    here, there, row = each.pair.here, each.pair.there, each.row
    sides = {name: line.item for name, line in (("here", here), ("there", there)) if line}
    item: Json = {"key": next(iter(sides.values()))["key"], "outcome": each.outcome, **sides, "cause": row.cause}
    if row.repair:
        item["repair"] = row.repair
    if here and there:
        item |= _less(here.item, there.item)
    return item


def _less(here: Json, there: Json) -> Json:
    """Return what is here less what is there, in money and in units."""
    found: Json = {}
    if "amount" in here and "amount" in there and here["amount"]["currency"] == there["amount"]["currency"]:
        difference = f"{amount_of(here) - amount_of(there):f}"
        found["amountDifference"] = {"value": difference, "currency": here["amount"]["currency"]}
    if "units" in here and "units" in there:
        found["unitsDifference"] = f"{units_of(here) - units_of(there):f}"
    return found
