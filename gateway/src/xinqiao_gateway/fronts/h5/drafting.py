"""The message of a visit: its body from what was typed, stated and derived; its header fixed from the beginning."""

import copy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from xinqiao.finding import Finding, errors_in
from xinqiao.message import Json, timestamp
from xinqiao.standard import STANDARD_VERSION
from xinqiao.validation import check
from xinqiao_gateway.fronts.h5.model import Context, Visit
from xinqiao_gateway.fronts.h5.tree import put, take_out, value_at

__all__ = ["body_of", "case_number", "findings_about", "message_of", "with_facts"]

# The law and the calendars that dates are of.
_CHINA = timezone(timedelta(hours=8))


def message_of(visit: Visit, context: Context) -> Json:
    """Return the canonical message of a visit as it is now; the same visit always has the same id."""
    header: dict[str, Any] = {
        "messageId": visit.content["messageId"],
        "standardVersion": STANDARD_VERSION,
        "sender": context.channel.institution_code,
        "receiver": context.gateway.code,
        "channelId": visit.stored.channel,
        "caseId": visit.stored.case_id,
        "createdAt": timestamp(datetime.fromtimestamp(context.now, UTC)),
    }
    manager = visit.content["actors"].get("RELATIONSHIP_MANAGER")
    header |= {"operator": manager} if manager else {}
    header |= {"test": True} if context.channel.test else {}
    answered = visit.content.get("correlationId")
    header |= {"correlationId": answered} if answered else {}
    assert visit.flow.body is not None  # noqa: S101 -- a flow without a message submits none
    return {"header": header, visit.flow.body: body_of(visit, context.now)}


def body_of(visit: Visit, now: float) -> Json:
    """Return the body: without what steps that do not apply filled in, with constants, derived values and facts."""
    flow, body = visit.flow, copy.deepcopy(visit.body)
    applying = {path for step in flow.steps if step.spec.applies(visit.body) for path in step.paths}
    for step in flow.steps:
        if not step.spec.applies(visit.body):
            for path in set(step.paths) - applying:
                take_out(body, path)
    at = datetime.fromtimestamp(now, _CHINA)
    case = case_number(visit.stored.case_id, visit.stored.entry)
    derived = {"case": case, "now": at.isoformat(timespec="seconds"), "today": at.date().isoformat()}
    for path, value in flow.constants.items():
        put(body, path, value)
    for path, source in flow.derived.items():
        if value_at(body, path) is None:
            put(body, path, derived[source])
    return with_facts(body, visit.facts)


def case_number(case_id: str, entry: str) -> str:
    """Return the number of a piece of business of a case, as ``derived: case`` has it."""
    return "-".join(filter(None, (case_id, entry)))


def with_facts(body: Json, facts: Any) -> Json:  # noqa: ANN401 -- a mapping of values
    """Return a body with what the partner states in it, whatever else was there."""
    stated = copy.deepcopy(body)
    for path, value in facts.items():
        put(stated, path, value)
    return stated


def findings_about(visit: Visit, context: Context) -> list[tuple[str, Finding]]:
    """Return the errors of a visit's message, each with its path in the body; the header is no page's matter."""
    prefix = f"{visit.flow.body}."
    found = errors_in(check(message_of(visit, context)))
    return [(each.path.removeprefix(prefix), each) for each in found if each.path.startswith(prefix)]
