"""Delivery: accepted messages get to the channels that are pushed to. See ``docs/delivery.md``."""

from xinqiao_gateway.delivery.breaker import Breaker
from xinqiao_gateway.delivery.channel_loop import ChannelLoop
from xinqiao_gateway.delivery.dispatcher import Dispatcher

__all__ = ["Breaker", "ChannelLoop", "Dispatcher"]
