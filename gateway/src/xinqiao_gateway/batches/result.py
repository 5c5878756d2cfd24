"""The result 结果文件 of a batch: what the partner reads of what became of it.

The standard's ``batchResult``, then the gateway's detached seal on a line of its own, as with manifests; with more than
10,000 records to list, one message on each line. A channel with an outward interface for ``batchResult`` gets that
instead: a document, or a file with a line for each record listed. A batch that is refused whole is answered like any
input: a rejection, in the channel's own format where it has one.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

import structlog

from xinqiao.errors import Rejected
from xinqiao.manifest import with_seal
from xinqiao.message import Json, derived_message_id, write_json
from xinqiao.seal import SigningKey
from xinqiao.standard import STANDARD_VERSION
from xinqiao_gateway.batches.totals import Totals
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.journal.file_reading import FileBatch

__all__ = ["result_messages", "result_totals", "written_result"]

_BODY = "batchResult"
# As many as one message of the standard lists.
_MOST = 10_000
# As many as are written in a format of the partner's own: those are made whole.
_MOST_OWN = 50_000

_log = structlog.get_logger("batches")


def result_totals(pieces: Iterable[Json]) -> Json:
    """Return the control totals of what was accepted and of what was refused, as a result says them."""
    totals = {"accepted": Totals(), "rejected": Totals()}
    for piece in pieces:
        for word, each in totals.items():
            each.add_written(piece[word])
    return {f"{word}Totals": each.controls() for word, each in totals.items() if each.controls()}


def result_messages(
    batch: FileBatch, channel: ServedChannel, gateway_code: str, totals: Json, pieces: Iterable[Json]
) -> Iterator[Json]:
    """Yield what is said of a batch that was taken: the same of the same batch, to the byte.

    ``pieces`` are those of the journal, in order. Each message gives all counts, and up to 10,000 of the records that
    were not simply accepted; the first one gives their findings, too.
    """
    body = _counts(batch) | totals
    listed = (record for piece in pieces for record in piece["records"])
    number, page = 0, list(islice(listed, _MOST))
    while page or not number:
        said = body | ({"records": page} if page else {})
        yield {"header": _header(batch, channel, gateway_code, number), _BODY: said}
        number += 1
        # A partner mends a file by its first mistakes; a million with their texts would fill the memory.
        page = [{name: part for name, part in each.items() if name != "findings"} for each in islice(listed, _MOST)]


def _counts(batch: FileBatch) -> Json:
    # Where the journal refused one that had passed all checks, it was not all or nothing.
    kept = batch.mode != "each" and not (batch.refused and batch.refused != batch.records)
    counts = {
        "recordCount": batch.records,
        "acceptedCount": batch.accepted,
        "rejectedCount": batch.refused,
        "ignoredCount": batch.ignored,
        "heldCount": batch.held,
    }
    day = {} if batch.business_date is None else {"businessDate": batch.business_date}
    said = {"batchNo": batch.batch_no, **day, "allOrNothing": kept}
    return said | {name: str(count) for name, count in counts.items()} | {"processedAt": batch.finished_at}


def _header(batch: FileBatch, channel: ServedChannel, gateway_code: str, number: int) -> Json:
    at = batch.finished_at or batch.received_at
    header = {
        "messageId": derived_message_id(at, f"{batch.scope} result {number}"),
        "standardVersion": STANDARD_VERSION,
        "sender": gateway_code,
        "receiver": channel.institution_code,
        "createdAt": at,
    }
    return header | ({"test": True} if channel.test else {})


def written_result(batch: FileBatch, messages: Iterable[Json], channel: ServedChannel, key: SigningKey) -> bytes:
    """Return the result as the partner reads it; the standard's where the partner's own format cannot hold it.

    What was taken is answered in any case.
    """
    listed = batch.records - batch.accepted
    if _BODY in channel.channel.outgoing and not channel.speaks_canonical and listed <= _MOST_OWN:
        messages = list(messages)
        try:
            return b"".join(each.content for each in channel.adapter.encode(_for_format(messages, channel)))
        except Rejected as error:
            places = [each.path for each in error.findings[:10]]
            _log.warning("result not in the partner's format", channel=channel.channel_id, places=places)
    at = datetime.fromisoformat(batch.finished_at or batch.received_at)
    return with_seal(b"\n".join(map(write_json, messages)), key, at)


def _for_format(messages: Sequence[Json], channel: ServedChannel) -> Iterator[Json]:
    """Yield a message for each line of a file of records; of a document, the messages as they are."""
    compiled = (channel.channel.compiled.get(name) for name in channel.channel.outgoing[_BODY])
    if not any(each is not None and each.writes_files for each in compiled):
        yield from messages
        return
    for message in messages:
        for record in message[_BODY].get("records", ()) or [None]:
            body = message[_BODY] | ({} if record is None else {"records": [record]})
            yield message | {_BODY: body}
