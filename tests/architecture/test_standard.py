"""Every field of the standard is described, and every message says its class and how people call it."""

import pytest
from jsonschema_rs import Draft202012Validator, RegexOptions
from protobuf import (
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueScalar,
    DescFile,
    DescMessage,
    ScalarType,
)

from generate import ROOT
from xinqiao.standard import message_types, schema_of
from xinqiao.v1 import annotations_pb, message_pb

# Names, numbers of documents, accounts and telephones, addresses, amounts, and what tells a person's situation.
PERSONAL = {
    "AccountEntry": "account amount counterparty remark",
    "Address": "detail detailLatin",
    "BankAccount": "name number",
    "BeneficialOwner": "party path",
    "Contact": "email mobile phone",
    "ContractEffective": "scale trustAccount trustName",
    "ContractParty": "party powers",
    "ContractProposal": "distributionClauses parties scale trustName",
    "CashDelivery": "amount payeeAccount payerAccount",
    "Crs": "birthPlace controllingPersons residences",
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
DEFINITIONS = {name: each for kind in NAMES for name, each in schema_of(kind)["$defs"].items()}
FIELDS = {f"{name}.{field}": part for name, each in DEFINITIONS.items() for field, part in each["properties"].items()}
PATTERNS = {
    value.name: value.proto.options[annotations_pb.ext_pattern]
    for value in annotations_pb.FieldAnnotation.Kind.desc().values
    if value.number and value.proto.options is not None
}
CODE_LISTS = {path.stem for path in (ROOT / "schemas" / "codes").glob("*.json")}


def lacking(*needed: str) -> list[str]:
    return [where for where, part in FIELDS.items() if not all(part["x-xinqiao"].get(each) for each in needed)]


def test_every_field_has_titles_and_a_sensitivity() -> None:
    assert [where for where, part in FIELDS.items() if not part["title"]] == []
    assert lacking("titleZh") == []
    assert {part["x-xinqiao"]["sensitivity"] for part in FIELDS.values()} <= {"C1", "C2", "C3"}


def test_every_value_has_an_example_that_its_own_constraints_accept() -> None:
    values = {where: part for where, part in FIELDS.items() if "$ref" not in part.get("items", part)}

    assert [where for where, part in values.items() if "examples" not in part] == []
    assert [
        where
        for where, part in values.items()
        if not Draft202012Validator(part, pattern_options=RegexOptions()).is_valid(part["examples"][0])
    ] == []


def test_every_string_of_a_kind_has_the_pattern_of_its_kind() -> None:
    kinds = {where: part for where, part in FIELDS.items() if "kind" in part["x-xinqiao"]}

    assert {where: part.get("items", part)["pattern"] for where, part in kinds.items()} == {
        where: PATTERNS[part["x-xinqiao"]["kind"]] for where, part in kinds.items()
    }


def test_every_code_names_a_list_that_is_there() -> None:
    codes = {where for where, part in FIELDS.items() if part["x-xinqiao"].get("kind") == "CODE"}

    assert codes <= {where for where, part in FIELDS.items() if "codes" in part["x-xinqiao"]}
    assert {part["x-xinqiao"]["codes"] for part in FIELDS.values() if "codes" in part["x-xinqiao"]} <= CODE_LISTS


def test_every_synonym_says_where_it_was_seen() -> None:
    sources = {source.name for source in annotations_pb.Synonym.Source if source}
    seen = {source for part in FIELDS.values() for source in part["x-xinqiao"].get("synonyms", {}).values()}

    assert seen <= sources


def test_what_tells_of_a_person_is_c2() -> None:
    personal = [f"{name}.{field}" for name, listed in PERSONAL.items() for field in listed.split()]

    assert {where: FIELDS[where]["x-xinqiao"]["sensitivity"] for where in personal} == dict.fromkeys(personal, "C2")


def messages_of(desc: DescFile) -> list[DescMessage]:
    return [message for message in desc.messages if message.name not in OPTIONS]


OPTIONS = {"MessageAnnotation", "FieldAnnotation", "EnumAnnotation", "EnumValueAnnotation", "Synonym"}
PROTO_FIELDS = [
    field
    for file in (message_pb.desc(), *message_pb.desc().dependencies)
    if file.name.startswith("xinqiao/")
    for message in messages_of(file)
    for field in message.fields
]


def test_every_singular_value_says_whether_it_is_there() -> None:
    singular = [f for f in PROTO_FIELDS if isinstance(f.value, DescFieldValueScalar | DescFieldValueEnum)]

    assert [f"{f.parent.name}.{f.name}" for f in singular if f.presence.name != "EXPLICIT"] == []


def test_the_standard_has_no_maps_floats_bytes_or_long_integers() -> None:
    scalars = {f.value.scalar for f in PROTO_FIELDS if isinstance(f.value, DescFieldValueScalar)}
    lists = {f.value.element for f in PROTO_FIELDS if isinstance(f.value, DescFieldValueList)}

    assert scalars <= {ScalarType.STRING, ScalarType.BOOL, ScalarType.INT32}
    assert {each for each in lists if isinstance(each, ScalarType)} <= {ScalarType.STRING, ScalarType.INT32}
    assert [f.name for f in PROTO_FIELDS if isinstance(f.value, DescFieldValueMap)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_message_has_a_class(name: str) -> None:
    assert schema_of(name)["x-xinqiao"]["class"] in {"REQUEST", "FACT", "DIRECTIVE"}
