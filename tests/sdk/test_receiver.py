"""The receiver: verifies, handles once, answers with the same receipt, refuses with the reason of the table."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from xinqiao.errors import InProgress, OutOfOrder, Overloaded
from xinqiao.finding import errors_in
from xinqiao.message import Json, content_digest, read_json, write_json
from xinqiao.outcome import NOBODY
from xinqiao.receiver import MemorySeen, Receiver, Seen, SqliteSeen
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, new_key, seal
from xinqiao.seen import Acceptance
from xinqiao.testing import BANK, INSURER, TRUST_COMPANY, example, patched
from xinqiao.validation import check

GATEWAY = new_key("gateway-1")
KEYS = KeyRing([GATEWAY.public()])


@pytest.fixture(params=["memory", "file"])
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Seen]:
    if request.param == "memory":
        yield MemorySeen()
        return
    with SqliteSeen(tmp_path / "seen.db") as remembered:
        yield remembered


def receiver_of(handle: Callable[[Json], None] = lambda _: None, seen: Seen | None = None, **options: Any) -> Receiver:
    """Return a receiver of the bank."""
    return Receiver(KEYS, handle, seen or MemorySeen(), **{"institution": BANK, **options})


def push(receiver: Receiver, message: Json, at: datetime | None = None) -> tuple[int, Json]:
    sealed = seal(write_json(message), CONTENT_TYPE_JSON, GATEWAY, at)
    status, answer = receiver.receive(sealed.content, sealed.content_type, sealed.signature)
    said = read_json(answer)
    assert errors_in(check(said, strict=True)) == []
    return status, said


def test_a_message_is_handled_and_receipted(seen: Seen) -> None:
    handled: list[Json] = []
    message = example("navReport")

    status, answer = push(receiver_of(handled.append, seen), message)

    assert handled == [message]
    assert status == 202
    assert answer["header"] | {"messageId": "", "createdAt": ""} == {
        "messageId": "",
        "standardVersion": "1.0",
        "sender": BANK,
        "receiver": TRUST_COMPANY,
        "createdAt": "",
        "correlationId": message["header"]["messageId"],
    }
    assert answer["receipt"] | {"acceptedAt": ""} == {
        "acceptedMessageId": message["header"]["messageId"],
        "acceptedAt": "",
        "position": "1",
        "digest": {"algorithm": "SHA256", "value": content_digest(message)},
    }


def test_a_repeat_is_not_handled_again_and_gets_the_same_receipt(seen: Seen) -> None:
    handled: list[Json] = []
    receiver = receiver_of(handled.append, seen)
    message = example("navReport")

    answers = [push(receiver, message) for _ in range(3)]

    assert [status for status, _ in answers] == [202, 200, 200]
    assert answers[0][1] == answers[1][1] == answers[2][1]
    assert handled == [message]


def test_a_repeat_is_known_after_a_restart(tmp_path: Path) -> None:
    handled: list[Json] = []
    message = example("navReport")
    answers = []
    for _ in range(2):
        with SqliteSeen(tmp_path / "seen.db") as remembered:
            answers.append(push(receiver_of(handled.append, remembered), message))

    assert [status for status, _ in answers] == [202, 200]
    assert answers[0][1] == answers[1][1]
    assert handled == [message]


def test_messages_at_the_same_time_are_handled_once_by_many_workers(tmp_path: Path) -> None:
    handled: list[Json] = []
    together = threading.Barrier(8, timeout=10)
    message = example("navReport")

    def one(_: int) -> tuple[int, Json]:
        with SqliteSeen(tmp_path / "seen.db") as own:
            receiver = receiver_of(handled.append, own)
            together.wait()
            attempts = (push(receiver, message) for _ in range(1000))
            return next(answer for answer in attempts if answer[0] != 503)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))

    assert sorted(status for status, _ in answers) == [200] * 7 + [202]
    assert len({write_json(answer) for _, answer in answers}) == 1
    assert handled == [message]


def test_another_sender_may_have_the_same_id(seen: Seen) -> None:
    handled: list[Json] = []
    receiver = receiver_of(handled.append, seen)
    message = example("navReport")
    other = {**message, "header": {**message["header"], "sender": INSURER}}
    assert [push(receiver, each)[0] for each in (message, other, message)] == [202, 202, 200]
    assert handled == [message, other]


def test_a_message_that_is_being_handled_is_in_progress_for_everybody_else(seen: Seen) -> None:
    message = example("navReport")
    meanwhile: list[tuple[int, Json]] = []
    other = receiver_of(lambda _: pytest.fail("handled twice"), seen)

    status, _ = push(receiver_of(lambda each: meanwhile.append(push(other, each)), seen), message)

    assert status == 202
    [(busy, answer)] = meanwhile
    assert (busy, answer["rejection"]["reason"], answer["rejection"]["retryable"]) == (503, "in_progress", True)
    assert push(other, message)[0] == 200


def test_a_claim_of_a_worker_that_died_is_handled_again_when_its_lease_is_over(tmp_path: Path) -> None:
    clock = [1_767_607_200.0]
    message = example("navReport")
    handled: list[Json] = []
    with SqliteSeen(tmp_path / "seen.db", now=lambda: clock[0]) as died:
        died.claim(f"{TRUST_COMPANY} {message['header']['messageId']}", "digest", "token")

    with SqliteSeen(tmp_path / "seen.db", now=lambda: clock[0]) as remembered:
        receiver = receiver_of(handled.append, remembered)
        statuses = []
        for seconds in (0.0, 119.0, 1.0, 1000.0):
            clock[0] += seconds
            statuses.append(push(receiver, message)[0])

    assert statuses == [503, 503, 202, 200]
    assert handled == [message]


def test_a_worker_that_outlived_its_claim_neither_finishes_nor_releases_it(tmp_path: Path) -> None:
    with SqliteSeen(tmp_path / "seen.db", lease=timedelta(0)) as slow, SqliteSeen(tmp_path / "seen.db") as fast:
        assert slow.claim("m", "first", "slow") is None
        assert fast.claim("m", "second", "fast") is None
        slow.release("m", "slow")
        with pytest.raises(InProgress, match="outlived its claim"):
            slow.finish("m", "slow", "2026-01-05T10:00:00Z")

        accepted = fast.finish("m", "fast", "2026-01-05T10:00:01Z")

        assert accepted == Acceptance("second", "2026-01-05T10:00:01Z", 1)
        assert slow.claim("m", "first", "late") == accepted
        with pytest.raises(InProgress):
            fast.finish("m", "fast", "2026-01-05T10:00:02Z")


def test_what_was_not_claimed_cannot_be_finished(seen: Seen) -> None:
    with pytest.raises(InProgress, match="message m"):
        seen.finish("m", "token", "2026-01-05T10:00:00Z")


def test_positions_count_what_was_accepted(seen: Seen) -> None:
    receiver = receiver_of(lambda _: None, seen)

    answers = [push(receiver, example("navReport")) for _ in range(3)]

    assert [answer["receipt"]["position"] for _, answer in answers] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "patch",
    [
        {"op": "replace", "path": "/navReport/cumulativeNav", "value": "1.0100"},
        {"op": "replace", "path": "/header/caseId", "value": "CASE-2026-0002"},
        {"op": "add", "path": "/header/revision", "value": 1},
    ],
)
def test_the_same_id_with_other_content_is_a_conflict(seen: Seen, patch: Json) -> None:
    handled: list[Json] = []
    receiver = receiver_of(handled.append, seen)
    first = example("navReport")
    push(receiver, first)

    status, answer = push(receiver, patched(first, [patch]))

    assert (status, answer["rejection"]["reason"]) == (409, "conflict")
    assert answer["rejection"]["rejectedMessageId"] == first["header"]["messageId"]
    assert handled == [first]


def test_a_message_for_another_institution_is_refused_in_this_ones_name(seen: Seen) -> None:
    handled: list[Json] = []
    message = example("navReport", receiver=INSURER)

    status, answer = push(receiver_of(handled.append, seen), message)

    assert (status, answer["rejection"]["reason"]) == (403, "receiver_mismatch")
    assert answer["rejection"]["rejectedMessageId"] == message["header"]["messageId"]
    assert (answer["header"]["sender"], answer["header"]["receiver"]) == (BANK, TRUST_COMPANY)
    assert handled == []


@pytest.mark.parametrize("test", [True, False])
def test_a_receiver_takes_test_traffic_or_production_and_not_both(seen: Seen, test: bool) -> None:
    receiver = receiver_of(seen=seen, test=test)

    refused, taken = (push(receiver, example("navReport", test=flag)) for flag in (not test, test))

    assert (refused[0], refused[1]["rejection"]["reason"]) == (403, "test_mismatch")
    assert taken[0] == 202


def test_what_cannot_be_read_is_answered_in_this_institutions_name_to_nobody() -> None:
    header = read_json(receiver_of().receive(b"{}", CONTENT_TYPE_JSON, "")[1])["header"]

    assert (header["sender"], header["receiver"]) == (BANK, NOBODY)


def test_an_invalid_message_is_refused_with_its_findings(seen: Seen) -> None:
    handled: list[Json] = []
    message = example("navReport")
    message["navReport"] |= {"navDate": "2026-02-30", "unitNav": "x"}

    status, answer = push(receiver_of(handled.append, seen), message)

    assert (status, answer["rejection"]["reason"]) == (422, "not_valid")
    assert [each["path"] for each in answer["rejection"]["findings"]] == ["navReport.unitNav", "navReport.navDate"]
    assert handled == []


@pytest.mark.parametrize(
    ("content", "signature", "status", "reason"),
    [
        (b"{}", "", 401, "signature_missing"),
        (b"{}", "a..b", 401, "signature_invalid"),
        (b"{}", None, 422, "unknown_message_type"),
        (b"{", None, 400, "malformed_json"),
        (b'{"a":1,"a":1}', None, 400, "duplicate_key"),
        (b'{"a":1e400}', None, 400, "malformed_json"),
        (b'{"\\u0001":1}', None, 422, "unknown_message_type"),
        (b'{"a":"\xff"}', None, 400, "wrong_encoding"),
    ],
)
def test_what_cannot_be_read_or_trusted_is_refused_with_the_status_of_the_table(
    content: bytes, signature: str | None, status: int, reason: str
) -> None:
    said = seal(content, CONTENT_TYPE_JSON, GATEWAY).signature if signature is None else signature

    answer = receiver_of().receive(content, CONTENT_TYPE_JSON, said)

    assert (answer[0], read_json(answer[1])["rejection"]["reason"]) == (status, reason)
    assert errors_in(check(read_json(answer[1]), strict=True)) == []


def test_another_content_type_is_refused_though_it_is_sealed() -> None:
    sealed = seal(b"<Root/>", "application/xml", GATEWAY)

    status, answer = receiver_of().receive(sealed.content, sealed.content_type, sealed.signature)

    assert (status, read_json(answer)["rejection"]["reason"]) == (415, "unsupported_media_type")


def test_an_old_seal_is_refused_unless_the_receiver_allows_its_age() -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    message = example("navReport")

    strict = push(receiver_of(), message, at)
    patient = push(receiver_of(max_age=timedelta(days=1)), message, at)

    assert (strict[0], strict[1]["rejection"]["reason"]) == (401, "signature_expired")
    assert patient[0] == 202


@pytest.mark.parametrize(
    ("error", "status"), [(OutOfOrder("not yet", expected=["kycDecision"]), 409), (Overloaded("later"), 503)]
)
def test_a_refusal_of_the_handler_becomes_a_rejection_and_is_not_remembered(
    seen: Seen, error: Exception, status: int
) -> None:
    outcomes: list[Exception | None] = [error, None]

    def handle(_: Json) -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    receiver = receiver_of(handle, seen)
    message = example("navReport")

    assert [push(receiver, message)[0] for _ in range(3)] == [status, 202, 200]


def test_an_unforeseen_failure_of_the_handler_passes_through_and_the_message_may_come_again(seen: Seen) -> None:
    failures = [ZeroDivisionError()]

    def handle(_: Json) -> None:
        if failures:
            raise failures.pop()

    receiver = receiver_of(handle, seen)
    message = example("navReport")

    with pytest.raises(ZeroDivisionError):
        push(receiver, message)

    assert push(receiver, message)[0] == 202
