"""What a sender does when its message was not taken: retries what may pass, and leaves what was refused for good."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from xinqiao.finding import Text
from xinqiao.message import Json, content_digest
from xinqiao.recording.checking import Broken, Context, Looks, check, sent
from xinqiao.recording.index import Index
from xinqiao.recording.model import Answer, Recorded, body_of

__all__: list[str] = []

# What may pass where an answer does not say itself whether it does (RFC 9110, RFC 4918, the 52x of proxies).
_LATER = frozenset((408, 429, 500, 502, 503, 504, 507, *range(520, 530)))
# Clocks and time stamps are not exact.
_LEEWAY = 0.05
# With fewer pauses chance decides which is longer: each is half to all of what it may be.
_ENOUGH_PAUSES = 3
_GROWN = 1.2
_WHOLE = re.compile("[0-9]{1,9}")
_SAME_ID = Text("以同一编号重试", "a retry under the same id")
_WAIT = Text("等待 Retry-After 所说的时间", "a pause as long as Retry-After says")
_GROWS = Text("逐次增长的间隔", "pauses that grow")
_RETRIED = Text("可重试的消息再次发送", "another attempt")
_CHANGED = Text("改正后再发送，或不再发送", "a corrected message, or none")
# Refusals that the message itself is the reason of; others pass when something else has changed.
_FOR_CONTENT = frozenset(
    {
        "body_too_large",
        "case_missing",
        "conflict",
        "content_refused",
        "duplicate_key",
        "forbidden_xml",
        "malformed_binary",
        "malformed_json",
        "malformed_xml",
        "not_valid",
        "receiver_mismatch",
        "sender_mismatch",
        "test_mismatch",
        "unknown_message_type",
        "unsupported_version",
        "wrong_encoding",
    }
)
_WRITTEN_ANEW = frozenset({"messageId", "createdAt"})


def _rejection(answer: Answer | None) -> Json:
    message = answer.message if answer else None
    return message["rejection"] if message and body_of(message) == "rejection" else {}


def _may_pass(answer: Answer | None) -> bool:
    """Say whether the same message may be taken later: the rejection says so, else the status; no answer may."""
    if answer is None:
        return True
    said = _rejection(answer).get("retryable")
    if isinstance(said, bool):
        return said
    return answer.message is None and answer.status in _LATER


def _retry_after(answer: Answer | None) -> float:
    said = answer.header("Retry-After") if answer else None
    return float(said) if said and _WHOLE.fullmatch(said) else 0.0


def _is_retried(each: Recorded) -> bool:
    """Say whether the subject sent something that one can know again, where an answer comes at once."""
    at_once = each.by == "subject" and each.transport in {"rest", "grpc"}
    # Pings are all alike.
    return at_once and each.message_id is not None and each.body not in {None, "ping"}


@check(
    "retries",
    "TRN-004",
    "sender",
    zh="重试换了编号、过早或间隔不增",
    en="retries under another id, too early or too even",
)
def look_at_retries(recorded: Iterable[Recorded], context: Context) -> Looks:
    """Attempts at what may pass: their ids, Retry-After, and pauses that nobody prescribed."""
    looked, last = 0, None
    with Index() as waiting:
        for each in recorded:
            last = each.time
            if not _is_retried(each):
                continue
            digest = content_digest(each.message or {})
            before = waiting.get(digest)
            if before:
                looked += 1
                yield from _judge_attempt(each, before)
            if _may_pass(each.answer):
                waiting.put(digest, value=_attempted(each, before))
            elif before:
                waiting.drop(digest)
        for left in waiting.values():
            looked += not left["pauses"]
            waited = last.timestamp() - left["at"] - left["after"] if last else 0.0
            if context.patience is not None and not left["pauses"] and waited > context.patience:
                yield Broken(left["number"], "", _RETRIED, "none")
    return looked


def _attempted(each: Recorded, before: Any) -> Json:  # noqa: ANN401 -- what the index holds
    at, after = each.time.timestamp(), _retry_after(each.answer)
    known: Json = {"id": each.message_id, "number": each.number, "at": at, "after": after, "pauses": []}
    if before:
        # A pause that the answer before prescribed says nothing of how they grow.
        known["pauses"] = [*before["pauses"], None if before["after"] else at - before["at"]][-10:]
    return known


def _judge_attempt(each: Recorded, before: Json) -> Iterator[Broken]:
    pause = each.time.timestamp() - before["at"]
    if each.message_id != before["id"]:
        yield Broken(each.number, "header.messageId", _SAME_ID, f"{each.message_id}, before {before['id']}")
    if pause < before["after"] - _LEEWAY:
        yield Broken(each.number, "at", _WAIT, f"{pause:.2f} s of {before['after']:.0f} s")
    free = [known for known in (*before["pauses"], None if before["after"] else pause) if known is not None]
    if len(free) >= _ENOUGH_PAUSES and free[-1] < _GROWN * free[0]:
        yield Broken(each.number, "at", _GROWS, f"{free[0]:.2f} s, now {free[-1]:.2f} s")


@check(
    "refused_again",
    "TRN-005",
    "sender",
    zh="被拒绝的内容原样再发",
    en="what was refused for good is sent again unchanged",
)
def look_at_refused(recorded: Iterable[Recorded], _: Context) -> Looks:
    """The same again after a refusal for what it says."""
    looked = 0
    with Index() as refused:
        for each in sent(recorded):
            key = _content(each)
            if key is None:
                continue
            before = refused.get(key)
            reason = before and before["reason"]
            if before and (reason != "conflict" or before["id"] == each.message_id):
                yield Broken(each.number, "", _CHANGED, f"as in exchange {before['number']}, refused as {reason}")
            if _is_for_good(each.answer):
                looked += 1
                said = str(_rejection(each.answer)["reason"])
                refused.put(key, value={"reason": said, "id": each.message_id, "number": each.number})
    return looked


def _is_for_good(answer: Answer | None) -> bool:
    """Say whether an answer refuses the content; not where its id or time is what was wrong: those are new anyway."""
    body = _rejection(answer)
    if body.get("retryable") is not False or str(body.get("reason")) not in _FOR_CONTENT:
        return False
    findings = body.get("findings")
    paths = (
        {str(each.get("path")) for each in findings if isinstance(each, dict)} if isinstance(findings, list) else set()
    )
    return not paths & {f"header.{name}" for name in _WRITTEN_ANEW}


def _content(each: Recorded) -> str | None:
    """Return what is the same when a message is sent again unchanged: all but its id and time, or its bytes."""
    if each.message is None:
        content = each.sealed.content if each.sealed else b""
        return hashlib.sha256(content).hexdigest() if content else None
    header = {name: value for name, value in each.header.items() if name not in _WRITTEN_ANEW}
    said = {**each.message, "header": header}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
