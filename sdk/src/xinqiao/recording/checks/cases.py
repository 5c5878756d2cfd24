"""What belongs together: messages of one case, answers and what they answer, requests that nobody answers."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.recording.checking import Broken, Context, Looks, check
from xinqiao.recording.index import Index
from xinqiao.recording.model import Recorded, body_of

__all__ = ["ANSWERS"]

# A request, the number it goes by, and the messages that answer it, each with the field that repeats the number. As the
# published processes have them; a request that is not here is answered by its receipt alone, or by several people.
_ORDER = {"orderConfirmation": "orderReference", "orderStatus": "orderReference"}
_DELIVERED = {"deliveryConfirmation": "instructionNo", "deliveryReturn": "instructionNo"}
_REPLY = {"registrationReply": "applicationNo"}
_AMENDED = {"requestResult": "businessNo", "contractEffective": "amendmentNo", "contractEnded": "amendmentNo"}
ANSWERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "kycApplication": ("applicationNo", {"kycDecision": "applicationNo"}),
    "deliveryInstruction": (
        "instructionNo",
        _DELIVERED,
    ),
    "additionalDelivery": (
        "instructionNo",
        _DELIVERED,
    ),
    "contractAmendment": ("amendmentNo", _AMENDED),
    "beneficiaryChange": ("amendmentNo", _AMENDED),
    "contractTermination": ("amendmentNo", _AMENDED),
    "paymentInstruction": ("instructionNo", {"paymentResult": "instructionNo"}),
    "splitInstruction": ("splitNo", {"splitConfirmation": "splitNo"}),
    "subscriptionOrder": ("orderReference", _ORDER),
    "redemptionOrder": ("orderReference", _ORDER),
    "switchOrder": ("orderReference", _ORDER),
    "advanceOrder": ("orderReference", _ORDER),
    "holdingOrder": ("orderReference", _ORDER),
    "cancelOrder": ("original.orderReference", _ORDER),
    "accountOpening": ("orderReference", {"accountConfirmation": "orderReference"}),
    "investmentInstruction": ("instructionNo", {"instructionFeedback": "instructionNo"}),
    "servicingRequest": ("requestNo", {"servicingResult": "requestNo", "policyEndorsement": "requestNo"}),
    "premiumFundingRequest": ("requestNo", {"requestResult": "businessNo", "paymentResult": "businessReference"}),
    "claimFiling": ("filingNo", {"claimDecision": "filingNo"}),
    "distributionApplication": (
        "applicationNo",
        {"requestResult": "businessNo", "distributionNotice": "applicationNo"},
    ),
    "merchantFiling": ("filingNo", {"requestResult": "businessNo"}),
    "refund": ("refundNo", {"requestResult": "businessNo", "paymentResult": "businessReference"}),
    "revolvingPurchase": ("purchaseNo", {"eligibilityResult": "purchaseNo"}),
    "loanApplication": ("applicationNo", {"creditDecision": "applicationNo"}),
    "priorReport": ("applicationNo", _REPLY),
    "preRegistration": ("applicationNo", _REPLY),
    "initialRegistration": ("applicationNo", _REPLY),
    "changeRegistration": ("applicationNo", _REPLY),
    "correctionRegistration": ("applicationNo", _REPLY),
    "terminationRegistration": ("applicationNo", _REPLY),
    "beneficiaryRight": ("applicationNo", _REPLY),
}

_ONE_CASE = Text("与所答复或更正的消息相同的业务编号", "the case id of the message that it answers or corrects")
_CORRELATES = Text("被答复消息的编号", "the id of the message that it answers")
_ANSWERED = Text("对请求的业务答复", "an answer to the request")


@check(
    "one_case",
    "ENV-010",
    "sender",
    "file-partner",
    zh="同一业务用了两个业务编号",
    en="two case ids in one business case",
)
def look_at_cases(recorded: Iterable[Recorded], _: Context) -> Looks:
    """A message against those that it answers or corrects, by their ids and by the number of the request."""
    looked = 0
    with Index() as known:
        for each in recorded:
            for told in _tellers(each) if each.by == "subject" else ():
                before = known.get(*told)
                if before is None:
                    continue
                looked += 1
                if before[0] and before[0] != each.case_id:
                    seen = f"{each.case_id or 'nothing'}, {before[0]} in exchange {before[1]}"
                    yield Broken(each.number, "header.caseId", _ONE_CASE, seen)
                    break
            for key in (("id", each.message_id), *_asked(each)):
                known.put(*key, value=[each.case_id, each.number])
    return looked


def _tellers(each: Recorded) -> Iterator[tuple[object, ...]]:
    for name in ("correlationId", "replaces"):
        if isinstance(each.header.get(name), str):
            yield "id", each.header[name]
    yield from _answered(each)


def _asked(each: Recorded) -> Iterator[tuple[object, ...]]:
    """Yield the key of a request: its type, between whom, and its number."""
    body = each.body or ""
    if body in ANSWERS and (number := _at(each.message, body, ANSWERS[body][0])):
        yield body, each.header.get("sender"), number


def _answered(each: Recorded) -> Iterator[tuple[object, ...]]:
    """Yield the keys of the requests that a message may answer."""
    body = each.body or ""
    for request, (_, answers) in ANSWERS.items():
        if body in answers and (number := _at(each.message, body, answers[body])):
            yield request, each.header.get("receiver"), number


def _at(message: Json | None, body: str, path: str) -> Any:  # noqa: ANN401 -- what a message holds there
    part: Any = (message or {}).get(body)
    for step in path.split("."):
        part = part.get(step) if isinstance(part, dict) else None
    return part


@check(
    "correlation",
    "ENV-011",
    "sender",
    "file-partner",
    zh="答复没有写明所答复的消息",
    en="an answer that names no question",
)
def look_at_correlation(recorded: Iterable[Recorded], _: Context) -> Looks:
    """The first answer to a request of this recording; later ones may come of themselves."""
    looked = 0
    with Index() as open_requests, Index() as came:
        for each in recorded:
            for key in _answered(each) if each.by == "subject" else ():
                asked = open_requests.get(*key)
                if asked is None:
                    continue
                open_requests.drop(*key)
                looked += 1
                if not _names_question(each, asked, came):
                    seen = str(each.header.get("correlationId", "nothing"))[:80]
                    yield Broken(each.number, "header.correlationId", _CORRELATES, seen)
            if each.by == "peer":
                came.put(each.message_id, value=[each.case_id, each.number])
                for key in _asked(each):
                    before = open_requests.get(*key) or []
                    open_requests.put(*key, value=[*before[-20:], [each.message_id, each.number]])
    return looked


def _names_question(each: Recorded, asked: list[tuple[str | None, int]], came: Index) -> bool:
    """Say whether an answer names the request, or what has since come of its case and let it be answered."""
    named = each.header.get("correlationId")
    case_id, number = came.get(named) or (None, 0)
    since = min(number for _, number in asked)
    return named in {message_id for message_id, _ in asked} or (case_id == each.case_id and number > since)


@check("answered", "PRC-015", "receiver", zh="请求没有得到业务答复", en="a request is left without an answer")
def look_at_silence(recorded: Iterable[Recorded], context: Context) -> Looks:
    """Requests that the subject took and whose process expects an answer, older than the patience at the end."""
    if context.patience is None:
        return 0
    looked, last = 0, None
    with Index() as waiting:
        for each in recorded:
            last = max(last or each.time, each.time)
            for key in _answered(each) if each.by == "subject" else ():
                waiting.drop(*key)
            for key in _asked(each) if _is_taken(each) else ():
                looked += 1
                waiting.put(*key, value=[each.number, each.body, each.at])
        for number, body, at in waiting.values():
            if last and last - datetime.fromisoformat(at) >= timedelta(seconds=context.patience):
                expected = " / ".join(ANSWERS[body][1])
                yield Broken(number, body, _ANSWERED, f"nothing; {expected} is expected")
    return looked


def _is_taken(each: Recorded) -> bool:
    return each.by == "peer" and each.answer is not None and body_of(each.answer.message) == "receipt"
