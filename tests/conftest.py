"""Options of the whole suite, and the journals that its tests share: new ones, and a real PostgreSQL."""

import pytest
from hypothesis import settings

pytest_plugins = ["tests.journals", "tests.postgres"]

DEEP = 20_000

# How long an example takes says something about the machine, and nothing about what is tested.
settings.register_profile("xinqiao", deadline=None)
settings.load_profile("xinqiao")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--messages", type=int, default=2000, help="how many generated messages and faults to judge")
    parser.addoption("--records", type=int, default=500, help="how many records of prepaid use pass the gateway")


@pytest.fixture
def stride(request: pytest.FixtureRequest) -> int:
    """How far apart the changes are that a test looks at: all of them in a deep run, every seventh in everyday work."""
    return 1 if request.config.getoption("--messages") >= DEEP else 7
