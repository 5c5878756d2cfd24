"""``sign``: the signature, drawn or typed, with a code to the signer's mobile; it ends the visit with its evidence."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self

from xinqiao.errors import DocumentRefused, NoRoute, ReceiverMismatch
from xinqiao.masking import mask
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.model import Context, Problem, Section, Shown, StepSpec, Taken, Visit
from xinqiao_gateway.fronts.h5.signing.code import cannot_send, check_code, send_code, shown_code
from xinqiao_gateway.fronts.h5.signing.mark import LONGEST_STROKES, Mark, read_mark, read_strokes
from xinqiao_gateway.fronts.h5.signing.matter import Matter, matter_of
from xinqiao_gateway.fronts.h5.signing.record import evidence_of, keep
from xinqiao_gateway.fronts.h5.steps.document import DocumentStep
from xinqiao_gateway.fronts.h5.words import said_with, word

__all__ = ["SignStep"]


class SignSpec(StepSpec):
    """A signature in a flow's file; ``reads`` is the step that shows what is signed."""

    reads: str


class SignStep:
    """The last step of a flow that signs: as many messages as papers, all or nothing."""

    def __init__(self, spec: SignSpec) -> None:
        self.spec = spec

    @classmethod
    def read(cls, entry: Mapping[str, Any], body: str | None) -> Self:
        """Read a step of a flow's file. Raises ``ValueError``."""
        if body != "signatureEvidence":
            raise ValueError("a signature becomes signatureEvidence; say so: body: signatureEvidence")
        return cls(SignSpec.model_validate(entry))

    @property
    def paths(self) -> tuple[str, ...]:
        """It fills in nothing that another step could."""
        return ()

    def sections(self, visit: Visit) -> Sequence[Section]:  # noqa: ARG002
        """It comes last, and is shown on no page."""
        return ()

    def wrong(self, visit: Visit, context: Context) -> Sequence[Problem]:  # noqa: ARG002
        """Whether it may be signed is asked when it is."""
        return ()

    async def show(self, visit: Visit, context: Context, problems: Sequence[Problem] = ()) -> Shown:
        """Return the page with what is signed, the mark and the code."""
        matter = await context.gateway.journal.read(matter_of, visit, context)
        own = visit.own(self.spec.step)
        if matter.problem and matter.problem not in problems:
            problems = (*problems, matter.problem)
        values = {
            "papers": matter.to_sign,
            "signer": matter.name,
            "mobile": mask(matter.mobile, "C2"),
            "code_needed": matter.code_needed(visit.facts),
            "cannot_send": cannot_send(context, matter.mobile),
            "code_sent": "code" in own,
            "code_shown": shown_code(context, matter.mobile) if "code" in own else "",
            "typed": own.get("typed", ""),
            "strokes": own.get("strokes", ""),
            "declared": own.get("declared", False),
            "beside": {each.field: each for each in problems},
        }
        return Shown("sign.html.j2", values, tuple(problems))

    async def keep(self, visit: Visit, form: FormData, context: Context) -> Visit:  # noqa: ARG002
        """Take what was typed and drawn, as far as it can be shown again; never the code."""
        strokes = form.one("strokes")
        drawn = strokes if len(strokes) <= LONGEST_STROKES and read_strokes(strokes) else ""
        typed = {"typed": form.one("typed")[:120], "strokes": drawn, "declared": bool(form.one("declared"))}
        return visit.with_own(self.spec.step, {**visit.own(self.spec.step), **typed})

    async def take(self, visit: Visit, form: FormData, context: Context) -> Taken:
        """Send a code where that was asked for; else check everything, keep the record, and end."""
        kept = await self.keep(visit, form, context)
        matter = await context.gateway.journal.read(matter_of, visit, context)
        problems = tuple(self._unfit(kept, matter))
        if problems:
            return Taken(kept, problems)
        if form.act == "send-code":
            sent, problem = await send_code(kept, context, self.spec.step, matter.mobile)
            return Taken(sent, (problem,) if problem else (), stay=problem is None)
        mark, problem = read_mark(form, matter.name)
        problems = (*([problem] if problem else []), *_undeclared(form))
        if problems or mark is None:
            return Taken(kept, problems)
        checked, problem = self._verified(kept, form, context, matter)
        return Taken(checked, (problem,)) if problem else await self._signed(checked, context, matter, mark)

    def _unfit(self, visit: Visit, matter: Matter) -> list[Problem]:
        """Return what keeps anybody from signing: the matter itself, or that it was not read."""
        if matter.problem:
            return [matter.problem]
        confirmed = self._reading(visit).confirmed(visit)
        unread = [paper for paper in matter.papers if paper.name not in confirmed]
        step = f"step:{self.spec.reads}"
        return [Problem(said_with("sign_unread", title=paper.title), field=step) for paper in unread]

    def _reading(self, visit: Visit) -> DocumentStep:
        step = visit.flow.step(self.spec.reads)
        assert isinstance(step, DocumentStep)  # noqa: S101 -- the shipped flows are read by a test
        return step

    def _verified(self, visit: Visit, form: FormData, context: Context, matter: Matter) -> tuple[Visit, Problem | None]:
        """Check the code, once all else is right: what is typed wrong elsewhere uses up no attempt."""
        if not matter.code_needed(visit.facts):
            return visit, None
        code = form.one("code").replace(" ", "")
        if not code:
            return visit, Problem(word("code_missing"), field="code")
        return check_code(visit, context, self.spec.step, code)

    async def _signed(self, visit: Visit, context: Context, matter: Matter, mark: Mark) -> Taken:
        verified = visit.own(self.spec.step).get("verified") if matter.code_needed(visit.facts) else None
        read = self._reading(visit).confirmed(visit)
        messages, record = evidence_of(visit, context, matter, mark, verified=verified, read=read)
        try:
            await asyncio.to_thread(keep, context, messages[0], record, mark)
        except (DocumentRefused, NoRoute, ReceiverMismatch):
            return Taken(visit, (Problem(word("sign_not_kept")),))
        return Taken(visit, ending="submit", messages=messages)


def _undeclared(form: FormData) -> list[Problem]:
    return [] if form.one("declared") else [Problem(word("sign_undeclared"), field="declared")]
