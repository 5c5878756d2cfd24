"""File partners that break one requirement each in what they make of a result, made by hand."""

import time

import orjson

from xinqiao.message import Json, new_message_id, write_json
from xinqiao_conformance.mutants.partners_of_files import mutant_partner
from xinqiao_conformance.references.files import Known, ReferencePartner

__all__ = ["MUTANTS"]


class _BelievesThatAllIsWell(ReferencePartner):
    def outcome(self, result: Json) -> str:  # noqa: ARG002
        return "accepted"


class _TakesAPartForTheWhole(ReferencePartner):
    def outcome(self, result: Json) -> str:
        said = super().outcome(result)
        return "accepted" if said == "partly" else said


class _DoesNotSayWhy(ReferencePartner):
    def outcome(self, result: Json) -> str:
        return super().outcome(result).partition(":")[0]


class _SaysNothing(ReferencePartner):
    def outcome(self, result: Json) -> str:  # noqa: ARG002
        return ""


class _IsImpatient(ReferencePartner):
    def awaited(self, batch: Known) -> tuple[str, Json]:
        until = time.monotonic() + 0.08
        while time.monotonic() < until:
            if not self.is_waiting(batch) and (result := self.result(batch)) is not None:
                return self.outcome(result), result
            time.sleep(0.01)
        return "failed: no result in time", {}


class _ReadsNoResult(ReferencePartner):
    def awaited(self, batch: Known) -> tuple[str, Json]:
        super().awaited(batch)
        return "accepted", {}


class _MendsNothing(ReferencePartner):
    def mended(self, batch: Known) -> Known:
        return self.drawn_up([orjson.loads(line) for line in batch.lines])


class _MendsUnderTheOldNumber(ReferencePartner):
    def mended(self, batch: Known) -> Known:
        mended = super().mended(batch)
        named = batch.batch_no
        return Known(batch.name, mended.lines, self.manifest(named, batch.name, mended.lines, ""), {})


class _GivesMendedRecordsNewIds(ReferencePartner):
    def mended(self, batch: Known) -> Known:
        records = [orjson.loads(line) for line in batch.lines]
        for each in records:
            each["header"]["messageId"] = new_message_id()
        return self.drawn_up(records)


class _ForgetsWhatItSent(ReferencePartner):
    def again(self, batch: Known) -> Known:
        records = [orjson.loads(line) for line in batch.lines]
        for each in records:
            each["header"]["messageId"] = new_message_id()
        lines = tuple(write_json(each) for each in records)
        return Known(batch.name, lines, self.manifest(batch.batch_no, batch.name, lines, ""), {})


MUTANTS = (
    mutant_partner("believes that all is well", "FIL-006", _BelievesThatAllIsWell, {"FIL-007"}),
    mutant_partner("takes a part for the whole", "FIL-006", _TakesAPartForTheWhole),
    mutant_partner("does not say why", "FIL-006", _DoesNotSayWhy, {"FIL-007"}),
    mutant_partner("says nothing of a false result", "FIL-007", _SaysNothing, {"FIL-006"}),
    mutant_partner("is impatient", "FIL-006", _IsImpatient),
    mutant_partner("reads no result", "FIL-006", _ReadsNoResult, {"FIL-007", "PRC-008"}),
    mutant_partner("mends nothing", "FIL-008", _MendsNothing),
    mutant_partner("mends under the old number", "FIL-008", _MendsUnderTheOldNumber, {"PRC-008"}),
    mutant_partner("gives mended records new ids", "PRC-008", _GivesMendedRecordsNewIds),
    mutant_partner("forgets what it sent", "PRC-008", _ForgetsWhatItSent, {"FIL-004"}),
)
