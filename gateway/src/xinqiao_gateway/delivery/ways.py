"""Which way out a channel has: its push address says so."""

from collections.abc import Callable

from xinqiao_gateway.channels import Push, ServedChannel
from xinqiao_gateway.delivery.http_way import HttpWay
from xinqiao_gateway.delivery.way import Way

__all__ = ["way_to"]

_WAYS: dict[str, Callable[[ServedChannel, Push], Way]] = {
    "http": lambda _, push: HttpWay(push),
    "https": lambda _, push: HttpWay(push),
}


def way_to(channel: ServedChannel, push: Push) -> Way:
    """Return the way to a channel; whether there is one is for ``Push.check`` to say, before."""
    return _WAYS[push.scheme](channel, push)
