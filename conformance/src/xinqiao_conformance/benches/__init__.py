"""Benches: how the suite reaches a subject of one role, and what it does to it. One for a kit at a time."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from xinqiao_conformance.benches.files import files_bench
from xinqiao_conformance.benches.gateway import gateway_bench
from xinqiao_conformance.benches.h5 import h5_bench
from xinqiao_conformance.benches.receiver import receiver_bench
from xinqiao_conformance.benches.sender import sender_bench
from xinqiao_conformance.declaration import Declaration
from xinqiao_conformance.kits import Kit

__all__ = ["BENCHES", "OpenBench"]

OpenBench = Callable[[Declaration, Kit], AbstractContextManager[Any]]
BENCHES: Mapping[str, OpenBench] = {
    "sender": sender_bench,
    "receiver": receiver_bench,
    "gateway": gateway_bench,
    "file-partner": files_bench,
    "h5-host": h5_bench,
}
