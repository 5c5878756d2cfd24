"""File partners that break one requirement each, made by hand."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import orjson

from xinqiao.manifest import with_seal
from xinqiao.message import Json, timestamp, write_json
from xinqiao.seal import new_key
from xinqiao.testing import INSURER
from xinqiao_conformance.benches.web import Response
from xinqiao_conformance.mutants.partners_of_files import mutant_partner
from xinqiao_conformance.observing import personal_values
from xinqiao_conformance.references.files import Known, ReferencePartner
from xinqiao_conformance.simulators.drafting import CaseFile, Sending, drawn_up

__all__ = ["MUTANTS"]

# --- how a batch is laid


class _WritesInPlace(ReferencePartner):
    def put(self, name: str, content: bytes) -> None:
        (self.folder / "in" / name).write_bytes(content)


class _WritesTheManifestInPlace(ReferencePartner):
    def put(self, name: str, content: bytes) -> None:
        if name.endswith(".manifest"):
            (self.folder / "in" / name).write_bytes(content)
        else:
            super().put(name, content)


class _ForgetsTheMark(ReferencePartner):
    def put_mark(self, name: str) -> None:
        pass


class _MarksFirst(ReferencePartner):
    def lay(self, batch: Known) -> None:
        self.put_mark(batch.name)
        self.put(batch.name, b"".join(line + b"\n" for line in batch.lines))
        self.put(f"{batch.name}.manifest", self.sealed(batch.manifest))


class _MarksBeforeTheManifest(ReferencePartner):
    def lay(self, batch: Known) -> None:
        self.put(batch.name, b"".join(line + b"\n" for line in batch.lines))
        self.put_mark(batch.name)
        self.put(f"{batch.name}.manifest", self.sealed(batch.manifest))


class _WritesOn(ReferencePartner):
    def lay(self, batch: Known) -> None:
        super().lay(batch)
        with suppress(FileNotFoundError), (self.folder / "in" / batch.name).open("r+b") as file:
            file.write(batch.lines[0])


class _SendsAgainWhatWasRefused(ReferencePartner):
    def sent(self, batch: Known) -> Response:
        response = super().sent(batch)
        if b"rejected" in response.body:
            self.lay(batch)
            self.awaited(batch)
        return response


# --- messages of the trust company's side, which sends files as well


class _Confirms(ReferencePartner):
    """Confirms an order of its own in each batch; its confirmations are right."""

    def records(self, case_id: str) -> list[Json]:
        return [*super().records(case_id), self.confirmation(case_id)]

    def confirmation(self, case_id: str) -> Json:
        case, sending = CaseFile(self.case_of(case_id)), Sending("orderConfirmation")
        message = drawn_up(sending, self.parties, case, datetime.now(UTC))
        message["orderConfirmation"]["orderReference"] = f"SO{case.case_id[-12:]}"
        return message


class _ConfirmsTwice(_Confirms):
    def records(self, case_id: str) -> list[Json]:
        return [*super().records(case_id), self.confirmation(case_id)]


class _RefundsMoreThanThereIs(_Confirms):
    def confirmation(self, case_id: str) -> Json:
        message = super().confirmation(case_id)
        message["orderConfirmation"]["refundAmount"]["value"] = "400000.01"
        return message


class _MiscalculatesUnits(_Confirms):
    def confirmation(self, case_id: str) -> Json:
        message = super().confirmation(case_id)
        message["orderConfirmation"]["confirmedUnits"] = "595900.41"
        return message


class _TellsOfAList(ReferencePartner):
    def records(self, case_id: str) -> list[Json]:
        case = CaseFile(self.case_of(case_id))
        message = drawn_up(Sending("kycExpired"), self.parties, case, datetime.now(UTC))
        message["kycExpired"]["itemsNeeded"] = ["制裁名单核查说明"]
        return [*super().records(case_id), message]


# --- names and numbers


class _HidesItsFiles(ReferencePartner):
    def name(self, number: str, records: Sequence[Json]) -> str:
        return f".{super().name(number, records)}"


class _NamesFilesByTheCase(ReferencePartner):
    def case_of(self, case_id: str) -> str:
        self.asked = case_id
        return super().case_of(case_id)

    def name(self, number: str, records: Sequence[Json]) -> str:  # noqa: ARG002
        return f"{number}-{self.asked.replace('/', '-')[:60]}"


class _HasNamesThatDifferInCaseAlone(ReferencePartner):
    def name(self, number: str, records: Sequence[Json]) -> str:  # noqa: ARG002
        name = super().name(f"{self.day():%Y%m%d}-{(self.sequence + 1) // 2}", records)
        return name.upper() if self.sequence % 2 else name


class _HasLongNames(ReferencePartner):
    def name(self, number: str, records: Sequence[Json]) -> str:  # noqa: ARG002
        return f"{number}-{'a' * 200}.jsonl"


class _NamesFilesByAnAccount(ReferencePartner):
    def name(self, number: str, records: Sequence[Json]) -> str:
        value = next(each for message in records for each in personal_values(message) if each.isalnum())
        return f"{number}-{value}.jsonl"


class _NamesFilesByAnIdentityCard(ReferencePartner):
    def name(self, number: str, records: Sequence[Json]) -> str:  # noqa: ARG002
        return f"11010119900307803X-{number}.jsonl"


class _NumbersBatchesByMobile(ReferencePartner):
    def number(self) -> str:
        return f"13800001111-{super().number()}"


class _WritesABatchAnewUnderItsNumber(ReferencePartner):
    def again(self, batch: Known) -> Known:
        records = [orjson.loads(line) for line in batch.lines]
        for each in records:
            each["header"]["createdAt"] = timestamp()
        lines = tuple(write_json(each) for each in records)
        return Known(batch.name, lines, self.manifest(batch.batch_no, batch.name, lines, ""), {})


class _SendsABatchAgainUnderAnotherNumber(ReferencePartner):
    def again(self, batch: Known) -> Known:
        return self.drawn_up([orjson.loads(line) for line in batch.lines])


class _CountsByTwo(ReferencePartner):
    def drawn_up(self, records: Sequence[Json], *, replaces: str = "") -> Known:
        self.sequence += 1
        return super().drawn_up(records, replaces=replaces)


class _IsADayAhead(ReferencePartner):
    def day(self) -> date:
        return super().day() + timedelta(days=2)


class _SendsWhatIsOld(ReferencePartner):
    def day(self) -> date:
        return super().day() - timedelta(days=30)


# --- the manifest


class _SealsNothing(ReferencePartner):
    def sealed(self, manifest: Json) -> bytes:
        return write_json(manifest)


class _SealsByAnotherKey(ReferencePartner):
    def sealed(self, manifest: Json) -> bytes:
        return with_seal(write_json(manifest), new_key(self.key.kid))


class _SealsAnotherForm(ReferencePartner):
    def sealed(self, manifest: Json) -> bytes:
        seal = super().sealed(manifest).splitlines()[-1]
        return b"\n".join((orjson.dumps(manifest, option=orjson.OPT_INDENT_2), seal, b""))


class _NamesAnotherSender(ReferencePartner):
    def manifest(self, number: str, name: str, lines: Sequence[bytes], replaces: str) -> Json:
        manifest = super().manifest(number, name, lines, replaces)
        return {**manifest, "header": {**manifest["header"], "sender": INSURER}}


class _NamesAnotherReceiver(ReferencePartner):
    def manifest(self, number: str, name: str, lines: Sequence[bytes], replaces: str) -> Json:
        manifest = super().manifest(number, name, lines, replaces)
        return {**manifest, "header": {**manifest["header"], "receiver": INSURER}}


class _WritesTheManifestFirst(ReferencePartner):
    def lay(self, batch: Known) -> None:
        lines = (*batch.lines[:-1], batch.lines[-1] + b" ")
        super().lay(Known(batch.name, lines, batch.manifest, {}))


MUTANTS = (
    mutant_partner("writes in place", "TRN-010", _WritesInPlace),
    mutant_partner("writes the manifest in place", "TRN-010", _WritesTheManifestInPlace),
    mutant_partner("forgets the done mark", "TRN-010", _ForgetsTheMark),
    mutant_partner("lays the done mark first", "TRN-010", _MarksFirst),
    mutant_partner("lays the done mark before the manifest", "TRN-010", _MarksBeforeTheManifest),
    mutant_partner("writes on in a file that is marked", "TRN-010", _WritesOn),
    mutant_partner("sends again what was refused", "TRN-005", _SendsAgainWhatWasRefused),
    mutant_partner("confirms what is finished", "PRC-007", _ConfirmsTwice),
    mutant_partner("refunds more than there is", "PRC-007", _RefundsMoreThanThereIs, {"MSG-019"}),
    mutant_partner("miscalculates units", "MSG-017", _MiscalculatesUnits, {"MSG-019"}),
    mutant_partner("tells of a list", "PRC-014", _TellsOfAList),
    mutant_partner("hides its files", "FIL-002", _HidesItsFiles),
    mutant_partner("names files by the case", "FIL-002", _NamesFilesByTheCase),
    mutant_partner("has names that differ in case alone", "FIL-002", _HasNamesThatDifferInCaseAlone),
    mutant_partner("has names of more than 200 bytes", "FIL-002", _HasLongNames, {"MSG-002"}),
    mutant_partner("names files by an account", "FIL-003", _NamesFilesByAnAccount),
    mutant_partner("names files by an identity card", "FIL-003", _NamesFilesByAnIdentityCard),
    mutant_partner("numbers batches by mobile", "FIL-003", _NumbersBatchesByMobile),
    mutant_partner("writes a batch anew under its number", "FIL-004", _WritesABatchAnewUnderItsNumber, {"PRC-008"}),
    mutant_partner("sends a batch again under another number", "FIL-004", _SendsABatchAgainUnderAnotherNumber),
    mutant_partner("counts batches by two", "FIL-005", _CountsByTwo),
    mutant_partner("is two days ahead", "FIL-005", _IsADayAhead),
    mutant_partner("sends what is a month old", "FIL-005", _SendsWhatIsOld),
    mutant_partner("seals nothing", "FIL-001", _SealsNothing, {"SEC-002"}),
    mutant_partner("seals by another key of the same name", "FIL-001", _SealsByAnotherKey, {"SEC-002"}),
    mutant_partner("seals another form of the manifest", "FIL-001", _SealsAnotherForm, {"SEC-002"}),
    mutant_partner("names another sender", "FIL-001", _NamesAnotherSender),
    mutant_partner("names another receiver", "FIL-001", _NamesAnotherReceiver),
    mutant_partner("writes the manifest before the file is whole", "PRC-009", _WritesTheManifestFirst),
)
