"""Policy: rules as data say of a message whether it passes, waits for a person, or is refused."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from xinqiao.errors import SettingsInvalid
from xinqiao.finding import Finding, Text
from xinqiao.message import Json, message_type
from xinqiao.standard import message_types
from xinqiao.testing import example, generated, vectors
from xinqiao_gateway.journal.vault import Vault
from xinqiao_gateway.policy import NO_PAST, PASSED, Judgement, Policy, import_list
from xinqiao_gateway.policy.comparison import normalised

DIGEST = Vault(bytes(32)).keyed_digest
AT = datetime.fromisoformat("2026-01-23T09:31:00+08:00").timestamp()
TITLE = {"zh": "规则", "en": "Rule"}

Write = Callable[..., Policy]


@pytest.fixture
def policy_of(tmp_path: Path) -> Write:
    """Write rules to a file and load them; what a rule does not say is filled in."""

    def load(*rules: Json) -> Policy:
        filled = [{"id": f"rule-{n}", "title": TITLE, "verdict": "approve"} | rule for n, rule in enumerate(rules)]
        path = tmp_path / "policy.yaml"
        path.write_text(yaml.safe_dump({"rules": filled}, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return Policy.load(path, tmp_path / "watch-lists", DIGEST)

    return load


def order(value: str = "6710.50", currency: str = "EUR", **fields: Any) -> Json:
    found = example("subscriptionOrder")
    found["subscriptionOrder"] |= {"grossAmount": {"value": value, "currency": currency}} | fields
    return found


def judge(policy: Policy, message: Json, channel: str = "bank") -> Judgement:
    return policy.judge(message, message_type(message), channel, AT, NO_PAST)


def when(*conditions: Json, for_: str = "subscriptionOrder", **others: Any) -> Json:
    return {"for": [for_], "when": list(conditions)} | others


def test_without_a_file_everything_passes(tmp_path: Path) -> None:
    policy = Policy.load(tmp_path / "policy.yaml", tmp_path / "watch-lists", DIGEST)
    assert judge(policy, order()) is PASSED


@pytest.mark.parametrize(
    ("value", "currency", "verdict"),
    [
        ("1000000.01", "CNY", "approve"),
        ("1000000.00", "CNY", "pass"),
        ("1000000", "CNY", "pass"),
        ("999999.99999999", "CNY", "pass"),
        ("2000000.00", "EUR", "pass"),
    ],
)
def test_an_amount_equal_to_the_limit_passes_and_one_above_it_waits(
    policy_of: Write, value: str, currency: str, verdict: str
) -> None:
    policy = policy_of(when({"path": "grossAmount", "above": "1000000.00", "currency": "CNY"}))
    assert judge(policy, order(value, currency)).verdict == verdict


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"path": "grossAmount.currency", "equals": "EUR"}, True),
        ({"path": "grossAmount.currency", "equals": "CNY"}, False),
        ({"path": "launch", "equals": False}, True),
        ({"path": "launch", "equals": True}, False),
        ({"path": "grossAmount.currency", "in": ["CNY", "EUR"]}, True),
        ({"path": "grossAmount.currency", "not_in": ["CNY", "USD"]}, True),
        ({"path": "grossAmount.currency", "not_in": ["EUR"]}, False),
        ({"path": "netAmount.currency", "not_in": ["EUR"]}, False),
        ({"path": "account.customerNo", "exists": False}, True),
        ({"path": "account.holderName", "exists": True}, True),
        ({"path": "feeDiscount", "below": "1.0001"}, True),
        ({"path": "feeDiscount", "below": "1"}, False),
        ({"path": "netAmount", "above": "0", "currency": "EUR"}, False),
        ({"path": "tradeDate", "after": "2026-01-22"}, True),
        ({"path": "tradeDate", "after": "2026-01-23"}, False),
        ({"path": "tradeDate", "before": "today"}, False),
        ({"path": "orderedAt", "before": "2026-01-24"}, True),
        ({"path": "requestedDate", "before": "2099-01-01"}, False),
        ({"path": "header.businessDate", "after": "2026-01-01"}, True),
        ({"path": "account.holderName", "differs_from": "instrument.name"}, True),
        ({"path": "account.holderName", "differs_from": "account.holderName"}, False),
        ({"path": "account.holderName", "differs_from": "paymentAccount.name"}, False),
    ],
)
def test_each_condition_holds_or_not(policy_of: Write, condition: Json, holds: bool) -> None:
    assert judge(policy_of(when(condition)), order()).verdict == ("approve" if holds else "pass")


def test_a_document_that_ends_today_in_china_has_not_ended_yet(policy_of: Write) -> None:
    ended = {"any": "applicant.documents[]", "where": [{"path": "validUntil", "before": "today"}]}
    policy = policy_of(when(ended, for_="kycApplication"))
    found = example("kycApplication")
    for day, verdict in [("2026-01-23", "pass"), ("2026-01-22", "approve")]:
        found["kycApplication"]["applicant"]["documents"][0]["validUntil"] = day
        assert judge(policy, found).verdict == verdict


def test_any_wants_all_of_its_conditions_on_the_same_element(policy_of: Write) -> None:
    passport = [{"path": "type", "equals": "PASSPORT"}, {"path": "number", "equals": "11010119800101007X"}]
    found = example("kycApplication")
    documents = found["kycApplication"]["applicant"]["documents"]
    documents.append(documents[0] | {"type": "PASSPORT", "number": "E12345678"})
    rule = when({"any": "applicant.documents[]", "where": passport}, for_="kycApplication")
    assert judge(policy_of(rule), found).verdict == "pass"
    documents[1]["number"] = "11010119800101007X"
    assert judge(policy_of(rule), found).verdict == "approve"


def test_a_path_over_a_list_holds_where_any_value_does(policy_of: Write) -> None:
    rule = when({"path": "lines[].amount", "above": "4599.99", "currency": "CNY"}, for_="prepaidOrder")
    assert judge(policy_of(rule), example("prepaidOrder")).verdict == "approve"


def test_all_conditions_of_a_rule_must_hold(policy_of: Write) -> None:
    both = when({"path": "launch", "equals": False}, {"path": "grossAmount", "above": "9999", "currency": "EUR"})
    assert judge(policy_of(both), order()).verdict == "pass"
    assert judge(policy_of(both), order("10000.00")).verdict == "approve"


def test_the_strictest_verdict_counts_and_all_rules_are_named(policy_of: Write) -> None:
    policy = policy_of(when(verdict="alert"), when(verdict="forbid", say=True), when(verdict="approve"))
    said = (("rule-1", Text("规则", "Rule")),)
    assert judge(policy, order()) == Judgement("forbid", ("rule-0", "rule-1", "rule-2"), said=said)


def test_a_rule_that_passes_ends_the_asking(policy_of: Write) -> None:
    staff = when({"path": "account.distributor", "equals": "201"}, verdict="pass")
    policy = policy_of(staff, when(verdict="forbid"))
    assert judge(policy, order()) == Judgement("pass", ("rule-0",))
    assert judge(policy, order(account={"number": "1", "distributor": "202"})).verdict == "forbid"


def test_a_rule_for_some_channels_leaves_the_others_alone(policy_of: Write) -> None:
    policy = policy_of(when(channels=["bank"]))
    assert [judge(policy, order(), channel).verdict for channel in ("bank", "other")] == ["approve", "pass"]


@pytest.mark.parametrize("verdict", ["forbid", "approve"])
def test_a_fact_is_never_refused_or_held_back_and_a_person_is_told(policy_of: Write, verdict: str) -> None:
    policy = policy_of(when(for_="accountEntry", verdict=verdict))
    assert judge(policy, example("accountEntry")) == Judgement("alert", ("rule-0",), "approval")


def test_an_alert_lets_a_request_go_on(policy_of: Write) -> None:
    judgement = judge(policy_of(when(verdict="alert")), order())
    assert (judgement.verdict, judgement.exception, judgement.parks) == ("alert", "alert", False)


def test_a_reason_is_said_only_where_the_rule_says_so(policy_of: Write) -> None:
    silent, told = when(verdict="forbid"), when(verdict="forbid", say=True)
    assert judge(policy_of(silent), order()).findings("subscriptionOrder") == ()
    assert judge(policy_of(told), order()).findings("subscriptionOrder") == (
        Finding("rule-0", "subscriptionOrder", Text("规则", "Rule")),
    )


# --- watch lists -------------------------------------------------------------------------------------------------

WATCHED = {"watch_list": {"list": "sanctions", "paths": ["account.holderName", "paymentAccount.name"]}}


def write_list(folder: Path, *values: str, name: str = "sanctions") -> Path:
    path, _ = import_list(["name\n", *(f'"{each}"\n' for each in values)], None, folder / "watch-lists", name, DIGEST)
    return path


@pytest.mark.parametrize("written", ["王小明", " 王 小明", "王\u200b小明"])
def test_a_name_on_a_watch_list_is_held_however_it_is_spaced(policy_of: Write, tmp_path: Path, written: str) -> None:
    write_list(tmp_path, "王小明")
    judgement = judge(policy_of(when(WATCHED)), order(account={"number": "1", "holderName": written}))
    assert judgement == Judgement("approve", ("rule-0",), "watch_list")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("买买提·吐尔逊", "买买提•吐尔逊"),
        ("买买提·吐尔逊", "买买提・吐尔逊"),
        ("Wang Xiaoming", "ＷＡＮＧ　ＸＩＡＯＭＩＮＧ"),
        ("11010119800101007x", "110101 19800101 007X"),
        ("\ue81e", "\ue81e"),
    ],
)
def test_spellings_of_one_name_are_one_for_comparison(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


def test_what_the_partner_is_told_of_a_hit_is_what_it_is_told_of_none(policy_of: Write, tmp_path: Path) -> None:
    write_list(tmp_path, "王小明")
    limit = when({"path": "grossAmount", "above": "1", "currency": "EUR"}, verdict="forbid", say=True)
    for rules in ([when(WATCHED)], [when(WATCHED), limit], [limit, when(WATCHED)]):
        policy = policy_of(*(each | {"id": f"r{n}"} for n, each in enumerate(rules)))
        hit, clean = judge(policy, order()), judge(policy, order(account={"number": "1", "holderName": "李四"}))
        assert hit.findings("subscriptionOrder") == clean.findings("subscriptionOrder")
        assert (hit.verdict == "forbid") == (clean.verdict == "forbid")
        assert (hit.exception, clean.exception) == ("watch_list", None)


def test_a_hit_is_logged_nowhere(policy_of: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_list(tmp_path, "王小明")
    with capture_logs() as logged, caplog.at_level("DEBUG"):
        judge(policy_of(when(WATCHED)), order())
    assert (logged, caplog.records) == ([], [])


def test_a_refusal_for_a_watch_list_must_be_meant(policy_of: Write, tmp_path: Path) -> None:
    write_list(tmp_path, "王小明")
    with pytest.raises(SettingsInvalid, match="tips the partner off"):
        policy_of(when(WATCHED, verdict="forbid"))
    assert judge(policy_of(when(WATCHED, verdict="forbid", say=True)), order()).verdict == "forbid"


def test_a_related_party_waits_for_approval(policy_of: Write, tmp_path: Path) -> None:
    write_list(tmp_path, "王小明", name="related-parties")
    rule = when({"related": {"list": "related-parties", "paths": ["account.holderName"]}})
    assert judge(policy_of(rule), order()) == Judgement("approve", ("rule-0",), "approval")


def test_a_watch_list_keeps_no_name_and_opens_with_its_own_key_and_name_only(policy_of: Write, tmp_path: Path) -> None:
    path = write_list(tmp_path, "王小明", "11010119800101007X")
    content = path.read_text()
    assert ("王小明" not in content, "11010119800101007" not in content, path.stat().st_mode & 0o077) == (True, True, 0)
    path.write_text(content.replace(content[:90], content[:80] + "0" * 10, 1))
    with pytest.raises(SettingsInvalid, match="another master key"):
        policy_of(when(WATCHED))


def test_a_damaged_watch_list_is_named_by_line_without_showing_it(policy_of: Write, tmp_path: Path) -> None:
    path = write_list(tmp_path, "王小明")
    path.write_text(path.read_text() + "Somebody\n")
    with pytest.raises(SettingsInvalid, match=r"sanctions\.txt:3: no digest") as raised:
        policy_of(when(WATCHED))
    assert "Somebody" not in str(raised.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["name,id\n", "甲乙\n"], "row 2: 1 cells"),
        (["id\n", "1234\n"], "no column name"),
        (["name\n", "王\n"], "row 2: a value shorter"),
        (["name\n"], "matches nobody"),
        ([], "no column name"),
        (["name\n", '"a"b\n'], "not CSV"),
    ],
)
def test_a_list_that_cannot_be_meant_is_not_imported(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        import_list(lines, ["name"], tmp_path, "sanctions", DIGEST)
    assert list(tmp_path.iterdir()) == []


def test_a_list_name_is_never_a_path(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="a list's name"):
        import_list(["name\n", "王小明\n"], None, tmp_path, "../escape", DIGEST)


# --- loading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (when({"path": "grossAmnt", "exists": True}), "when.0.path: subscriptionOrder has no subscriptionOrder.gross"),
        (when({"path": "grossAmount", "above": "1"}), "an amount of money: give its currency"),
        (when({"path": "units", "above": "1", "currency": "CNY"}), "no amount of money: give no currency"),
        (when({"path": "orderReference", "above": "1"}), "is no number"),
        (when({"path": "grossAmount", "equals": "1"}), "holds fields of its own"),
        (when({"path": "account.holderKind", "equals": "PERSON"}), "PERSON is none of NATURAL_PERSON"),
        (when({"path": "orderReference", "before": "today"}), "is no date"),
        (when({"path": "tradeDate", "before": "23.01.2026"}), "a date is written"),
        (when({"path": "tradeDate"}), "exactly one of"),
        (when({"path": "tradeDate", "exists": True, "equals": "x"}), "exactly one of"),
        (when({"exists": True}), "needs a path"),
        (when({"any": "applicant.documents", "where": [{"path": "type", "exists": True}]}, for_="kycApplication"),
         "a list: write it with"),
        (when({"any": "applicant.documents[]", "where": [{"path": "kind", "exists": True}]}, for_="kycApplication"),
         "when.0.where.0.path"),
        (when({"similar": {"by": ["nothing"], "within": "P1D"}}), "when.0.similar.by.0"),
        (when({"similar": {"by": ["orderReference"], "within": "1 day"}}), "a duration is written"),
        (when({"similar": {"by": ["orderReference"], "within": "P900D"}}), "at most P366D"),
        (when({"total": {"of": "grossAmount", "by": ["orderReference"], "within": "P1D", "above": "1"}}),
         "give its currency"),
        (when({"total": {"of": "grossAmount", "by": ["orderReference"], "within": "P1D", "above": 5.0}}),
         "put numbers that are codes in quotes"),
        (when(WATCHED), "there is no list sanctions"),
        (when(for_="regulatorDirective"), "an authority's directive"),
        (when(for_="subscription"), "no message type"),
        (when(verdict="hold"), "verdict"),
        (when(when_="x"), "no such key here"),
        (when(title={"zh": "只有中文"}), "give both zh and en"),
        (when(reference="orderReference"), "reference and undone_by go together"),
        (when(reference="orderReference", undone_by=[{"message": "orderStatus", "reference": "orderReference"}]),
         "nothing is remembered"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_named_by_file_line_and_place(policy_of: Write, rule: Json, said: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"policy\.yaml:\d+: rules\.0") as raised:
        policy_of(rule)
    assert said in raised.value.detail


def test_every_problem_of_a_file_is_said_at_once_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "rules:\n"
        "  - id: one\n"
        "    title: {zh: 一, en: One}\n"
        "    for: subscriptionOrder\n"
        "    verdict: approve\n"
        "    when:\n"
        "      - {path: grossAmount, above: '1'}\n"
        "      - {path: nothing, exists: true}\n"
        "  - id: one\n"
        "    for: [ping]\n"
        "    verdict: stop\n"
        "more: 1\n",
        encoding="utf-8",
    )
    with pytest.raises(SettingsInvalid) as raised:
        Policy.load(path, tmp_path, DIGEST)
    lines = sorted(int(each.removeprefix(f"{path}:").split(":")[0]) for each in raised.value.detail.splitlines())
    assert lines == [7, 8, 9, 9, 11, 12]


@pytest.mark.parametrize("content", ["- a", "rules: 1", "rules: [\n", "{}", "rules: [1]", "rules: [{id: A b}]"])
def test_a_file_that_holds_no_rules_is_a_setting_to_correct(tmp_path: Path, content: str) -> None:
    (tmp_path / "policy.yaml").write_text(content)
    with pytest.raises(SettingsInvalid, match=r"policy\.yaml"):
        Policy.load(tmp_path / "policy.yaml", tmp_path, DIGEST)


# --- laws --------------------------------------------------------------------------------------------------------


def rules_for(body: str) -> list[Json]:
    """Rules that read whatever stands in the published examples of a type, with every kind of condition."""
    scalars = {name for each in vectors(body) for name, part in each["message"][body].items() if isinstance(part, str)}
    paths = sorted(scalars)[:4]
    conditions: list[Json] = [{"path": path, "differs_from": "header.messageId"} for path in paths] + [
        {"path": path, "exists": True} for path in paths
    ]
    looking: list[Json] = [
        {"similar": {"by": paths, "within": "P1D"}},
        {"count": {"by": ["header.sender"], "within": "PT1H", "above": 1}},
    ]
    rules = [when(each, for_=body) for each in conditions + looking[: 2 if paths else 0]]
    return [*rules, when({"watch_list": {"list": "sanctions", "paths": ["header.operator", *paths]}}, for_=body)]


def test_judging_never_fails_on_a_valid_message_of_any_type(policy_of: Write, tmp_path: Path) -> None:
    write_list(tmp_path, "王小明")
    kinds = [each for each in message_types().values() if each.message_class != "DIRECTIVE"]
    policy = policy_of(*(rule for kind in kinds for rule in rules_for(kind.body)))
    for kind in message_types().values():
        for each in vectors(kind.body):
            judgement = judge(policy, each["message"])
            assert (judgement is PASSED) == (kind.message_class == "DIRECTIVE")
            assert judgement.verdict in ({"approve", "pass"} if kind.message_class == "REQUEST" else {"alert", "pass"})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.sampled_from(["subscriptionOrder", "kycApplication", "prepaidOrder", "accountEntry"]), seed=st.integers()
)
def test_judging_never_fails_on_generated_messages(policy_of: Write, tmp_path: Path, body: str, seed: int) -> None:
    write_list(tmp_path, "王小明")
    judge(policy_of(*rules_for(body)), generated(body, seed))


@given(value=st.decimals("0", "99999999", places=2, allow_nan=False), limit=st.decimals("0", "99999999", places=2))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_limit_decides_as_decimals_compare(policy_of: Write, value: Decimal, limit: Decimal) -> None:
    policy = policy_of(when({"path": "grossAmount", "above": str(limit), "currency": "CNY"}))
    assert (judge(policy, order(str(value), "CNY")).verdict == "approve") == (value > limit)
