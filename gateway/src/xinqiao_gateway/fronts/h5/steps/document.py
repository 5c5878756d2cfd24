"""``document``: the texts that the trust company sent to be read, each opened to its end before it can be ticked."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from pydantic import Field

from xinqiao.message import Json
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.model import Context, Problem, Section, Shown, StepSpec, Taken, Visit
from xinqiao_gateway.fronts.h5.signing.matter import Matter, Paper, matter_of
from xinqiao_gateway.fronts.h5.words import said_with
from xinqiao_gateway.journal.instants import written

__all__ = ["DocumentStep"]

_TICK = re.compile(r"read\.([0-9a-f]{64})")
_MOST = 100


class DocumentSpec(StepSpec):
    """Documents to read in a flow's file; ``least_seconds`` have to pass from opening one to ticking it."""

    least_seconds: int = Field(10, ge=0, le=3600)


class DocumentStep:
    """A step that shows texts, and goes on once whoever signs has opened each, waited, and ticked it."""

    def __init__(self, spec: DocumentSpec) -> None:
        self.spec = spec

    @classmethod
    def read(cls, entry: Mapping[str, Any], body: str | None) -> Self:  # noqa: ARG003 -- it fills in nothing
        """Read a step of a flow's file. Raises ``ValueError``."""
        return cls(DocumentSpec.model_validate(entry))

    @property
    def paths(self) -> tuple[str, ...]:
        """It fills in nothing."""
        return ()

    def sections(self, visit: Visit) -> Sequence[Section]:  # noqa: ARG002
        """It shows nothing on a page that is confirmed."""
        return ()

    def wrong(self, visit: Visit, context: Context) -> Sequence[Problem]:  # noqa: ARG002
        """What was read is checked where it counts: before the next step, and at the signature."""
        return ()

    async def show(self, visit: Visit, context: Context, problems: Sequence[Problem] = ()) -> Shown:
        """Return the list of texts, each with its address and whether it was opened."""
        matter = await context.gateway.journal.read(matter_of, visit, context)
        opened = opened_at(visit)
        if matter.problem and matter.problem not in problems:
            problems = (*problems, matter.problem)
        values = {
            "papers": [(paper, opened.get(str(paper.digest)), f"read.{paper.name}") for paper in matter.papers],
            "ticked": visit.own(self.spec.step).get("ticked", []),
            "beside": {each.field: each for each in problems},
            "least": self.spec.least_seconds,
            "reads_alone": not visit.may_submit,
        }
        return Shown("document.html.j2", values, tuple(problems))

    async def keep(self, visit: Visit, form: FormData, context: Context) -> Visit:  # noqa: ARG002
        """Take the ticks."""
        if not visit.may_submit:
            return visit
        ticked = sorted(found[1] for name in form.fields if (found := _TICK.fullmatch(name)))
        return visit.with_own(self.spec.step, {**visit.own(self.spec.step), "ticked": ticked[:_MOST]})

    async def take(self, visit: Visit, form: FormData, context: Context) -> Taken:
        """Check that each text was opened, for long enough, and ticked. Who accompanies reads, and no more."""
        if not visit.may_submit:
            return Taken(visit, stay=True)
        kept = await self.keep(visit, form, context)
        matter = await context.gateway.journal.read(matter_of, visit, context)
        problems = [*([matter.problem] if matter.problem else []), *self._unread(kept, context, matter)]
        if problems:
            return Taken(kept, tuple(problems))
        opened = opened_at(kept)
        confirmed = {
            paper.name: {"openedAt": written(opened[str(paper.digest)]), "confirmedAt": written(context.now)}
            for paper in matter.papers
        }
        own = {**kept.own(self.spec.step), "confirmed": confirmed, "by": kept.door.actor}
        return Taken(kept.with_own(self.spec.step, own))

    def confirmed(self, visit: Visit) -> Mapping[str, Json]:
        """Return what whoever is here confirmed to have read: digests, each with when it was opened and confirmed."""
        own = visit.own(self.spec.step)
        return own.get("confirmed", {}) if own.get("by") == visit.door.actor else {}

    def _unread(self, visit: Visit, context: Context, matter: Matter) -> Iterator[Problem]:
        opened, ticked = opened_at(visit), visit.own(self.spec.step).get("ticked", [])
        for paper in matter.papers:
            at = opened.get(str(paper.digest))
            if at is None:
                yield _problem("read_unopened", paper)
            elif context.now - at < self.spec.least_seconds:
                left = math.ceil(self.spec.least_seconds - (context.now - at))
                yield _problem("read_too_fast", paper, seconds=str(left))
            elif paper.name not in ticked:
                yield _problem("read_unticked", paper)


def _problem(key: str, paper: Paper, **names: str) -> Problem:
    return Problem(said_with(key, title=paper.title, **names), field=f"read.{paper.name}")


def opened_at(visit: Visit) -> Mapping[str, float]:
    """Return when whoever is here was first served each document to its end (Unix seconds), by digests."""
    return {
        each["document"]: datetime.fromisoformat(each["at"]).timestamp()
        for each in visit.stored.trail
        if each["act"] == "read" and each["actor"] == visit.door.actor
    }
