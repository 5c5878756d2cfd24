"""Retention: what the rules say may go, goes after its time and no sooner, and the journal says so."""

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select, update

from tests.gateway.test_journal import KEY, entry, journal, message, open_journal, submission
from tests.gateway.test_upkeep_archive import settle_all
from xinqiao.errors import ContentGone, SettingsInvalid
from xinqiao.seal import KeyRing
from xinqiao_gateway.channels import Channels
from xinqiao_gateway.journal import Journal, Settlement, tables
from xinqiao_gateway.journal.mark_tables import marks
from xinqiao_gateway.journal.obligation_tables import alarms
from xinqiao_gateway.journal.search import Search, contents, found
from xinqiao_gateway.operators import Operator
from xinqiao_gateway.resolution.desk import Desk
from xinqiao_gateway.upkeep.retention import Retention, Swept
from xinqiao_gateway.upkeep.rules import EraseRule, RetentionRules, period, read_rules

__all__ = ["journal"]

TRUST = "913100001000100012"
DAY = 86_400.0
NOTHING = {"obligations": 0, "alarms": 0, "marks": 0, "attempts": 0, "files": 0}


def rule(*, approval: bool = True) -> EraseRule:
    return EraseRule(states=("abandoned", "expired"), after="P180D", approval=approval)


def retention(journal: Journal, rules: RetentionRules, days: float = 0) -> Retention:
    desk = Desk(journal, Channels([]), TRUST, KEY)
    return Retention(journal, desk, rules, TRUST, KEY, lambda: time.time() + days * DAY)


async def ended(journal: Journal, *case_ids: str) -> None:
    """Accept and deliver one message of each case, and end the cases."""
    for case_id in case_ids:
        await journal.submit(submission(entry(message("kycApplication", case_id))))
    await settle_all(journal)
    c = tables.cases
    await journal.run(lambda k: k.execute(update(c).where(c.c.case_id.in_(case_ids)).values(state="abandoned")))


def notices(journal: Journal) -> list[str]:
    search = Search(channel="operations")
    return [each["exceptionNotice"]["resolution"] for _, each in contents(journal.reading, search)]


def readable(journal: Journal, case_id: str) -> bool:
    try:
        list(contents(journal.reading, Search(case_id=case_id, channel="bank")))
    except ContentGone:
        return False
    return True


async def test_an_ended_case_is_proposed_after_its_time_once_and_erased_when_it_is_approved(journal: Journal) -> None:
    await ended(journal, "GONE")
    await journal.submit(submission(entry(message("kycApplication", "LIVING"))))
    rules = RetentionRules(erase=(rule(),))
    assert (await retention(journal, rules, 179).turn()).is_nothing
    due = retention(journal, rules, 181)
    assert [each.case_id for each in (await due.turn()).proposed] == ["GONE"]
    assert (await due.turn()).is_nothing
    assert readable(journal, "GONE")
    desk = Desk(journal, Channels([]), TRUST, KEY)
    await desk.decide(Operator("checker"), 1, approved=True)
    assert (readable(journal, "GONE"), readable(journal, "LIVING")) == (False, True)
    assert (await due.turn()).is_nothing
    assert journal.verify(KeyRing([KEY.public()])).breaches == []


async def test_a_turn_reads_beside_the_event_loop(journal: Journal) -> None:
    readers: set[int] = set()
    event.listen(journal.reading.engine, "before_cursor_execute", lambda *_: readers.add(threading.get_ident()))
    await retention(journal, RetentionRules(erase=(rule(), rule(approval=False)))).turn()
    assert readers
    assert threading.get_ident() not in readers


async def test_what_an_operator_declined_is_not_proposed_again(journal: Journal) -> None:
    await ended(journal, "KEPT")
    due = retention(journal, RetentionRules(erase=(rule(),)), 181)
    await due.turn()
    await Desk(journal, Channels([]), TRUST, KEY).decide(Operator("checker"), 1, approved=False)
    assert (await due.turn()).is_nothing


async def test_a_rule_without_approval_erases_and_says_so_in_the_journal(journal: Journal) -> None:
    await ended(journal, "A", "B")
    due = retention(journal, RetentionRules(erase=(rule(approval=False),)), 181)
    assert [each.case_id for each in (await due.turn()).erased] == ["A", "B"]
    assert (readable(journal, "A"), readable(journal, "B")) == (False, False)
    assert all("erase: retention: abandoned since " in said for said in notices(journal))
    assert len(notices(journal)) == 2
    assert (await due.turn()).is_nothing


async def test_a_case_that_somebody_waits_for_is_not_erased(journal: Journal) -> None:
    await ended(journal, "WAITED")
    await journal.run(lambda c: c.execute(update(tables.deliveries).values(state="held")))
    due = retention(journal, RetentionRules(erase=(rule(approval=False),)), 181)
    assert (await due.turn()).is_nothing
    await journal.run(lambda c: c.execute(update(tables.deliveries).values(state="skipped")))
    assert len((await due.turn()).erased) == 1


async def test_a_dry_run_says_what_would_go_and_changes_nothing(journal: Journal) -> None:
    await ended(journal, "A")
    rules = RetentionRules(erase=(rule(approval=False),), marks="P1D", obligations="P1D", alarms="P1D", attempts="P1D")
    await journal.run(lambda c: c.execute(insert(alarms).values(alarm_id="a", raised_at=1.0, content="")))
    due = retention(journal, rules, 181)
    foreseen = due.foreseen()
    assert ([each.case_id for each in foreseen.erased], foreseen.forgotten) == (["A"], NOTHING | {"alarms": 1})
    assert (readable(journal, "A"), notices(journal)) == (True, [])
    assert await due.turn() == foreseen
    assert due.foreseen() == Swept((), (), NOTHING)


async def test_old_marks_go_in_pages_and_the_journal_says_how_many(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xinqiao_gateway.upkeep.retention._PAGE", 3)
    rows = [{"position": 1, "rule": "r", "key": "k", "at": float(n), "ordinal": n} for n in range(10)]
    await journal.run(lambda c: c.execute(insert(marks), rows))
    swept = await retention(journal, RetentionRules(marks="P1Y")).turn()
    assert (swept.forgotten["marks"], notices(journal)) == (10, ["forgotten: marks 10"])
    (row,) = found(journal.reading, Search(channel="operations"))
    assert row["message_type"] == "exceptionNotice"


async def test_attempts_that_failed_before_a_delivery_arrived_are_thinned(journal: Journal) -> None:
    await journal.submit(submission(entry(message("kycApplication"))))
    for outcome in ("failed", "failed", "delivered"):
        (due,) = await journal.lease("core", 1, 60)
        state = "delivered" if outcome == "delivered" else "pending"
        await journal.settle(Settlement(due.delivery_id, state, outcome, "", "", lease=due.lease))
    await journal.submit(submission(entry(message("kycApplication", "OTHER"))))
    (due,) = await journal.lease("core", 1, 60)
    await journal.settle(Settlement(due.delivery_id, "pending", "failed", "", "", lease=due.lease))
    swept = await retention(journal, RetentionRules(attempts="P1D"), 2).turn()
    with journal.reading.engine.begin() as connection:
        left = connection.execute(select(tables.attempts.c.outcome).order_by(tables.attempts.c.attempt_id)).scalars()
        assert (swept.forgotten["attempts"], list(left)) == (2, ["delivered", "failed"])


def test_periods_are_years_and_days() -> None:
    assert (period("P180D"), period("P2Y"), period("P1Y1D")) == (180 * DAY, 732 * DAY, 367 * DAY)
    for wrong in ("P", "180", "P6M", "P0D", "PT5H", "", None):
        with pytest.raises(ValueError, match="no period"):
            period(wrong)


def test_without_a_file_nothing_goes(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    assert read_rules(tmp_path) == RetentionRules()
    assert retention(journal, read_rules(tmp_path), 9999).foreseen().is_nothing
    journal.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("erase: [{states: [effective], after: P1D}]", "no case ends in 'effective'"),
        ("erase: [{states: [expired], after: P1D, process: nonsense}]", "no process"),
        ("erase: [{states: [expired], after: soon}]", "no period"),
        ("obligation: P1D", "obligation"),
        ("marks: [", "retention.yaml"),
    ],
)
def test_a_rule_that_cannot_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "retention.yaml").write_text(text)
    with pytest.raises(SettingsInvalid, match=said):
        read_rules(tmp_path)


def test_rules_are_read_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "retention.yaml").write_text(
        "erase:\n  - {states: [expired, abandoned], after: P180D, process: trust-establishment, approval: false}\n"
        "attempts: P90D\n"
    )
    expected = EraseRule(states=("expired", "abandoned"), after="P180D", process="trust-establishment", approval=False)
    assert read_rules(tmp_path) == RetentionRules(erase=(expected,), attempts="P90D")
