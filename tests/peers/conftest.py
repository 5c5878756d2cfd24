"""What tests in a browser share: a gateway with pages, Chromium, and a console that has to stay silent."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.peers.h5_site import H5Site, chromium, h5_site
from tests.peers.h5_windows import Windows


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[H5Site]:
    """A gateway with pages: tests share it, each with cases of its own."""
    with h5_site(tmp_path_factory.mktemp("h5")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; of a module, since while it runs no other event loop can."""
    with chromium() as found:
        yield found


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    """Windows of any size and kind. At the end their consoles have said nothing that was not expected."""
    opened = Windows(browser)
    yield opened
    opened.close()
    assert opened.complaints == []


@pytest.fixture
def page(windows: Windows) -> Page:
    """A window of a phone."""
    return windows.phone()
