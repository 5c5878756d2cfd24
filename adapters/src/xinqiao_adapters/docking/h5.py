"""``h5``: pages in a browser."""

from pydantic import BaseModel

from xinqiao_adapters.formats.spec import STRICT

__all__ = ["H5"]


class H5(BaseModel):
    """The section ``h5`` of a profile."""

    model_config = STRICT
