"""Reading and signing a contract on the pages, from what the trust company sent to the evidence in the journal."""

from collections.abc import Iterator
from contextlib import ExitStack

import orjson
import pytest

from tests.gateway.conftest import BANK, TRUST
from tests.gateway.h5.contracts import Contracts, digest_of, drawing, opened_contracts, strokes
from xinqiao.validation import check


@pytest.fixture(scope="session")
def running_contracts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contracts]:
    with ExitStack() as running:
        yield opened_contracts(tmp_path_factory.mktemp("signing"), running)


@pytest.fixture
def case(running_contracts: Contracts) -> Contracts:
    """A case of the test's own, of which nothing was sent yet."""
    running_contracts.pages.clock.now = 1_800_000_000.0 
    return running_contracts.begin()


def test_a_customer_reads_and_signs_and_each_paper_has_its_evidence(case: Contracts) -> None:
    case.sent()
    browser = case.open()
    assert browser.step == "read"
    assert "合同D1" in browser.text
    case.read(browser)
    assert browser.step == "sign", browser.problems
    case.sign(browser)
    assert "已受理" in browser.text, browser.text
    found = case.evidence()
    assert len(found) == 2
    assert [check(each) for each in found] == [[], []]
