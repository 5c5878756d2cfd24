"""Rules that look back: totals, counts and likenesses over what the journal remembers, inside its transaction."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from tests.postgres import Postgres
from xinqiao.message import Json, message_type
from xinqiao.testing import example
from xinqiao_gateway.journal.database import open_engine
from xinqiao_gateway.journal.mark_tables import marks
from xinqiao_gateway.journal.marks import JournalPast, marks_key, prune_marks, withdraw_marks
from xinqiao_gateway.journal.vault import Vault
from xinqiao_gateway.policy import Judgement, Policy, Window

VAULT = Vault(bytes(range(32)))
START = datetime.fromisoformat("2026-01-23T09:30:00+08:00").timestamp()
MINUTE, HOUR, DAY = 60, 3600, 86_400
RULES = """
rules:
  - id: sent-twice
    title: {zh: 疑似重复申购, en: Looks like an order sent twice}
    for: [subscriptionOrder]
    when:
      - similar: {by: [account.number, instrument, grossAmount], within: PT30M}
    verdict: approve
    reference: orderReference
    undone_by:
      - {message: orderStatus, reference: orderReference, when: [{path: state, in: [CANCELLED, REFUSED]}]}
  - id: daily-limit
    title: {zh: 单日申购限额, en: Daily subscription limit}
    for: [subscriptionOrder]
    when:
      - total: {of: grossAmount, by: [account.number], within: P1D, above: "1000.00", currency: CNY}
    verdict: approve
  - id: consumption-burst
    title: {zh: 异常消费, en: Odd consumption}
    for: [consumption]
    when:
      - count: {by: [consumerNo], within: PT1H, above: 2}
    verdict: alert
"""


@dataclass
class Book:
    """A journal's marks and a policy: judges messages one commit each, as the journal does."""

    connection: Connection
    policy: Policy
    position: int = 0
    accepted: list[int] = field(default_factory=list)

    def past(self) -> JournalPast:
        return JournalPast(self.connection, marks_key(VAULT))

    def judge(self, message: Json, at: float = START, past: JournalPast | None = None) -> Judgement:
        return self.policy.judge(message, message_type(message), "bank", at, past or self.past())

    def accept(self, message: Json, at: float = START) -> Judgement:
        past = self.past()
        judgement = self.judge(message, at, past)
        past.stage(judgement)
        self.position += 1
        past.store([(self.position, judgement)], at)
        return judgement

    def rows(self) -> int:
        return len(self.connection.execute(select(marks.c.mark_id)).all())


def rules_of(text: str, folder: Path) -> Policy:
    (folder / "policy.yaml").write_text(text, encoding="utf-8")
    return Policy.load(folder / "policy.yaml", folder, VAULT.keyed_digest)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    engine = open_engine(f"sqlite:///{tmp_path / 'journal.db'}")
    with engine.begin() as connection:
        marks.create(connection)
        yield Book(connection, rules_of(RULES, tmp_path))
    engine.dispose()


def order(value: str, reference: str = "SO1", account: str = "8619910001", *, test: bool = False) -> Json:
    found = example("subscriptionOrder", test=test or None)
    found["subscriptionOrder"] |= {
        "orderReference": reference,
        "account": {"number": account},
        "grossAmount": {"value": value, "currency": "CNY"},
    }
    return found


def status(state: str, reference: str = "SO1") -> Json:
    header = example("subscriptionOrder")["header"]
    found = example("orderStatus", sender=header["receiver"], receiver=header["sender"])
    found["orderStatus"] |= {"orderReference": reference, "state": state}
    return found


def consumption(consumer: str = "U1") -> Json:
    found = example("consumption")
    found["consumption"]["consumerNo"] = consumer
    return found


# --- likeness ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [0, 10, 30 * MINUTE - 1])
def test_the_same_order_under_a_new_serial_within_the_window_is_held(book: Book, later: float) -> None:
    assert book.accept(order("100.00", "SO1")).verdict == "pass"
    twin = book.accept(order("100.0", "SO2"), START + later)
    assert (twin.verdict, twin.rules, twin.exception) == ("approve", ("sent-twice",), "suspicion")
    assert twin.findings("subscriptionOrder") == ()


def test_the_same_order_after_the_window_is_not_held(book: Book) -> None:
    book.accept(order("100.00", "SO1"))
    assert book.accept(order("100.00", "SO2"), START + 30 * MINUTE).verdict == "pass"


def test_another_customer_or_amount_or_test_traffic_is_not_held(book: Book) -> None:
    book.accept(order("100.00"))
    for other in (order("100.01"), order("100.00", account="8619910002"), order("100.00", test=True)):
        assert book.judge(other).verdict == "pass"


@pytest.mark.parametrize(("state", "verdict"), [("CANCELLED", "pass"), ("REFUSED", "pass"), ("ACCEPTED", "approve")])
def test_a_cancelled_twin_is_no_twin_and_one_that_stands_is(book: Book, state: str, verdict: str) -> None:
    book.accept(order("100.00", "SO1"))
    book.accept(status(state, "SO1"), START + MINUTE)
    assert book.accept(order("100.00", "SO2"), START + 2 * MINUTE).verdict == verdict


def test_a_status_between_other_institutions_takes_nothing_back(book: Book) -> None:
    book.accept(order("100.00", "SO1"))
    foreign = status("CANCELLED", "SO1")
    foreign["header"]["receiver"] = "91110000100020002F"
    book.accept(foreign)
    assert book.judge(order("100.00", "SO2")).verdict == "approve"


# --- totals and counts -------------------------------------------------------------------------------------------


def test_a_total_may_reach_the_limit_and_what_goes_above_waits(book: Book) -> None:
    assert book.accept(order("999.99", "SO1")).verdict == "pass"
    assert book.accept(order("0.01", "SO2"), START + HOUR).verdict == "pass"
    above = book.accept(order("0.02", "SO3"), START + 2 * HOUR)
    assert (above.verdict, above.rules, above.exception) == ("approve", ("daily-limit",), "approval")


def test_what_is_a_window_old_no_longer_counts(book: Book) -> None:
    book.accept(order("999.99", "SO1"))
    book.accept(order("0.01", "SO2"), START + HOUR)
    assert book.judge(order("999.99", "SO3"), START + DAY).verdict == "pass"
    assert book.judge(order("999.99", "SO3"), START + DAY - 1).verdict == "approve"


def test_an_amount_in_another_currency_does_not_count(book: Book) -> None:
    euros = order("5000.00")
    euros["subscriptionOrder"]["grossAmount"]["currency"] = "EUR"
    assert book.accept(euros).verdict == "pass"
    assert book.accept(order("1000.00", "SO2")).verdict == "pass"


def test_a_message_without_the_value_it_is_grouped_by_is_not_judged_by_it(book: Book) -> None:
    for number in range(3):
        nameless = order("900.00", f"SO{number}")
        del nameless["subscriptionOrder"]["account"]["number"]
        assert book.accept(nameless) == Judgement("pass")


def test_too_many_facts_raise_an_alert_and_all_are_accepted(book: Book) -> None:
    verdicts = [book.accept(consumption(), START + n).verdict for n in range(4)]
    assert verdicts == ["pass", "pass", "alert", "alert"]
    assert book.accept(consumption("U2")).verdict == "pass"
    assert book.accept(consumption(), START + 2 * HOUR).verdict == "pass"


def test_a_declined_message_counts_no_more(book: Book) -> None:
    book.accept(order("600.00", "SO1"))
    book.accept(order("600.00", "SO2"), START + HOUR)
    book.accept(order("100.00", "SO3"), START + 2 * HOUR)
    assert book.judge(order("300.00", "SO4"), START + 3 * HOUR).verdict == "approve"
    withdraw_marks(book.connection, marks_key(VAULT), [2])
    assert book.judge(order("300.00", "SO4"), START + 3 * HOUR).verdict == "pass"
    assert book.judge(order("300.01", "SO4"), START + 3 * HOUR).verdict == "approve"


def test_pruning_leaves_the_sums_of_what_stays_right(book: Book) -> None:
    for number in range(4):
        book.accept(order("300.00", f"SO{number}"), START + number * 8 * HOUR)
    assert prune_marks(book.connection, START + 9 * HOUR) == 4
    assert book.rows() == 4
    assert book.judge(order("400.00", "SO9"), START + 25 * HOUR).verdict == "pass"
    assert book.judge(order("400.01", "SO9"), START + 25 * HOUR).verdict == "approve"
    assert prune_marks(book.connection, START + DAY, limit=1) == 1


def test_a_clock_that_was_set_back_loses_nothing(book: Book) -> None:
    book.accept(order("600.00", "SO1"), START)
    book.accept(order("300.00", "SO2"), START - HOUR)
    assert book.judge(order("100.01", "SO3"), START + 1).verdict == "approve"
    assert book.judge(order("100.00", "SO3"), START + 1).verdict == "pass"


def test_marks_are_the_same_on_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    engine = open_engine(postgres.url())
    with engine.begin() as connection:
        marks.create(connection)
        book = Book(connection, rules_of(RULES, tmp_path))
        verdicts = [book.accept(order("400.00", f"SO{n}"), START + n * HOUR).verdict for n in range(3)]
        assert verdicts == ["pass", "pass", "approve"]
        withdraw_marks(connection, marks_key(VAULT), [2])
        book.accept(status("CANCELLED", "SO0"), START + 3 * HOUR)
        assert book.judge(order("1000.00", "SO4"), START + 3 * HOUR).verdict == "approve"
        assert prune_marks(connection, START + HOUR, limit=1) == 1
        assert book.rows() == 2
    engine.dispose()


# --- one commit --------------------------------------------------------------------------------------------------


def test_messages_of_one_commit_see_each_other_and_a_refused_input_leaves_nothing(book: Book) -> None:
    past = book.past()
    past.stage(book.judge(order("600.00", "SO1"), past=past))
    checkpoint = past.checkpoint()
    refused = book.judge(order("500.00", "SO2"), past=past)
    assert refused.rules == ("daily-limit",)
    past.stage(refused)
    past.back_to(checkpoint)
    assert book.judge(order("400.00", "SO3"), past=past).verdict == "pass"
    assert book.judge(order("600.00", "SO3"), past=past).rules == ("sent-twice", "daily-limit")
    assert book.rows() == 0


def test_a_refused_message_leaves_no_mark(book: Book, tmp_path: Path) -> None:
    book.policy = rules_of(RULES.replace("verdict: approve", "verdict: forbid"), tmp_path)
    book.accept(order("600.00", "SO1"))
    stored = book.rows()
    refused = book.accept(order("600.00", "SO2"))
    assert (refused.verdict, refused.marks, book.rows()) == ("forbid", (), stored)


def test_the_longest_window_says_how_long_marks_matter(book: Book) -> None:
    assert (book.policy.horizon, Policy().horizon) == (DAY, 0)


def test_marks_hold_no_account_reference_or_amount(book: Book, tmp_path: Path) -> None:
    book.accept(order("123456.78", "SO-SECRET-1"))
    book.connection.commit()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    assert not [each for each in (b"123456.78", b"SO-SECRET-1", b"8619910001") if each in stored]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(0, 200), st.decimals("0.01", "99.99", places=2)), min_size=1, max_size=25),
    withdrawn=st.sets(st.integers(1, 25)),
    within=st.integers(1, 1000),
)
def test_a_window_is_what_a_sum_over_its_marks_would_be(
    book: Book, steps: list[tuple[int, Decimal]], withdrawn: set[int], within: int
) -> None:
    with book.connection.begin_nested() as nested:
        book.position, at, expected = 0, START, []
        for pause, amount in steps:
            at += pause
            book.accept(order(str(amount), f"SO{book.position}"), at)
            expected.append((book.position, at, amount))
        withdraw_marks(book.connection, marks_key(VAULT), sorted(withdrawn))
        kept = [amount for number, when, amount in expected if number not in withdrawn and when > at - within]
        row = book.connection.execute(select(marks.c.key).where(marks.c.rule == "daily-limit.0").limit(1)).scalar()
        if row:
            found = book.past().window("daily-limit.0", row, at - within)
            assert found == Window(len(kept), sum(kept, Decimal(0)))
        nested.rollback()
