"""What is to be signed: the request that the trust company sent about this case, its signer, and the papers.

It is read from the journal each time it is needed: a request that came since, or a text that changed, counts at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from xinqiao.errors import ContentGone, NotFound
from xinqiao.message import Json
from xinqiao_gateway.documents import Access, DocumentDigest
from xinqiao_gateway.fronts.h5.model import Context, Problem, Visit
from xinqiao_gateway.fronts.h5.statement import address_of
from xinqiao_gateway.fronts.h5.words import said_with, word
from xinqiao_gateway.journal.shown import exchanged

__all__ = ["Matter", "Paper", "matter_of"]

# What a launch may state of the message: which request it is about.
_NAMES = ("requestNo", "contractNo", "amendmentNo")
_CHINA = timezone(timedelta(hours=8))
_METHOD = "HANDWRITTEN_ON_SCREEN"


@dataclass(frozen=True, slots=True)
class Paper:
    """One text: ``signed`` says whether this signer has to sign it, else it is to be read alone.

    ``message_id`` is of the message that lets the channel read it.
    """

    document_id: str
    title: str
    version: str
    pages: int | None
    file_name: str
    digest: DocumentDigest
    message_id: str
    signed: bool

    @property
    def name(self) -> str:
        """Its name in addresses and forms."""
        return self.digest.value


@dataclass(frozen=True, slots=True)
class Matter:
    """A request and what this signer has to do about it; ``problem`` is what keeps them from signing now."""

    papers: tuple[Paper, ...] = ()
    problem: Problem | None = None
    header: Json | None = None
    request: Json | None = None
    signer: Json | None = None

    @property
    def to_sign(self) -> tuple[Paper, ...]:
        """The papers that this signer has to sign."""
        return tuple(each for each in self.papers if each.signed)

    @property
    def name(self) -> str:
        """The signer's name, as the request has it."""
        return str(self.signer["name"]) if self.signer else ""

    @property
    def mobile(self) -> str:
        """Where a code goes; empty where the request names no mobile."""
        return str(self.signer.get("contact", {}).get("mobile", "")) if self.signer else ""

    def code_needed(self, facts: Mapping[str, object]) -> bool:
        """Whether a code is needed: the request asks for one, or the partner verified the signer in no other way."""
        asked = self.signer.get("verifications", []) if self.signer else []
        return "CODE_CHECK" in asked or "verification" not in facts


def matter_of(visit: Visit, context: Context) -> Matter:
    """Read what is to be signed; it blocks. Raises ``ContentGone`` where the case was erased."""
    reading, address = context.gateway.journal.reading, address_of(visit, context)
    found = exchanged(reading, address, ("contractDocument", "signatureRequest"), ("signatureEvidence",))
    party = visit.facts.get("partyId")
    request, signer = _request(found, visit.facts, party)
    if request is None:
        return Matter(problem=Problem(word("sign_no_request")))
    matter = Matter(header=request["header"], request=request["signatureRequest"], signer=signer)
    if signer is None or visit.facts.get("signerName", signer["name"]) != signer["name"]:
        return Matter(problem=Problem(word("sign_not_signer")))
    papers, problem = _papers(found, request, signer, context)
    problem = problem or _outlived(found, papers, context)
    problem = problem or _hindrance(matter, visit.facts, context)
    signed = _signed(found, matter, str(party))
    left = tuple(each for each in papers if not (each.signed and each.digest in signed))
    if not any(each.signed for each in left) and problem is None:
        problem = Problem(word("sign_already"))
    return Matter(left, problem, matter.header, matter.request, signer)


def _request(found: Sequence[Json], facts: Mapping[str, Any], party: object) -> tuple[Json | None, Json | None]:
    """Return the last request that fits what the launch states, with its signer; one that names the signer first."""
    stated = {name: facts[name] for name in _NAMES if name in facts}
    fitting = [
        each for each in reversed(found)
        if "signatureRequest" in each and stated.items() <= each["signatureRequest"].items()
    ]  # fmt: skip
    for each in fitting:
        for signer in each["signatureRequest"]["signers"]:
            if signer["partyId"] == party:
                newest = next(r for r in fitting if _number(r) == _number(each))
                return newest, next((s for s in newest["signatureRequest"]["signers"] if s["partyId"] == party), None)
    return (fitting[0], None) if fitting else (None, None)


def _number(request: Json) -> str:
    return str(request["signatureRequest"]["requestNo"])


def _papers(
    found: Sequence[Json], request: Json, signer: Json, context: Context
) -> tuple[tuple[Paper, ...], Problem | None]:
    asked = {each["documentId"]: _digest(each["digest"]) for each in request["signatureRequest"]["documents"]}
    texts = _texts(found, request["signatureRequest"])
    papers = [
        _paper(name, asked[name], texts.get(name), request, signed=True)
        for name in dict.fromkeys(signer["documentIds"])
        if name in asked
    ]
    papers += [
        _paper(name, _digest(text["file"]["digest"]), (text, message), message, signed=False)
        for name, (text, message) in texts.items()
        if text.get("toBeSigned") is False and name not in signer["documentIds"]
    ]
    readable, problem = [], None
    for paper in papers:
        found_problem = _unreadable(paper, texts.get(paper.document_id), context)
        problem = problem or found_problem
        readable += [] if found_problem else [paper]
    return tuple(readable), problem


def _texts(found: Sequence[Json], request: Json) -> dict[str, tuple[Json, Json]]:
    """Return the texts of a contract by their ids, the last of each, with the message that has it."""
    texts: dict[str, tuple[Json, Json]] = {}
    for message in found:
        body = message.get("contractDocument", {})
        if body.get("contractNo") == request["contractNo"] and body.get("amendmentNo") == request.get("amendmentNo"):
            for text in body["texts"]:
                texts.pop(text.get("supersedes", ""), None)
                texts[text["documentId"]] = (text, message)
    return texts


def _paper(name: str, digest: DocumentDigest, known: tuple[Json, Json] | None, message: Json, *, signed: bool) -> Paper:
    text = known[0] if known else {}
    return Paper(
        document_id=name,
        title=text.get("title", name),
        version=text.get("version", ""),
        pages=text.get("pages"),
        file_name=text.get("file", {}).get("name", name),
        digest=digest,
        message_id=(known[1] if known else message)["header"]["messageId"],
        signed=signed,
    )


def _unreadable(paper: Paper, known: tuple[Json, Json] | None, context: Context) -> Problem | None:
    """Return why a paper cannot be read: its text is another than the request's, or it is not here."""
    documents, reading = context.gateway.documents, context.gateway.journal.reading
    if known and not documents.same(_digest(known[0]["file"]["digest"]), paper.digest):
        return Problem(said_with("sign_changed", title=paper.title))
    try:
        Access(documents, reading.message).check(context.channel.channel_id, paper.digest, paper.message_id)
        documents.open(paper.digest).close()
    except (NotFound, ContentGone):
        return Problem(said_with("sign_missing", title=paper.title))
    return None


def _hindrance(matter: Matter, facts: Mapping[str, object], context: Context) -> Problem | None:
    """Return what else keeps the signer from signing here."""
    assert matter.request is not None  # noqa: S101 -- both were found before
    assert matter.signer is not None  # noqa: S101
    if context.now > datetime.fromisoformat(matter.request["dueAt"]).timestamp():
        return Problem(word("sign_late"))
    if _METHOD not in matter.signer.get("methods", [_METHOD]):
        return Problem(word("sign_other_method"))
    if {*matter.signer.get("verifications", [])} - {"CODE_CHECK", facts.get("verification")}:
        return Problem(word("sign_other_check"))
    return None


def _outlived(found: Sequence[Json], papers: Sequence[Paper], context: Context) -> Problem | None:
    """Return that a text may no longer be signed: its own message says until which day it may (in China)."""
    today = datetime.fromtimestamp(context.now, _CHINA).date().isoformat()
    sources = {each.message_id for each in papers if each.signed}
    for message in found:
        until = message.get("contractDocument", {}).get("validUntil", today)
        if message["header"]["messageId"] in sources and until < today:
            return Problem(word("sign_late"))
    return None


def _signed(found: Sequence[Json], matter: Matter, party: str) -> set[DocumentDigest]:
    return set(_digests_signed(found, matter, party))


def _digests_signed(found: Sequence[Json], matter: Matter, party: str) -> Iterator[DocumentDigest]:
    for message in found:
        body = message.get("signatureEvidence", {})
        if body.get("partyId") == party and matter.request and body.get("contractNo") == matter.request["contractNo"]:
            yield _digest(body["documentDigest"])


def _digest(said: Json) -> DocumentDigest:
    return DocumentDigest("SM3" if said["algorithm"] == "SM3" else "SHA256", said["value"])
