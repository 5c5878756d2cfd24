"""Whether a channel can have pages: said where it is loaded, and not to the first customer who comes."""

from xinqiao_adapters.marked import Where
from xinqiao_gateway.channels import ServedChannel

__all__ = ["pages_problem"]


def pages_problem(channel: ServedChannel) -> tuple[Where, str] | None:
    """Return what keeps a channel with the section ``h5`` from having pages, and where; None where nothing does."""
    pages = channel.channel.profile.h5
    if pages is None:
        return None
    if not channel.speaks_canonical:
        return ("h5",), "pages make canonical messages; give the channel an interface with format: {kind: canonical}"
    if channel.seals is not None:
        return ("h5",), "a launch is signed as the standard does; pages are for channels with security: xinqiao-jws"
    # What all steps need takes a while to load: only a channel with pages waits for it.
    from xinqiao_gateway.fronts.h5.flows import flow_names  # noqa: PLC0415

    for number, name in enumerate(pages.flows):
        if name not in flow_names():
            return ("h5", "flows", number), f"{name} is no flow; there are: {', '.join(flow_names())}"
    return None
