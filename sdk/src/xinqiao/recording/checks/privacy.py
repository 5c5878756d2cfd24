"""What must not be told: secrets in messages, personal values in answers, why a KYC ended; and consent to the rest."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.recording.checking import Broken, Context, Looks, check, sent, taken
from xinqiao.recording.model import Recorded
from xinqiao.recording.quoting import Quotable, free_texts, leaves
from xinqiao.standard import field_at

__all__: list[str] = []

_SENDERS = ("sender", "file-partner")
_NO_SECRETS = Text("不传送密码、CVN、口令和生物特征", "no password, CVN, one-time code or biometrics")
# A field that the standard does not have, by its name without marks; or a text that says its secret.
_SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase|code)|pwd|pin(code|block|data|value)?|cv[cnv]2?|otp|onetime(code|password)"
    r"|(sms|verify|verification|dynamic)code"
    r"|fingerprint|faceimage|facephoto|facedata|voiceprint|irisscan|biometrics?(data)?|track[123]data)",
)
_SECRET_WORD = re.compile("密码|口令|验证码|指纹|声纹|人脸图|虹膜|安全码")
_SECRET_TEXT = re.compile(
    r"(密码|口令|验证码|安全码|\bCV[CNV]2?|\bpassword|\bpasscode|\bPIN)\s*(?:[:：=]|是|为|is)\s*[0-9A-Za-z]{3,}",
    re.IGNORECASE,
)


@check(
    "secrets", "PRV-001", *_SENDERS, zh="消息中有密码等 C3 信息", en="a password or other C3 in a message", veiled=True
)
def look_at_secrets(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Unknown fields named after a secret, and texts that say one."""
    looked = 0
    for each in sent(recorded):
        if each.message is None:
            continue
        looked += 1
        for path, value in leaves(each.message):
            if _is_secret(each.body, path) or (isinstance(value, str) and _SECRET_TEXT.search(value)):
                yield Broken(each.number, path, _NO_SECRETS, "***")
    return looked


def _is_secret(body: str | None, path: str) -> bool:
    if field_at(body or "ping", path) is not None:
        return False
    plain = re.sub(r"\[[0-9]+\]|[_-]", "", path).lower().split(".")
    return any(_SECRET_NAME.fullmatch(name) or _SECRET_WORD.search(name) for name in plain)


_MASKED = Text("答复中只有脱敏后的值", "values in answers masked")


@check(
    "answers_masked", "PRV-003", "gateway", "receiver", zh="答复中有 C2 信息的原值", en="a raw C2 value in an answer"
)
def look_at_answers(recorded: Iterable[Recorded], _: Context) -> Looks:
    """A C2 value of a message quoted in its answer. Masking leaves its token where the value stood, so this shows."""
    looked = 0
    for each in taken(recorded):
        if each.message is None or each.answer is None:
            continue
        looked += 1
        told = Quotable([each.message])
        for path, text in free_texts(each.answer):
            if any(told.quoted(text)):
                yield Broken(each.number, path, _MASKED, "***")
    return looked


_CONSENT = Text("早于消息、写明时间和文本摘要的同意", "consent before the message, with its time and digest")
# Two systems of one house: their clocks differ, and one may write whole seconds.
_LEEWAY = timedelta(minutes=1)
# Messages that bring somebody's personal information for the first time, and whose it is: None where always a person's.
_ABOUT = {
    "kycApplication": "applicant",
    "loanApplication": "borrower",
    "consumerAgreement": None,
    "creditQueryConsent": None,
}


@check("consent", "PRV-005", *_SENDERS, zh="没有写明同意", en="no consent is named")
def look_at_consent(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Consent of natural persons; institutions and products need none."""
    looked = 0
    for each in sent(recorded):
        body = (each.message or {})[each.body] if each.body in _ABOUT else None
        if body is None or not _is_about_a_person(body, _ABOUT[each.body or ""]):
            continue
        looked += 1
        if seen := _lacks_consent(body.get("consent"), each.header.get("createdAt")):
            yield Broken(each.number, f"{each.body}.consent", _CONSENT, seen)
    return looked


def _is_about_a_person(body: Json, whose: str | None) -> bool:
    part = body.get(whose) if whose else None
    return whose is None or (isinstance(part, dict) and part.get("kind") == "NATURAL_PERSON")


def _lacks_consent(consent: object, created: object) -> str | None:
    """Return what is wrong with a consent, None where it is one."""
    if not isinstance(consent, dict):
        return "no consent"
    digest = consent.get("textDigest")
    if not isinstance(digest, dict) or not digest.get("value"):
        return "no digest of its text"
    try:
        given, sent_at = (datetime.fromisoformat(str(each)) for each in (consent.get("givenAt"), created))
        return "given after the message" if given - sent_at > _LEEWAY else None
    except (ValueError, TypeError):
        return "no time"


_UNTOLD = Text("不说明原因", "no reason")
_TELLS = re.compile(
    "名单|制裁|洗钱|可疑交易|恐怖"
    r"|\bsanction|\bblack ?list|\bwatch ?list|\bmoney.launder|\bAML\b|\bterroris|\bsuspicious",
    re.IGNORECASE,
)


@check(
    "tipping_off",
    "PRC-014",
    *_SENDERS,
    zh="尽职调查终止时泄露原因",
    en="a channel is told why a KYC ended",
    veiled=True,
)
def look_at_reasons(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Texts of an expiry, or of a refused decision, that speak of lists and suspicion."""
    looked = 0
    for each in sent(recorded):
        for path, value in _reasons(each):
            looked += 1
            if isinstance(value, str) and _TELLS.search(value):
                yield Broken(each.number, path, _UNTOLD, "***")
    return looked


def _reasons(each: Recorded) -> Iterator[tuple[str, object]]:
    if each.body == "kycExpired":
        # Who sends it may be called after what it does: the header is not read.
        yield from leaves((each.message or {})["kycExpired"], "kycExpired")
    elif each.body == "kycDecision" and (each.message or {})["kycDecision"].get("outcome") == "REJECTED":
        yield from leaves((each.message or {})["kycDecision"].get("reasons"), "kycDecision.reasons")
