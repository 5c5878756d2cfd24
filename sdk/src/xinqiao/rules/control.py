"""Rules on batches, their results, and what needs a person."""

from collections import Counter

from xinqiao.message import Json
from xinqiao.rules.exact import scaled
from xinqiao.rules.instants import is_before
from xinqiao.rules.repeats import repeats
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-240")
def check_record_count(record_count: str, files: list[Json] | None = None) -> Breach | None:
    """A batch has as many records as its files."""
    if int(record_count) == sum(int(each["recordCount"]) for each in files or ()):
        return None
    return Breach(("recordCount",), expected="the sum of the files' recordCount")


@rule("XQ-R-241")
def check_control_totals(control_totals: list[Json], files: list[Json]) -> list[Breach] | None:
    """The control totals of a batch are the sums of its files', currency by currency.

    Nothing is said where no file has any: a partner may give them for the batch alone.
    """
    parts = [total for each in files for total in each.get("controlTotals", ())]
    if not parts:
        return None
    missing = {each["currency"] for each in parts} - {each["currency"] for each in control_totals}
    breaches = [Breach(("controlTotals",), expected=f"a total in {currency}") for currency in sorted(missing)]
    for index, total in enumerate(control_totals):
        own = [each for each in parts if each["currency"] == total["currency"]]
        breaches.extend(
            Breach(("controlTotals", index, name), expected="the sum over the files")
            for name in ("recordCount", "amount", "units")
            if name in total and scaled(total[name]) != sum(scaled(each.get(name, "0")) for each in own)
        )
    return breaches or None


@rule("XQ-R-242")
def check_one_total_each(
    control_totals: list[Json] | None = None,
    accepted_totals: list[Json] | None = None,
    rejected_totals: list[Json] | None = None,
    totals: list[Json] | None = None,
    totals_here: list[Json] | None = None,
    totals_there: list[Json] | None = None,
) -> list[Breach] | None:
    """Each currency has one total, or one for each type of business."""
    lists = {
        "controlTotals": control_totals,
        "acceptedTotals": accepted_totals,
        "rejectedTotals": rejected_totals,
        "totals": totals,
        "totalsHere": totals_here,
        "totalsThere": totals_there,
    }
    return [
        Breach((name, index, "currency"), expected="each currency once, of each type")
        for name, each in lists.items()
        for index in repeats((total["currency"], total.get("type")) for total in each or ())
    ] or None


@rule("XQ-R-243")
def check_file_names(files: list[Json]) -> list[Breach] | None:
    """Each file of a batch has its own name."""
    return [
        Breach(("files", index, "file", "name"), expected="a name of its own")
        for index in repeats(each["file"]["name"] for each in files)
    ] or None


@rule("XQ-R-244")
def check_late_release(late_reason: Json | None = None, released: Json | None = None) -> Breach | None:
    """Who releases a batch after its cut-off says why, and a reason says who."""
    if (late_reason is None) == (released is None):
        return None
    name = "lateReason" if late_reason is None else "released"
    return Breach((name,), expected="lateReason and released together")


@rule("XQ-R-245")
def check_result_counts(
    record_count: str,
    accepted_count: str,
    rejected_count: str,
    ignored_count: str | None = None,
    held_count: str | None = None,
) -> Breach | None:
    """Every record of a batch is accepted, rejected, ignored or held."""
    counts = (accepted_count, rejected_count, ignored_count or "0", held_count or "0")
    if sum(map(int, counts)) == int(record_count):
        return None
    return Breach(("recordCount",), expected="the sum of the four counts")


@rule("XQ-R-246")
def check_listed_outcomes(
    records: list[Json],
    accepted_count: str,
    rejected_count: str,
    ignored_count: str | None = None,
    held_count: str | None = None,
) -> list[Breach] | None:
    """No more records of an outcome are listed than there are."""
    counts = {
        "ACCEPTED": ("acceptedCount", accepted_count),
        "REJECTED": ("rejectedCount", rejected_count),
        "IGNORED": ("ignoredCount", ignored_count or "0"),
        "HELD": ("heldCount", held_count or "0"),
    }
    listed = Counter(each["outcome"] for each in records)
    return [
        Breach((name,), expected="at least the records listed with that outcome")
        for outcome, (name, count) in counts.items()
        if listed[outcome] > int(count)
    ] or None


@rule("XQ-R-247")
def check_all_or_nothing(all_or_nothing: bool, accepted_count: str, rejected_count: str) -> Breach | None:
    """Of a batch that is accepted as a whole, no record is accepted beside one that is rejected."""
    if all_or_nothing and int(accepted_count) and int(rejected_count):
        return Breach(("acceptedCount",), expected="0 where a record is rejected")
    return None


@rule("XQ-R-248")
def check_rejected_record(outcome: str, reason: str | None = None, findings: list[Json] | None = None) -> Breach | None:
    """A rejected record says why."""
    if outcome == "REJECTED" and reason is None and findings is None:
        return Breach(("reason",), expected="reason or findings")
    return None


@rule("XQ-R-249")
def check_records_once(records: list[Json]) -> list[Breach] | None:
    """Each record of a file is listed once."""
    return [
        Breach(("records", index, "lineNo"), expected="each record once")
        for index in repeats((each.get("fileName"), each["lineNo"]) for each in records)
    ] or None


@rule("XQ-R-250")
def check_resolved(state: str, resolved_at: str | None = None) -> Breach | None:
    """What is resolved says since when."""
    if state == "RESOLVED" and resolved_at is None:
        return Breach(("resolvedAt",), expected="the time at which it was resolved")
    return None


@rule("XQ-R-251")
def check_not_before_raised(
    raised_at: str, resolved_at: str | None = None, due_at: str | None = None, answer_due_at: str | None = None
) -> list[Breach] | None:
    """Nothing is resolved, or due, before it is raised."""
    later = {"resolvedAt": resolved_at, "dueAt": due_at, "answerDueAt": answer_due_at}
    return [
        Breach((name,), expected="not before raisedAt")
        for name, time in later.items()
        if time is not None and is_before(time, raised_at)
    ] or None


@rule("XQ-R-252")
def check_refused_request(
    outcome: str, reasons: list[Json] | None = None, items_needed: list[str] | None = None
) -> Breach | None:
    """Who refuses a request says why, NOT_DISCLOSED where he may not; who needs more says why or what."""
    if outcome == "REJECTED" and reasons is None:
        return Breach(("reasons",), expected="a reason, NOT_DISCLOSED where it may not be told")
    if outcome == "MORE_NEEDED" and reasons is None and items_needed is None:
        return Breach(("itemsNeeded",), expected="itemsNeeded or reasons")
    return None
