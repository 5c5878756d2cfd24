"""What a visit keeps, as one JSON object.

``messageId`` of the message that comes of it, from the beginning; ``body`` as it was typed; ``facts`` that the partner
states, by paths in the body; ``done`` steps; ``actors`` by role; ``steps``: what each keeps for itself; ``language``
and ``large`` as the pages are shown. Of a submission: ``sent``, the message that is fixed, then ``receipt`` or
``refusal``.
"""

from collections.abc import Mapping

from xinqiao.errors import MalformedQuery, NotAuthorized, NotValid
from xinqiao.finding import errors_in
from xinqiao.launch import Launch
from xinqiao.message import Json, new_message_id
from xinqiao.standard import field_at
from xinqiao.validation import check
from xinqiao_gateway.fronts.h5.drafting import with_facts
from xinqiao_gateway.fronts.h5.model import Flow, Value
from xinqiao_gateway.journal.visits import StoredVisit

__all__ = ["check_facts", "filled"]

_TYPES = {"string": str, "integer": int, "boolean": bool}
# What can no longer be changed by a launch.
_FIXED = frozenset({"submitting", "submitted"})


def filled(flow: Flow, launch: Launch, found: StoredVisit | None) -> Json:
    """Return the content of a visit as a launch begins it, or finds it again.

    Raises ``NotAuthorized`` where another customer began it.
    """
    content: Json = found.content if found else _new()
    actors = content["actors"]
    role, actor = launch.actor.role, launch.actor.id
    if role == "CUSTOMER" and actors.get(role, actor) != actor:
        raise NotAuthorized("another customer began this; a launch names the same customer, or another entry")
    content = {**content, "actors": {**actors, role: actor}, "language": "en" if launch.locale == "en" else "zh"}
    if found and found.state in _FIXED:
        return content
    facts = {**content["facts"], **_relative(flow, launch.facts)}
    return {**content, "facts": facts, "body": with_facts(content["body"], facts)}


def _new() -> Json:
    return {
        "messageId": new_message_id(),
        "language": "zh",
        "large": False,
        "body": {},
        "facts": {},
        "done": [],
        "actors": {},
        "steps": {},
    }


def _relative(flow: Flow, facts: Mapping[str, Value]) -> dict[str, Value]:
    return {path.removeprefix(f"{flow.body}."): value for path, value in facts.items()}


def check_facts(flow: Flow, launch: Launch) -> None:
    """Refuse facts that no page could show or mend: no field of the flow's message, or no value of it.

    Raises ``MalformedQuery``, or ``NotValid`` with findings.
    """
    for path, value in launch.facts.items():
        field = field_at(flow.body, path) if flow.body and path.startswith(f"{flow.body}.") else None
        kind = field.schema.get("type", "object") if field else ""
        if type(value) is not _TYPES.get(kind):
            raise MalformedQuery(f"facts: {path} is no {type(value).__name__} of the message {flow.body}")
    if flow.body is None or not launch.facts:
        return
    body = with_facts({}, _relative(flow, launch.facts))
    found = [each for each in errors_in(check({"header": {}, flow.body: body})) if each.path in launch.facts]
    if found:
        raise NotValid("facts: " + ", ".join(each.path for each in found), findings=found)
