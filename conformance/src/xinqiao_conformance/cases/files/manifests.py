# ruff: noqa: D103 -- the names say it
"""What a manifest says, against what is there."""

import csv
import io
from decimal import Decimal, InvalidOperation

from xinqiao.errors import SealInvalid, SealMissing
from xinqiao.finding import Text
from xinqiao.manifest import split_seal
from xinqiao.message import Json
from xinqiao.recording.checking import judged
from xinqiao.recording.checks import checks
from xinqiao.seal import CONTENT_TYPE_JSON, Sealed, open_stored
from xinqiao_conformance.benches.files import FilesBench, Sent
from xinqiao_conformance.benches.taking import Laid
from xinqiao_conformance.benches.totals import totals_of
from xinqiao_conformance.cases.files import case
from xinqiao_conformance.observing import Breach

_MADE = Text("数据文件写完后再据其内容生成清单", "make the manifest from the data file when that is whole")


def _file(laid: Laid) -> Json:
    files = laid.body.get("files")
    found = files[0] if isinstance(files, list) and files and isinstance(files[0], dict) else {}
    return found


def _reference(laid: Laid) -> Json:
    found = _file(laid).get("file")
    return found if isinstance(found, dict) else {}


@case("PRC-009")
def every_batch_has_a_manifest(bench: FilesBench) -> None:
    for sent in bench.several:
        sent.require(
            sent.batch.body, "数据文件旁有清单 batchManifest", "a manifest, batchManifest, beside the file", _MADE
        )


@case("PRC-009")
def the_manifest_names_the_file_with_its_size_and_digest(bench: FilesBench) -> None:
    for sent in bench.several:
        laid, said = sent.batch, _reference(sent.batch)
        sent.require(said.get("name") == laid.name, "清单中的文件名", "the name of the file", _MADE)
        size = said.get("size")
        sent.require(size in (None, str(len(laid.data))), f"大小 {len(laid.data)}", f"size {len(laid.data)}", _MADE)
        _require_digest(bench, sent)


def _require_digest(bench: FilesBench, sent: Sent) -> None:
    digest = _reference(sent.batch).get("digest")
    algorithm = digest.get("algorithm") if isinstance(digest, dict) else None
    sent.require(algorithm in ("SHA256", "SM3"), "SHA256 或 SM3 摘要", "a digest by SHA256 or SM3", _MADE)
    right = isinstance(digest, dict) and digest.get("value") == bench.digest_of(sent.batch, str(algorithm))
    sent.require(right, "数据文件的摘要", "the digest of the data file", _MADE)


@case("PRC-009")
def the_manifest_counts_the_records(bench: FilesBench) -> None:
    for sent in bench.several:
        counts = _counts(sent.batch, is_lines=bench.reads_lines)
        said = (str(sent.batch.body.get("recordCount")), str(_file(sent.batch).get("recordCount")))
        fits = not counts or set(said) <= {str(each) for each in counts}
        sent.require(fits, f"记录数 {min(counts, default=0)}", f"{min(counts, default=0)} records", _MADE)


def _counts(laid: Laid, *, is_lines: bool) -> set[int]:
    """Return how many records a file may have: of CSV the first row may be names. Empty where the suite cannot tell."""
    if is_lines:
        return {len(laid.lines)}
    if not laid.name.lower().endswith(".csv"):
        return set()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            rows = sum(1 for row in csv.reader(io.StringIO(laid.data.decode(encoding))) if row)
        except (UnicodeDecodeError, csv.Error):
            continue
        return {rows, max(rows - 1, 0)}
    return set()


@case("PRC-009", needs={"lines"})
def the_control_totals_are_those_of_the_records(bench: FilesBench) -> None:
    for sent in bench.several:
        sums = totals_of(bench.messages(sent.batch))
        sent.require(not sums or sent.batch.body.get("controlTotals"), "控制总数", "control totals", _MADE)
        for controls in (sent.batch.body.get("controlTotals"), _file(sent.batch).get("controlTotals")):
            for each in controls or ():
                _require_total(sent, each, sums.get(str(each.get("currency")), (0, Decimal(0), Decimal(0))))


def _require_total(sent: Sent, said: Json, found: tuple[int, Decimal, Decimal]) -> None:
    for name, value in zip(("recordCount", "amount", "units"), found, strict=True):
        if name not in said:
            continue
        try:
            same = Decimal(str(said[name])) == value
        except InvalidOperation:
            same = False
        sent.require(
            same, f"controlTotals 的 {name} 与记录相符", f"{name} of the control totals as the records have it", _MADE
        )


@case("PRC-009", last=True)
def a_manifest_agrees_with_itself(bench: FilesBench) -> None:
    _ = bench.several
    for found in judged(checks()["manifests"], bench.recording, bench.context).found[:1]:
        raise Breach(
            found.expected, seen={"path": found.path, "seen": found.seen}, fix=_MADE, exchanges=[found.exchange]
        )


@case("PRC-009", negative=True)
def after_a_refusal_the_manifest_is_still_that_of_the_file(bench: FilesBench) -> None:
    again = bench.lay(again=bench.refused.batch.batch_no)
    _require_digest(bench, again)


@case("FIL-001")
def the_last_line_of_the_manifest_is_the_seal(bench: FilesBench) -> None:
    for sent in bench.several:
        content, signature = split_seal(sent.batch.manifest)
        try:
            open_stored(Sealed(content, CONTENT_TYPE_JSON, signature), bench.keys)
        except (SealInvalid, SealMissing) as error:
            sent.require(
                False, "以登记的密钥对其上各字节的签名", f"a seal by the registered key: {error.detail}"[:400], _SEAL
            )


_SEAL = Text(
    "用 xinqiao.manifest.sealed_manifest，或按 docs/batches.md",
    "use xinqiao.manifest.sealed_manifest, or docs/batches.md",
)


@case("FIL-001")
def the_manifest_names_who_sends_and_who_receives(bench: FilesBench) -> None:
    for sent in bench.several:
        header = sent.batch.message.get("header", {})
        named = (header.get("sender"), header.get("receiver"))
        sent.require(
            named == (bench.institution, bench.other), "发送方和接收方", f"{bench.institution} to {bench.other}", _SEAL
        )


@case("FIL-001", negative=True)
def a_manifest_that_comes_again_is_still_sealed(bench: FilesBench) -> None:
    again = bench.lay(again=bench.refused.batch.batch_no)
    content, signature = split_seal(again.batch.manifest)
    try:
        open_stored(Sealed(content, CONTENT_TYPE_JSON, signature), bench.keys)
    except (SealInvalid, SealMissing) as error:
        again.require(False, "重发的清单仍有有效签名", f"a seal that holds: {error.detail}"[:400], _SEAL)


@case("PRC-008", negative=True, needs={"corrections"})
def what_was_accepted_comes_again_as_it_was(bench: FilesBench) -> None:
    partly = bench.partly
    mended = bench.lay(mends=partly.batch.batch_no)
    other = set(mended.batch.lines) - set(partly.batch.lines)
    mended.require(
        len(other) <= 1,
        "只有被拒的一条不同",
        "only the refused record is another",
        Text("已受理的记录沿用原流水号和编号", "records that were accepted keep their serials and ids"),
    )


@case("PRC-008", negative=True, needs={"lines"})
def the_same_batch_again_has_the_same_messages(bench: FilesBench) -> None:
    again = bench.lay(again=bench.partly.batch.batch_no)
    ids = [
        {each.get("header", {}).get("messageId") for each in bench.messages(sent.batch)}
        for sent in (bench.partly, again)
    ]
    again.require(ids[0] == ids[1], "各记录编号不变", "the same message ids")
