"""Payments in the journal, on both databases: of an order there is one, whoever is first."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.gateway.h5.test_visits_journal import arrival, opened
from xinqiao.errors import Conflict
from xinqiao.message import new_message_id
from xinqiao.seal import new_key
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.payments import (
    Payment,
    begin_payment,
    change_payment,
    due_payments,
    payment_at,
    payment_of,
)


@pytest.fixture(params=["sqlite", "postgresql"])
async def journal(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Journal]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'journal.db'}"
    else:
        url = request.getfixturevalue("postgres").journal_url()
    found = Journal.open(url, tmp_path / "master.key", new_key("gateway"), now=lambda: 1_000.0)
    yield found
    await asyncio.to_thread(found.close)


async def begun(journal: Journal, order: str = "PO1", channel: str = "partner") -> Payment:
    visit = await opened(journal, arrival(entry=new_message_id()))
    number = f"P{new_message_id().replace('-', '')}"
    new = Payment(
        number,
        "simulator",
        channel,
        "CASE-1",
        order,
        visit.visit_id,
        "created",
        1_010.0,
        {"terms": {"payee": "王小明"}},
    )
    return await journal.run(lambda c: begin_payment(c, journal.reading.vault, new, 1_000.0))


async def test_of_many_who_begin_one_order_all_get_one_payment(journal: Journal) -> None:
    found = await asyncio.gather(*(begun(journal) for _ in range(5)))
    assert len({each.payment_no for each in found}) == 1
    assert (await begun(journal, "PO2")).payment_no != found[0].payment_no
    assert (await begun(journal, channel="other")).payment_no != found[0].payment_no
    assert payment_of(journal.reading, "partner", "PO1") == payment_at(journal.reading, found[0].payment_no) == found[0]
    assert payment_of(journal.reading, "partner", "PO3") is None


async def test_of_two_changes_of_one_version_one_is_first(journal: Journal) -> None:
    payment = await begun(journal)

    async def change(state: str) -> Payment:
        changed = replace(payment, state=state)
        return await journal.run(lambda c: change_payment(c, journal.reading.vault, changed, 1_000.0))

    found = await asyncio.gather(change("paid"), change("failed"), return_exceptions=True)
    assert [type(each) for each in found] in ([Payment, Conflict], [Conflict, Payment])
    kept = payment_at(journal.reading, payment.payment_no)
    assert kept is not None
    assert (kept.version, kept.content) == (2, payment.content)


async def test_what_is_due_is_found_until_nothing_is_to_be_asked(journal: Journal) -> None:
    payment = await begun(journal)
    assert due_payments(journal.reading, 1_009.0, 10) == []
    assert due_payments(journal.reading, 1_010.0, 10) == [payment]
    ended = replace(payment, state="settled", due_at=None, content={})
    await journal.run(lambda c: change_payment(c, journal.reading.vault, ended, 1_000.0))
    assert due_payments(journal.reading, 9_999.0, 10) == []
    kept = payment_at(journal.reading, payment.payment_no)
    assert kept is not None
    assert kept.content == {}
