"""Fixtures of the scenarios."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.stage import Receiver, Stage, receiving


@pytest.fixture
def stage(tmp_path: Path) -> Callable[[str], Stage]:
    """Return what makes a stage whose clock starts at an instant of China time."""
    return lambda start: Stage(tmp_path, start)


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    """Run a receiver of alarms."""
    with receiving() as receiver:
        yield receiver
