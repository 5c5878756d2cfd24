"""Rules on what other messages left: names and numbers that were replaced, and where a case's money came from."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.test_policy_marks import VAULT, Book, rules_of
from xinqiao.errors import SettingsInvalid
from xinqiao.message import Json
from xinqiao.testing import example
from xinqiao_gateway.journal.database import open_engine
from xinqiao_gateway.journal.mark_tables import marks
from xinqiao_gateway.journal.marks import marks_key, prune_marks, withdraw_marks

RULES = """
rules:
  - id: old-name
    title: {zh: 使用已变更的姓名, en: In a name that was replaced}
    for: [subscriptionOrder, kycApplication]
    when:
      - superseded: {paths: [PATH]}
    verdict: approve
  - id: not-to-its-source
    title: {zh: 退款账户不是原付款账户, en: Not to where the money came from}
    for: [paymentInstruction]
    when:
      - {path: use, in: [RETURN_OF_FUNDS]}
      - other_than_payer: {paths: [payeeAccount.number]}
    verdict: approve
"""
NAMES = RULES.replace("[subscriptionOrder, kycApplication]", "[subscriptionOrder]").replace(
    "PATH", "account.holderName"
)
NUMBERS = RULES.replace("[subscriptionOrder, kycApplication]", "[kycApplication]").replace(
    "PATH", '"applicant.documents[].number"'
)
OLD, NEW = "王小明", "王晓明"


def at(text: str) -> float:
    return datetime.fromisoformat(f"{text}+08:00").timestamp()


UPDATED, OVERLAPS, OVER = at("2026-03-10T10:00"), at("2026-04-10T23:59"), at("2026-04-11T00:00")


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    engine = open_engine(f"sqlite:///{tmp_path / 'journal.db'}")
    with engine.begin() as connection:
        marks.create(connection)
        yield Book(connection, rules_of(NAMES, tmp_path))
    engine.dispose()


def update(old: str = OLD, new: str = NEW, **fields: Any) -> Json:
    found = example("kycUpdate")
    body = found["kycUpdate"] | {"oldName": old, "newName": new} | fields
    return found | {"kycUpdate": {name: value for name, value in body.items() if value is not None}}


def order(holder: str, *, test: bool = False) -> Json:
    found = example("subscriptionOrder", test=test or None)
    found["subscriptionOrder"]["account"] = {"number": "8619910001", "holderName": holder}
    return found


def application(number: str) -> Json:
    found = example("kycApplication")
    for document in found["kycApplication"]["applicant"]["documents"]:
        document["number"] = number
    return found


# --- superseded --------------------------------------------------------------------------------------------------


def test_while_they_overlap_either_name_passes_and_then_the_old_one_waits(book: Book) -> None:
    assert book.accept(update(), UPDATED).verdict == "pass"
    verdicts = [book.judge(order(name), when).verdict for name in (OLD, NEW) for when in (UPDATED, OVERLAPS, OVER)]
    assert verdicts == ["pass", "pass", "approve", "pass", "pass", "pass"]
    held = book.judge(order("王　小明"), OVER)
    assert (held.rules, held.exception, held.marks) == (("old-name",), "approval", ())
    assert book.judge(order(OLD, test=True), OVER).verdict == "pass"


def test_without_an_overlap_the_old_name_waits_from_the_day_that_the_new_one_begins(book: Book) -> None:
    book.accept(update(overlapUntil=None, effectiveOn="2026-03-12"), UPDATED)
    days = (at("2026-03-11T23:59"), at("2026-03-12T00:00"))
    assert [book.judge(order(OLD), day).verdict for day in days] == ["pass", "approve"]


def test_an_overlap_without_an_end_never_ends(book: Book) -> None:
    book.accept(update(overlapUntil="9999-12-31"), UPDATED)
    assert book.judge(order(OLD), at("2099-01-01T00:00")).verdict == "pass"


def test_many_are_told_of_one_change_and_the_old_name_waits_all_the_same(book: Book) -> None:
    for _ in range(3):
        book.accept(update(), UPDATED)
    assert [book.judge(order(OLD), when).verdict for when in (OVERLAPS, OVER)] == ["pass", "approve"]


def test_who_takes_the_old_name_again_has_it_back_and_a_namesake_gives_it_to_nobody(book: Book) -> None:
    book.accept(update(), UPDATED)
    book.accept(update("李明", OLD, partyId="P9"), UPDATED)
    assert book.judge(order(OLD), OVER).verdict == "approve"
    book.accept(update(NEW, OLD), UPDATED)
    assert [book.judge(order(name), OVER).verdict for name in (OLD, NEW)] == ["pass", "approve"]


def test_a_renewed_document_keeps_its_number_and_another_number_is_superseded(book: Book, tmp_path: Path) -> None:
    book.policy = rules_of(NUMBERS, tmp_path)
    old = example("kycUpdate")["kycUpdate"]["oldDocuments"][0]
    book.accept(update(), UPDATED)
    assert book.judge(application(old["number"]), OVER).verdict == "pass"
    book.accept(update(oldDocuments=[old | {"type": "PASSPORT", "number": "E12345678"}]), UPDATED)
    assert book.judge(application("e12345678"), OVER).verdict == "approve"


def test_an_update_that_was_declined_leaves_the_old_name_as_it_was(book: Book) -> None:
    book.accept(update(), UPDATED)
    withdraw_marks(book.connection, marks_key(VAULT), [1])
    assert book.judge(order(OLD), OVER).verdict == "pass"


def test_a_name_that_was_replaced_does_not_age(book: Book) -> None:
    book.accept(update(), UPDATED)
    assert prune_marks(book.connection, at("2036-01-01T00:00")) == 0
    assert book.judge(order(OLD), at("2036-01-01T00:00")).verdict == "approve"


def test_no_name_or_number_is_in_the_marks(book: Book, tmp_path: Path) -> None:
    book.accept(update(), UPDATED)
    book.accept(entry(), UPDATED)
    book.connection.commit()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    assert not [each for each in (OLD.encode(), NEW.encode(), PAYER.encode()) if each in stored]


def test_a_rule_that_looks_at_no_text_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="account is no text"):
        rules_of(NAMES.replace("account.holderName", "account"), tmp_path)


# --- other than the payer ----------------------------------------------------------------------------------------

PAYER = "6222020000000000042"


def entry(**header: Any) -> Json:
    found = example("accountEntry")
    found["header"] |= header
    found["accountEntry"]["counterparty"] = {"number": PAYER, "name": "张三友"}
    return found


def payment(account: str, use: str = "RETURN_OF_FUNDS", **header: Any) -> Json:
    found = example("paymentInstruction")
    found["header"] |= header
    found["paymentInstruction"] |= {"use": use, "payeeAccount": {"number": account, "name": "张三友"}}
    return found


def test_a_return_to_who_paid_passes_and_one_elsewhere_waits(book: Book) -> None:
    assert book.judge(payment(PAYER), UPDATED).verdict == "approve"
    book.accept(entry(), UPDATED)
    assert book.judge(payment(PAYER), UPDATED).verdict == "pass"
    assert book.judge(payment("6222020000000000999"), UPDATED).rules == ("not-to-its-source",)
    assert book.judge(payment("6222020000000000999", "DISTRIBUTION"), UPDATED).verdict == "pass"


def test_money_of_another_case_or_money_that_went_out_is_no_source(book: Book) -> None:
    book.accept(entry(caseId="CASE-2026-0002"), UPDATED)
    out = entry()
    out["accountEntry"]["direction"] = "DEBIT"
    book.accept(out, UPDATED)
    assert book.judge(payment(PAYER), UPDATED).verdict == "approve"
    assert book.judge(payment(PAYER, caseId="CASE-2026-0002"), UPDATED).verdict == "pass"
