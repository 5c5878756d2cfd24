"""Resolution: every action on what it resolves, refused on all else, by two people, in one commit with its record."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from tests.gateway.resolving import ANNA, BO, CHEN, Office, message, open_office
from xinqiao.errors import (
    Conflict,
    ContentGone,
    FourEyes,
    MalformedQuery,
    NoRoute,
    NotFound,
    NotValid,
    OutOfOrder,
    PolicyForbids,
    XinqiaoError,
)
from xinqiao.message import Json, write_json
from xinqiao_gateway.gateway import governance_of
from xinqiao_gateway.installation import open_installation
from xinqiao_gateway.journal import Hold
from xinqiao_gateway.journal.listing import obligations_in
from xinqiao_gateway.journal.obligations import materialise, tick
from xinqiao_gateway.journal.search import Search, found
from xinqiao_gateway.journal.timeline import timeline
from xinqiao_gateway.operators import Operator
from xinqiao_gateway.policy import import_list
from xinqiao_gateway.resolution import ACTIONS, KINDS, Wish, possible


@pytest.fixture(params=["sqlite", "postgresql"])
def office(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Office]:
    url = request.getfixturevalue("postgres").journal_url() if request.param == "postgresql" else None
    office = open_office(tmp_path, url)
    yield office
    office.journal.close()


async def test_a_fact_that_its_case_did_not_expect_is_released_and_goes_on(office: Office) -> None:
    await office.take(message("disclosureReceipt"))
    assert (office.exceptions(), office.states()) == ([(1, "unexpected_fact", "open")], ["parked"])
    proposal = await office.propose("release")
    assert office.exceptions() == [(1, "unexpected_fact", "in_hand")]
    assert office.states() == ["parked"]
    done = await office.approve(proposal)
    assert (done["state"], done["maker"], done["checker"]) == ("approved", "anna", "bo")
    assert office.states() == ["pending"]
    closed = office.exception()
    assert (closed["state"], closed["resolution"], closed["handled_by"]) == ("resolved", "release", "anna+bo")
    assert office.notices() == [
        ("IN_HAND", "anna", "proposed release: agreed by phone"),
        ("RESOLVED", "anna+bo", "approved release: agreed by phone"),
    ]
    assert office.breaches() == []


async def test_a_request_on_hold_is_released_once_and_moves_its_case_once(office: Office) -> None:
    await office.take(message("kycApplication"), hold=Hold("approval"))
    assert timeline(office.journal.reading, "CASE-1", institution="91110000100000000R")["state"] is None
    await office.resolve("release")
    assert timeline(office.journal.reading, "CASE-1")["state"] == "kyc_pending"
    assert office.states() == ["pending"]


async def test_a_request_that_its_case_refuses_now_stays_parked_and_its_proposal_open(office: Office) -> None:
    await office.take(message("kycApplication"))
    await office.take(message("kycApplication"), hold=Hold("approval"))
    await office.take(message("regulatorDirective", action="FREEZE"))
    proposal = await office.propose("release")
    with pytest.raises(OutOfOrder, match=r"expects .* now, not kycApplication; decline it, or release it once"):
        await office.approve(proposal)
    assert (office.exceptions()[0], office.states()[1]) == ((1, "approval", "in_hand"), "parked")
    await office.desk.decide(BO, proposal["proposal_id"], approved=False)
    assert office.exceptions()[0] == (1, "approval", "open")
    await office.resolve("decline")
    assert (office.exception()["resolution"], office.states()[1]) == ("decline", "skipped")


async def test_who_sent_a_request_that_is_declined_hears_why(office: Office) -> None:
    sent = message("kycApplication")
    await office.take(sent, hold=Hold("approval"))
    await office.resolve("decline", reason="资料不齐")
    (result,) = office.sent("requestResult")
    body = result["requestResult"]
    assert (body["outcome"], body["requestMessage"]) == ("REJECTED", sent["header"]["messageId"])
    assert body["reasons"] == [{"code": "OTHER", "text": "资料不齐"}]
    assert result["header"]["correlationId"] == sent["header"]["messageId"]
    assert result["header"]["receiver"] == sent["header"]["sender"]
    assert office.deliveries() == [(1, "core", "skipped"), (3, "partner", "waiting")]
    assert (office.exceptions(), office.breaches()) == ([], [])


async def test_who_is_on_a_watch_list_is_not_told_why(office: Office) -> None:
    await office.take(message("kycApplication"), hold=Hold("watch_list"))
    await office.resolve("decline", reason="sanctions list 4")
    (result,) = office.sent("requestResult")
    assert result["requestResult"]["reasons"] == [{"code": "OTHER"}]


async def test_a_fact_that_is_declined_is_told_to_nobody(office: Office) -> None:
    await office.take(message("disclosureReceipt"))
    await office.resolve("decline")
    assert (office.states(), office.sent("requestResult")) == (["skipped"], [])


async def test_a_message_under_two_holds_goes_on_with_the_release_of_the_last(office: Office) -> None:
    await office.take(message("disclosureReceipt"), hold=Hold("approval"))
    assert office.exceptions() == [(1, "unexpected_fact", "open"), (2, "approval", "open")]
    await office.resolve("release", 1)
    assert (office.states(), office.exceptions()) == (["parked"], [(2, "approval", "open")])
    await office.resolve("release", 2)
    assert (office.states(), office.exceptions()) == (["pending"], [])


async def test_a_message_under_two_holds_is_turned_back_by_one_decline(office: Office) -> None:
    await office.take(message("disclosureReceipt"), hold=Hold("approval"))
    await office.resolve("decline", 2)
    assert (office.states(), office.exceptions()) == (["skipped"], [])


@pytest.mark.parametrize(
    ("action", "after"), [("resend", "pending"), ("skip", "skipped"), ("confirm", "delivered"), ("close", None)]
)
@pytest.mark.parametrize(("state", "kind"), [("dead", "dead_letter"), ("held", "unknown_outcome")])
async def test_a_delivery_that_stopped_is_resolved(
    office: Office, action: str, after: str | None, state: str, kind: str
) -> None:
    await office.take(message("kycApplication"))
    await office.end(1, state)
    assert office.exceptions() == [(1, kind, "open")]
    if after is None:
        with pytest.raises(MalformedQuery, match="possible: resend, skip, confirm, supplement, reverse"):
            await office.resolve(action)
        return
    await office.resolve(action)
    assert (office.states(), office.exceptions()) == ([after], [])
    (tried,) = (each for each in office.exception()["deliveries"][0]["tried"] if each["reason"] == "operator")
    assert tried["detail"] == "anna+bo: agreed by phone"


async def test_a_supplement_and_its_record_are_one_commit_and_in_the_evidence(office: Office) -> None:
    await office.take(message("disclosureReceipt"))
    await office.resolve("supplement", message=write_json(message("kycApplication")))
    rows = found(office.journal.reading, Search())
    batches = {row["position"]: row["accepted_at"] for row in rows}
    assert [row["message_type"] for row in rows] == [
        "disclosureReceipt",
        "exceptionNotice",
        "kycApplication",
        "exceptionNotice",
    ]
    assert batches[3] == batches[4]
    assert timeline(office.journal.reading, "CASE-1", institution="91110000100000000R")["state"] == "kyc_pending"
    # The fact itself still waits, so the matter is not off the list.
    assert office.exceptions() == [(1, "unexpected_fact", "open")]
    assert [state for state, _, _ in office.notices()] == ["IN_HAND", "OPEN"]
    assert office.breaches() == []


async def test_a_reversal_resolves_what_does_not_wait(office: Office) -> None:
    await office.take(message("kycApplication"))
    await office.end(1, "dead")
    await office.resolve("skip")
    await office.take(message("disclosureReceipt", "CASE-2"))
    await office.resolve("decline", 2)
    await office.take(message("regulatorDirective", "CASE-3", action="INQUIRE"))
    await office.resolve("reverse", 3, message=write_json(message("kycApplication", "CASE-4")))
    assert office.exceptions() == []


async def test_a_supplement_that_its_case_refuses_leaves_the_proposal_open_and_nothing_half_done(
    office: Office,
) -> None:
    await office.take(message("disclosureReceipt"))
    late = message("deliveryInstruction")
    proposal = await office.propose("supplement", message=write_json(late))
    before = (office.deliveries(), office.exceptions(), len(found(office.journal.reading, Search())))
    with pytest.raises(OutOfOrder):
        await office.approve(proposal)
    assert (office.deliveries(), office.exceptions(), len(found(office.journal.reading, Search()))) == before
    await office.take(message("kycApplication"))
    await office.desk.decide(BO, proposal["proposal_id"], approved=False)
    assert office.exceptions() == [(1, "unexpected_fact", "open")]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"{", XinqiaoError),
        (b'{"header": {}, "kycApplication": {}}', XinqiaoError),
        (write_json(message("kycApplication", header={"receiver": "91310000999900012X"})), (NoRoute, NotValid)),
    ],
)
async def test_a_message_that_nobody_could_take_is_no_proposal(
    office: Office, content: bytes, error: type[Exception]
) -> None:
    await office.take(message("disclosureReceipt"))
    with pytest.raises(error):
        await office.propose("supplement", message=content)
    assert (office.exceptions(), office.notices()) == ([(1, "unexpected_fact", "open")], [])


async def test_suspense_keeps_the_matter_on_the_list_until_it_is_released(office: Office) -> None:
    await office.take(message("disclosureReceipt"))
    await office.resolve("suspense")
    assert (office.exceptions(), office.states()) == ([(2, "suspense", "open")], ["parked"])
    with pytest.raises(MalformedQuery, match="possible: release, decline, supplement, reverse"):
        await office.propose("suspense", 2)
    await office.resolve("release", 2)
    assert (office.exceptions(), office.states()) == ([], ["pending"])


async def test_nobody_approves_their_own_proposal_and_its_maker_may_withdraw_it(office: Office) -> None:
    await office.take(message("disclosureReceipt"))
    proposal = await office.propose("release")
    with pytest.raises(FourEyes):
        await office.desk.decide(ANNA, proposal["proposal_id"], approved=True)
    assert office.exceptions() == [(1, "unexpected_fact", "in_hand")]
    await office.desk.decide(ANNA, proposal["proposal_id"], approved=False)
    assert office.exceptions() == [(1, "unexpected_fact", "open")]
    assert office.notices()[-1] == ("OPEN", "anna+anna", "declined release: agreed by phone")


async def test_of_two_who_decide_at_once_one_wins(office: Office) -> None:
    await office.take(message("disclosureReceipt"))
    proposal = await office.propose("release")
    both = (office.desk.decide(each, proposal["proposal_id"], approved=True) for each in (BO, CHEN))
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    (won,) = (each for each in outcomes if isinstance(each, dict))
    (lost,) = (each for each in outcomes if isinstance(each, Conflict))
    assert f"approved by {won['checker']}" in lost.detail
    assert (office.states(), len(office.notices())) == (["pending"], 2)


async def test_of_two_who_propose_at_once_one_has_it_in_hand(office: Office) -> None:
    await office.take(message("disclosureReceipt"))
    both = (office.desk.propose(each, Wish("release", "agreed", 1)) for each in (ANNA, BO))
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    (won,) = (each for each in outcomes if isinstance(each, dict))
    (lost,) = (each for each in outcomes if isinstance(each, Conflict))
    assert f"{won['maker']} made proposal {won['proposal_id']}; approve or decline that" in lost.detail
    assert (len(office.notices()), office.breaches()) == (1, [])


async def test_what_is_resolved_is_not_proposed_about_again(office: Office) -> None:
    await office.take(message("disclosureReceipt"))
    await office.resolve("release")
    with pytest.raises(Conflict, match="resolved by anna"):
        await office.propose("close")
    with pytest.raises(Conflict, match="approved by bo"):
        await office.desk.decide(CHEN, 1, approved=True)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_action_that_is_nothing_to_do_about_a_kind_says_what_is(office: Office, kind: str) -> None:
    await office.take(message("kycApplication"), hold=Hold(kind))
    fits = possible(kind, ["parked"]) if kind not in {"dead_letter", "unknown_outcome"} else possible(kind, [])
    for action in ACTIONS.values():
        if action.about != "exception" or action.name in fits:
            continue
        content = write_json(message("kycApplication", "CASE-9")) if action.message else None
        with pytest.raises(MalformedQuery, match=f"possible: {', '.join(fits)}"):
            await office.propose(action.name, message=content)
    assert (office.states(), office.notices()) == (["parked"], [])


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish("explode", "why", 1), "is no action: release, decline"),
        (Wish("release", "why"), "release is about an exception"),
        (Wish("abandon", "why", 1), "abandon is about a case"),
        (Wish("supplement", "why", 1), "supplement needs a message"),
        (Wish("release", "why", 1, message=b"{}"), "release takes no message"),
        (Wish("release", " ", 1), "a reason is given"),
        (Wish("release", "x" * 401, 1), "a reason is given"),
        (Wish("supplement", "why", 1, message=b" " * 1_048_577), "larger than 1 MiB"),
        (Wish("release", "why", 1, batch="20261123-1"), "a batch is named when a late file is released"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(office: Office, wish: Wish, said: str) -> None:
    await office.take(message("disclosureReceipt"))
    with pytest.raises(MalformedQuery, match=said):
        await office.desk.propose(ANNA, wish)


async def test_what_is_not_there_is_not_found(office: Office) -> None:
    with pytest.raises(NotFound):
        await office.propose("release", 99)
    with pytest.raises(NotFound):
        await office.desk.decide(BO, 99, approved=True)
    with pytest.raises(NotFound):
        await office.desk.propose(ANNA, Wish("abandon", "why", case_id="NOBODY"))


async def test_a_case_is_abandoned_where_its_process_allows_that(office: Office) -> None:
    await office.take(message("kycApplication"))
    await office.approve(await office.propose("abandon", None, case_id="CASE-1"))
    assert timeline(office.journal.reading, "CASE-1", institution="91110000100000000R")["state"] == "abandoned"
    with pytest.raises(Conflict, match="is not given up"):
        await office.propose("abandon", None, case_id="CASE-1", institution="91110000100000000R")
    assert office.breaches() == []


async def test_a_proposal_about_a_case_costs_the_same_whatever_the_case_holds(office: Office) -> None:
    await office.take(*(message("kycApplication") for _ in range(40)))
    sizes: list[int] = []

    def count(_connection: object, _cursor: object, _statement: str, parameters: list[object], *_: object) -> None:
        sizes.append(len(parameters))

    event.listen(office.journal.reading.engine, "before_cursor_execute", count)
    await office.propose("abandon", None, case_id="CASE-1")
    event.remove(office.journal.reading.engine, "before_cursor_execute", count)
    assert max(sizes) < 40


async def test_a_notice_names_the_checker_whole(office: Office) -> None:
    await office.take(message("disclosureReceipt"))
    maker, checker = Operator("m" * 50), Operator("c" * 50)
    proposal = await office.desk.propose(maker, Wish("release", "why", 1))
    await office.desk.decide(checker, proposal["proposal_id"], approved=True)
    assert [by for _, by, _ in office.notices()] == ["m" * 50, "m" * 9 + "+" + "c" * 50]
    assert office.exception()["handled_by"] == f"{maker.name}+{checker.name}"


async def test_an_erased_case_is_unreadable_while_the_evidence_stands_and_search_finds(office: Office) -> None:
    sent = message("kycApplication")
    await office.take(sent)
    await office.take(message("disclosureReceipt"))
    late = write_json(message("kycApplication"))
    waiting = await office.propose("supplement", message=late)
    await office.approve(await office.propose("erase", None, case_id="CASE-1", reason="retention is over"))
    with pytest.raises(ContentGone):
        office.journal.reading.message(sent["header"]["messageId"])
    with pytest.raises(ContentGone):
        await office.approve(waiting)
    assert office.breaches() == []
    kinds = [row["message_type"] for row in found(office.journal.reading, Search(case_id="CASE-1"))]
    assert kinds[:2] == ["kycApplication", "disclosureReceipt"]
    assert office.notices()[-1][2] == "approved erase: retention is over"


async def test_a_freeze_reaches_the_case_from_an_authority_and_names_what_is_in_flight(office: Office) -> None:
    await office.take(message("kycApplication"))
    await office.take(message("kycApplication", "CASE-2"))
    freeze = message("regulatorDirective", header={"sender": "11100000000013340W"}, action="FREEZE")
    await office.take(freeze)
    for case_id, state in (("CASE-1", "frozen"), ("CASE-2", "kyc_pending")):
        assert timeline(office.journal.reading, case_id)["state"] == state
    (raised,) = office.exceptions()
    assert (raised[1], office.exception()["detail"]) == (
        "directive",
        f"{freeze['regulatorDirective']['directiveNo']}; in flight: 1",
    )


async def test_a_request_out_of_order_hears_from_whom_what_is_expected_comes(office: Office) -> None:
    await office.take(message("kycApplication"))
    with pytest.raises(OutOfOrder) as refused:
        await office.take(message("deliveryInstruction"))
    assert "kycDecision from 913100001000100012" in refused.value.detail


POLICY = """
rules:
  - id: sent-twice
    title: {zh: 疑似重复, en: Looks sent twice}
    for: [kycApplication]
    when:
      - similar: {by: [header.receiver], within: PT30M}
    verdict: approve
  - id: nobody
    title: {zh: 不受理, en: Not taken}
    for: [deliveryInstruction]
    when:
      - {path: header.receiver, exists: true}
    verdict: forbid
"""


async def test_policy_forgets_what_was_declined_and_judges_a_supplement(tmp_path: Path) -> None:
    office = open_office(tmp_path, files={"policy.yaml": POLICY})
    try:
        await office.take(message("kycApplication", "A"))
        await office.take(message("kycApplication", "B"))
        assert office.exceptions() == [(1, "suspicion", "open")]
        office.clock.time += 1000
        await office.resolve("decline")
        office.clock.time += 1000  # within half an hour of B, not of A
        await office.take(message("kycApplication", "C"))
        assert office.exceptions() == []
        await office.take(message("disclosureReceipt"))
        forbidden: Json = message("deliveryInstruction", None)
        proposal = await office.propose("supplement", 2, message=write_json(forbidden))
        with pytest.raises((PolicyForbids, XinqiaoError)):
            await office.approve(proposal)
        assert (2, "unexpected_fact", "in_hand") in office.exceptions()
    finally:
        office.journal.close()


FORBIDDEN = """
rules:
  - id: sanctions
    title: {zh: 名单核对, en: Watch list}
    for: [kycApplication]
    when:
      - watch_list: {list: sanctions, paths: ["applicant.name"]}
    verdict: forbid
    say: true
"""


async def test_who_tries_a_forbidden_message_again_raises_one_exception(tmp_path: Path) -> None:
    office = open_office(tmp_path)
    try:
        sent, data, digest = message("kycApplication"), tmp_path / "data", office.journal.reading.vault.keyed_digest
        name = sent["kycApplication"]["applicant"]["name"]
        import_list(["name\n", f"{name}\n"], None, data / "watch-lists", "sanctions", digest)
        (data / "policy.yaml").write_text(FORBIDDEN, encoding="utf-8")
        office.journal.govern(governance_of(open_installation(data), digest))
        for _ in range(3):
            with pytest.raises(PolicyForbids):
                await office.take(sent)
        assert [kind for _, kind, _ in office.exceptions()] == ["watch_list"]
        with pytest.raises(PolicyForbids):
            await office.take(message("kycApplication"))
        assert [kind for _, kind, _ in office.exceptions()] == ["watch_list"] * 2
    finally:
        office.journal.close()


CUTOFFS = """
cutoffs:
  - id: orders
    interface: messages
    from: partner
    until: "15:00"
    batches:
      - {name: "1", by: "10:00"}
      - {name: "2", by: "15:30"}
"""


@pytest.mark.parametrize(
    ("batch", "rule"), [(None, "orders-2"), ("20261123-2", "orders-2"), ("20261123-1", "orders-1")]
)
async def test_a_late_file_is_released_whole_into_a_batch_and_meets_its_obligation(
    tmp_path: Path, batch: str | None, rule: str
) -> None:
    office = open_office(tmp_path, files={"obligations.yaml": CUTOFFS})
    try:
        book = office.journal.governance.book
        for each in book.periodic:
            await office.journal.run(lambda c, each=each: materialise(c, book, each, office.clock()))  # type: ignore[misc]
        office.clock.time += 8 * 3600  # 17:00
        rows = [message("navReport", None, orderedAt="2026-11-23T14:00:00+08:00") for _ in range(3)]
        await office.take(*rows, interface="messages")
        late = [each for each in office.exceptions() if each[1] == "late"]
        assert (len(late), office.states()) == (3, ["parked"] * 3)
        for wrong in ("20261123-9", "2", "20261323-1", "x"):
            with pytest.raises(MalformedQuery, match="its own is 20261123-2"):
                await office.propose("release", late[0][0], batch=wrong)
        await office.resolve("release", late[0][0], batch=batch)
        assert (office.states(), office.exceptions()) == (["pending"] * 3, [])
        met = [each.rule for each in obligations_in(office.journal.reading, "met_late")]
        assert met == [rule]
    finally:
        office.journal.close()


async def test_an_overdue_obligation_is_waived(tmp_path: Path) -> None:
    office = open_office(tmp_path, files={"obligations.yaml": CUTOFFS})
    try:
        book = office.journal.governance.book
        for each in book.periodic:
            await office.journal.run(lambda c, each=each: materialise(c, book, each, office.clock()))  # type: ignore[misc]
        office.clock.time += 8 * 3600
        await office.journal.run(lambda c: tick(c, office.clock(), []))
        assert [kind for _, kind, _ in office.exceptions()] == ["overdue", "overdue"]
        await office.resolve("waive", reason="no orders today")
        assert [each.reason for each in obligations_in(office.journal.reading, "waived")] == ["no orders today"]
        assert (office.exceptions(), office.breaches()) == ([(2, "overdue", "open")], [])
    finally:
        office.journal.close()
