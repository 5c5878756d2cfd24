"""``view``: what the journal has for whoever is here: holdings with NAVs, or the product that an order is about."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, Self

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao_gateway.fronts.h5.form_data import FormData
from xinqiao_gateway.fronts.h5.model import Context, Problem, Row, Section, Shown, StepSpec, Taken, Visit
from xinqiao_gateway.fronts.h5.money import amount_text
from xinqiao_gateway.fronts.h5.statement import Table, available_of, holdings, navs, product
from xinqiao_gateway.fronts.h5.words import word

__all__ = ["ViewStep"]


class ViewSpec(StepSpec):
    """What is shown: ``holdings`` of the case, or the ``product`` that the message's ``instrument`` names."""

    show: Literal["holdings", "product"]


class ViewStep:
    """A step that shows, and asks nothing."""

    def __init__(self, spec: ViewSpec, body: str | None) -> None:
        self.spec = spec
        self._ends = body is None

    @classmethod
    def read(cls, entry: Mapping[str, Any], body: str | None) -> Self:
        """Read a step of a flow's file. Raises ``ValueError``."""
        return cls(ViewSpec.model_validate(entry), body)

    @property
    def paths(self) -> tuple[str, ...]:
        """It fills in nothing."""
        return ()

    def sections(self, visit: Visit) -> Sequence[Section]:
        """Return what was available to be redeemed when it was looked at, and whether the order is for more."""
        available, units = visit.own(self.spec.step).get("available"), visit.body.get("units")
        if available is None:
            return ()
        rows = [Row(word("view_available"), amount_text(available), amount_text(available))]
        if visit.flow.body == "redemptionOrder" and _is_more(units, available):
            rows.append(Row(word("view_notice"), word("view_too_much"), word("view_too_much")))
        return (Section(self.spec.title.text, tuple(rows)),)

    def wrong(self, visit: Visit, context: Context) -> Sequence[Problem]:  # noqa: ARG002
        """Nothing that is only looked at can be wrong."""
        return ()

    async def show(self, visit: Visit, context: Context, problems: Sequence[Problem] = ()) -> Shown:
        """Return tables and what is known of the product."""
        tables, sections = await context.gateway.journal.read(self._found, visit, context)
        values = {"tables": tables, "sections": sections, "ends": self._ends, "full": True}
        return Shown("view.html.j2", values, tuple(problems))

    async def keep(self, visit: Visit, form: FormData, context: Context) -> Visit:  # noqa: ARG002
        """Nothing is typed here."""
        return visit

    async def take(self, visit: Visit, form: FormData, context: Context) -> Taken:  # noqa: ARG002
        """Go on, and keep what could be redeemed as the journal has it now."""
        if self._ends:
            return Taken(visit, stay=True)
        reading = context.gateway.journal.read
        instrument = visit.body.get("instrument")
        available = await reading(available_of, visit, context, instrument) if instrument else None
        return Taken(visit.with_own(self.spec.step, {"available": available}) if available else visit)

    def _found(self, visit: Visit, context: Context) -> tuple[list[Table], list[Section]]:
        if self.spec.show == "holdings":
            found, latest = holdings(visit, context), navs(visit, context)
            return [*found, *([latest] if latest else [])], []
        instrument: Json = visit.body.get("instrument", {})
        latest, about = navs(visit, context, instrument), product(visit, context, instrument)
        available = available_of(visit, context, instrument)
        sections = [about] if about else []
        if available is not None:
            held: str | Text = amount_text(available)
            sections.append(Section(word("view_held"), (Row(word("view_available"), held, held),)))
        return [latest] if latest else [], sections


def _is_more(units: object, available: str) -> bool:
    try:
        return isinstance(units, str) and Decimal(units) > Decimal(available)
    except InvalidOperation:
        return False
