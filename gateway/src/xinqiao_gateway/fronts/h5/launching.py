"""The launch: a partner's token is verified and used once, and the browser sent on to the visit."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from xinqiao.errors import NotAuthorized, NotFound, UnknownChannel, XinqiaoError
from xinqiao.launch import Opened, open_launch
from xinqiao.message import Json
from xinqiao_adapters.docking import H5
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.fronts.h5.content import check_facts, filled
from xinqiao_gateway.fronts.h5.flows import flow_of
from xinqiao_gateway.fronts.h5.form_data import FormData, read_form_data
from xinqiao_gateway.fronts.h5.model import Flow, Visit
from xinqiao_gateway.fronts.h5.pages import error_page, launch_page, redirect
from xinqiao_gateway.fronts.rest.body import read_body
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.journal.visits import Arrival, Door, StoredVisit, open_visit

__all__ = ["Admitted", "Launching", "admitted", "arrival_of", "channel_with_pages", "secret_digest"]

_log = structlog.get_logger("h5")
_LARGEST = 16_384


@dataclass(frozen=True, slots=True)
class Admitted:
    """A launch that may be used: verified, for a flow that the channel may launch and the role may enter."""

    channel: ServedChannel
    pages: H5
    opened: Opened
    flow: Flow


class Launching:
    """GET shows a form that uses the token, so that a preview or a prefetch does not; POST uses it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def serve(self, request: Request) -> Response:
        """Serve one request."""
        ancestors: list[str] = []
        is_test = False
        try:
            channel, pages = channel_with_pages(self._gateway, request.path_params["channel"])
            ancestors, is_test = pages.frame_ancestors, channel.test
            if request.method == "POST":
                with self._gateway.intake.admission.reading(channel.channel_id):
                    form = await self._form(request)
                return await self._use(self._admitted(channel, pages, form.one("token")))
            token = request.query_params.get("token", "")
            origin = self._admitted(channel, pages, token).opened.launch.origin
            return launch_page(token, [origin] if origin else [])
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except XinqiaoError as error:
            _log.warning("launch refused", reason=error.reason, why=error.detail)
            return error_page(error, ancestors, detailed=is_test)

    async def _form(self, request: Request) -> FormData:
        seconds = self._gateway.service.settings.body_timeout
        announced = request.headers.get("Content-Length", "")
        content = await read_body(announced, request.receive, _LARGEST, seconds)
        return read_form_data(content, request.headers.get("Content-Type", ""))

    def _admitted(self, channel: ServedChannel, pages: H5, token: str) -> Admitted:
        if not token:
            raise NotAuthorized("the launch has no token")
        now = datetime.fromtimestamp(self._gateway.journal.now(), UTC)
        opened = open_launch(token, channel.keys, gateway_code=self._gateway.code, channel=channel.channel_id, at=now)
        return admitted(channel, pages, opened)

    async def _use(self, launch: Admitted) -> Response:
        journal, secret = self._gateway.journal, secrets.token_urlsafe(32)
        arrival = arrival_of(self._gateway, launch, secret)

        def fill(found: StoredVisit | None) -> Json:
            return filled(launch.flow, launch.opened.launch, found)

        stored = await journal.run(lambda c: open_visit(c, journal.reading.vault, arrival, fill, journal.now()))
        visit = Visit(stored, arrival.door, launch.flow)
        step = "" if visit.has_ended else f"/{visit.next_step().spec.step}"
        return redirect(f"/h5/visits/{secret}{step}")


def admitted(channel: ServedChannel, pages: H5, opened: Opened) -> Admitted:
    """Return a verified launch as one that may be used here.

    Raises ``NotFound`` for a flow that is not offered, ``MalformedRequest``, ``NotAuthorized`` or ``NotValid``.
    """
    launch = opened.launch
    flow = flow_of(launch.flow) if launch.flow in pages.flows else None
    if flow is None:
        offered = f"this channel offers {', '.join(pages.flows)}"
        raise NotFound(f"flow {launch.flow} is not offered; {offered} (its profile, h5.flows)")
    if launch.actor.role not in flow.entered_by:
        raise NotAuthorized(f"flow {flow.name} is not for the role {launch.actor.role}")
    if launch.origin is not None and launch.origin not in pages.frame_ancestors:
        raise NotAuthorized(f"origin {launch.origin} is none of the channel's frame_ancestors")
    check_facts(flow, launch)
    return Admitted(channel, pages, opened, flow)


def arrival_of(gateway: Gateway, admitted: Admitted, secret: str) -> Arrival:
    """Return a launch as the journal takes it; its visit's address ends with ``secret``."""
    channel, opened = admitted.channel, admitted.opened
    launch, actor = opened.launch, opened.launch.actor
    host = {"origin": launch.origin, "return": launch.return_url}
    return Arrival(
        channel=channel.channel_id,
        case_id=launch.case_id,
        flow=launch.flow,
        entry=launch.entry,
        test=channel.test,
        parties="|".join(sorted((channel.institution_code, gateway.code))),
        secret=secret_digest(gateway, secret),
        door=Door(
            jti=opened.jti,
            kid=opened.kid,
            role=actor.role,
            actor=gateway.journal.reading.vault.keyed_digest(f"actor {channel.channel_id} {actor.role} {actor.id}"),
            host={name: value for name, value in host.items() if value is not None},
            expires_at=0.0,
        ),
        idle=admitted.pages.idle,
        keep=admitted.pages.keep,
    )


def channel_with_pages(gateway: Gateway, channel_id: str) -> tuple[ServedChannel, H5]:
    """Return a channel that has pages, and what its profile says of them. Raises ``NotFound``."""
    try:
        channel = gateway.channels.find(channel_id)
    except UnknownChannel as error:
        raise NotFound("no pages here") from error
    pages = channel.channel.profile.h5
    if pages is None:
        raise NotFound("no pages here")
    return channel, pages


def secret_digest(gateway: Gateway, secret: str) -> str:
    """Return what the journal keeps of the secret in an address."""
    return gateway.journal.reading.vault.keyed_digest(f"visit {secret}")
