"""The papers of a visit as bytes: below the step that shows them, for whoever has the visit's address, and nobody else.

That somebody was served a paper to its end is noted in the visit's trail. Nothing is ever served as a page of ours:
text is text, what may hold scripts is handed over to be saved.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from xinqiao.errors import NotFound, XinqiaoError
from xinqiao_gateway.documents import Opened
from xinqiao_gateway.fronts.h5.disclosing import readable_papers
from xinqiao_gateway.fronts.h5.model import Context, Step, Visit
from xinqiao_gateway.fronts.h5.pages import error_page
from xinqiao_gateway.fronts.h5.signing.matter import Paper, matter_of
from xinqiao_gateway.fronts.h5.steps.disclosure import DisclosureStep
from xinqiao_gateway.fronts.h5.steps.document import DocumentStep
from xinqiao_gateway.fronts.h5.visiting import Visiting
from xinqiao_gateway.journal.visits import note_reading

__all__ = ["Papers"]

_log = structlog.get_logger("h5")
# What a browser shows by itself and runs nothing of.
_SHOWN = frozenset({"application/pdf", "image/png", "image/jpeg", "text/plain"})
# A browser's own viewer of PDF styles itself, and does not work in a sandbox; a PDF is no page, so it needs none.
_PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'"
_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


class Papers:
    """GET /h5/visits/{secret}/{step}/papers/{digest}; with ``?save`` to be saved, else shown where that is safe."""

    def __init__(self, visiting: Visiting) -> None:
        self._visiting = visiting

    async def serve(self, request: Request) -> Response:
        """Serve one request; a HEAD shows that it is there and counts as no reading."""
        door = None
        try:
            secret, name = request.path_params["secret"], request.path_params["step"]
            door, stored = await self._visiting.behind(secret)
            visit, context = self._visiting.opened(secret, door, stored)
            await self._visiting.stay_open(visit, context)
            step = next((each for each in visit.asked() if each.spec.step == name), None)
            if not isinstance(step, DocumentStep | DisclosureStep) or visit.has_ended:
                raise NotFound("nothing is at this address")
            return await self._served(request, visit, context, step)
        except XinqiaoError as error:
            return error_page(error, door=door)

    async def _served(self, request: Request, visit: Visit, context: Context, step: Step) -> Response:
        papers = await context.gateway.journal.read(_papers_of, step, visit, context)
        paper = next((each for each in papers if each.name == request.path_params["digest"]), None)
        if paper is None:
            raise NotFound("nothing is at this address")
        opened = await context.gateway.journal.read(context.gateway.documents.open, paper.digest)
        headers = _headers(opened, paper, save="save" in request.query_params)
        if request.method == "HEAD":
            opened.close()
            return Response(None, 200, headers)
        return _Served(opened, headers, context.gateway.documents.settings.patience, _noting(visit, context, paper))


def _papers_of(step: Step, visit: Visit, context: Context) -> Sequence[Paper]:
    return readable_papers(visit, context) if isinstance(step, DisclosureStep) else matter_of(visit, context).papers


def _noting(visit: Visit, context: Context, paper: Paper) -> Callable[[], Awaitable[None]]:
    visit_id, door, journal = visit.stored.visit_id, visit.door, context.gateway.journal
    return lambda: journal.run(lambda c: note_reading(c, visit_id, door, str(paper.digest), journal.now()))


class _Served(StreamingResponse):
    """A paper on its way; ``note`` is called when its last byte was taken. One that nobody takes is given up."""

    def __init__(
        self, opened: Opened, headers: dict[str, str], patience: float, note: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(self._pieces(note), 200, headers)
        self._opened = opened
        self._patience = patience

    async def _pieces(self, note: Callable[[], Awaitable[None]]) -> AsyncIterator[bytes]:
        pieces = self._opened.pieces()
        while (piece := await asyncio.to_thread(next, pieces, b"")) != b"":
            yield piece
        await note()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def patient(message: Message) -> None:
            async with asyncio.timeout(self._patience):
                await send(message)

        try:
            with self._opened:
                await super().__call__(scope, receive, patient)
        except (TimeoutError, XinqiaoError) as error:
            # The answer has begun: the connection breaks off, and so it is seen.
            _log.warning("paper not served to its end", digest=self._opened.facts.sha256, why=type(error).__name__)
            raise


def _headers(opened: Opened, paper: Paper, *, save: bool) -> dict[str, str]:
    media_type = opened.facts.media_type
    is_shown = media_type in _SHOWN and not save
    name = quote(paper.file_name.replace("/", "_"), safe="")
    return {
        "Content-Type": "text/plain; charset=utf-8" if media_type == "text/plain" else media_type,
        "Content-Length": str(opened.facts.size),
        "Content-Disposition": f"{'inline' if is_shown else 'attachment'}; filename=\"paper\"; filename*=UTF-8''{name}",
        "Content-Security-Policy": _PDF_POLICY if media_type == "application/pdf" else _POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
