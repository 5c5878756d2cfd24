# ruff: noqa: D103 -- the names say it
"""What a partner makes of a result: it is read, believed where it may be, and what was refused is mended."""

from collections.abc import Iterator

from xinqiao.errors import (
    BodyTooLarge,
    Conflict,
    ContentRefused,
    DuplicateKey,
    ForbiddenXml,
    MalformedJson,
    MalformedXml,
    ManifestMismatch,
    NotValid,
    OutOfOrder,
    PolicyForbids,
    ReceiverMismatch,
    SealExpired,
    SealInvalid,
    SealMissing,
    SenderMismatch,
    TestMismatch,
    TooManyMessages,
    UnknownMessageType,
    UnsupportedVersion,
    WrongEncoding,
    XinqiaoError,
)
from xinqiao.finding import Text
from xinqiao_conformance.benches.false_results import FALSE
from xinqiao_conformance.benches.files import FilesBench
from xinqiao_conformance.benches.taking import Turn
from xinqiao_conformance.cases.files import case
from xinqiao_conformance.kits import Kit

# What a gateway refuses a batch whole for (docs/batches.md).
_WHOLE = (
    ManifestMismatch, ReceiverMismatch, SenderMismatch, SealMissing, SealInvalid, ContentRefused, WrongEncoding,
    ForbiddenXml, TooManyMessages, BodyTooLarge, Conflict, NotValid, MalformedJson, DuplicateKey, UnknownMessageType,
    UnsupportedVersion, TestMismatch, MalformedXml, OutOfOrder, PolicyForbids, SealExpired,
)  # fmt: skip
_READ = Text("读取结果文件后再下结论", "read the result file before saying what became of a batch")


@case("FIL-006")
def a_batch_that_was_accepted_is_said_to_be(bench: FilesBench) -> None:
    for sent in bench.several:
        sent.require(sent.outcome == "accepted", "accepted", "accepted", _READ)


def _refusals(_kit: Kit) -> Iterator[tuple[str, type[XinqiaoError]]]:
    for error in _WHOLE:
        yield error.reason, error


@case("FIL-006", negative=True, over=_refusals)
def a_batch_that_was_refused_is_said_to_be(bench: FilesBench, error: type[XinqiaoError]) -> None:
    sent = bench.lay(Turn(error=error))
    expected = f"rejected: {error.reason}"
    sent.require(sent.outcome == expected, expected, expected, _READ)


@case("FIL-006", negative=True)
def a_batch_of_which_a_part_was_refused_is_not_accepted(bench: FilesBench) -> None:
    sent = bench.lay(Turn(refused=1))
    sent.require(sent.outcome == "partly", "partly", "partly", _READ)


@case("FIL-006", negative=True)
def a_result_that_is_late_is_waited_for(bench: FilesBench) -> None:
    sent = bench.lay(Turn(late=bench.late))
    sent.require(sent.outcome == "accepted", "等到结果：accepted", "accepted, once the result is there", _READ)
    sent.require(len(sent.batches) == 1, "等待期间不再发送", "nothing else laid meanwhile", _READ)


@case("FIL-006", negative=True)
def a_late_refusal_is_waited_for(bench: FilesBench) -> None:
    sent = bench.lay(Turn(error=ContentRefused, late=bench.late))
    sent.require(sent.outcome == "rejected: content_refused", "等到拒绝", "the rejection, once it is there", _READ)


def _false(_kit: Kit) -> Iterator[tuple[str, str]]:
    for name in FALSE:
        yield name.replace(" ", "_"), name


@case("FIL-007", negative=True, over=_false)
def a_false_result_is_not_believed(bench: FilesBench, false: str) -> None:
    sent = bench.lay(Turn(error=ContentRefused, late=bench.late, forged=false))
    _ = sent.batch
    sent.require(
        sent.outcome.startswith(("rejected: ", "failed: ")),
        "不采信伪造或不完整的结果；真实结果为整批拒收",
        "no belief in a false result; the true one refuses the batch",
        Text("先验签，再核对批次号、机构和笔数", "verify the seal, then compare number, institutions and counts"),
    )


_MEND = Text("更正后作为新批次发送", "mend it, and send it as a new batch")


@case("FIL-008", negative=True, needs={"corrections"})
def a_batch_refused_whole_is_mended_before_it_comes_again(bench: FilesBench) -> None:
    refused = bench.lay(Turn(error=ContentRefused))
    mended = bench.lay(mends=refused.batch.batch_no)
    mended.require(mended.batch.digest != refused.batch.digest, "更正后的内容", "content that was mended", _MEND)


@case("FIL-008", negative=True, needs={"corrections"})
def a_batch_refused_in_part_is_mended_under_another_number(bench: FilesBench) -> None:
    mended = bench.lay(mends=bench.partly.batch.batch_no)
    other = mended.batch.batch_no != bench.partly.batch.batch_no
    replaces = mended.batch.body.get("replacesBatchNo") == bench.partly.batch.batch_no
    mended.require(
        other or replaces, "新批次号，或写明所替换的批次", "a new number, or the batch that it replaces", _MEND
    )
    changed = mended.batch.digest != bench.partly.batch.digest
    mended.require(changed, "更正后的内容", "content that was mended", _MEND)
