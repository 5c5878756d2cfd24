"""What was sent and could not be recorded: recorded later, or unknown, and never sent again as if it had not been."""

from pathlib import Path
from typing import Any

import pytest

from tests.gateway.delivery.conftest import Desk
from tests.gateway.delivery.partner import Partner, says
from tests.gateway.delivery.test_faults import Asking, open_line, partner
from xinqiao.errors import JournalUnavailable, NotValid
from xinqiao_gateway.delivery import channel_loop

__all__ = ["partner"]


async def gone(_settlement: object) -> str:
    raise JournalUnavailable("away")


async def test_a_settlement_that_could_not_be_recorded_is_recorded_first_and_nothing_is_sent_again(
    desk: Desk, tmp_path: Path, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_loop, "_SETTLE_AGAIN", ())
    line = open_line(desk, partner, unknown="hold")
    partner.script = says(500)
    await desk.queue("A")
    with monkeypatch.context() as outage:
        outage.setattr(desk.journal, "settle", gone)
        outage.setattr(desk.journal, "healthy", lambda: False)
        await line.once()
        with pytest.raises(JournalUnavailable):
            await line.once()
    await line.once()
    assert (desk.states(), line.tried(), len(partner.got)) == (["held"], [("unknown", "HTTP 500")], 1)
    await line.loop.close()


async def test_what_was_sent_and_never_settled_is_held_once_its_lease_ran_out(
    desk: Desk, tmp_path: Path, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_loop, "_SETTLE_AGAIN", ())
    line = open_line(desk, partner, unknown="hold")
    await desk.queue("A")
    with monkeypatch.context() as outage:
        outage.setattr(desk.journal, "settle", gone)
        await line.once()
        await line.loop.close()
    after = open_line(desk, partner, unknown="hold")
    await after.once()
    assert desk.states() == ["leased"]
    desk.clock.time += 61
    await after.once()
    assert (desk.states(), len(partner.got)) == (["held"], 1)
    await after.loop.close()


@pytest.mark.parametrize(("unknown", "state"), [("repeat", "dead"), ("hold", "held"), ("query status", "held")])
async def test_what_may_have_arrived_is_not_called_lost_where_it_cannot_be_encoded_any_more(
    desk: Desk, tmp_path: Path, partner: Partner, monkeypatch: pytest.MonkeyPatch, unknown: str, state: str
) -> None:
    line = open_line(desk, partner, unknown=unknown)
    await desk.queue("A")
    await desk.lease()
    desk.clock.time += 61
    monkeypatch.setattr(Asking, "encode", unencodable)
    await line.once()
    assert (desk.states(), partner.got) == ([state], [])
    await line.loop.close()


def unencodable(*_: object) -> Any:
    raise NotValid("a field is too long")
