"""A partner's server, and a watched folder: here, and on that server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.sftp.inboxes import Place, local, remote
from tests.gateway.sftp.partner_server import PartnerServer, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PartnerServer]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture(params=["local", "remote"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Place]]:
    if request.param == "local":
        yield lambda **section: local(tmp_path, **section)
        return
    with serving(tmp_path) as running:
        yield lambda **section: remote(running, tmp_path, **section)
