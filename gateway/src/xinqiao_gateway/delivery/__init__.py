"""Delivery: accepted messages get to the channels that are pushed to. See ``docs/delivery.md``."""

from xinqiao_gateway.delivery.breaker import Breaker
from xinqiao_gateway.delivery.channel_loop import ChannelLoop
from xinqiao_gateway.delivery.dispatcher import Dispatcher, check_lease

__all__ = ["Breaker", "ChannelLoop", "Dispatcher", "check_lease"]
