"""``conformance``: how much of a channel's live traffic is held against the standard, where it is said at all."""

from typing import Annotated

from pydantic import BaseModel, Field

from xinqiao_adapters.formats.spec import STRICT

__all__ = ["Conformance"]


class Conformance(BaseModel):
    """Which part of the cases is looked at (``share``), and how long an answer may take (``patience``, seconds)."""

    model_config = STRICT

    share: Annotated[float | int, Field(ge=0.001, le=1)] = 0.1
    patience: Annotated[float | int, Field(ge=1, le=2_592_000)] = 86_400
