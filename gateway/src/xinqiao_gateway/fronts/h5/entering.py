"""Entries by API: what a manager's own system collected, put into a visit that the customer then reads and confirms.

It is no way around the pages: what the role may not enter there, or gets wrong, is refused here, too.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from xinqiao.errors import Conflict, MalformedRequest, NotValid, XinqiaoError
from xinqiao.finding import Finding
from xinqiao.launch import Opened, read_launch
from xinqiao.message import Json, derived_message_id, read_json
from xinqiao.seal import SIGNATURE_HEADER, Sealed, kid_of
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.h5.content import filled
from xinqiao_gateway.fronts.h5.drafting import with_facts
from xinqiao_gateway.fronts.h5.launching import Admitted, admitted, arrival_of, channel_with_pages
from xinqiao_gateway.fronts.h5.model import Context, Problem, Visit
from xinqiao_gateway.fronts.h5.problems import is_within
from xinqiao_gateway.fronts.rest.answers import error_response
from xinqiao_gateway.fronts.rest.body import read_body
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.journal.visits import Arrival, StoredVisit, change_visit, open_visit, state_after

__all__ = ["Entering"]

# When the ids of launches by API begin to count; they come from the seal, so that a repeat has the same one.
_EPOCH = "2026-01-01T00:00:00Z"


class Entering:
    """POST /h5/{channel}/entries, sealed as a message is: ``{flow, case, entry, actor, facts, body, handOver}``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def serve(self, request: Request) -> Response:
        """Serve one request."""
        channel: ServedChannel | None = None
        try:
            channel, pages = channel_with_pages(self._gateway, request.path_params["channel"])
            with self._gateway.intake.admission.reading(channel.channel_id):
                sealed = await self._sealed(request, channel)
            max_age = timedelta(seconds=self._gateway.service.settings.seal_max_age)
            channel.opened(sealed.content, sealed.content_type, sealed.signature, max_age=max_age)
            said = read_json(sealed.content)
            body, hands_over = _body(said), said.get("handOver", False) is True
            jti = derived_message_id(_EPOCH, sealed.signature)
            launch = admitted(channel, pages, Opened(read_launch(said), kid_of(sealed), jti, 0))
            return await self._entered(launch, body, hands_over=hands_over)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except XinqiaoError as error:
            return error_response(error, self._gateway.code, channel)

    async def _sealed(self, request: Request, channel: ServedChannel) -> Sealed:
        seconds = self._gateway.service.settings.body_timeout
        announced = request.headers.get("Content-Length", "")
        content = await read_body(announced, request.receive, channel.body_limit, seconds)
        return Sealed(content, request.headers.get("Content-Type", ""), request.headers.get(SIGNATURE_HEADER, ""))

    async def _entered(self, launch: Admitted, body: Json, *, hands_over: bool) -> Response:
        journal = self._gateway.journal
        if launch.flow.body is None:
            raise MalformedRequest(f"flow {launch.flow.name} only shows; nothing is entered")
        if hands_over and launch.opened.launch.actor.role in launch.flow.confirmed_by:
            raise MalformedRequest("handOver: who confirms has nobody to hand over to; send the message itself")
        arrival = arrival_of(self._gateway, launch, secrets.token_urlsafe(32))
        context = Context(self._gateway, launch.channel, journal.now(), "")
        fill = _filling(launch, body, arrival, context, hands_over=hands_over)
        vault = journal.reading.vault

        def act(connection: Any) -> tuple[Json, bool]:  # noqa: ANN401 -- fronts do not know the database
            if (found := state_after(connection, arrival.door.jti)) is not None:
                return found, True
            visit = open_visit(connection, vault, arrival, fill, context.now)
            visit = change_visit(connection, vault, visit, arrival.door, now=context.now, act="entered")
            if hands_over:
                waiting = replace(visit, state="awaiting_confirmation")
                visit = change_visit(connection, vault, waiting, arrival.door, now=context.now, act="handed_over")
            return {"visit_id": visit.visit_id, "state": visit.state}, False

        found, is_repeat = await journal.run(act)
        answer = {"visitId": found["visit_id"], "state": found["state"]}
        return Response(orjson.dumps(answer), 200 if is_repeat else 202, media_type="application/json")


def _body(said: Json) -> Json:
    body = said.get("body")
    if not isinstance(body, dict):
        raise MalformedRequest("body is an object: the part of the message's body that was entered")
    return body


def _filling(
    launch: Admitted, body: Json, arrival: Arrival, context: Context, *, hands_over: bool
) -> Callable[[StoredVisit | None], Json]:
    """Return what puts an entry into a visit; it raises ``Conflict``, ``MalformedRequest`` or ``NotValid``."""
    flow, role = launch.flow, launch.opened.launch.actor.role

    def fill(found: StoredVisit | None) -> Json:
        content = filled(flow, launch.opened.launch, found)
        if found is not None and (found.state not in {"open", "awaiting_confirmation"} or _has_come(found, role)):
            raise Conflict("the customer has begun, or it is submitted; nothing was changed")
        content["body"] = with_facts({**content["body"], **body}, content["facts"])
        stored = found or StoredVisit("", arrival.channel, arrival.case_id, arrival.flow, arrival.entry, "open", 0, {})
        visit = Visit(replace(stored, content=content), arrival.door, flow)
        _check_paths(visit, body)
        wrong = {step.spec.step: step.wrong(visit, context) for step in visit.asked()[:-1]}
        if hands_over and any(wrong.values()):
            raise _not_valid(visit, [each for problems in wrong.values() for each in problems])
        return {**content, "done": [name for name, problems in wrong.items() if not problems]}

    return fill


def _has_come(found: StoredVisit, role: str) -> bool:
    return role != "CUSTOMER" and "CUSTOMER" in found.content["actors"]


def _check_paths(visit: Visit, body: Json) -> None:
    """Refuse what no step of this role asks for: a manager answers no questionnaire for a customer."""
    asked = [path for step in visit.asked() for path in step.paths]
    for leaf in _leaves(body, ""):
        if not any(is_within(leaf, path) for path in asked):
            raise MalformedRequest(f"body: {leaf[:120]} is none of what {visit.role} enters in {visit.flow.name}")


def _leaves(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict) and (value or not path):
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}" if path else str(name))
    else:
        yield path


def _not_valid(visit: Visit, problems: list[Problem]) -> NotValid:
    findings = [
        Finding("h5.entry", f"{visit.flow.body}.{each.field}", each.text, fix=each.fix) for each in problems[:100]
    ]
    return NotValid(f"{len(problems)} findings", findings=findings)
