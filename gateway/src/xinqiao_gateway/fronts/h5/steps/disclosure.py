"""``disclosure``: a notice of the trust company with its documents; who has read it gives a receipt."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from xinqiao.message import Json
from xinqiao_gateway.fronts.h5.disclosing import notice_of, papers_of, receipt_of, said_of
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.model import Context, Problem, Row, Section, Shown, StepSpec, Taken, Visit
from xinqiao_gateway.fronts.h5.steps.document import opened_at
from xinqiao_gateway.fronts.h5.words import said_with, word

__all__ = ["DisclosureStep"]

_BODY = "disclosureReceipt"


class DisclosureStep:
    """A step that shows a notice, and fills in its receipt once it is ticked as read."""

    def __init__(self, spec: StepSpec) -> None:
        self.spec = spec

    @classmethod
    def read(cls, entry: Mapping[str, Any], body: str | None) -> Self:
        """Read a step of a flow's file. Raises ``ValueError``."""
        if body != _BODY:
            raise ValueError(f"a notice is answered with a message {_BODY}; write body: {_BODY}")
        return cls(StepSpec.model_validate(entry))

    @property
    def paths(self) -> tuple[str, ...]:
        """What the notice says of its receipt."""
        return ("disclosureNo", "reach", "documentDigests")

    def sections(self, visit: Visit) -> Sequence[Section]:
        """Return which notice was read."""
        own = visit.own(self.spec.step)
        if not own:
            return ()
        count = str(own["documents"])
        rows = (
            Row(word("view_title"), own["title"], own["title"]),
            Row(word("view_number"), own["number"], own["number"]),
            Row(word("view_documents"), count, count),
        )
        return (Section(self.spec.title.text, rows),)

    def wrong(self, visit: Visit, context: Context) -> Sequence[Problem]:  # noqa: ARG002
        """Say that it was not read."""
        if visit.own(self.spec.step):
            return ()
        return (Problem(word("view_unread"), field="read"),)

    async def show(self, visit: Visit, context: Context, problems: Sequence[Problem] = ()) -> Shown:
        """Return the notice with its documents."""
        journal = context.gateway.journal
        notice = await journal.read(notice_of, visit, context)
        papers = await journal.read(papers_of, notice, context) if notice else []
        opened = opened_at(visit)
        if notice is None and not problems:
            problems = (Problem(word("view_no_notice"), word("pay_ask_institution")),)
        values = {
            "notice": said_of(notice) if notice else None,
            "message_id": notice["header"]["messageId"] if notice else "",
            "papers": [(paper, is_here, str(paper.digest) in opened) for paper, is_here in papers],
            "full": True,
            "ticked": bool(visit.own(self.spec.step)),
            "beside": {each.field: each for each in problems},
        }
        return Shown("disclosure.html.j2", values, tuple(problems))

    async def keep(self, visit: Visit, form: FormData, context: Context) -> Visit:  # noqa: ARG002
        """The tick is kept with what it is about, by ``take``."""
        return visit

    async def take(self, visit: Visit, form: FormData, context: Context) -> Taken:
        """Fill in the receipt of the notice that was shown."""
        notice = await context.gateway.journal.read(notice_of, visit, context)
        if notice is None:
            return Taken(visit, (Problem(word("view_no_notice"), word("pay_ask_institution")),))
        # Another notice may have come since the page was made.
        if form.one("notice") != notice["header"]["messageId"]:
            return Taken(visit, (Problem(word("changed_meanwhile")),))
        if not form.one("read"):
            return Taken(visit, (Problem(word("view_unread"), field="read"),))
        if visit.role == "CUSTOMER" and (unopened := await self._unopened(notice, visit, context)):
            return Taken(visit, tuple(unopened))
        said = notice["disclosureNotice"]
        own = {"title": said["title"], "number": said["disclosureNo"], "documents": len(said["documents"])}
        kept = visit.with_own(self.spec.step, own)
        body = {**kept.body, **receipt_of(notice, visit)}
        return Taken(kept.with_content(body=body, correlationId=notice["header"]["messageId"]))

    async def _unopened(self, notice: Json, visit: Visit, context: Context) -> list[Problem]:
        """Return what a customer has yet to open: only what was served to them can be said to have been read."""
        papers = await context.gateway.journal.read(papers_of, notice, context)
        opened = opened_at(visit)
        return [
            Problem(said_with("read_unopened", title=paper.title), field=f"paper.{paper.name}")
            for paper, is_here in papers
            if is_here and str(paper.digest) not in opened
        ]
