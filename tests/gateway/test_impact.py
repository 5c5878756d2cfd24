"""What a field of the standard touches is named: messages, channels, rules, requirements and vectors."""

import json

import pytest
from typer.testing import CliRunner

from xinqiao.errors import NotFound
from xinqiao_adapters.channel import load_channel
from xinqiao_gateway.cli import app
from xinqiao_gateway.impact import ChannelUse, impact_of

CHANNELS = [load_channel(each, []) for each in ("canonical", "demo-bank", "iso20022-funds")]


def test_a_field_names_its_messages_rules_requirements_and_vectors() -> None:
    [found] = impact_of("kyc.applicant.documents.number", CHANNELS)

    assert found.field == "IdentityDocument.number"
    assert {"kycApplication", "contractProposal"} <= set(found.messages)
    assert {"XQ-R-008", "XQ-R-010", "XQ-R-015"} <= set(found.rules)
    assert "XQ-R-016" not in found.rules
    assert found.requirements == ("MSG-011", "MSG-014")
    assert "kycApplication: typical" in found.vectors
    assert "navReport: typical" not in found.vectors


def test_a_channel_says_what_it_does_with_a_field() -> None:
    [found] = impact_of("SubscriptionOrder.orderReference", CHANNELS)

    assert [use for use in found.channels if use.channel == "iso20022-funds"] == [
        ChannelUse("iso20022-funds", name, "subscriptionOrder", "mapped", ("orderReference",))
        for name in ("subscription", "subscription_04")
    ]
    assert ChannelUse("canonical", "messages", "subscriptionOrder", "carried", ()) in found.channels
    assert [use for use in found.channels if use.channel == "demo-bank"] == []


def test_a_part_touches_what_is_mapped_below_it() -> None:
    [found] = impact_of("KycApplication.crs", CHANNELS)
    mapped = next(use for use in found.channels if use.treatment == "mapped")

    assert {path.split(".")[0] for path in mapped.paths} == {"crs"}
    assert len(mapped.paths) > 2


def test_a_requirement_that_names_a_field_of_the_header_is_found() -> None:
    [found] = impact_of("header.messageId", CHANNELS)

    assert {"ENV-002", "ENV-005", "ENV-013"} <= set(found.requirements)
    assert "ENV-011" not in found.requirements


def test_a_chinese_title_or_a_partners_name_finds_the_field() -> None:
    assert [each.field for each in impact_of("CertNo", [])] == ["IdentityDocument.number"]
    assert "IdentityDocument.number" in [each.field for each in impact_of("证件号码", [])]


def test_what_is_no_field_is_not_found() -> None:
    with pytest.raises(NotFound, match="near to it"):
        impact_of("kyc.applicant.documents.numbre", [])


def test_the_command_prints_for_people_and_for_machines() -> None:
    machine = CliRunner().invoke(app, ["schema", "impact", "header.caseId", "--json"])
    people = CliRunner().invoke(app, ["schema", "impact", "header.caseId"])

    assert [each["field"] for each in json.loads(machine.output)] == ["Header.caseId"]
    assert people.output.startswith("Header.caseId\n消息 messages (")
    assert "all: --json" in people.output
    assert "渠道 channel canonical messages: 原样传递 carries it as it is, 129 种消息" in people.output


def test_an_amount_names_the_rules_that_read_it_through_the_field_that_holds_it() -> None:
    [found] = impact_of("Money.value", [])

    assert {"XQ-R-050", "XQ-R-057", "XQ-R-070"} <= set(found.rules)
