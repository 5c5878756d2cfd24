"""A gateway that takes batches."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.batches.floor import Floor, open_floor


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    """Return one gateway for tests of batches that are refused whole, of which nothing is left."""
    found = open_floor(tmp_path_factory.mktemp("refusing"))
    found.add("prepaid", "prepaid-csv")
    yield found
    assert found.messages() == 0
    found.gateway.journal.close()


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    found = open_floor(tmp_path)
    yield found
    found.gateway.journal.close()
