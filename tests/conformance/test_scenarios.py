"""Scenarios: how they are composed, and that every path says what the published processes say."""

from datetime import timedelta

import pytest

from xinqiao.standard import message_types
from xinqiao_conformance.observing import Breach
from xinqiao_conformance.scenarios import (
    BUSINESSES,
    HAPPY,
    PARKED,
    Nothing,
    Path,
    Pause,
    Send,
    Side,
    business_named,
    happy_path,
    paths,
    walk,
)
from xinqiao_conformance.scenarios.arrows import arrows_of
from xinqiao_conformance.scenarios.composing import NOTHING, either, of
from xinqiao_conformance.scenarios.disorder import OUT_OF_ORDER
from xinqiao_conformance.scenarios.reading import business_of, scenario_of, states_along
from xinqiao_conformance.simulators.drafting import Sending

from .oracle import Oracle

EVERY = [path for business in BUSINESSES for path in paths(business)]


def send(body: str, **more: str) -> Send:
    return Send("opener", Sending(body), **more)  # type: ignore[arg-type]


def test_each_way_from_the_root_to_a_leaf_is_a_branch_named_by_the_alternatives_it_takes() -> None:
    a, b, c, d = (send(each) for each in ("kycApplication", "kycDecision", "kycUpdate", "kycExpired"))
    scenario = of(a).then(either({"usual": of(b), "other": of(c), "none": NOTHING})).then(of(d))
    found = [(each.names, each.steps) for each in scenario.branches]
    assert found == [((), (a, b, d)), (("other",), (a, c, d)), (("none",), (a, d))]
    twice = either({"usual": scenario, "short": of(d)}).then(either({"x": NOTHING, "y": of(a)}))
    assert [each.names for each in twice.branches] == [
        *[(), ("y",), ("other",), ("other", "y"), ("none",), ("none", "y")],
        *[("short",), ("short", "y")],
    ]


def test_paths_have_stable_names_each_its_own_and_one_is_the_happy_one() -> None:
    ids = [path.id for path in EVERY]
    assert len(set(ids)) == len(ids)
    for business in BUSINESSES:
        assert [path.name for path in paths(business)].count(HAPPY) == 1
        assert happy_path(business) is business_named(business).happy
    assert [path.id for path in paths("micro-finance")] == ["micro-finance.happy", "micro-finance.rejected"]


def test_an_unknown_business_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no business gardening; there are family-trust"):
        business_named("gardening")


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.id)
def test_every_path_goes_as_the_published_process_says(path: Path) -> None:
    oracle = Oracle()
    walked = walk(path, oracle, "CASE-1")
    assert oracle.verdicts.count("park") == [each.step.expected for each in walked].count(PARKED)
    business = business_named(path.business)
    if business.process:
        assert "free" not in oracle.verdicts
    if business.process and path in business.paths:
        # No arrow leads where the process does not: `to` is the state that the case is in then.
        assert oracle.states == [state for _, state in states_along(path)][1:]


@pytest.mark.parametrize("business", [each for each in BUSINESSES if business_named(each).process])
def test_each_request_of_a_process_comes_out_of_order_in_some_path(business: str) -> None:
    process = business_named(business).process
    assert process is not None
    known = {*process.own, *process.items}
    requests = {each for each in known if message_types()[each].message_class == "REQUEST"}
    refused = {
        step.sending.body
        for path in paths(business)
        for step in path.steps
        if isinstance(step, Send) and step.expected == OUT_OF_ORDER
    }
    # What a process takes in every state cannot come out of order, except for a number that is known already.
    always = {each for each in requests if each in process.own and "any" in process.own[each].states}
    assert requests - refused <= always


def test_what_a_side_sends_by_itself_is_awaited_for_as_long_as_the_path_says() -> None:
    class Slow(Oracle):
        def sends_itself(self, by: Side, body: str) -> bool:
            return by == "counterparty"

    slow = Slow()
    answer = {"header": {"messageId": "M", "caseId": "C"}, "kycDecision": {}}
    slow.late = [answer]
    step = Send("counterparty", Sending("kycDecision"), within=timedelta(days=1))
    [walked] = walk(Path("b", "p", (Pause(timedelta(0)), step)), slow, "C")
    assert (walked.message, walked.exchange, slow.advanced) == (answer, None, timedelta(days=1))
    with pytest.raises(Breach, match="kycDecision from the counterparty"):
        walk(Path("b", "p", (step,)), slow, "C")


def test_a_message_that_should_not_come_is_a_breach() -> None:
    oracle = Oracle()
    nothing = Nothing("counterparty", "kycDecision", timedelta(days=1))
    walk(Path("b", "p", (nothing,)), oracle, "C")
    oracle.late = [{"header": {"messageId": "M", "caseId": "C"}, "kycDecision": {}}]
    with pytest.raises(Breach, match="no kycDecision from the counterparty"):
        walk(Path("b", "p", (nothing,)), oracle, "C")


def test_an_answer_other_than_the_path_says_is_a_breach() -> None:
    refused = Path("b", "p", (send("contractProposal", expected="out_of_order"),))
    accepted = Path("b", "p", (send("contractProposal"),))
    walk(refused, Oracle(), "C")
    with pytest.raises(Breach, match=r"b\.p #1: a receipt"):
        walk(accepted, Oracle(), "C")
    other = Path("b", "p", (send("contractProposal", expected="conflict"),))
    with pytest.raises(Breach, match="a rejection whose reason is conflict"):
        walk(other, Oracle(), "C")


def test_a_process_that_is_not_published_is_refused() -> None:
    with pytest.raises(ValueError, match="no process gardening"):
        arrows_of("gardening")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"oponer": "kycApplication"}, "is no step: one of either, pause, nothing, opener, counterparty is expected"),
        ("kycApplication", "is no step"),
        ({"opener": "kycApplication", "answer": "ping"}, "no answer; there are about, answers,"),
        ({"opener": "kycApplication", "refused": "bad_luck"}, "refused: no such reason in the error table"),
        ({"opener": "gardening"}, "no draft is called gardening"),
        ({"opener": "kycApplication", "within": "soon"}, "'soon' is no duration"),
        ({"either": {}}, "at least one alternative is expected"),
        ({"pause": 5}, "'5' is no duration"),
        ({"nothing": "ping"}, "by: one of opener, counterparty is expected"),
    ],
)
def test_a_step_that_is_none_is_refused_with_what_there_is(step: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        scenario_of([step])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"to": "paradise"}, r"b\.happy: to: paradise is no state; the process has .*kyc_pending"),
        ({"process": "gardening"}, "no process gardening"),
    ],
)
def test_an_arrow_to_a_state_that_a_process_does_not_have_is_refused(more: dict[str, str], said: str) -> None:
    process = more.pop("process", "trust-establishment")
    business = {"sides": {}, "process": process, "steps": [{"opener": "kycApplication"} | more]}
    with pytest.raises(ValueError, match=said):
        business_of("b", business)


@pytest.mark.parametrize("named", ["answers", "about", "replaces"])
def test_a_step_about_a_message_that_no_step_before_it_sends_is_refused(named: str) -> None:
    steps = [{"opener": "kycApplication", "refused": "out_of_order"}, {"counterparty": "kycDecision"}]
    with pytest.raises(ValueError, match=r"b\.happy #2: kycApplication is named, and no step before it sends one"):
        business_of("b", {"sides": {}, "steps": [steps[0], steps[1] | {named: "kycApplication"}]})


def test_two_paths_of_one_name_are_refused() -> None:
    two = {"either": {"first": [], "other": [{"opener": "ping"}]}}
    with pytest.raises(ValueError, match=r"two paths are called b\.other"):
        business_of("b", {"sides": {}, "steps": [{"either": {"x": [two], "other": [{"opener": "ping"}]}}]})


def test_the_ways_through_a_scenario_are_bounded() -> None:
    ten = either({str(number): NOTHING for number in range(10)})
    thousand = ten.then(ten).then(ten)
    assert len(thousand.branches) == 1_000
    said = "ways through one scenario, 1000 are the most"
    with pytest.raises(ValueError, match=said):
        thousand.then(either({"a": NOTHING, "b": NOTHING}))
    with pytest.raises(ValueError, match=said):
        either({"a": thousand, "b": ten})
