"""``make demo``: the set-up of one family trust between a simulated bank and a simulated core, as real processes."""

from xinqiao_gateway.demo.story import run_demo

__all__ = ["run_demo"]
