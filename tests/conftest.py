"""Options of the whole suite."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--messages", type=int, default=2000, help="how many generated messages and faults to judge")
