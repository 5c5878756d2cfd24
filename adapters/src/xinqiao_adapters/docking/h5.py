"""``h5``: pages in a browser, which the partner opens with a launch token and may embed in its own."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from xinqiao_adapters.formats.spec import STRICT

__all__ = ["H5"]

_ORIGIN = re.compile(r"(https://[0-9a-z.-]{1,253}|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?")

_FLOW = re.compile(r"[a-z][a-z0-9-]{1,40}")


def _origin(said: str) -> str:
    """Take an origin of the partner's: scheme, host and port, nothing more. Without TLS on this machine alone."""
    if not _ORIGIN.fullmatch(said):
        raise ValueError(
            f"{said!r} is no origin: write scheme and host in lower case, a port where it has one, and no path, "
            "such as https://app.my-bank.example (http:// for localhost and 127.0.0.1 alone)"
        )
    return said


def _flow_name(said: str) -> str:
    if not _FLOW.fullmatch(said):
        raise ValueError(f"{said!r} is no name of a flow: lower-case letters, digits and hyphens, such as kyc-person")
    return said


Origin = Annotated[str, AfterValidator(_origin)]
# Which flows there are, the gateway knows; what could not even be a name is said here.
FlowName = Annotated[str, AfterValidator(_flow_name)]


class H5(BaseModel):
    """The section ``h5`` of a profile; with it the channel's launch tokens stand in place of a seal.

    ``frame_ancestors`` are the origins whose pages may embed the gateway's; by default none may. ``flows`` are those
    that the partner may launch. ``idle``: a page that is left alone for so many seconds closes; what was entered is
    kept for ``keep`` seconds, and opened again by a new launch.
    """

    model_config = STRICT

    flows: Annotated[list[FlowName], Field(min_length=1)]
    frame_ancestors: list[Origin] = []
    idle: Annotated[int, Field(ge=60, le=86_400)] = 1_800
    keep: Annotated[int, Field(ge=3_600, le=31_536_000)] = 2_592_000
