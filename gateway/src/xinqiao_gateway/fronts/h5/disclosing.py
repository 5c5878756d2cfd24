"""A disclosure to be read: which notice it is, what it says, and the receipt that comes of it."""

from xinqiao.errors import NotFound
from xinqiao.message import Json
from xinqiao.standard import field_at
from xinqiao_gateway.documents import Access, DocumentDigest
from xinqiao_gateway.fronts.h5.display import stated_row
from xinqiao_gateway.fronts.h5.model import Context, Row, Section, Visit
from xinqiao_gateway.fronts.h5.signing.matter import Paper
from xinqiao_gateway.fronts.h5.statement import address_of
from xinqiao_gateway.fronts.h5.tree import value_at
from xinqiao_gateway.fronts.h5.words import word
from xinqiao_gateway.journal.shown import delivered_to, sent_by

__all__ = ["notice_of", "papers_of", "readable_papers", "receipt_of", "said_of"]

_MOST = 200
_SHOWN = (
    "title", "kind", "disclosureNo", "replacesDisclosureNo", "instrument.name", "contractNo", "periodStart",
    "periodEnd", "eventDate", "publishedAt", "receiptDueBy",
)  # fmt: skip


def notice_of(visit: Visit, context: Context) -> Json | None:
    """Return the notice that the launch names, else the latest without a receipt; None where there is none.

    Reads the journal.
    """
    address, reading = address_of(visit, context), context.gateway.journal.reading
    found = delivered_to(reading, address, "disclosureNotice", _MOST, of_case=True)
    wanted = visit.facts.get("disclosureNo")
    if wanted is not None:
        return next((each for each in found if each["disclosureNotice"]["disclosureNo"] == wanted), None)
    receipts = sent_by(reading, address, "disclosureReceipt", _MOST)
    read = {each["disclosureReceipt"]["disclosureNo"] for each in receipts}
    return next((each for each in found if each["disclosureNotice"]["disclosureNo"] not in read), None)


def papers_of(notice: Json, context: Context) -> list[tuple[Paper, bool]]:
    """Return the documents of a notice, each with whether the gateway has it for this channel, to be opened."""
    message_id = notice["header"]["messageId"]
    papers = []
    for each in notice["disclosureNotice"]["documents"]:
        name, digest = each["name"], _digest(each["digest"])
        paper = Paper(name, name, "", None, name, digest, message_id, signed=False)
        papers.append((paper, _is_readable(digest, message_id, context)))
    return papers


def readable_papers(visit: Visit, context: Context) -> list[Paper]:
    """Return the documents of the notice of a visit that can be opened. Reads the journal."""
    notice = notice_of(visit, context)
    return [paper for paper, is_here in papers_of(notice, context) if is_here] if notice else []


def _is_readable(digest: DocumentDigest, message_id: str, context: Context) -> bool:
    documents = context.gateway.documents
    try:
        Access(documents, context.gateway.journal.reading.message).check(context.channel.channel_id, digest, message_id)
    except NotFound:
        return False
    return documents.exists(digest)


def _digest(said: Json) -> DocumentDigest:
    return DocumentDigest("SM3" if said["algorithm"] == "SM3" else "SHA256", said["value"])


def said_of(notice: Json) -> Section:
    """Return what a notice says of itself."""
    rows: list[Row] = []
    for path in _SHOWN:
        field = field_at("disclosureNotice", f"disclosureNotice.{path}")
        value = value_at(notice["disclosureNotice"], path)
        if field is not None and value is not None:
            full = stated_row(field, value).full
            rows.append(Row(field.title, full, full))
    return Section(word("view_disclosure"), tuple(rows))


def receipt_of(notice: Json, visit: Visit) -> Json:
    """Return the body of the receipt as far as the notice says it."""
    digests = [each["digest"] for each in notice["disclosureNotice"]["documents"]]
    reach = "READ" if visit.role == "CUSTOMER" else "RECEIVED"
    return {"disclosureNo": notice["disclosureNotice"]["disclosureNo"], "reach": reach, "documentDigests": digests}
