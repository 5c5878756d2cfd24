"""The crash test can fail: each thing that must not happen is made to happen, and its counter says so."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from tests.crash.load import Load
from tests.crash.run import Report, examine, stage
from tests.crash.site import Node
from tests.crash.verdict import Acknowledged, Applied, Stored, Verdict, judge, serial_of

SERIALS = [serial_of("CASE-1", number) for number in (1, 2, 3)]
AT = "2026-01-15T01:00:00.000000Z"
HELD = [
    Acknowledged(serial, f"id-{serial}", {"acceptedMessageId": f"id-{serial}", "position": str(at), "acceptedAt": AT})
    for at, serial in enumerate(SERIALS, 1)
]
ROWS = [Stored(serial, f"id-{serial}", at, AT) for at, serial in enumerate(SERIALS, 1)]
EFFECTS = [Applied(serial, f"id-{serial}") for serial in SERIALS]


def counts(verdict: Verdict) -> tuple[int, int, int, int]:
    return verdict.lost, verdict.duplicated, verdict.reordered, len(verdict.breaches)


def test_a_run_where_everything_is_as_promised_is_clean() -> None:
    assert judge(HELD, ROWS, EFFECTS) == Verdict()


def test_a_message_that_was_never_applied_is_lost() -> None:
    assert counts(judge(HELD, ROWS, EFFECTS[:2])) == (1, 0, 0, 0)


def test_an_acknowledged_message_that_is_not_in_the_journal_is_lost_and_leaves_a_gap() -> None:
    verdict = judge(HELD, [ROWS[0], ROWS[2]], [EFFECTS[0], EFFECTS[2]])
    assert counts(verdict) == (1, 0, 0, 1)
    assert verdict.breaches == ["positions are not 1 to 2 without a gap"]


def test_a_message_applied_twice_is_a_duplicate_even_under_another_id() -> None:
    assert counts(judge(HELD, ROWS, [*EFFECTS, EFFECTS[1]])) == (0, 1, 0, 0)
    assert counts(judge(HELD, ROWS, [*EFFECTS, replace(EFFECTS[2], message_id="another")])) == (0, 1, 0, 1)


def test_a_message_stored_twice_is_a_duplicate() -> None:
    again = replace(ROWS[2], message_id="another", position=4)
    assert judge(HELD, [*ROWS, again], EFFECTS).duplicated == 1


def test_two_messages_of_a_case_that_changed_places_are_reordered() -> None:
    assert counts(judge(HELD, ROWS, [EFFECTS[1], EFFECTS[0], EFFECTS[2]])) == (0, 0, 1, 0)


def test_messages_of_two_cases_may_pass_each_other() -> None:
    other = serial_of("CASE-2", 1)
    held, rows = [*HELD, Acknowledged(other)], [*ROWS, Stored(other, "id-other", 4, AT)]
    assert judge(held, rows, [Applied(other, "id-other"), *EFFECTS]) == Verdict()


def test_a_receipt_that_says_something_else_than_the_journal_is_a_breach() -> None:
    assert counts(judge(HELD, [*ROWS[:2], replace(ROWS[2], accepted_at="later")], EFFECTS)) == (0, 0, 0, 1)


def test_a_stored_message_whose_sender_holds_no_receipt_is_a_breach() -> None:
    assert counts(judge(HELD[:2], ROWS, EFFECTS)) == (0, 0, 0, 1)


@pytest.mark.parametrize("spoilt", ["row", "effect"])
def test_a_real_run_finds_what_is_taken_away_behind_its_back(spoilt: str) -> None:
    report = Report()
    with stage(seed=1) as (site, receivers):
        node = Node(site)
        try:
            node.spawn()
            node.wait_until_healthy()
            load = Load(site, [node], receivers, seed=1, seconds=60)
            load.start()
            load.wait_for_progress(20, 5, 30)
            load.finish()
            load.wait_until_applied()
            if spoilt == "effect":
                receivers.applied[2] = receivers.applied[1]
            else:
                with closing(sqlite3.connect(site.data / "journal.db", timeout=30)) as journal, journal:
                    journal.execute("DELETE FROM messages WHERE position = 3")
            examine(site, [node], load, receivers, report)
        finally:
            node.stop()
    verdict = report.verdict
    if spoilt == "effect":
        assert (verdict.lost, verdict.duplicated) == (1, 1)
    else:
        assert verdict.lost == 1
        assert any("without a gap" in each for each in verdict.breaches)
        assert any("journal verify" in each for each in verdict.breaches)
