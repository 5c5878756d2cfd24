"""The record of a signature: what was read and when, the mark, the code; a document in the store beside the mark.

The messages name it by its SHA-256 in ``evidenceReference``. It is JSON text; whoever gets the messages may fetch both.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone

import orjson

from xinqiao.masking import mask
from xinqiao.message import Header, Json, derived_message_id, message_type, timestamp
from xinqiao_gateway.documents import Announced, DocumentDigest
from xinqiao_gateway.fronts.h5.drafting import message_of
from xinqiao_gateway.fronts.h5.model import Context, Visit
from xinqiao_gateway.fronts.h5.signing.mark import Mark
from xinqiao_gateway.fronts.h5.signing.matter import Matter, Paper

__all__ = ["evidence_of", "keep"]

_CHINA = timezone(timedelta(hours=8))
# How the mark was made: the standard has one method for both, and the evidence says which.
_TERMINALS = {"drawn": "H5 手写 drawn", "typed": "H5 键入姓名 typed name"}


def evidence_of(
    visit: Visit, context: Context, matter: Matter, mark: Mark, *, verified: Mapping[str, float] | None,
    read: Mapping[str, Json],
) -> tuple[tuple[Json, ...], bytes]:  # fmt: skip
    """Return the messages, one for each paper that is signed, and the record that they name.

    The same signer, paper and request have the same message id: a paper is signed once, by whichever visit.
    ``read`` says when each paper was opened and confirmed, by its digest; ``verified`` when a code was sent and typed.
    """
    signed_at = datetime.fromtimestamp(context.now, _CHINA).isoformat(timespec="seconds")
    record = _record(visit, context, matter, mark, verified=verified, read=read) | {"signedAt": signed_at}
    content = orjson.dumps(record, option=orjson.OPT_INDENT_2)
    reference = hashlib.sha256(content).hexdigest()
    base = message_of(visit, context)
    verification = {} if verified is None else {"verification": "CODE_CHECK"}
    stated = base["signatureEvidence"]
    common = {
        **verification,
        **{name: stated[name] for name in ("place", "verification", "verificationReference") if name in stated},
        **_about(matter),
        "method": "HANDWRITTEN_ON_SCREEN",
        "signedAt": signed_at,
        "evidenceReference": reference,
        "terminal": _TERMINALS[mark.form],
    }
    return tuple(_messages(base["header"], common, matter)), content


def _about(matter: Matter) -> Json:
    """Return what the request says of the matter and the signer."""
    assert matter.request is not None  # noqa: S101 -- there is a request wherever something is signed
    assert matter.signer is not None  # noqa: S101
    of_request: Json = {name: matter.request[name] for name in ("contractNo", "requestNo", "amendmentNo")
                  if name in matter.request}  # fmt: skip
    principals: Json = {"principalIds": matter.signer["principalIds"]} if "principalIds" in matter.signer else {}
    return {**of_request, "partyId": matter.signer["partyId"], "signerName": matter.name, **principals}


def _messages(header: Json, common: Json, matter: Matter) -> Iterator[Json]:
    assert matter.header is not None  # noqa: S101 -- see above
    for paper in matter.to_sign:
        seed = f"{matter.header['messageId']} {common['partyId']} {paper.document_id} {paper.digest}"
        message_id = derived_message_id(matter.header["createdAt"], seed)
        body = {**common, "documentId": paper.document_id, "documentDigest": _written(paper.digest)}
        ids = {"messageId": message_id, "correlationId": matter.header["messageId"]}
        yield {"header": {**header, **ids}, "signatureEvidence": body}


def _written(digest: DocumentDigest) -> Json:
    return {"algorithm": digest.algorithm, "value": digest.value}


def _record(
    visit: Visit, context: Context, matter: Matter, mark: Mark, *, verified: Mapping[str, float] | None,
    read: Mapping[str, Json],
) -> Json:  # fmt: skip
    door = visit.door
    drawn = {"image": hashlib.sha256(mark.image).hexdigest(), "strokes": mark.strokes} if mark.image else {}
    code = {} if verified is None else {
        "mobile": mask(matter.mobile, "C2"),
        "sentAt": _instant(verified["sentAt"]),
        "verifiedAt": _instant(verified["verifiedAt"]),
    }  # fmt: skip
    return {
        "record": "xinqiao h5 signature 1",
        "visit": visit.stored.visit_id,
        "channel": context.channel.channel_id,
        "case": visit.stored.case_id,
        "request": (matter.header or {}).get("messageId"),
        "signer": _about(matter),
        "launch": {"id": door.jti, "key": door.kid, "role": door.role, "actor": door.actor},
        "papers": [_paper(paper, read.get(paper.name, {})) for paper in matter.papers],
        "mark": {"form": mark.form, "typed": mark.typed} | drawn,
        "code": code,
        "language": visit.language,
    }


def _paper(paper: Paper, read: Json) -> Json:
    about = {"documentId": paper.document_id, "title": paper.title, "version": paper.version}
    return {**about, "digest": _written(paper.digest), "signed": paper.signed, **read}


def _instant(at: float) -> str:
    return timestamp(datetime.fromtimestamp(at, UTC))


def keep(context: Context, message: Json, content: bytes, mark: Mark) -> None:
    """Keep the record and the image, for this channel and for those that get the messages; it blocks.

    Raises ``DocumentRefused``, ``Overloaded`` or ``JournalUnavailable``.
    """
    documents, channel_id = context.gateway.documents, context.channel.channel_id
    kept = [("text/plain", content), *([("image/png", mark.image)] if mark.image else [])]
    routed = context.gateway.channels.route(Header.of(message), message_type(message))
    for media_type, data in kept:
        digest = DocumentDigest("SHA256", hashlib.sha256(data).hexdigest())
        with documents.begin(Announced(channel_id, digest, media_type, len(data))) as upload:
            upload.write(data)
            upload.finish()
        for destination, _ in routed:
            documents.hold(digest, destination)
