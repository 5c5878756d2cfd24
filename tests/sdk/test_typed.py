"""Typed messages and canonical JSON are two forms of one thing."""

import pytest

from xinqiao import v1
from xinqiao.errors import NotValid, UnknownMessageType
from xinqiao.finding import errors_in
from xinqiao.standard import message_types
from xinqiao.testing import BANK, TRUST_COMPANY, patched, vector
from xinqiao.typed import Body, from_canonical, new_header, to_canonical, wrap
from xinqiao.validation import check


@pytest.mark.parametrize("body", message_types())
def test_canonical_json_goes_through_the_typed_form_unchanged(body: str) -> None:
    assert to_canonical(from_canonical(vector(body))) == vector(body)


@pytest.mark.parametrize("body", message_types())
def test_a_body_is_wrapped_under_its_own_name(body: str) -> None:
    typed = from_canonical(vector(body))
    assert typed.header is not None
    assert typed.body is not None
    part: Body = typed.body.value

    assert to_canonical(wrap(typed.header, part)) == vector(body)


def test_a_message_built_in_code_is_valid() -> None:
    report = v1.NavReport(
        instrument=v1.Instrument(code="TC2026000001"),
        nav_date="2026-01-30",
        unit_nav="1.0021",
        state=v1.NavState.FORMAL,
    )

    message = to_canonical(wrap(new_header(TRUST_COMPANY, BANK, case_id="CASE-1", test=True), report))

    assert errors_in(check(message, strict=True)) == []
    assert message["header"] | {"messageId": "", "createdAt": ""} == {
        "messageId": "",
        "standardVersion": "1.0",
        "sender": TRUST_COMPANY,
        "receiver": BANK,
        "caseId": "CASE-1",
        "createdAt": "",
        "test": True,
    }


def test_what_has_no_typed_form_is_refused_with_its_findings() -> None:
    message = patched(
        vector("navReport"),
        [
            {"op": "add", "path": "/navReport/later", "value": 1},
            {"op": "replace", "path": "/navReport/unitNav", "value": 1},
        ],
    )

    with pytest.raises(NotValid) as caught:
        from_canonical(message)

    assert [(each.rule, each.path) for each in caught.value.findings] == [
        ("schema.type", "navReport.unitNav"),
        ("schema.unknown_field", "navReport.later"),
    ]


def test_a_message_without_a_body_has_no_typed_form() -> None:
    with pytest.raises(UnknownMessageType):
        from_canonical({"header": {}})
