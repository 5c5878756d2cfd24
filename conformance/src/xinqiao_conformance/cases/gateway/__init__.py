"""Cases of gateways."""

from xinqiao_conformance.case import cases_of

__all__ = ["case"]

case = cases_of("gateway")
