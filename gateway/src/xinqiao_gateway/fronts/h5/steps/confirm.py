"""``confirm``: everything once more, masked where it is sensitive, and the declaration that it is true."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from xinqiao.finding import Text
from xinqiao.standard import field_at
from xinqiao_gateway.fronts.h5.display import stated_row
from xinqiao_gateway.fronts.h5.drafting import findings_about
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.model import Context, Flow, Problem, Section, Shown, Step, StepSpec, Taken, Visit
from xinqiao_gateway.fronts.h5.problems import is_within, problem_of
from xinqiao_gateway.fronts.h5.words import word

__all__ = ["ConfirmStep"]


class ConfirmStep:
    """The last step of a flow that submits a message: who may not submit hands over to whoever confirms."""

    def __init__(self, spec: StepSpec) -> None:
        self.spec = spec

    @classmethod
    def read(cls, entry: Mapping[str, Any], body: str | None) -> Self:
        """Read a step of a flow's file. Raises ``ValueError``."""
        if body is None:
            raise ValueError("there is no message to confirm; say which: body: …")
        return cls(StepSpec.model_validate(entry))

    @property
    def paths(self) -> tuple[str, ...]:
        """It fills in nothing."""
        return ()

    def sections(self, visit: Visit) -> Sequence[Section]:  # noqa: ARG002
        """It shows the others' sections, and has none."""
        return ()

    def wrong(self, visit: Visit, context: Context) -> Sequence[Problem]:
        """Return which steps are not done, and what the standard finds of the whole."""
        return [*_undone(visit, self.spec.step), *_wrong(visit, context)]

    async def show(self, visit: Visit, context: Context, problems: Sequence[Problem] = ()) -> Shown:  # noqa: ARG002
        """Return all that is to be confirmed; in full once that was asked for."""
        parts = [(step, step.sections(visit)) for step in visit.asked()]
        values = {
            "parts": [(step.spec, sections) for step, sections in parts if sections],
            "stated": _stated(visit),
            "full": visit.own(self.spec.step).get("full", False),
            "may_submit": visit.may_submit,
            "undeclared": next((each for each in problems if each.field == "declared"), None),
            "by_manager": visit.may_submit and visit.stored.state == "awaiting_confirmation",
        }
        return Shown("confirm.html.j2", values, tuple(problems))

    async def keep(self, visit: Visit, form: FormData, context: Context) -> Visit:  # noqa: ARG002
        """Nothing is typed here; a button shows the values in full, or masks them."""
        if form.act in {"show:full", "show:masked"}:
            return visit.with_own(self.spec.step, {"full": form.act == "show:full"})
        return visit

    async def take(self, visit: Visit, form: FormData, context: Context) -> Taken:
        """End the visit where nothing is wrong with any of its steps."""
        kept = await self.keep(visit, form, context)
        if form.act.startswith("show:"):
            return Taken(kept, stay=True)
        problems = [*self.wrong(visit, context)]
        if not form.one("declared"):
            problems.append(Problem(word("declare_missing"), field="declared"))
        return Taken(kept, tuple(problems), ending="submit" if visit.may_submit else "hand_over")


def _undone(visit: Visit, own: str) -> Iterator[Problem]:
    for step in visit.asked():
        if step.spec.step != own and step.spec.step not in visit.content["done"]:
            title = step.spec.title
            said = word("incomplete")
            yield Problem(
                Text(said.zh.format(step=title.zh), said.en.format(step=title.en)), field=f"step:{step.spec.step}"
            )


def _wrong(visit: Visit, context: Context) -> Iterator[Problem]:
    """Say what the standard finds of the whole message; what only another role can fill in is not asked of this one."""
    for path, finding in findings_about(visit, context):
        step = _step_of(visit.flow, path)
        if step is None or visit.role in step.spec.by:
            problem = problem_of(finding)
            yield Problem(problem.text, problem.fix, f"step:{step.spec.step}" if step else None)


def _step_of(flow: Flow, path: str) -> Step | None:
    """Return the step that fills in what a finding is about."""
    return next(
        (step for step in flow.steps for each in step.paths if is_within(path, each) or is_within(each, path)), None
    )


def _stated(visit: Visit) -> Section | None:
    """Return what the partner states and no form shows."""
    shown = [path for step in visit.asked() for path in step.paths]
    rows = []
    for path, value in visit.facts.items():
        field = field_at(visit.flow.body or "", f"{visit.flow.body}.{path}")
        if field and not any(is_within(path, each) for each in shown):
            rows.append(stated_row(field, value))
    return Section(word("stated_title"), tuple(rows)) if rows else None
