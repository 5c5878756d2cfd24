"""``mail``: a mailbox."""

from pydantic import BaseModel

from xinqiao_adapters.formats.spec import STRICT

__all__ = ["Mail"]


class Mail(BaseModel):
    """The section ``mail`` of a profile."""

    model_config = STRICT
