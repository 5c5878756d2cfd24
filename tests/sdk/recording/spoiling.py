"""How a good recording is spoilt: one thing in it that a check must find."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.sdk.recording.stage import KEY, Stage, message, told
from xinqiao.errors import NotValid
from xinqiao.message import Json, new_message_id
from xinqiao.recording import Answer
from xinqiao.seal import CONTENT_TYPE_JSON, Sealed, new_key, seal

Spoil = Callable[[Stage], None]


def put(body: str, path: str, value: object, which: int = 0) -> Spoil:
    """Set a value in a message, by the steps of its path; None removes it."""

    def spoil(stage: Stage) -> None:
        *steps, last = path.split("/")
        part: Any = stage.find(body, which)
        for step in steps:
            part = part[int(step) if step.isdigit() else step]
        if value is None:
            del part[last]
        else:
            part[last] = value

    return spoil


def in_kyc(path: str, value: object) -> Spoil:
    return put("kycApplication", f"kycApplication/{path}", value)


def names_what_came_before(stage: Stage) -> None:
    stage.find("kycDecision")["header"]["correlationId"] = stage.find("redemptionOrder")["header"]["messageId"]


def two_bodies(stage: Stage) -> None:
    said = stage.find("kycExpired")
    said["navReport"] = message("navReport")["navReport"]


def unreadable(reason: str) -> Spoil:
    def spoil(stage: Stage) -> None:
        stage.change("kycExpired", message=None, unreadable=reason)

    return spoil


def one_id_for_two(stage: Stage) -> None:
    said, other = stage.find("kycExpired"), stage.find("navReport", 1)
    other["header"]["messageId"] = said["header"]["messageId"]


def marked(stage: Stage) -> None:
    stage.change("kycExpired", sealed=resealed(stage, b"\xef\xbb\xbf{}"))


def resealed(stage: Stage, content: bytes) -> Sealed:
    return seal(content, CONTENT_TYPE_JSON, KEY, stage.now)


def sealed_by_another(stage: Stage) -> None:
    stage.change("kycExpired", sealed=seal(b"{}", CONTENT_TYPE_JSON, new_key("subject-1"), stage.now))


def sealed_with_a_payload(stage: Stage) -> None:
    good = resealed(stage, b"{}")
    stage.change("kycExpired", sealed=replace(good, signature=good.signature.replace("..", ".e30.")))


def no_correction_of(stage: Stage) -> None:
    del stage.find("orderConfirmation", 1)["header"]["replaces"]


def confirmed_after_the_end(stage: Stage) -> None:
    again = message("orderConfirmation", 2)
    again["orderConfirmation"] |= {"confirmedUnits": "0.00", "confirmedAmount": {"value": "0.00", "currency": "CNY"}}
    again["orderConfirmation"] |= {"earlierUnits": "10000.00"}
    stage.add("subject", again)


def more_than_ordered(stage: Stage) -> None:
    order = next(each.message for each in stage if each.body == "redemptionOrder")
    assert order is not None
    order["redemptionOrder"]["units"] = "9000.00"


def retried_under_another_id(stage: Stage) -> None:
    again = stage.find("contractProposal")
    header = again["header"] | {"messageId": new_message_id()}
    stage.change("contractProposal", 1, message=again | {"header": header})


def too_early(stage: Stage) -> None:
    stage.change("contractProposal", 0, at=stage[2].at)


def too_even(stage: Stage) -> None:
    proposal = message("contractProposal", 0)
    for _ in range(5):
        stage.add("subject", proposal, answer=Answer(503, None, {}), after=1.0)


def never_again(stage: Stage) -> None:
    stage.add("subject", message("disclosureNotice"), answer=Answer(503, None, {}))
    stage.add("subject", message("ping"), after=120.0)


def refused_and_sent_again(stage: Stage) -> None:
    said = stage.find("navReport")
    stage.add("subject", said | {"header": said["header"] | {"messageId": new_message_id()}})


def answer_with(text: str) -> Spoil:
    """Let the refusal of an invalid message quote something of it."""

    def spoil(stage: Stage) -> None:
        number = next(n for n, each in enumerate(stage) if each.answer and each.answer.status == 422)
        answer = stage[number].answer
        assert answer is not None
        assert answer.message is not None
        body: Json = answer.message["rejection"]
        body["text"] = body["text"] | {"en": f"not valid: {text}"}

    return spoil


def answer_header(stage: Stage) -> None:
    answer = stage[0].answer
    assert answer is not None
    stage[0] = replace(stage[0], answer=replace(answer, headers={"X-Debug": "name=王小明; b"}))


def answered(which: int, **parts: Any) -> Spoil:
    """Change the answer of an exchange."""

    def spoil(stage: Stage) -> None:
        answer = stage[which].answer
        assert answer is not None
        stage[which] = replace(stage[which], answer=replace(answer, **parts))

    return spoil


def receipt_for_another(stage: Stage) -> None:
    answer = stage[4].answer
    assert answer is not None
    assert answer.message is not None
    answer.message["receipt"]["acceptedMessageId"] = new_message_id()


def valid_refused(stage: Stage) -> None:
    said = message("kycApplication", 0)
    stage.add("peer", said, NotValid())


def another_receipt(stage: Stage) -> None:
    said = stage[0].message
    assert said is not None
    stage[1] = replace(stage[1], answer=told(said, position=77))


def conflict_taken(stage: Stage) -> None:
    said = stage[2].message
    assert said is not None
    stage[2] = replace(stage[2], answer=told(said))


def delivered(path: str, value: object) -> Spoil:
    """Change what was delivered of the first message."""

    def spoil(stage: Stage) -> None:
        said: Any = message("kycApplication", 1)
        said["header"] = stage[0].header
        *steps, last = path.split("/")
        part = said
        for step in steps:
            part = part[int(step) if step.isdigit() else step]
        if value is None:
            del part[last]
        else:
            part[last] = value
        stage[0] = replace(stage[0], delivered=(said,))

    return spoil


def unknown_dropped(stage: Stage) -> None:
    said = stage.find("accountEntry")
    body = {name: value for name, value in said["accountEntry"].items() if name != "settlementRail"}
    stage.change("accountEntry", 1, message=said | {"accountEntry": body})


def wrong_manifest_taken(stage: Stage) -> None:
    said = stage.find("batchManifest", 1)
    stage.change("batchManifest", 1, answer=told(said))


def undecided(stage: Stage) -> None:
    stage.pop()
    stage.add("peer", message("ping"), after=90.0)
