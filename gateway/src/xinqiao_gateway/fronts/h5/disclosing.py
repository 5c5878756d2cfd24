"""A disclosure to be read: which notice it is, what it says, and the receipt that comes of it."""

from dataclasses import dataclass

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.standard import field_at
from xinqiao_gateway.documents import DocumentDigest
from xinqiao_gateway.fronts.h5.display import stated_row
from xinqiao_gateway.fronts.h5.model import Context, Row, Section, Visit
from xinqiao_gateway.fronts.h5.statement import address_of
from xinqiao_gateway.fronts.h5.tree import value_at
from xinqiao_gateway.fronts.h5.words import word
from xinqiao_gateway.journal.shown import delivered_to, sent_by

__all__ = ["Attached", "notice_of", "papers_of", "receipt_of", "said_of"]

_MOST = 200
_SHOWN = (
    "title", "kind", "disclosureNo", "replacesDisclosureNo", "instrument.name", "contractNo", "periodStart",
    "periodEnd", "eventDate", "publishedAt", "receiptDueBy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attached:
    """A document of a notice; ``is_here`` says whether the gateway has it, to be opened."""

    file_name: str
    digest: DocumentDigest
    message_id: str
    is_here: bool

    @property
    def name(self) -> str:
        """Its name in addresses."""
        return self.digest.value


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


def papers_of(notice: Json, context: Context) -> list[Attached]:
    """Return the documents of a notice."""
    documents, message_id = context.gateway.documents, notice["header"]["messageId"]
    papers = []
    for each in notice["disclosureNotice"]["documents"]:
        digest = DocumentDigest("SM3" if each["digest"]["algorithm"] == "SM3" else "SHA256", each["digest"]["value"])
        papers.append(Attached(each["name"], digest, message_id, documents.exists(digest)))
    return papers


def said_of(notice: Json) -> Section:
    """Return what a notice says of itself."""
    rows: list[Row] = []
    for path in _SHOWN:
        field, value = field_at("disclosureNotice", f"disclosureNotice.{path}"), None
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


def title_of(notice: Json) -> Text:
    """Return what a notice is called."""
    title = str(notice["disclosureNotice"]["title"])
    return Text(title, title)
