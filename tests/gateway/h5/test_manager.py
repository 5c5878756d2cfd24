"""A relationship manager enters, and the customer confirms: nothing is in force before."""

from tests.gateway.h5.conftest import BANK, TRUST, Pages
from tests.gateway.h5.filling import IDENTITY, answer_risk, fill_kyc
from xinqiao_gateway.journal.erasure import erase_case
from xinqiao_gateway.journal.timeline import timeline
from xinqiao_gateway.journal.visits import visits_of


def handed_over(pages: Pages) -> str:
    """Let a manager enter all that a manager may; return what the page says then."""
    browser = fill_kyc(pages.open(role="RELATIONSHIP_MANAGER", actor="RM-1001"), risk=False)
    assert "您录入的内容在客户本人确认之前不生效" in browser.text
    return browser.type({"declared": "yes"}).press().text


def test_what_a_manager_enters_is_not_submitted(pages: Pages) -> None:
    assert "待客户确认" in handed_over(pages)
    assert pages.messages() == []


def test_the_customer_answers_reads_and_confirms(pages: Pages) -> None:
    handed_over(pages)
    customer = answer_risk(pages.open(actor="C-77"))
    assert "以下内容由客户经理录入" in customer.text
    assert "王小明" in customer.press("show:full").text
    customer.type({"declared": "yes"}).press()
    assert "已受理" in customer.text
    (found,) = pages.messages()
    assert found["message"]["header"]["operator"] == "RM-1001"
    assert "已受理" in pages.open(role="RELATIONSHIP_MANAGER", actor="RM-1001").text


def test_the_customer_may_correct_what_was_entered(pages: Pages) -> None:
    handed_over(pages)
    customer = answer_risk(pages.open())
    customer.open(customer.path.replace("confirm", "identity")).type({"applicant.name": "王晓明"}).press()
    customer.type({"declared": "yes"}).press()
    (found,) = pages.messages()
    assert found["message"]["kycApplication"]["applicant"]["name"] == "王晓明"


def test_the_trail_says_who_did_what_by_which_launch(fresh: Pages) -> None:
    pages = fresh
    handed_over(pages)
    answer_risk(pages.open(actor="C-77")).type({"declared": "yes"}).press()
    with pages.gateway.journal.reading.engine.begin() as connection:
        (visit,) = visits_of(connection, pages.case_id)
        signature = connection.exec_driver_sql("select signature from raws").scalar_one()
    acts = [(each["act"], each["role"], each["kid"]) for each in visit["trail"]]
    assert acts == [
        ("entered", "RELATIONSHIP_MANAGER", "partner-1"),
        ("handed_over", "RELATIONSHIP_MANAGER", "partner-1"),
        ("entered", "CUSTOMER", "partner-1"),
        ("confirmed", "CUSTOMER", "partner-1"),
        ("submitted", "CUSTOMER", "partner-1"),
    ]
    assert "C-77" not in str(visit["trail"])
    manager, customer = (each["actor"][:16] for each in (visit["trail"][1], visit["trail"][3]))
    assert f"handed_over RELATIONSHIP_MANAGER {manager} by key partner-1" in signature
    assert f"confirmed CUSTOMER {customer} by key partner-1" in signature


def test_a_manager_may_take_it_back(pages: Pages) -> None:
    handed_over(pages)
    manager = pages.open(role="RELATIONSHIP_MANAGER", actor="RM-1001")
    assert "待客户确认" in manager.text
    manager.press("correct")
    assert manager.step == "confirm"
    manager.open(manager.path.replace("confirm", "identity")).type({"applicant.name": "王晓明"}).press()
    manager.type({"declared": "yes"}).press()
    assert "待客户确认" in manager.text
    customer = answer_risk(pages.open()).press("show:full")
    assert "王晓明" in customer.text


def test_a_manager_does_not_answer_for_the_customer(pages: Pages) -> None:
    manager = pages.open(role="RELATIONSHIP_MANAGER", actor="RM-1001")
    assert "共 7 步" in manager.text
    assert pages.http.get(manager.path.replace("identity", "risk")).status_code == 404


def test_the_customer_confirms_what_is_there_now(pages: Pages) -> None:
    handed_over(pages)
    customer = answer_risk(pages.open())
    manager = pages.open(role="RELATIONSHIP_MANAGER", actor="RM-1001").press("correct")
    manager.open(manager.path.replace("confirm", "identity")).type({**IDENTITY, "applicant.name": "李四"}).press()
    customer.type({"declared": "yes"}).press()
    assert customer.status == 409
    assert pages.messages() == []
    assert "李四" in customer.press("show:full").text


def test_a_case_shows_who_did_what_at_its_pages(fresh: Pages) -> None:
    pages = fresh
    handed_over(pages)
    answer_risk(pages.open(actor="C-77")).type({"declared": "yes"}).press()
    shown = timeline(pages.gateway.journal.reading, pages.case_id)
    acts = [(each["act"], each["role"], each["flow"]) for each in shown["timeline"] if each["event"] == "visit"]
    assert acts[1] == ("handed_over", "RELATIONSHIP_MANAGER", "kyc-person")
    assert acts[-1] == ("submitted", "CUSTOMER", "kyc-person")
    assert "C-77" not in str(shown)


def test_what_was_typed_and_never_sent_is_erased_with_its_case(fresh: Pages) -> None:
    pages = fresh
    handed_over(pages)
    journal, parties = pages.gateway.journal, "|".join(sorted((BANK, TRUST)))
    at = "2027-01-15T00:00:00Z"

    def erase() -> int:
        with journal.reading.engine.begin() as connection:
            return erase_case(connection, pages.case_id, False, parties, "asked for", at)

    assert erase() == 1
    with journal.reading.engine.begin() as connection:
        (wrapped,) = connection.exec_driver_sql("select wrapped from data_keys where scope like 'case:%'").scalars()
    assert wrapped == b""


def test_a_customer_sees_what_was_entered_before_the_hand_over_as_after_it(pages: Pages) -> None:
    manager = pages.open(role="RELATIONSHIP_MANAGER", actor="RM-1001")
    manager.type({"applicant.name": "王小明"}).press()
    assert pages.open(actor="C-77").value("applicant.name") == "王小明"
    fill_kyc(pages.open(role="RELATIONSHIP_MANAGER", actor="RM-1001"), risk=False).type({"declared": "yes"}).press()
    assert "待客户确认" in pages.open(role="RELATIONSHIP_MANAGER", actor="RM-1001").text
    customer = answer_risk(pages.open(actor="C-77"))
    assert "王小明" in customer.press("show:full").text
    assert pages.messages() == []
