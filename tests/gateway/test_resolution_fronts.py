"""Resolving by command and by API: operators' own tokens, the same views on both, errors that say what can be done."""

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2 as httpx
import orjson
import pytest
from typer.testing import CliRunner

from tests.gateway.conftest import BANK, TRUST, Site, message
from xinqiao.errors import Conflict, NotAuthorized, XinqiaoError
from xinqiao_gateway.calendars import CHINA
from xinqiao_gateway.cli import app
from xinqiao_gateway.operators import Operators

Tokens = dict[str, str]


@pytest.fixture
def tokens(site: Site) -> Tokens:
    operators = Operators.load(site.data)
    return {name: operators.add(name) for name in ("anna", "bo")}


def call(site: Site, token: str, method: str, path: str, body: Any = None) -> httpx.Response:
    content = None if body is None else orjson.dumps(body)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return site.http.request(method, path, content=content, headers=headers)


def said(response: httpx.Response) -> Any:
    return orjson.loads(response.content)


def refused(response: httpx.Response) -> tuple[int, str, str]:
    body = said(response)["rejection"]
    return response.status_code, body["reason"], body["text"]["en"]


def park(site: Site) -> None:
    """Let a fact come that its case does not expect."""
    assert site.send("partner", message("disclosureReceipt")).status_code == 202


def run(site: Site, *arguments: str, token: str = "") -> Any:
    environment = {"XINQIAO_OPERATOR_TOKEN": token}
    done = CliRunner().invoke(app, [*arguments, "--data", str(site.data), "--json"], env=environment)
    if isinstance(done.exception, XinqiaoError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_an_exception_is_released_over_http_by_two_operators(site: Site, tokens: Tokens) -> None:
    park(site)
    (listed,) = site.admin("/v1/exceptions")
    assert (listed["kind"], listed["title"]["zh"], listed["state"]) == ("unexpected_fact", "未预期的事实", "open")
    shown = site.admin("/v1/exceptions/1")
    assert [each["action"] for each in shown["actions"]] == ["release", "decline", "supplement", "reverse", "suspense"]
    asked = {"action": "release", "reason": "agreed by phone"}
    made = call(site, tokens["anna"], "POST", "/v1/exceptions/1/proposals", asked)
    assert (made.status_code, said(made)["maker"]) == (201, "anna")
    assert [each["proposal_id"] for each in site.admin("/v1/proposals")] == [1]
    own = call(site, tokens["anna"], "POST", "/v1/proposals/1/approve")
    assert refused(own)[:2] == (403, "four_eyes")
    done = call(site, tokens["bo"], "POST", "/v1/proposals/1/approve")
    assert (done.status_code, said(done)["state"]) == (200, "approved")
    assert site.admin("/v1/exceptions") == []
    assert refused(call(site, tokens["bo"], "POST", "/v1/proposals/1/decline"))[:2] == (409, "conflict")
    events = [each["event"] for each in site.admin("/v1/cases/CASE-1")["timeline"]]
    assert sorted(events) == ["approved", "delivery", "exception", "message", "proposed", "resolved"]


def test_an_exception_is_resolved_by_command_beside_a_running_gateway(site: Site, tokens: Tokens) -> None:
    park(site)
    made = run(site, "exception", "resolve", "1", "--action", "decline", "--reason", "not ours", token=tokens["anna"])
    assert run(site, "proposal", "show", "1")["exception"]["state"] == "in_hand"
    done = run(site, "proposal", "approve", str(made["proposal_id"]), token=tokens["bo"])
    assert (done["maker"], done["checker"], done["state"]) == ("anna", "bo", "approved")
    assert run(site, "exception", "list") == []
    assert run(site, "exception", "list", "--state", "resolved")[0]["handled_by"] == "anna+bo"
    assert run(site, "journal", "verify")["breaches"] == []


@pytest.mark.parametrize("path", ["/v1/exceptions", "/v1/proposals", "/v1/obligations", "/v1/cases", "/v1/channels"])
def test_command_and_api_read_with_any_token_and_without_one_nobody_does(site: Site, tokens: Tokens, path: str) -> None:
    assert site.admin(path) == said(call(site, tokens["anna"], "GET", path))
    for token in ("", "nobody"):
        assert refused(call(site, token, "GET", path))[:2] == (401, "not_authorized")


def test_command_and_api_show_the_same(site: Site) -> None:
    site.send("partner", message("kycApplication"))
    park(site)
    for arguments, path in (
        (("exception", "list"), "/v1/exceptions"),
        (("exception", "show", "1"), "/v1/exceptions/1"),
        (("case", "show", "CASE-1"), "/v1/cases/CASE-1"),
        (("proposal", "list"), "/v1/proposals"),
        (("obligation", "list"), "/v1/obligations"),
    ):
        assert run(site, *arguments) == site.admin(path), path


def test_the_admin_token_reads_and_is_nobody_who_could_act(site: Site) -> None:
    park(site)
    admin = (site.data / "admin.token").read_text()
    asked = {"action": "release", "reason": "why"}
    for path in ("/v1/exceptions/1/proposals", "/v1/proposals/1/approve", "/v1/proposals/1/decline"):
        status, reason, text = refused(call(site, admin, "POST", path, asked))
        assert (status, reason) == (401, "not_authorized")
        assert "operator add NAME" in text


def test_who_was_removed_acts_no_more_and_a_new_token_voids_the_old(site: Site, tokens: Tokens) -> None:
    park(site)
    asked = {"action": "release", "reason": "why"}
    Operators.load(site.data).remove("anna")
    new = Operators.load(site.data).add("bo")
    for gone in tokens.values():
        assert refused(call(site, gone, "POST", "/v1/exceptions/1/proposals", asked))[0] == 401
    assert call(site, new, "POST", "/v1/exceptions/1/proposals", asked).status_code == 201


@pytest.mark.parametrize(
    ("asked", "status", "text"),
    [
        ({"action": "skip", "reason": "why"}, 400, "possible: release, decline, supplement, reverse, suspense"),
        ({"action": "explode", "reason": "why"}, 400, "is no action: release"),
        ({"action": "release", "reason": ""}, 400, "a reason is given"),
        ({"action": "release"}, 400, "reason: Field required"),
        ({"action": "release", "reason": "why", "more": 1}, 400, "more: Extra inputs are not permitted"),
        ({"action": "supplement", "reason": "why", "message": {"header": {}}}, 422, ""),
    ],
)
def test_what_cannot_be_done_says_what_can(
    site: Site, tokens: Tokens, asked: dict[str, Any], status: int, text: str
) -> None:
    park(site)
    found = refused(call(site, tokens["anna"], "POST", "/v1/exceptions/1/proposals", asked))
    assert (found[0], text in found[2]) == (status, True), found
    assert site.admin("/v1/exceptions")[0]["state"] == "open"


REPLAYS = (("/v1/deliveries/1/replay", None), ("/v1/deliveries/replay", {"delivery_id": 1}))


def stand(site: Site, state: str) -> None:
    """Put the one delivery into a state, as its history would have."""
    with sqlite3.connect(site.data / "journal.db") as connection:
        connection.execute("UPDATE deliveries SET state = ?", (state,))
    connection.close()


@pytest.mark.parametrize(("state", "actions"), [("parked", "release or decline"), ("held", "resend, skip or confirm")])
def test_what_waits_for_two_people_is_not_replayed(site: Site, tokens: Tokens, state: str, actions: str) -> None:
    park(site)
    stand(site, state)
    for path, body in REPLAYS:
        status, reason, text = refused(call(site, tokens["anna"], "POST", path, body))
        assert (status, reason) == (409, "conflict")
        assert f"resolve its exception (1) with {actions}" in text
    with pytest.raises(Conflict):
        run(site, "replay", "1", token=tokens["anna"])
    assert site.admin("/v1/deliveries")[0]["state"] == state
    assert refused(call(site, tokens["anna"], "POST", "/v1/deliveries/replay", {}))[:2] == (400, "malformed_query")


@pytest.mark.parametrize("state", ["delivered", "skipped"])
def test_what_was_delivered_or_declined_never_goes_out_again(site: Site, tokens: Tokens, state: str) -> None:
    site.send("partner", message("kycApplication"))
    stand(site, state)
    for path, body in REPLAYS:
        assert refused(call(site, tokens["anna"], "POST", path, body))[:2] == (404, "not_found")
    asked = {"case": "CASE-1", "states": [state]}
    assert refused(call(site, tokens["anna"], "POST", "/v1/deliveries/replay", asked))[0] == 400
    assert run(site, "replay", "--case", "CASE-1", token=tokens["anna"])["count"] == 0
    assert site.admin("/v1/deliveries")[0]["state"] == state


def test_a_replay_is_an_operators_and_says_whose(site: Site, tokens: Tokens) -> None:
    site.send("partner", message("kycApplication"))
    stand(site, "dead")
    admin = (site.data / "admin.token").read_text()
    for path, body in REPLAYS:
        assert refused(call(site, admin, "POST", path, body))[:2] == (401, "not_authorized")
    for token in ("", "nobody"):
        with pytest.raises(NotAuthorized):
            run(site, "replay", "1", token=token)
    assert site.admin("/v1/deliveries")[0]["state"] == "dead"
    assert run(site, "replay", "1", "--reason", "mended", token=tokens["anna"])["count"] == 1
    stand(site, "dead")
    assert call(site, tokens["bo"], "POST", "/v1/deliveries/1/replay").status_code == 200
    tried = [(each["outcome"], each["detail"]) for each in site.admin("/v1/deliveries")[0]["tried"]]
    assert tried == [("replayed", "anna: mended"), ("replayed", "bo")]


def test_a_dry_run_by_command_and_api_lists_and_changes_nothing(site: Site, tokens: Tokens) -> None:
    site.send("partner", message("kycApplication"))
    stand(site, "dead")
    wanted = {"case": "CASE-1", "dry_run": True}
    by_api = said(call(site, tokens["anna"], "POST", "/v1/deliveries/replay", wanted))
    assert (run(site, "replay", "--case", "CASE-1", "--dry-run"), by_api["count"]) == (by_api, 1)
    assert site.admin("/v1/deliveries")[0]["tried"] == []
    assert run(site, "replay", "--channel", "core", "--since", "2026-01-01", "--dry-run")["count"] == 1
    assert run(site, "replay", "--channel", "core", "--until", "2026-01-01", "--dry-run")["count"] == 0


def test_messages_are_searched_by_what_is_known_of_them(site: Site) -> None:
    site.send("partner", message("kycApplication"))
    park(site)
    found = [each["message_type"] for each in site.admin("/v1/messages?case_id=CASE-1")]
    assert found == ["kycApplication", "disclosureReceipt"]
    assert site.admin("/v1/messages?message_type=navReport") == []
    admin = (site.data / "admin.token").read_text()
    assert refused(call(site, admin, "GET", "/v1/messages"))[:2] == (400, "malformed_query")


def test_channels_say_how_they_are_reached_and_what_waits(site: Site) -> None:
    found = {each["channel"]: each for each in site.admin("/v1/channels")}
    assert found["partner"] == {
        "channel": "partner",
        "institution": "91110000100000000R",
        "name": "合作银行",
        "test": False,
        "push": False,
        "breaker": None,
        "backlog": 0,
        "limits": {},
    }


def test_a_case_says_what_is_expected_next_and_from_whom(site: Site) -> None:
    site.send("partner", message("kycApplication"))
    shown = site.admin("/v1/cases/CASE-1")
    (decision,) = (each for each in shown["expected"] if each["message_type"] == "kycDecision")
    assert decision["from"] == {"code": "913100001000100012", "name": "信托核心"}
    assert [each["event"] for each in shown["timeline"]] == ["message", "delivery"]
    assert refused(call(site, (site.data / "admin.token").read_text(), "GET", "/v1/cases/NOBODY"))[:2] == (
        404,
        "not_found",
    )


def test_a_case_is_abandoned_and_erased_by_api(site: Site, tokens: Tokens) -> None:
    site.send("partner", message("kycApplication"))
    for number, action in enumerate(("abandon", "erase"), 1):
        asked = {"action": action, "case_id": "CASE-1", "reason": "over"}
        assert call(site, tokens["anna"], "POST", "/v1/proposals", asked).status_code == 201
        assert call(site, tokens["bo"], "POST", f"/v1/proposals/{number}/approve").status_code == 200
    message_id = site.admin("/v1/messages?case_id=CASE-1&channel=partner")[0]["message_id"]
    gone = call(site, tokens["anna"], "GET", f"/v1/messages/{message_id}")
    assert refused(gone)[:2] == (410, "content_gone")


def shown(site: Site, *arguments: str, token: str = "") -> str:
    """Return what a command prints for people."""
    environment = {"XINQIAO_OPERATOR_TOKEN": token}
    done = CliRunner().invoke(app, [*arguments, "--data", str(site.data)], env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_people_read_which_case_is_to_be_erased_and_that_it_is_for_good(site: Site, tokens: Tokens) -> None:
    site.send("partner", message("kycApplication"))
    asked = shown(site, "case", "erase", "CASE-1", "--reason", "over", token=tokens["anna"])
    for said in (asked, shown(site, "proposal", "show", "1")):
        assert "CASE-1: kyc_pending 尽调中" in said
        assert "1 条消息 1 message" in said
        assert "erasing is for good" in said
    listed = shown(site, "proposal", "list")
    assert all(said in listed for said in ("│ CASE-1 ", "erasing is for good"))
    withdrawn = shown(site, "proposal", "decline", "1", token=tokens["anna"])
    assert "已撤回 withdrawn by anna" in withdrawn
    assert "for good" not in withdrawn


def test_proposals_about_an_exception_are_listed_with_its_case(site: Site, tokens: Tokens) -> None:
    park(site)
    shown(site, "exception", "resolve", "1", "--action", "suspense", "--reason", "why", token=tokens["anna"])
    assert "│ CASE-1 " in shown(site, "proposal", "list")
    assert "money in suspense is exception 2" in shown(site, "proposal", "approve", "1", token=tokens["bo"])


def test_a_case_that_cannot_be_given_up_is_not_proposed(site: Site, tokens: Tokens) -> None:
    site.send("partner", message("kycApplication"))
    for number in (1, 2):
        asked = {"action": "abandon", "case_id": "CASE-1", "reason": "over"}
        answer = call(site, tokens["anna"], "POST", "/v1/proposals", asked)
        if number == 1:
            assert call(site, tokens["bo"], "POST", "/v1/proposals/1/approve").status_code == 200
    assert refused(answer)[:2] == (409, "conflict")
    assert "which is not given up" in refused(answer)[2]
    assert site.admin("/v1/proposals") == []


def test_people_read_china_time_with_its_offset(site: Site) -> None:
    park(site)
    raised = site.admin("/v1/exceptions/1")["raised_at"]
    assert raised.endswith("Z")
    said = datetime.fromisoformat(raised).astimezone(CHINA).isoformat(timespec="milliseconds")
    assert said.endswith("+08:00")
    for arguments in (("exception", "list"), ("exception", "show", "1"), ("case", "show", "CASE-1")):
        assert said in shown(site, *arguments), arguments


@pytest.mark.parametrize("given", [None, "", "nobody"])
def test_a_command_without_an_operators_token_says_how_to_give_one(
    site: Site, tmp_path: Path, given: str | None
) -> None:
    park(site)
    arguments = ["exception", "resolve", "1", "--action", "release", "--reason", "why"]
    if given is not None:
        (tmp_path / "token").write_text(given)
        arguments += ["--token", str(tmp_path / "token")]
    with pytest.raises(XinqiaoError) as error:
        run(site, *arguments)
    assert error.value.reason == "not_authorized"
    assert ("operator add" if given == "nobody" else "--token FILE") in error.value.detail


def test_a_case_names_the_documents_that_are_not_here(site: Site) -> None:
    site.send("partner", message("kycApplication"))
    site.send("core", message("kycDecision", sender=TRUST, receiver=BANK))
    assert site.send("partner", message("contractProposal")).status_code == 202
    shown = site.admin("/v1/cases/CASE-1")
    missing = shown["missing_documents"]
    assert 3 in {each["position"] for each in missing}
    assert {each["document"][:7] for each in missing} == {"sha256:"}
    assert shown["message_count"] == 3
    assert run(site, "case", "show", "CASE-1") == shown
