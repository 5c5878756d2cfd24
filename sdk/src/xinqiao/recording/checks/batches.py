"""Batches of files: manifests that agree with themselves, and results that account for every record."""

import re
from collections import Counter
from collections.abc import Iterable

from xinqiao.finding import Text
from xinqiao.message import Json
from xinqiao.recording.checking import Broken, Context, Looks, check, sent, taken
from xinqiao.recording.model import Recorded, body_of
from xinqiao.rules.exact import scaled

__all__: list[str] = []

_AGREES = Text("清单的笔数与控制总额等于各文件之和", "counts and control totals that are those of the files")
_REFUSED = Text("整批拒收", "the batch refused whole")
_COUNTED = Text("每一笔都有结果", "a result for every record")
_WHOLE = re.compile("[0-9]{1,19}")
_NUMBER = re.compile(r"[0-9]{1,19}(\.[0-9]{1,8})?")
_PARTS = ("acceptedCount", "rejectedCount", "ignoredCount", "heldCount")


@check(
    "manifests",
    "PRC-009",
    "sender",
    "file-partner",
    zh="清单自相矛盾",
    en="a manifest that does not agree with itself",
    veiled=True,
)
def look_at_manifests(recorded: Iterable[Recorded], _: Context) -> Looks:
    """Digest and count of each file, and sums of counts and control totals."""
    looked = 0
    for each in sent(recorded):
        if each.body == "batchManifest":
            looked += 1
            if seen := _disagreement((each.message or {})["batchManifest"]):
                yield Broken(each.number, f"batchManifest.{seen}", _AGREES, "another")
    return looked


@check("refused_whole", "PRC-009", "gateway", zh="与清单不符的批次被受理", en="a batch that does not agree was taken")
def look_at_acceptance(recorded: Iterable[Recorded], _: Context) -> Looks:
    """A manifest whose sums do not agree is answered by a rejection."""
    looked = 0
    for each in taken(recorded):
        if each.body == "batchManifest" and each.answer and _disagreement((each.message or {})["batchManifest"]):
            looked += 1
            if body_of(each.answer.message) == "receipt":
                yield Broken(each.number, "answer", _REFUSED, "receipt")
    return looked


@check("accounted", "PRC-009", "gateway", zh="批次结果没有逐笔核销", en="a result that leaves records out")
def look_at_results(recorded: Iterable[Recorded], _: Context) -> Looks:
    """The counts of a result add up to that of its records."""
    looked = 0
    for each in sent(recorded):
        if each.body != "batchResult":
            continue
        body = (each.message or {})["batchResult"]
        counts = [_count(body.get(name, "0")) for name in _PARTS]
        looked += 1
        if None in counts or sum(filter(None, counts)) != _count(body.get("recordCount")):
            yield Broken(each.number, "batchResult.recordCount", _COUNTED, str(body.get("recordCount"))[:40])
    return looked


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None


def _disagreement(body: Json) -> str | None:
    """Return the field in which a manifest does not agree with itself, None where it does."""
    files = body.get("files", [])
    if not isinstance(files, list) or not all(map(_is_described, files)):
        return "files"
    if sum(_count(each["recordCount"]) or 0 for each in files) != (_count(body.get("recordCount")) or 0):
        return "recordCount"
    totals = [each.get("controlTotals") for each in files]
    if files and all(totals) and body.get("controlTotals") and _sums(*totals) != _sums(body["controlTotals"]):
        return "controlTotals"
    return None


def _is_described(part: object) -> bool:
    """Say whether a file of a manifest has its digest and count."""
    file = part.get("file") if isinstance(part, dict) else None
    return isinstance(part, dict) and "recordCount" in part and isinstance(file, dict) and "digest" in file


def _sums(*totals: object) -> Counter[tuple[str, str]]:
    """Return sums by currency and measure; what is hidden or no number is left out."""
    sums: Counter[tuple[str, str]] = Counter()
    for listed in totals:
        for each in listed if isinstance(listed, list) else ():
            for name in ("recordCount", "amount", "units") if isinstance(each, dict) else ():
                value = each.get(name)
                if isinstance(value, str) and _NUMBER.fullmatch(value):
                    sums[str(each.get("currency")), name] += scaled(value)
    return sums
