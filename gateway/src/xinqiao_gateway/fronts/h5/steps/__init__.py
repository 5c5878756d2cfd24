"""The kinds of steps by their names: how each is made of what a flow's file says. A new kind is one row more."""

from collections.abc import Callable, Mapping
from typing import Any

from xinqiao_gateway.fronts.h5.model import Step
from xinqiao_gateway.fronts.h5.steps.confirm import ConfirmStep
from xinqiao_gateway.fronts.h5.steps.disclosure import DisclosureStep
from xinqiao_gateway.fronts.h5.steps.document import DocumentStep
from xinqiao_gateway.fronts.h5.steps.form import FormStep
from xinqiao_gateway.fronts.h5.steps.pay import PayStep
from xinqiao_gateway.fronts.h5.steps.risk import RiskStep
from xinqiao_gateway.fronts.h5.steps.sign import SignStep
from xinqiao_gateway.fronts.h5.steps.upload import UploadStep
from xinqiao_gateway.fronts.h5.steps.view import ViewStep

__all__ = ["KINDS", "Kind"]

# Makes a step of its entry in a flow's file and of the body that the flow is about. Raises ``ValueError`` (pydantic's
# ``ValidationError`` is one) for what cannot be used.
Kind = Callable[[Mapping[str, Any], str | None], Step]

KINDS: Mapping[str, Kind] = {
    "form": FormStep.read,
    "risk": RiskStep.read,
    "confirm": ConfirmStep.read,
    "pay": PayStep.read,
    "view": ViewStep.read,
    "disclosure": DisclosureStep.read,
    "upload": UploadStep.read,
    "document": DocumentStep.read,
    "sign": SignStep.read,
}
