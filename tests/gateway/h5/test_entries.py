"""Entries by API: a manager's system puts in what it collected, and the customer confirms it on the pages."""

from typing import Any

import httpx2 as httpx
import orjson

from tests.gateway.h5.conftest import Pages
from tests.gateway.h5.filling import answer_risk
from xinqiao.seal import SIGNATURE_HEADER, new_key, seal
from xinqiao_gateway.journal.visits import visits_of

BODY: dict[str, Any] = {
    "applicant": {
        "name": "王小明",
        "gender": "MALE",
        "birthDate": "1980-01-01",
        "nationality": "CN",
        "documents": [{"type": "RESIDENT_ID", "number": "11010119800101007X", "validUntil": "2035-06-01"}],
        "contact": {"mobile": "13800138000"},
        "addresses": [{"use": "RESIDENTIAL", "country": "CN", "region": "110101", "detail": "示例街1号"}],
        "occupation": "企业主",
    },
    "annualIncome": {"value": "3000000.00", "currency": "CNY"},
    "financialAssets": {"value": "60000000", "currency": "CNY"},
    "fundSources": ["BUSINESS"],
    "purposes": ["SUCCESSION"],
    "politicallyExposed": False,
    "relatedPartyOfTrustee": False,
    "crs": {"declaration": "RESIDENT_ONLY"},
}


def entered(pages: Pages, body: dict[str, Any] = BODY, **changed: Any) -> httpx.Response:
    key = changed.pop("key", pages.key)
    said = {
        "flow": "kyc-person",
        "case": pages.case_id,
        "actor": {"role": "RELATIONSHIP_MANAGER", "id": "RM-1001"},
        "body": body,
        "handOver": True,
    }
    content = orjson.dumps(said | changed)
    return sent(pages, content, seal(content, "application/json", key).signature)


def sent(pages: Pages, content: bytes, signature: str) -> httpx.Response:
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
    return pages.http.post("/h5/partner/entries", content=content, headers=headers)


def reason(answer: httpx.Response) -> str:
    return str(orjson.loads(answer.content)["rejection"]["reason"])


def test_an_entry_waits_for_the_customer_who_confirms_it(pages: Pages) -> None:
    answer = entered(pages)
    assert (answer.status_code, answer.json()["state"]) == (202, "awaiting_confirmation")
    assert pages.messages() == []
    customer = answer_risk(pages.open(actor="C-77"))
    assert "以下内容由客户经理录入" in customer.text
    customer.type({"declared": "yes"}).press()
    (found,) = pages.messages()
    assert found["message"]["header"]["operator"] == "RM-1001"
    assert found["message"]["kycApplication"]["applicant"]["name"] == "王小明"
    assert reason(entered(pages, handOver=False)) == "conflict"


def test_into_pages_that_only_show_nothing_is_entered(pages: Pages) -> None:
    answer = entered(pages, {}, flow="statement")
    assert (answer.status_code, reason(answer)) == (400, "malformed_request")
    assert "等待" not in pages.open("statement").text


def test_the_same_entry_again_changes_nothing(pages: Pages) -> None:
    content = orjson.dumps(
        {"flow": "kyc-person", "case": pages.case_id, "actor": {"role": "RELATIONSHIP_MANAGER", "id": "RM"}, "body": {}}
    )
    signature = seal(content, "application/json", pages.key).signature
    first, second = sent(pages, content, signature), sent(pages, content, signature)
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["visitId"] == second.json()["visitId"]
    with pages.gateway.journal.reading.engine.begin() as connection:
        assert len(visits_of(connection, pages.case_id)) == 1


def test_a_part_of_an_entry_is_gone_on_with_on_the_pages(pages: Pages) -> None:
    answer = entered(pages, {"applicant": BODY["applicant"]}, handOver=False)
    assert (answer.status_code, answer.json()["state"]) == (202, "open")
    assert pages.open(role="RELATIONSHIP_MANAGER").step == "means"


def test_an_entry_that_is_not_valid_is_refused_with_findings(pages: Pages) -> None:
    answer = entered(pages, {**BODY, "applicant": {**BODY["applicant"], "birthDate": "yesterday"}})
    assert (answer.status_code, reason(answer)) == (422, "not_valid")
    (finding,) = answer.json()["rejection"]["findings"]
    assert finding["path"] == "kycApplication.applicant.birthDate"
    assert pages.open().value("applicant.name") == ""


def test_a_manager_answers_no_questionnaire_for_a_customer(pages: Pages) -> None:
    answer = entered(pages, {**BODY, "riskAssessment": {"level": "C5"}})
    assert (answer.status_code, reason(answer)) == (400, "malformed_request")


def test_an_entry_does_not_overwrite_what_the_customer_began(pages: Pages) -> None:
    pages.open().type({"applicant.name": "李四"}).press()
    assert reason(entered(pages)) == "conflict"
    assert pages.open().value("applicant.name") == "李四"


def test_an_entry_that_is_not_the_partners_is_refused(pages: Pages) -> None:
    assert reason(entered(pages, key=new_key("partner-1"))) == "signature_invalid"
    assert reason(sent(pages, b"{}", "")) == "signature_missing"
    assert reason(entered(pages, flow="kyc-nobody")) == "not_found"
    assert reason(entered(pages, actor={"role": "CUSTOMER", "id": "C"})) == "malformed_request"
    assert reason(entered(pages, body=[])) == "malformed_request"  # type: ignore[arg-type]
