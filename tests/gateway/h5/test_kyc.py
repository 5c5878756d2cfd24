"""KYC on the pages, from the launch to the message in the journal, without JavaScript."""

import pytest

from tests.gateway.h5.conftest import BANK, TRUST, Pages
from tests.gateway.h5.filling import CONTACT, IDENTITY, MEANS, answer_risk, fill_kyc, go
from xinqiao.validation import check


def test_a_customer_fills_in_kyc_and_it_is_one_message(pages: Pages) -> None:
    browser = fill_kyc(pages.open()).type({"declared": "yes"}).press()
    assert "已受理" in browser.text
    (found,) = pages.messages()
    message = found["message"]
    header, body = message["header"], message["kycApplication"]
    assert check(message) == []
    assert (header["sender"], header["receiver"], header["caseId"]) == (BANK, TRUST, pages.case_id)
    assert header["channelId"] == found["channel"] == "partner"
    assert browser.document.get_element_by_id("message").text_content() == found["message_id"]
    assert body["applicant"] == {
        "partyId": "P1",
        "kind": "NATURAL_PERSON",
        "name": "王小明",
        "gender": "MALE",
        "birthDate": "1980-01-01",
        "nationality": "CN",
        "documents": [{"type": "RESIDENT_ID", "number": "11010119800101007X", "validUntil": "2035-06-01"}],
        "contact": {"mobile": "13800138000"},
        "addresses": [{"use": "RESIDENTIAL", "country": "CN", "region": "110101", "detail": "示例街1号"}],
        "occupation": "企业主",
    }
    assert body["annualIncome"] == {"value": "3000000.00", "currency": "CNY"}
    assert body["crs"] == {"declaration": "RESIDENT_ONLY", "signedOn": "2027-01-15"}
    assert (body["riskAssessment"]["level"], body["riskAssessment"]["validUntil"]) == ("C5", "2028-01-15")
    assert found["case_state"] == "kyc_pending"


def test_the_evidence_of_a_visit_names_roles_and_keys_and_nobody(fresh: Pages) -> None:
    pages = fresh
    fill_kyc(pages.open(actor="customer-77")).type({"declared": "yes"}).press()
    with pages.gateway.journal.reading.engine.begin() as connection:
        signature = connection.exec_driver_sql("select signature from raws").scalar_one()
    assert signature.startswith("h5 visit ")
    assert "launched by partner-1 role CUSTOMER; confirmed CUSTOMER " in signature
    assert "customer-77" not in signature
    assert len(signature) <= 400


def test_an_institution_fills_in_kyc(pages: Pages) -> None:
    browser = pages.open("kyc-institution", role="INSTITUTION_OPERATOR")
    go(
        browser,
        "identity",
        {
            "applicant.name": "示例科技有限公司",
            "applicant.documents[0].type": "UNIFIED_SOCIAL_CREDIT_CODE",
            "applicant.documents[0].number": "91110000100000000R",
            "applicant.documents[0].longTerm": "true",
            "applicant.institution.type": browser.document.xpath("//select[@name='applicant.institution.type']/option")[
                1
            ].get("value"),
            "applicant.institution.establishedOn": "2010-05-01",
            "applicant.institution.businessScope": "软件开发",
            "applicant.institution.registeredCapital": "10000000",
        },
    )
    contact = {name: value for name, value in CONTACT.items() if "addresses" in name}
    go(
        browser,
        "contact",
        {**contact, "applicant.contact.phone": "01012345678", "applicant.addresses[0].use": "REGISTERED"},
    )
    person: dict[str, str | list[str]] = {
        "party.name": "王小明",
        "party.documents[0].type": "RESIDENT_ID",
        "party.documents[0].number": "11010119800101007X",
        "party.documents[0].validUntil": "2035-06-01",
    }
    people = {f"relatedParties[0].{name}": value for name, value in person.items()}
    go(browser, "people", {**people, "relatedParties[0].roles": ["LEGAL_REPRESENTATIVE", "AGENT"]})
    owners = {f"beneficialOwners[0].{name}": value for name, value in person.items()}
    go(
        browser,
        "owners",
        {**owners, "beneficialOwners[0].basis": "BY_SHARES", "beneficialOwners[0].percentage": "60"},
    )
    means = {name: value for name, value in MEANS.items() if name in {"financialAssets", "relatedPartyOfTrustee"}}
    go(browser, "means", {**means, "fundSources": ["OWN_FUNDS"]})
    go(browser, "tax", {"crs.declaration": "RESIDENT_ONLY", "crs.entityClass": "ACTIVE_NON_FINANCIAL"})
    browser.type({"declared": "yes"}).press()
    assert "已受理" in browser.text, browser.problems
    (found,) = pages.messages()
    assert check(found["message"]) == []
    assert found["message"]["kycApplication"]["relatedParties"][0]["party"]["partyId"] == "R1"


def test_steps_come_by_what_was_answered_and_go_again_with_what_they_asked(pages: Pages) -> None:
    browser = pages.open()
    go(browser, "identity", IDENTITY)
    go(browser, "contact", CONTACT)
    go(browser, "means", MEANS | {"politicallyExposed": "true"})
    go(browser, "exposure", {"politicalExposure.kind": "DOMESTIC"})
    go(browser, "tax", {"crs.declaration": "BOTH"})
    abroad: dict[str, str | list[str]] = {
        "applicant.surnameLatin": "WANG",
        "applicant.givenNameLatin": "XIAOMING",
        "applicant.birthCity": "北京",
        "applicant.birthCountry": "cn",
        "crs.residences[0].country": "美国",
        "crs.residences[0].tin": "123-45-6789",
    }
    go(browser, "residences", abroad)
    browser.open(browser.path.replace("family", "means")).type({"politicallyExposed": "false"}).press()
    browser.open(browser.path.replace(browser.step, "tax")).type({"crs.declaration": "RESIDENT_ONLY"}).press()
    go(browser, "family", {})
    go(browser, "images", {})
    answer_risk(browser).type({"declared": "yes"}).press()
    (found,) = pages.messages()
    body = found["message"]["kycApplication"]
    assert "politicalExposure" not in body
    assert "residences" not in body["crs"]
    assert "surnameLatin" not in body["applicant"]


def test_people_are_added_and_removed_by_buttons(pages: Pages) -> None:
    browser = pages.open()
    go(browser, "identity", IDENTITY)
    go(browser, "contact", CONTACT)
    go(browser, "means", MEANS)
    go(browser, "tax", {"crs.declaration": "RESIDENT_ONLY"})
    browser.press("add:relatedParties").type({"relatedParties[0].party.name": "李晓红"}).press("add:relatedParties")
    assert browser.value("relatedParties[0].party.name") == "李晓红"
    browser.type({"relatedParties[1].party.name": "王小小", "relatedParties[1].roles": ["CHILD"]})
    browser.press("remove:relatedParties[0]")
    assert browser.value("relatedParties[0].party.name") == "王小小"
    browser.press()
    go(browser, "images", {})
    answer_risk(browser).type({"declared": "yes"}).press()
    (found,) = pages.messages()
    (related,) = found["message"]["kycApplication"]["relatedParties"]
    assert (related["party"]["name"], related["party"]["kind"], related["roles"]) == (
        "王小小",
        "NATURAL_PERSON",
        ["CHILD"],
    )
    assert related["party"]["partyId"].startswith("R")


@pytest.mark.parametrize(("letter", "level"), [("A", "C1"), ("B", "C3"), ("C", "C5")])
def test_a_questionnaire_comes_to_a_level(pages: Pages, letter: str, level: str) -> None:
    browser = pages.open()
    address = browser.path.rpartition("/")[0]
    answer_risk(browser.open(f"{address}/risk"), letter)
    assert f"测评结果{level}" in "".join(browser.open(f"{address}/confirm").text.split())


def test_an_unanswered_question_is_named(pages: Pages) -> None:
    browser = pages.open()
    browser.open(browser.path.replace("identity", "risk"))
    names = browser.names()
    browser.type(dict.fromkeys(names[1:], "B")).press()
    assert (browser.status, browser.problems) == (422, ["第 1 题尚未作答"])
    assert browser.value(names[1]) == "B"
