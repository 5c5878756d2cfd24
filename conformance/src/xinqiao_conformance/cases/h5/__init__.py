"""Cases of H5 hosts."""

from xinqiao_conformance.case import cases_of

__all__ = ["case"]

case = cases_of("h5-host")
