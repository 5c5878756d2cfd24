"""The error tree: reasons are unique and stable, and survive a rejection."""

import pytest

from xinqiao import errors
from xinqiao.errors import (
    ConfigurationError,
    NotValid,
    OutOfOrder,
    Rejected,
    Retryable,
    XinqiaoError,
    error_table,
)
from xinqiao.finding import Finding, Text, errors_in
from xinqiao.outcome import error_of, rejection
from xinqiao.testing import BANK, TRUST_COMPANY, vector
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


def test_an_error_without_detail_says_its_text() -> None:
    assert str(NotValid()) == "the message is not valid"
    assert str(NotValid("2 violations")) == "the message is not valid: 2 violations"
