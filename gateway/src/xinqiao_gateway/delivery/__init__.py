"""Delivery: accepted messages get to the channels that are pushed to. See ``docs/delivery.md``."""

from xinqiao_gateway.delivery.breaker import Breaker
from xinqiao_gateway.delivery.channel_loop import ChannelLoop
from xinqiao_gateway.delivery.dispatcher import Dispatcher, check_lease
from xinqiao_gateway.delivery.places import check_files

__all__ = ["Breaker", "ChannelLoop", "Dispatcher", "check_files", "check_lease"]
