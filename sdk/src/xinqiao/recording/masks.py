"""Masked recordings: every C2 and C3 value, and every value the standard does not know, becomes a token.

The same value gives the same token within one recording, so what was equal stays equal; the key is random, is never
written and is thrown away. Tokens keep no form: no digit, length or check digit of a value shows.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote

import orjson

from xinqiao.errors import ContentRefused
from xinqiao.message import Json
from xinqiao.recording.model import Answer, Recorded, body_of
from xinqiao.recording.numbers import without_numbers
from xinqiao.recording.quoting import Quotable, has_form, is_plain, is_token, is_usual
from xinqiao.seal import Sealed
from xinqiao.standard import field_at

__all__ = ["Masker", "differing", "require_masked", "without_tokens"]

_MEDIA_TYPE = r"[0-9A-Za-z.+-]{1,80}/[0-9A-Za-z.+-]{1,80}(; ?charset=[0-9A-Za-z-]{1,20})?"
# Response headers that say nothing of anybody, where their values are of this form.
_HEADERS: Mapping[str, re.Pattern[str]] = {
    "content-type": re.compile(_MEDIA_TYPE),
    "retry-after": re.compile("[0-9]{1,9}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT"),
}
# Digests and proofs over a whole message: who guesses its few hidden values could see there whether he is right.
_TELLING = ("receipt.digest.value", "receipt.proof")
# Answers that show what was found in a message, and where.
_FINDINGS = {"rejection": "findings", "receipt": "notes"}
# More than any C1 text of the standard holds.
_LONGEST_TEXT = 4000
_PROTECTED = re.compile("[0-9A-Za-z_-]{1,800}")
# What a protected header is written in: a key's id, an algorithm, a media type, a time.
_PLAIN = re.compile(rb"[ -\[\]-~]*")


class Masker:
    """Masks the exchanges of one recording: it holds the key, and with it the key is gone.

    It remembers nothing else: a message that is sent again is masked as it was the first time.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def mask(self, recorded: Recorded) -> Recorded:
        """Return an exchange with tokens; what is masked already stays as it is."""
        told = Quotable((recorded.message, *recorded.delivered))
        answer = recorded.answer
        return replace(
            recorded,
            message=self._message(recorded.message, told),
            sealed=_bare(recorded.sealed),
            answer=self._answer(answer, recorded.body, told) if answer else None,
            delivered=tuple(self._message(each, told) or {} for each in recorded.delivered),
        )

    def _token(self, value: object) -> str:
        written = orjson.dumps(value)
        return f"masked:{hashlib.blake2b(written, key=self._key, digest_size=10).hexdigest()}"

    def _hidden(self, value: object) -> object:
        return value if value is None or is_token(value) else self._token(value)

    def _answer(self, answer: Answer, answered: str | None, told: Quotable) -> Answer:
        message = self._message(answer.message, told, answered)
        if message is not None and answered is None and isinstance(message.get("rejection"), dict):
            body = message["rejection"]
            if isinstance(body.get("text"), dict):
                body["text"] = {name: self._hidden(text) for name, text in body["text"].items()}
        return Answer(answer.status, message, dict(self._headers(answer, told)))

    def _headers(self, answer: Answer, told: Quotable) -> Iterator[tuple[str, str]]:
        """Yield the headers that say nothing of anybody, and of one that quotes a value that value's token."""
        for name, value in answer.headers.items():
            form = _HEADERS.get(name.lower())
            if (form and form.fullmatch(value)) or (is_token(value) and is_plain(name)):
                yield name, value
            elif is_plain(name) and not is_usual(name) and (quoted := next(told.quoted(unquote(value)), None)):
                yield name, str(self._hidden(quoted[1]))

    def _finding(self, finding: object, answered: str | None) -> object:
        if not isinstance(finding, dict) or "value" not in finding:
            return finding
        path = finding.get("path")
        field = field_at(answered, path) if answered and isinstance(path, str) else None
        open_to_all = field is not None and field.sensitivity == "C1"
        return finding if open_to_all else finding | {"value": self._hidden(finding["value"])}

    def _message(self, message: Json | None, told: Quotable, answered: str | None = None) -> Json | None:
        if message is None:
            return None
        body = body_of(message) or "ping"
        made: Json = {self._name(name): self._part(part, body, name, told) for name, part in message.items()}
        if body in _FINDINGS and isinstance(found := made[body].get(_FINDINGS[body]), list):
            # What a finding shows of a value: masks of the standard keep the ends of a number.
            made[body][_FINDINGS[body]] = [self._finding(each, answered) for each in found]
        return made

    def _part(self, part: object, body: str, path: str, told: Quotable) -> object:
        if isinstance(part, dict):
            below = part.items()
            return {self._name(name): self._part(each, body, f"{path}.{name}", told) for name, each in below}
        if isinstance(part, list):
            return [self._part(each, body, path, told) for each in part]
        field = field_at(body, path)
        if field is None or field.sensitivity != "C1" or path.startswith(_TELLING):
            return self._hidden(part)
        if not isinstance(part, str) or (field.kind != "IDENTIFIER" and has_form(part, field)):
            return part
        if len(part) > _LONGEST_TEXT:
            return self._hidden(part)
        # The number of a case is the same in each of its messages, whatever else they hold.
        return without_numbers(part if field.kind == "IDENTIFIER" else told.replaced(part, self._token), self._token)

    def _name(self, name: str) -> str:
        return name if is_plain(name) or is_token(name) else self._token(name)


def _bare(sealed: Sealed | None) -> Sealed | None:
    """Keep of a seal what says how it was made: of bytes that can be guessed, a signature says who guessed right."""
    if sealed is None:
        return None
    protected, _, _ = sealed.signature.partition(".")
    content_type = sealed.content_type if re.fullmatch(_MEDIA_TYPE, sealed.content_type) else ""
    return Sealed(b"", content_type, f"{protected}.." if _is_plain_header(protected) else "")


def _is_plain_header(protected: str) -> bool:
    if not _PROTECTED.fullmatch(protected) or len(protected) % 4 == 1:
        return False
    return _PLAIN.fullmatch(base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4))) is not None


def differing(before: object, after: object, path: str = "") -> Iterator[tuple[str, object, object]]:
    """Yield the paths at which two values differ, with both values; None is what is not there."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before.keys() | after.keys():
            below = f"{path}.{name}" if path else name
            yield from differing(before.get(name), after.get(name), below)
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            first, second = (each[index] if index < len(each) else None for each in (before, after))
            yield from differing(first, second, f"{path}[{index}]")
    elif before != after or type(before) is not type(after):
        yield path, before, after


def require_masked(recorded: Recorded) -> None:
    """Raise ``ContentRefused`` where an exchange holds what a masked recording must not; it says where."""
    kept = Masker().mask(recorded)
    if kept == recorded:
        return
    for path, _, _ in differing(recorded.as_json(), kept.as_json()):
        raise ContentRefused(
            f"{path} is not masked in a recording that says it is; mask it with xinqiao recording mask"
        )


def without_tokens(message: Json) -> tuple[Json, frozenset[str]]:
    """Return a message with None for every token, and the paths of those.

    None breaks each field's schema, and no rule of the standard reads what breaks it: nothing is judged by a token.
    """
    hidden: set[str] = set()

    def visit(part: object, path: str) -> object:
        if isinstance(part, dict):
            return {name: visit(each, f"{path}.{name}" if path else name) for name, each in part.items()}
        if isinstance(part, list):
            return [visit(each, f"{path}[{index}]") for index, each in enumerate(part)]
        if is_token(part):
            hidden.add(path)
            return None
        return part

    opened = visit(message, "")
    assert isinstance(opened, dict)  # noqa: S101 -- a message is an object
    return opened, frozenset(hidden)
