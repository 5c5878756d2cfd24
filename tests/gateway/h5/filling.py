"""What a customer and an institution type into the pages of KYC, step by step."""

from tests.gateway.h5.browser import Browser

__all__ = ["CONTACT", "IDENTITY", "MEANS", "TAX", "answer_risk", "fill_kyc", "go"]

IDENTITY: dict[str, str | list[str]] = {
    "applicant.name": "王小明",
    "applicant.gender": "MALE",
    "applicant.birthDate": "1980-01-01",
    "applicant.nationality": "中国",
    "applicant.documents[0].type": "RESIDENT_ID",
    "applicant.documents[0].number": "11010119800101007x",
    "applicant.documents[0].validUntil": "2035-06-01",
}
CONTACT: dict[str, str | list[str]] = {
    "applicant.contact.mobile": "13800138000",
    "applicant.addresses[0].use": "RESIDENTIAL",
    "applicant.addresses[0].region": "北京市东城区",
    "applicant.addresses[0].detail": "示例街1号",
    "applicant.occupation": "企业主",
}
MEANS: dict[str, str | list[str]] = {
    "annualIncome": "3,000,000.00",
    "financialAssets": "60000000",
    "fundSources": ["BUSINESS", "INVESTMENT"],
    "purposes": ["SUCCESSION"],
    "politicallyExposed": "false",
    "relatedPartyOfTrustee": "false",
}
TAX: dict[str, str | list[str]] = {"crs.declaration": "RESIDENT_ONLY"}


def go(browser: Browser, step: str, fields: dict[str, str | list[str]]) -> Browser:
    """Fill in a step and go on; nothing may be wrong with it."""
    assert browser.step == step, f"{browser.step}: {browser.text[:400]}"
    browser.type(fields).press()
    assert not browser.problems, browser.problems
    return browser


def answer_risk(browser: Browser, letter: str = "C") -> Browser:
    """Answer every question with the same letter."""
    return go(browser, "risk", dict.fromkeys(browser.names(), letter))


def fill_kyc(browser: Browser, *, risk: bool = True) -> Browser:
    """Fill in all steps of a person's KYC up to the page that is confirmed."""
    go(browser, "identity", IDENTITY)
    go(browser, "contact", CONTACT)
    go(browser, "means", MEANS)
    go(browser, "tax", TAX)
    go(browser, "family", {})
    go(browser, "images", {})
    if risk:
        answer_risk(browser)
    assert browser.step == "confirm", browser.text[:400]
    return browser
