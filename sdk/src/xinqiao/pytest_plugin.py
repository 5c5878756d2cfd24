"""The pytest plugin of the SDK: runs the laws of an ``AdapterContract`` on each of its samples.

pytest loads it wherever the SDK is installed. So it imports nothing of its own, and is silent where no class asks.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["pytest_generate_tests"]


def pytest_generate_tests(metafunc: "pytest.Metafunc") -> None:
    """Give a law that takes ``incoming`` or ``outgoing`` each sample of its class that goes this way."""
    samples_by_way = getattr(metafunc.cls, "samples_by_way", None)
    for way, samples in samples_by_way().items() if samples_by_way else ():
        if way in metafunc.fixturenames:
            metafunc.parametrize(way, samples, ids=[each.name for each in samples])
