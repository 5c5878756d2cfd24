"""The pages at the end of a visit: received, waiting for the customer, refused, or not answered yet."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from starlette.responses import Response

from xinqiao.finding import Finding, Text
from xinqiao_gateway.fronts.h5.model import Context, Problem, Shown, Visit
from xinqiao_gateway.fronts.h5.pages import visit_page
from xinqiao_gateway.fronts.h5.problems import problem_of
from xinqiao_gateway.fronts.h5.words import word

__all__ = ["ending_page"]

_CHINA = timezone(timedelta(hours=8))
# What each state is called in ``words.yaml``, and the event that the host page gets.
_PAGES: Mapping[str, tuple[str, str]] = {
    "submitted": ("submitted", "done"),
    "awaiting_confirmation": ("awaiting", "awaiting_confirmation"),
    "refused": ("refused", "refused"),
    "submitting": ("busy", "busy"),
}


def ending_page(visit: Visit, context: Context) -> Response:
    """Return the page of a visit that is at an end for whoever looks at it."""
    key, event = _PAGES[visit.stored.state]
    receipt = visit.content.get("receipt", {})
    values = {
        "key": key,
        "state": visit.stored.state,
        "receipt": receipt,
        "further": visit.content.get("further", []),
        "accepted_at": _china_time(receipt["acceptedAt"]) if receipt else "",
        "case_id": visit.stored.case_id,
        "refusal": _refusal(visit),
    }
    told = {"event": event, "flow": visit.flow.name, "case": visit.stored.case_id}
    told |= {"messageId": receipt["acceptedMessageId"], "position": str(receipt["position"])} if receipt else {}
    shown = Shown("end.html.j2", values, tuple(_problems(visit)))
    return visit_page(visit, shown, title=word(f"{key}_title"), address=context.address, event=told)


def _china_time(at: str) -> str:
    """Return an instant as people in China read it, to the second."""
    return datetime.fromisoformat(at).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _refusal(visit: Visit) -> tuple[Text, Text, str] | None:
    found = visit.content.get("refusal")
    if visit.stored.state != "refused" or not found:
        return None
    return Text(**found["text"]), Text(**found["fix"]), found["reason"]


def _problems(visit: Visit) -> list[Problem]:
    if visit.stored.state != "refused":
        return []
    return [problem_of(Finding.from_json(each)) for each in visit.content["refusal"]["findings"]]
