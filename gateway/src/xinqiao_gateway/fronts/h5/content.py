"""What a visit keeps, as one JSON object.

``messageId`` of the message that comes of it, from the beginning; ``body`` as it was typed; ``facts`` that the partner
states, by paths in the body; ``done`` steps; ``actors`` by role; ``steps``: what each keeps for itself; ``language``
and ``large`` as the pages are shown. Of a submission: ``sent``, the message that is fixed, then ``receipt`` or
``refusal``.
"""

from collections.abc import Mapping

from xinqiao.errors import MalformedRequest, NotAuthorized, NotValid
from xinqiao.finding import errors_in
from xinqiao.launch import Launch
from xinqiao.message import Json, new_message_id
from xinqiao.standard import field_at
from xinqiao.validation import check
from xinqiao_gateway.fronts.h5.drafting import case_number, with_facts
from xinqiao_gateway.fronts.h5.model import Flow, Value
from xinqiao_gateway.journal.visits import StoredVisit

__all__ = ["check_facts", "filled"]

_TYPES = {"string": str, "integer": int, "boolean": bool}
# What can no longer be changed by a launch.
_FIXED = frozenset({"submitting", "submitted"})
_LONGEST_NUMBER = 64


def filled(flow: Flow, launch: Launch, found: StoredVisit | None) -> Json:
    """Return the content of a visit as a launch begins it, or finds it again.

    Where what the partner states has changed, every step is asked again: what was read or ticked was about something
    else. Raises ``NotAuthorized`` where another customer began it, or somebody else whom it states other facts of.
    """
    content: Json = found.content if found else _new()
    actors = content["actors"]
    role, actor = launch.actor.role, launch.actor.id
    if role == "CUSTOMER" and actors.get(role, actor) != actor:
        raise NotAuthorized("another customer began this; a launch names the same customer, or another entry")
    content = {**content, "actors": {**actors, role: actor}, "language": "en" if launch.locale == "en" else "zh"}
    if found and found.state in _FIXED:
        return content
    facts = _stated(flow, launch, content["facts"], actors)
    done = content["done"] if facts == content["facts"] else []
    return {**content, "facts": facts, "body": with_facts(content["body"], facts), "done": done}


def _stated(flow: Flow, launch: Launch, before: Mapping[str, Value], actors: Mapping[str, str]) -> dict[str, Value]:
    """Return what the partner states now: what it said before, but for what holds for one launch, and what it says."""
    role, said = launch.actor.role, _relative(flow, launch.facts)
    others = {
        each: who
        for each, who in actors.items()
        if each in flow.confirmed_by and (each, who) != (role, launch.actor.id)
    }
    if others and any(before.get(path) != value for path, value in said.items()):
        raise NotAuthorized("somebody else began this with other facts; a launch states the same, or another entry")
    gone = flow.of_launch if role in flow.confirmed_by else frozenset()
    return {path: value for path, value in before.items() if path not in gone} | said


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
    """Refuse what no page could show or mend: facts that are no field of the flow's message, or no value of it.

    Raises ``MalformedRequest``, or ``NotValid`` with findings.
    """
    if "case" in flow.derived.values() and len(case_number(launch.case_id, launch.entry)) > _LONGEST_NUMBER:
        raise MalformedRequest(
            f"case and entry number the application: together at most {_LONGEST_NUMBER - 1} characters"
        )
    for path, value in launch.facts.items():
        field = field_at(flow.body, path) if flow.body and path.startswith(f"{flow.body}.") else None
        kind = field.schema.get("type", "object") if field else ""
        if type(value) is not _TYPES.get(kind):
            raise MalformedRequest(f"facts: {path} is no {type(value).__name__} of the message {flow.body}")
    if flow.body is None or not launch.facts:
        return
    body = with_facts({}, _relative(flow, launch.facts))
    found = [each for each in errors_in(check({"header": {}, flow.body: body})) if each.path in launch.facts]
    if found:
        raise NotValid("facts: " + ", ".join(each.path for each in found), findings=found)
