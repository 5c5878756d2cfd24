"""Every field of the standard is described, and every message says its class and how people call it."""

from typing import Any

import pytest

from xinqiao.standard import message_types, schema_of

# Names, numbers of documents, accounts and telephones, addresses, amounts, and what tells a person's situation.
PERSONAL = {
    "AccountEntry": "account amount counterparty remark",
    "Address": "detail",
    "BankAccount": "name number",
    "BeneficialOwner": "party path",
    "Contact": "email mobile phone",
    "ContractEffective": "scale trustAccount trustName",
    "ContractParty": "party powers",
    "ContractProposal": "distributionClauses parties scale trustName",
    "CashDelivery": "amount payeeAccount payerAccount",
    "Crs": "addressLatin birthPlace controllingPersons residences",
    "CrsResidence": "explanation tin",
    "DeliveryConfirmation": "cash policy units",
    "DeliveryInstruction": "cash policy units titleEvidence",
    "DisclosureNotice": "title",
    "DisclosureReceipt": "receivedBy",
    "DistributionClause": "amount beneficiaryClass cap formula payeeAccount percentage substitutionOnDeath trigger "
    "triggerEvidence",
    "FileReference": "name",
    "FundAccount": "holderName number transactionAccount",
    "FundsMatch": "amount expectedAmount",
    "IdentityDocument": "image issuer number validFrom validUntil",
    "Instrument": "name",
    "KycApplication": "annualIncome applicant beneficialOwners faceRecognitionReference financialAssets "
    "politicallyExposed purpose relatedParties sourceOfFunds",
    "KycDecision": "amlRisk itemsNeeded reasons",
    "Money": "value",
    "NavReport": "netAssets units",
    "Party": "addresses bankAccounts birthDate contact documents employer gender maritalStatus name nameLatin "
    "nationality occupation",
    "PolicyDelivery": "cashValue endorsementNo insured policyNo policyValue policyholder premium sumInsured",
    "Position": "available cost frozen marketValue quantity",
    "PositionLot": "cost quantity",
    "PositionStatement": "accountNo totalMarketValue",
    "QualifiedInvestor": "amount evidence",
    "RedemptionOrder": "account grossAmount netAmount units",
    "RelatedParty": "party",
    "RiskAnswer": "answer",
    "RiskAssessment": "level score",
    "SignatureEvidence": "signerName",
    "SubscriptionOrder": "account grossAmount netAmount units",
    "UnitsDelivery": "transfereeAccount transferorAccount units",
}
NAMES = sorted(kind.name for kind in message_types().values())


def fields(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    definitions = schema["$defs"].items()
    return [(f"{name}.{field}", part) for name, each in definitions for field, part in each["properties"].items()]


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_titles_sensitivity_and_a_scalar_an_example(name: str) -> None:
    for where, part in fields(schema_of(name)):
        assert part["title"], where
        assert part["x-xinqiao"]["titleZh"], where
        assert part["x-xinqiao"]["sensitivity"] in {"C1", "C2", "C3"}, where
        if "$ref" not in part.get("items", part):
            assert "examples" in part, where


def test_what_tells_of_a_person_is_c2() -> None:
    definitions = {name: each for kind in NAMES for name, each in schema_of(kind)["$defs"].items()}

    assert {
        f"{name}.{field}": definitions[name]["properties"][field]["x-xinqiao"]["sensitivity"]
        for name, listed in PERSONAL.items()
        for field in listed.split()
    } == {f"{name}.{field}": "C2" for name, listed in PERSONAL.items() for field in listed.split()}


@pytest.mark.parametrize("name", NAMES)
def test_every_message_has_a_class(name: str) -> None:
    assert schema_of(name)["x-xinqiao"]["class"] in {"REQUEST", "FACT", "DIRECTIVE"}
