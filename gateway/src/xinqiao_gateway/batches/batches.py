"""What happens to a finished file: verified, read to its end, taken piece by piece, answered with a result.

Nothing of a batch is accepted before all of it was read and agrees with what is said of it. From then on each piece is
one commit, which holds its messages, what became of each record, and how far the batch is: whatever ends in between,
the same file goes on from there. The same batch again is answered, and not repeated.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import structlog

from xinqiao.errors import Conflict, ManifestMismatch, Rejected, SealMissing
from xinqiao.message import Json
from xinqiao_gateway.answers import answer_error
from xinqiao_gateway.batches.came import Answer, Came, Content, content_of, sm3_of
from xinqiao_gateway.batches.kept import Kept
from xinqiao_gateway.batches.manifest import Manifest, compare_file, compare_records, read_manifest
from xinqiao_gateway.batches.notes import content_note, date_note, sequence_note
from xinqiao_gateway.batches.reading import Survey, survey
from xinqiao_gateway.batches.result import result_messages, result_totals, written_result
from xinqiao_gateway.batches.submission import Submitting, take_records
from xinqiao_gateway.calendars import china_day
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.documents import Directory
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import Installation
from xinqiao_gateway.journal import files
from xinqiao_gateway.journal.file_reading import (
    FileBatch,
    erased_scopes,
    file_batch,
    last_sequence,
    numbered,
    same_content,
    with_pieces,
)
from xinqiao_gateway.journal.files import Ended, NewBatch

__all__ = ["Batches", "kept_in"]

# Seconds between looks for files whose key was destroyed.
_SWEEP = 3600.0

_log = structlog.get_logger("batches")


def kept_in(installation: Installation) -> Kept:
    """Return where an installation keeps the files of batches."""
    return Kept(Directory(installation.data / "documents"), installation.settings.documents.spare)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What came, once it was looked at: its content, its manifest, and the batch as it is written down."""

    channel: ServedChannel
    came: Came
    content: Content
    manifest: Manifest | None
    new: NewBatch


class Batches:
    """Takes batches for all fronts that have files; one at a time of each channel, in the order in which they come."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._kept = kept_in(gateway.installation)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._swept_at = float("-inf")

    async def take(self, came: Came) -> Answer:
        """Take a batch, durably; the same batch again gives the same answer.

        Raises a ``Retryable`` where nothing more can be promised now: what was accepted stays so, and the same file
        goes on from there. Raises a ``ConfigurationError`` where a person has to act first.
        """
        channel = self._gateway.channels.find(came.channel_id)
        async with self._locks[channel.channel_id]:
            await self._sweep()
            return await self._take(channel, came)

    async def _take(self, channel: ServedChannel, came: Came) -> Answer:
        content = await asyncio.to_thread(content_of, came.path)
        new = self._unnumbered(came, content)
        try:
            manifest = await asyncio.to_thread(_verified, channel, came, self._gateway.code)
            new = _named(new, manifest)
            opened = _Opened(channel, came, content, manifest, new)
            await asyncio.to_thread(_compare, opened)
            stored = await self._stored(new)
            if stored is not None and stored.state == "taken" and (stored.records or manifest):
                return await self._answer(channel, stored, repeat=True)
            stored = stored or await self._begin(opened)
            if stored.state == "open":
                together = self._gateway.service.settings.messages_limit
                batch = Submitting(channel, came, content, manifest, stored, together)
                await take_records(batch, self._kept, self._gateway.intake, self._gateway.journal)
        except Rejected as error:
            # Of one that is open already, this happens where a case of it was erased meanwhile: it stays as it is.
            return await self._refuse(channel, new, error)
        return await self._answer(channel, await self._finish(stored))

    def _unnumbered(self, came: Came, content: Content) -> NewBatch:
        """Return a batch as it is known without a manifest: its number follows from its content."""
        digest = self._gateway.journal.reading.vault.keyed_digest(f"file {came.channel_id} {content.sha256}")
        details = {"name": came.name, "size": content.size, "sha256": content.sha256, "origin": came.origin}
        details |= {"alone": came.manifest is None}
        return NewBatch(came.channel_id, f"F{content.sha256[:24]}", digest, details)

    async def _stored(self, new: NewBatch) -> FileBatch | None:
        """Return the batch as it was begun or taken before, None for one that is new, or was refused."""
        alike = await self._numbered(new)
        return next((each for each in alike if each.digest == new.digest), None)

    async def _numbered(self, new: NewBatch) -> list[FileBatch]:
        journal = self._gateway.journal
        return await journal.read(numbered, journal.reading, new.channel, new.batch_no)

    async def _begin(self, opened: _Opened) -> FileBatch:
        """Read all of the file, compare, and write the batch down. Raises a ``Rejected`` where it is refused whole."""
        manifest, came, new = opened.manifest, opened.came, opened.new
        said = None if manifest is None else manifest.body.get("allOrNothing")
        summed = manifest is not None and manifest.has_totals
        found = await survey(self._gateway.intake, opened.channel, came.path, came.name, atomic=said, summed=summed)
        if manifest is not None:
            compare_records(manifest, found.count, found.totals)
        elif not opened.content.size:
            raise ManifestMismatch("the file is empty; a manifest of no records says that nothing is missing")
        await self._check_number(opened, found)
        atomic = found.atomic if said is None else bool(said)
        mode = "each" if not atomic else "none" if found.refused else "all"
        interfaces = sorted(found.interfaces) or [each for each in (came.interface,) if each]
        ready = replace(new, records=found.count, mode=mode, details=new.details | {"interfaces": interfaces})
        journal, told = self._gateway.journal, await self._odd(ready)
        file_id = await journal.run(lambda c: files.begin(c, journal.reading.vault, ready, told, journal.now()))
        return await journal.read(file_batch, journal.reading, file_id)

    async def _check_number(self, opened: _Opened, found: Survey) -> None:
        """Refuse a number that came with another content, unless this is to correct it. Raises ``Conflict``."""
        manifest, new = opened.manifest, opened.new
        if manifest is None or "replacesBatchNo" in manifest.body:
            return
        others = [each for each in await self._numbered(new) if each.digest != new.digest]
        if others and not all(map(opened.channel.corrects, found.interfaces)):
            raise Conflict(
                f"batch {new.batch_no} came with another content; replacesBatchNo says that this replaces it"
            )

    async def _odd(self, new: NewBatch) -> list[str]:
        """Return what a person is told of a batch that is taken all the same."""
        journal, now = self._gateway.journal, self._gateway.journal.now()
        day = new.business_date or ""
        last = await journal.read(last_sequence, journal.reading, new.channel, day, new.batch_no)
        same = await journal.read(same_content, journal.reading, new.channel, new.digest)
        others = [each.batch_no for each in same if new.records and each.batch_no != new.batch_no]
        is_new = "replaces" not in new.details
        notes = (
            date_note(day, china_day(now)),
            sequence_note(new.sequence, last) if is_new else "",
            content_note(others),
        )
        return [f"batch {new.batch_no}: {note}" for note in notes if note]

    async def _finish(self, stored: FileBatch) -> FileBatch:
        """Close the batch, with what a whole file meets; raises where a record of it is not accounted for."""
        journal, now = self._gateway.journal, self._gateway.journal.now()
        day = date.fromisoformat(stored.business_date) if stored.business_date else china_day(now)
        interfaces = tuple((stored.details or {}).get("interfaces", ()))
        ended = Ended(stored.file_id, stored.channel, interfaces, day, is_empty=not stored.records)
        await journal.run(lambda c: files.finish(c, journal.governance, ended, now))
        found = await journal.read(file_batch, journal.reading, stored.file_id)
        counts = {name: getattr(found, name) for name in ("records", "accepted", "ignored", "refused", "held")}
        _log.info("batch taken", channel=found.channel, batch=found.batch_no, **counts)
        return found

    async def _answer(self, channel: ServedChannel, stored: FileBatch, *, repeat: bool = False) -> Answer:
        """Return the result of a batch that was taken; of one that was erased its counts."""
        journal = self._gateway.journal
        totals = await journal.read(with_pieces, journal.reading, stored, result_totals)

        def result(pieces: Iterable[Json]) -> bytes:
            messages = result_messages(stored, channel, self._gateway.code, totals, pieces)
            return written_result(stored, messages, channel, self._gateway.installation.key)

        content = await journal.read(with_pieces, journal.reading, stored, result)
        refused = stored.records > 0 and stored.refused == stored.records
        return Answer(stored.batch_no, refused, content, repeat)

    async def _refuse(self, channel: ServedChannel, new: NewBatch, error: Rejected) -> Answer:
        """Refuse a batch whole: it is written down, and answered with the reason."""
        findings = [each.as_json() for each in error.findings[:100]]
        said = {"reason": error.reason, "detail": error.detail, "findings": findings}
        refused = replace(new, details=new.details | {"refusal": said})
        journal = self._gateway.journal
        await journal.run(lambda c: files.refuse(c, journal.reading.vault, refused, error.reason, journal.now()))
        _log.warning("batch refused", channel=new.channel, batch=new.batch_no, reason=error.reason)
        return Answer(new.batch_no, True, answer_error(error, self._gateway.code, channel).content)

    async def _sweep(self) -> None:
        """Remove the files of batches whose key was destroyed."""
        journal = self._gateway.journal
        if abs(journal.now() - self._swept_at) < _SWEEP:
            return
        self._swept_at = journal.now()
        for scope in await journal.read(erased_scopes, journal.reading):
            await asyncio.to_thread(self._kept.remove, scope)


def _verified(channel: ServedChannel, came: Came, gateway_code: str) -> Manifest | None:
    """Read the manifest. Raises a ``Rejected``."""
    if came.manifest is None:
        if came.sealed:
            raise SealMissing("no manifest came with the file, so that nothing says from whom it is")
        return None
    return read_manifest(came.manifest, channel, gateway_code, sealed=came.sealed)


def _compare(opened: _Opened) -> None:
    """Compare the file with its manifest. Raises ``ManifestMismatch``."""
    came, content = opened.came, opened.content

    def digest_by(algorithm: str) -> str:
        return content.sha256 if algorithm == "SHA256" else sm3_of(came.path)

    if opened.manifest is not None:
        compare_file(opened.manifest, came.name, content.size, digest_by)


def _named(new: NewBatch, manifest: Manifest | None) -> NewBatch:
    """Return a batch as its manifest names it."""
    if manifest is None:
        return new
    details = new.details | {"manifest": manifest.content.decode(), "signature": manifest.signature}
    if "replacesBatchNo" in manifest.body:
        details["replaces"] = manifest.body["replacesBatchNo"]
    return replace(
        new,
        batch_no=manifest.body["batchNo"],
        business_date=manifest.body.get("businessDate"),
        sequence=manifest.body.get("sequence"),
        details=details,
    )
