"""``tcp``: framed TCP."""

from pydantic import BaseModel

from xinqiao_adapters.formats.spec import STRICT

__all__ = ["Tcp"]


class Tcp(BaseModel):
    """The section ``tcp`` of a profile."""

    model_config = STRICT
