"""The suite's reading of the published processes and the gateway's, made apart, agree on whatever comes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.message import Json
from xinqiao.standard import message_types
from xinqiao.testing import BANK, TRUST_COMPANY, example
from xinqiao_conformance.processes import Case, decide, known_messages, process_named, processes
from xinqiao_gateway.processes import CaseState, item_ids
from xinqiao_gateway.processes import decide as decided

CASE = "C-1"
OUTCOMES = ("APPROVED", "REJECTED", "MORE_NEEDED")
ACTIONS = ("FREEZE", "RELEASE", "STOP_INTAKE", "STOP_SETTLEMENT")


@st.composite
def histories(draw: st.DrawFn) -> list[Json]:
    """Draw messages of a process in any order, from either side, with other outcomes than their examples."""
    name = draw(st.sampled_from(sorted(processes())))
    process = process_named(name)
    first = draw(st.sampled_from(sorted(process["opens"])))
    bodies = draw(st.lists(st.sampled_from(sorted(known_messages(process))), max_size=25))
    return [draw(messages(body, is_first=not number)) for number, body in enumerate([first, *bodies])]


@st.composite
def messages(draw: st.DrawFn, body: str, *, is_first: bool) -> Json:
    sender = BANK if is_first else draw(st.sampled_from((BANK, TRUST_COMPANY)))
    message = example(body, sender=sender, caseId=CASE)
    said: dict[str, Any] = message[body]
    for name, value in said.items():
        if isinstance(value, bool):
            said[name] = value ^ draw(st.booleans())
    if "outcome" in said:
        said["outcome"] = draw(st.sampled_from((said["outcome"], *OUTCOMES)))
    if "action" in said:
        said["action"] = draw(st.sampled_from((said["action"], *ACTIONS)))
    if draw(st.integers(0, 9)) == 0:
        message["header"]["replaces"] = "another"
    return message


@settings(max_examples=150, deadline=None)
@given(histories())
def test_both_take_the_same_and_wait_for_the_same(history: list[Json]) -> None:
    theirs: CaseState | None = None
    items: dict[str, CaseState] = {}
    ours: Case | None = None
    for message in history:
        body = next(name for name in message if name != "header")
        is_request = message_types()[body].message_class == "REQUEST"
        known = {each: items[each] for each in item_ids(CASE, body, message) if each in items}
        decision = decided(CASE, theirs, body, message, is_request, items=known)
        if decision.verdict == "advance":
            theirs = decision.case
            items |= decision.items
        ours, verdict = decide(ours, body, message)
        assert verdict.takes == (decision.verdict in ("advance", "free"))
        assert verdict.takes or set(verdict.expected) == set(decision.expected)
        assert (ours and ours.shown) == (theirs and theirs.state)
