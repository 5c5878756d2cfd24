"""The engine: serves the pages of a visit, one step after the other, whatever their kinds are.

GET shows, POST takes and answers with where to go on. Each POST names the version that its page was made from: of two
windows one goes on, the other is shown what changed; the same form posted again is the same result.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from xinqiao.errors import Conflict, ContentGone, NotFound, XinqiaoError
from xinqiao.finding import Text
from xinqiao_gateway.fronts.h5.ending import ending_page
from xinqiao_gateway.fronts.h5.flows import flow_of
from xinqiao_gateway.fronts.h5.form_data import LARGEST_FORM, FormData, read_form_data
from xinqiao_gateway.fronts.h5.launching import channel_with_pages, secret_digest
from xinqiao_gateway.fronts.h5.model import Context, Problem, Step, Taken, Visit
from xinqiao_gateway.fronts.h5.multipart import is_multipart
from xinqiao_gateway.fronts.h5.pages import error_page, redirect, visit_page
from xinqiao_gateway.fronts.h5.submission import send, submit
from xinqiao_gateway.fronts.h5.uploading import Slots, TakesFiles, receive_files
from xinqiao_gateway.fronts.h5.words import word
from xinqiao_gateway.fronts.rest.body import read_body
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.journal.visits import Door, StoredVisit, at_secret, change_visit, keep_open

__all__ = ["Visiting"]

_SECRET = re.compile(r"[0-9A-Za-z_-]{43}")
# What the buttons of every page say.
_LANGUAGES, _SIZES = frozenset({"language:zh", "language:en"}), frozenset({"size:large", "size:normal"})


class Visiting:
    """/h5/visits/{secret} is where a visit stands now, /h5/visits/{secret}/{step} one of its steps."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def serve(self, request: Request) -> Response:
        """Serve one request. Whatever is wrong with an address, it is the same page: none tells that it was near."""
        secret, door = request.path_params["secret"], None
        try:
            door, stored = await self.behind(secret)
            visit, context = self.opened(secret, door, stored)
            await self.stay_open(visit, context)
            return await self._answer(request, visit, context)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except XinqiaoError as error:
            return error_page(error, door=door)

    async def _answer(self, request: Request, visit: Visit, context: Context) -> Response:
        name = request.path_params.get("step", "")
        if request.method != "POST":
            return await self._get(visit, context, name)
        with self._gateway.intake.admission.reading(visit.stored.channel):
            form = await self._form(request, visit, name)
        try:
            return await self._post(visit, context, name, form)
        except Conflict:  # another window was first between reading and writing: now the form is one of before
            secret = request.path_params["secret"]
            return await self._post(*self.opened(secret, *await self.behind(secret)), name, form)

    async def behind(self, secret: str) -> tuple[Door, StoredVisit | None]:
        """Return what is behind an address: the launch, and its visit; None once its time is over.

        Raises ``NotFound``.
        """
        if not _SECRET.fullmatch(secret):
            raise NotFound("nothing is at this address")
        journal = self._gateway.journal
        return await journal.read(at_secret, journal.reading, secret_digest(self._gateway, secret), journal.now())

    def opened(self, secret: str, door: Door, stored: StoredVisit | None) -> tuple[Visit, Context]:
        """Return a visit as its steps see it. Raises ``ContentGone`` or ``NotFound``."""
        if stored is None:
            raise ContentGone("the page was left alone for too long")
        channel, _ = channel_with_pages(self._gateway, stored.channel)
        flow = flow_of(stored.flow)
        if flow is None:
            raise NotFound("nothing is at this address")
        now = self._gateway.journal.now()
        return Visit(stored, door, flow), Context(self._gateway, channel, now, f"/h5/visits/{secret}")

    async def stay_open(self, visit: Visit, context: Context) -> None:
        """Let the door stay open for whoever is there; a write now and then, not with each page."""
        _, pages = channel_with_pages(self._gateway, visit.stored.channel)
        if visit.door.expires_at - context.now < pages.idle / 2:
            await self._gateway.journal.run(lambda c: keep_open(c, visit.door, context.now + pages.idle))

    async def _form(self, request: Request, visit: Visit, name: str) -> FormData:
        content_type = request.headers.get("Content-Type", "")
        if is_multipart(content_type):
            documents, version = self._gateway.documents, visit.stored.version
            return await receive_files(request, documents, visit.stored.channel, _slots(visit, name), version)
        seconds = self._gateway.service.settings.body_timeout
        announced = request.headers.get("Content-Length", "")
        content = await read_body(announced, request.receive, LARGEST_FORM, seconds)
        return read_form_data(content, content_type)

    async def _get(self, visit: Visit, context: Context, name: str) -> Response:
        if visit.has_ended:
            return redirect(context.address) if name else ending_page(visit, context)
        if not name:
            return redirect(f"{context.address}/{visit.next_step().spec.step}")
        return await _step_page(visit, context, _asked(visit, name))

    async def _post(self, visit: Visit, context: Context, name: str, form: FormData) -> Response:
        if form.act in _LANGUAGES | _SIZES:
            return await self._turn(visit, context, name, form)
        if visit.has_ended:
            return await self._go_on(visit, context, form)
        if not name:
            return redirect(context.address)
        step = _asked(visit, name)
        kept = await step.keep(visit, form, context)
        if form.version != visit.stored.version:
            return await self._late(visit, kept, context, step)
        if form.act == "back":
            await self._store(visit, kept, context)
            return redirect(f"{context.address}/{_before(visit, step).spec.step}")
        return await self._taken(visit, await step.take(visit, form, context), context, step)

    async def _turn(self, visit: Visit, context: Context, name: str, form: FormData) -> Response:
        """Turn to another language or size; what was typed stays."""
        turned, where = visit, context.address
        if name and not visit.has_ended:
            step = _asked(visit, name)
            turned = await step.keep(visit, form, context) if form.version == visit.stored.version else visit
            where = f"{context.address}/{name}"
        if form.act in _LANGUAGES:
            turned = turned.with_content(language=form.act.partition(":")[2])
        else:
            turned = turned.with_content(large=form.act == "size:large")
        await self._store(visit, turned, context)
        return redirect(where)

    async def _late(self, visit: Visit, kept: Visit, context: Context, step: Step) -> Response:
        """Answer a form of an older page: it is a repeat where it changes nothing, else the person looks again."""
        if kept.content == visit.content:
            if step.spec.step in visit.content["done"]:
                return redirect(f"{context.address}/{_after(visit, step).spec.step}")
            if problems := tuple(step.wrong(visit, context)):
                return await _step_page(visit, context, step, problems, status=422)
        return await _step_page(kept, context, step, (Problem(word("changed_meanwhile")),), status=Conflict.http_status)

    async def _taken(self, visit: Visit, taken: Taken, context: Context, step: Step) -> Response:
        name = step.spec.step
        if taken.stay:
            await self._store(visit, taken.visit.with_done(name, done=False), context)
            return redirect(f"{context.address}/{name}")
        if taken.problems:
            stored = await self._store(visit, taken.visit.with_done(name, done=False), context)
            return await _step_page(stored, context, step, taken.problems, status=422)
        if taken.ending is None:
            stored = await self._store(visit, taken.visit.with_done(name), context, act="entered")
            return redirect(f"{context.address}/{_after(stored, step).spec.step}")
        if taken.ending == "hand_over":
            await self._store(visit, taken.visit.with_state("awaiting_confirmation"), context, act="handed_over")
            return redirect(context.address)
        fixed = await self._store(visit, submit(taken.visit, context, taken.messages), context, act="confirmed")
        return await self._sent(fixed, context)

    async def _go_on(self, visit: Visit, context: Context, form: FormData) -> Response:
        """Serve the button of a page at the end: send once more, or correct what was refused or handed over."""
        if form.version != visit.stored.version:
            return redirect(context.address)
        state = visit.stored.state
        if form.act == "again" and state == "submitting":
            return await self._sent(visit, context)
        if form.act == "correct" and state in {"refused", "awaiting_confirmation"}:
            last = visit.flow.steps[-1].spec.step
            await self._store(visit, visit.with_state("open").with_done(last, done=False), context)
        return redirect(context.address)

    async def _sent(self, visit: Visit, context: Context) -> Response:
        answered = await send(visit, context)
        if answered is not visit:
            act = "submitted" if answered.stored.state == "submitted" else "refused"
            with suppress(Conflict):  # another window was first, with the same message: its result stands
                await self._store(visit, answered, context, act=act)
        return redirect(context.address)

    async def _store(self, visit: Visit, changed: Visit, context: Context, act: str | None = None) -> Visit:
        """Store a visit where it changed. Raises ``Conflict`` where somebody else was first."""
        if changed.stored == visit.stored:
            return visit
        journal = self._gateway.journal
        vault, door = journal.reading.vault, changed.door
        stored = await journal.run(lambda c: change_visit(c, vault, changed.stored, door, now=context.now, act=act))
        return replace(changed, stored=stored)


def _asked(visit: Visit, name: str) -> Step:
    step = next((each for each in visit.asked() if each.spec.step == name), None)
    if step is None:
        raise NotFound("nothing is at this address")
    return step


def _slots(visit: Visit, name: str) -> Slots:
    """Return the fields for files of a step; none where it has none, or nothing is taken any more."""
    step: object = next((each for each in visit.asked() if each.spec.step == name), None)
    return step.slots(visit) if isinstance(step, TakesFiles) and not visit.has_ended else {}


def _after(visit: Visit, step: Step) -> Step:
    """Return the step that comes next: the first one after it that is not done, else the last."""
    asked = visit.asked()
    names = [each.spec.step for each in asked]
    later = asked[names.index(step.spec.step) + 1 :]
    return next((each for each in later if each.spec.step not in visit.content["done"]), asked[-1])


def _before(visit: Visit, step: Step) -> Step:
    asked = visit.asked()
    return asked[max([each.spec.step for each in asked].index(step.spec.step) - 1, 0)]


async def _step_page(
    visit: Visit, context: Context, step: Step, problems: tuple[Problem, ...] = (), status: int = 200
) -> Response:
    asked = visit.asked()
    number = [each.spec.step for each in asked].index(step.spec.step) + 1
    shown = await step.show(visit, context, problems)
    shown = replace(shown, values={**shown.values, "spec": step.spec, "first": number == 1})
    return visit_page(
        visit,
        shown,
        title=step.spec.title.text,
        address=context.address,
        status=status,
        progress=_progress(number, len(asked)),
        event=_EVENT_READY,
    )


_EVENT_READY: Mapping[str, str] = {"event": "ready"}


def _progress(number: int, count: int) -> Text:
    said = word("step_of")
    return Text(said.zh.format(number=number, count=count), said.en.format(number=number, count=count))
