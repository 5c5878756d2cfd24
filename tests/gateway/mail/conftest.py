"""A mailbox on a real IMAP server; the server is shared, each test has folders of its own."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.gateway.mail.mailboxes import Box, Pymap

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def pymap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pymap]:
    server = Pymap(Path(tmp_path_factory.mktemp("pymap")))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def box(pymap: Pymap) -> Iterator[Box]:
    box = Box(pymap.port, pymap.authority, f"净值{next(_NUMBERS)}")
    yield box
    box.close()
