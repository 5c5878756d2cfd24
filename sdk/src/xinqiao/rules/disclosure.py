"""Rules on disclosures, their receipts and alerts."""

from xinqiao.message import Json
from xinqiao.rules.exact import scaled
from xinqiao.rules.rule import Breach, rule

__all__: list[str] = []


@rule("XQ-R-200")
def check_indicators(state: str, indicators: list[Json]) -> list[Breach] | None:
    """What raises an alert has touched its threshold; later it may have recovered."""
    if state != "RAISED":
        return None
    return [
        Breach(("indicators", index, "observed"), expected="at or beyond the threshold, on the side of direction")
        for index, each in enumerate(indicators)
        if "threshold" in each and "direction" in each and not _alerts(each)
    ] or None


def _alerts(indicator: Json) -> bool:
    beyond = scaled(indicator["observed"]) - scaled(indicator["threshold"])
    return beyond >= 0 if indicator["direction"] == "ABOVE" else beyond <= 0


@rule("XQ-R-201")
def check_undeliverable(reach: str, reasons: list[Json] | None = None) -> Breach | None:
    """What could not be delivered says why."""
    if reach == "UNDELIVERABLE" and reasons is None:
        return Breach(("reasons",), expected="the reasons for not delivering")
    return None


@rule("XQ-R-202")
def check_periodic(kind: str, period_start: str | None = None, period_end: str | None = None) -> list[Breach] | None:
    """A periodic report says which period it is of."""
    period = {"periodStart": period_start, "periodEnd": period_end}
    if kind != "PERIODIC":
        return None
    return [
        Breach((name,), expected="the period of a periodic report") for name, day in period.items() if day is None
    ] or None


@rule("XQ-R-203")
def check_in_time(due_on: str, published_at: str) -> Breach | None:
    """What has to be disclosed by a day is published by then, in the calendar of the time's own offset."""
    return Breach(("publishedAt",), expected="by dueOn") if published_at[:10] > due_on else None


@rule("XQ-R-204")
def check_replaces_another_disclosure(disclosure_no: str, replaces_disclosure_no: str) -> Breach | None:
    """A disclosure does not replace itself."""
    if replaces_disclosure_no != disclosure_no:
        return None
    return Breach(("replacesDisclosureNo",), expected="another disclosure's number")
