"""The error tree: reasons are unique and stable, and survive a rejection."""

import pytest

from xinqiao import errors
from xinqiao.errors import (
    ConfigurationError,
    DestinationRefused,
    NotValid,
    OutOfOrder,
    Rejected,
    Retryable,
    XinqiaoError,
    error_table,
)
from xinqiao.finding import Finding, Text, errors_in
from xinqiao.message import Json
from xinqiao.outcome import error_of, rejection
from xinqiao.testing import BANK, TRUST_COMPANY, patched, vector
from xinqiao.validation import check

TABLE = error_table()
BRANCHES = (Rejected, Retryable, ConfigurationError)


def test_the_reasons_of_the_table_are_unique() -> None:
    reasons = [error.reason for error in TABLE]

    assert len(set(reasons)) == len(reasons)


def test_every_class_of_the_tree_is_a_row_or_a_branch() -> None:
    public = {getattr(errors, name) for name in errors.__all__}
    classes = {each for each in public if isinstance(each, type)}

    assert classes == {*TABLE, *BRANCHES, XinqiaoError}


@pytest.mark.parametrize("error", TABLE)
def test_a_row_says_what_it_is_in_both_languages_and_how_to_mend_it(error: type[XinqiaoError]) -> None:
    assert 400 <= error.http_status < 600
    assert error.grpc_code.isupper()
    assert all((*error.text, *error.fix))


@pytest.mark.parametrize("error", TABLE)
def test_a_row_belongs_to_one_branch_and_only_retryable_ones_are_retryable(error: type[XinqiaoError]) -> None:
    assert sum(issubclass(error, branch) for branch in BRANCHES) == 1
    assert error.retryable == issubclass(error, Retryable)


@pytest.mark.parametrize("error", TABLE)
def test_an_error_goes_through_a_valid_rejection_unchanged(error: type[XinqiaoError]) -> None:
    finding = Finding("XQ-R-001", "navReport.navDate", Text("错", "wrong"), value="x", fix=Text("改", "mend"))
    raised = error("where and what", findings=[finding], expected=["kycDecision"])
    message_id = vector("navReport")["header"]["messageId"]

    message = rejection(TRUST_COMPANY, BANK, raised, message_id)
    again = error_of(message)

    assert errors_in(check(message, strict=True)) == []
    assert type(again) is error
    assert (again.detail, again.findings, again.expected) == ("where and what", (finding,), ("kycDecision",))


@pytest.mark.parametrize(("retryable", "branch"), [(True, Retryable), (False, Rejected)])
def test_a_reason_of_a_later_version_keeps_its_branch(retryable: bool, branch: type[XinqiaoError]) -> None:
    message = rejection(TRUST_COMPANY, BANK, OutOfOrder("x"))
    message["rejection"] |= {"reason": "too_early", "retryable": retryable}

    error = error_of(message)

    assert type(error) is branch
    assert "too_early" in error.detail
    assert error_table() == TABLE


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"reason": None}, "rejection.reason"),
        ({"text": {"zh": "错"}}, "rejection.text.en"),
        ({"retryable": "no"}, "rejection.retryable"),
        ({"findings": [{"rule": "x"}]}, "rejection.findings[0].path"),
    ],
)
def test_a_rejection_that_is_not_as_the_standard_writes_it_is_said_to_be_none(
    change: dict[str, object], place: str
) -> None:
    message = vector("rejection")
    message["rejection"] |= change

    with pytest.raises(DestinationRefused, match="no rejection of the standard") as caught:
        error_of(message)

    assert place in [finding.path for finding in caught.value.findings]


@pytest.mark.parametrize(
    "message", [{}, {"rejection": {}}, {"rejection": []}, {"rejection": None}, {"header": 1, "rejection": {}}]
)
def test_what_has_nothing_of_a_rejection_is_said_to_be_none(message: Json) -> None:
    with pytest.raises(DestinationRefused, match="no rejection of the standard"):
        error_of(message)


def test_another_message_is_no_rejection() -> None:
    with pytest.raises(DestinationRefused, match="but receipt"):
        error_of(vector("receipt"))
    with pytest.raises(DestinationRefused, match=r"header\.standardVersion is '2\.0'"):
        error_of(patched(vector("rejection"), [{"op": "replace", "path": "/header/standardVersion", "value": "2.0"}]))


def test_a_rejection_is_read_though_its_header_is_poor_or_it_tells_more_than_is_known() -> None:
    finding = Finding("XQ-R-001", "navReport.navDate", Text("错", "wrong"))
    message = rejection(TRUST_COMPANY, BANK, NotValid("1 violation", findings=[finding]))
    message["header"] = {}
    message["rejection"]["findings"][0]["text"]["fr"] = "faux"

    assert error_of(message).findings == (finding,)


def test_a_rejection_stays_valid_whatever_the_detail_holds() -> None:
    message = rejection(TRUST_COMPANY, BANK, NotValid("found \x01\n" + "x" * 2000))

    assert errors_in(check(message, strict=True)) == []


def test_an_error_without_detail_says_its_text() -> None:
    assert str(NotValid()) == "the message is not valid"
    assert str(NotValid("2 violations")) == "the message is not valid: 2 violations"
