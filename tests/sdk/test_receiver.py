"""The receiver: verifies, handles once, answers with the same receipt, refuses with the reason of the table."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from xinqiao.errors import OutOfOrder, Overloaded
from xinqiao.finding import errors_in
from xinqiao.message import Json, body_digest, read_json, write_json
from xinqiao.receiver import MemorySeen, Receiver, Seen, SqliteSeen
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, new_key, seal
from xinqiao.testing import BANK, TRUST_COMPANY, example
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


def push(receiver: Receiver, message: Json, at: datetime | None = None) -> tuple[int, Json]:
    sealed = seal(write_json(message), CONTENT_TYPE_JSON, GATEWAY, at)
    status, answer = receiver.receive(sealed.content, sealed.content_type, sealed.signature)
    said = read_json(answer)
    assert errors_in(check(said, strict=True)) == []
    return status, said


def test_a_message_is_handled_and_receipted(seen: Seen) -> None:
    handled: list[Json] = []
    message = example("navReport")

    status, answer = push(Receiver(KEYS, handled.append, seen), message)

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
        "digest": {"algorithm": "SHA256", "value": body_digest(message)},
    }


def test_a_repeat_is_not_handled_again_and_gets_the_same_receipt(seen: Seen) -> None:
    handled: list[Json] = []
    receiver = Receiver(KEYS, handled.append, seen)
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
            answers.append(push(Receiver(KEYS, handled.append, remembered), message))

    assert [status for status, _ in answers] == [202, 200]
    assert answers[0][1] == answers[1][1]
    assert handled == [message]


def test_repeats_at_the_same_time_are_handled_once(seen: Seen) -> None:
    handled: list[Json] = []
    together = threading.Barrier(8, timeout=10)
    message = example("navReport")
    receiver = Receiver(KEYS, handled.append, seen)

    def one(_: int) -> tuple[int, Json]:
        together.wait()
        return push(receiver, message)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))

    assert sorted(status for status, _ in answers) == [200] * 7 + [202]
    assert len({write_json(answer) for _, answer in answers}) == 1
    assert handled == [message]


def test_positions_count_what_was_accepted(seen: Seen) -> None:
    receiver = Receiver(KEYS, lambda _: None, seen)

    answers = [push(receiver, example("navReport")) for _ in range(3)]

    assert [answer["receipt"]["position"] for _, answer in answers] == ["1", "2", "3"]


def test_the_same_id_with_another_body_is_a_conflict(seen: Seen) -> None:
    handled: list[Json] = []
    receiver = Receiver(KEYS, handled.append, seen)
    first = example("navReport")
    second = example("navReport", message_id=first["header"]["messageId"])
    second["navReport"]["cumulativeNav"] = "1.0100"
    push(receiver, first)

    status, answer = push(receiver, second)

    assert (status, answer["rejection"]["reason"]) == (409, "conflict")
    assert answer["rejection"]["rejectedMessageId"] == first["header"]["messageId"]
    assert handled == [first]


def test_an_invalid_message_is_refused_with_its_findings(seen: Seen) -> None:
    handled: list[Json] = []
    message = example("navReport")
    message["navReport"] |= {"navDate": "2026-02-30", "unitNav": "x"}

    status, answer = push(Receiver(KEYS, handled.append, seen), message)

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
        (b'{"a":"\xff"}', None, 400, "wrong_encoding"),
    ],
)
def test_what_cannot_be_read_or_trusted_is_refused_with_the_status_of_the_table(
    content: bytes, signature: str | None, status: int, reason: str
) -> None:
    said = seal(content, CONTENT_TYPE_JSON, GATEWAY).signature if signature is None else signature

    answer = Receiver(KEYS, lambda _: None, MemorySeen()).receive(content, CONTENT_TYPE_JSON, said)

    assert (answer[0], read_json(answer[1])["rejection"]["reason"]) == (status, reason)
    assert errors_in(check(read_json(answer[1]), strict=True)) == []


def test_another_content_type_is_refused_though_it_is_sealed() -> None:
    sealed = seal(b"<Root/>", "application/xml", GATEWAY)

    status, answer = Receiver(KEYS, lambda _: None, MemorySeen()).receive(
        sealed.content, sealed.content_type, sealed.signature
    )

    assert (status, read_json(answer)["rejection"]["reason"]) == (415, "unsupported_media_type")


def test_an_old_seal_is_refused_unless_the_receiver_allows_its_age() -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    message = example("navReport")

    strict = push(Receiver(KEYS, lambda _: None, MemorySeen()), message, at)
    patient = push(Receiver(KEYS, lambda _: None, MemorySeen(), max_age=timedelta(days=1)), message, at)

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

    receiver = Receiver(KEYS, handle, seen)
    message = example("navReport")

    assert [push(receiver, message)[0] for _ in range(3)] == [status, 202, 200]


def test_an_unforeseen_failure_of_the_handler_passes_through_and_the_message_may_come_again(seen: Seen) -> None:
    failures = [ZeroDivisionError()]

    def handle(_: Json) -> None:
        if failures:
            raise failures.pop()

    receiver = Receiver(KEYS, handle, seen)
    message = example("navReport")

    with pytest.raises(ZeroDivisionError):
        push(receiver, message)

    assert push(receiver, message)[0] == 202
