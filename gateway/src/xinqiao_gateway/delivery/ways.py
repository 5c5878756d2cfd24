"""Which way out a channel has: its push address says so."""

from collections.abc import Callable

from xinqiao_gateway.channels import Push, ServedChannel
from xinqiao_gateway.delivery.http_way import HttpWay
from xinqiao_gateway.delivery.way import Way

# The module and not its class: whoever imports that module first is on the way here.
from xinqiao_gateway.fronts.tcp import way as tcp

__all__ = ["way_to"]


def _tcp(channel: ServedChannel, push: Push) -> Way:
    return tcp.TcpWay(channel, push)


_WAYS: dict[str, Callable[[ServedChannel, Push], Way]] = {
    "http": lambda _, push: HttpWay(push),
    "https": lambda _, push: HttpWay(push),
    "tcp": _tcp,
    "tls": _tcp,
}


def way_to(channel: ServedChannel, push: Push) -> Way:
    """Return the way to a channel; whether there is one is for ``Push.check`` to say, before."""
    return _WAYS[push.scheme](channel, push)
