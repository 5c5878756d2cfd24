"""What operators see of batches, built once for the command line and the API. Names of files are masked, as C2 is."""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice

from xinqiao.masking import mask
from xinqiao.message import Json
from xinqiao_gateway.journal.file_reading import FileBatch, file_batch, file_batches, with_pieces
from xinqiao_gateway.journal.reading import Reading

__all__ = ["batch_view", "batches_view"]

# Of one batch; the result file has them all.
_MOST_RECORDS = 1000
_INSIDE = ("digest", "scope", "details")
# Rules whose findings hold C2 values as they are: the partner reads them in its answer, who looks here does not.
_PRIVATE = frozenset({"batch.name", "batch.amount", "batch.units"})


def batches_view(
    reading: Reading, channel: str | None = None, state: str | None = None, before: int = 0, limit: int = 100
) -> list[Json]:
    """Return batches, the last one first: how each stands, and its counts."""
    return [_shown(each) for each in file_batches(reading, channel, state, before, limit)]


def batch_view(reading: Reading, file_id: int) -> Json:
    """Return a batch with what is kept of it, and up to 1,000 of the records that were not simply accepted.

    Of one that a case was erased from only counts are left. Raises ``NotFound``.
    """
    batch = file_batch(reading, file_id)
    details = batch.details or {}
    return _shown(batch) | {
        "size": details.get("size"),
        "sha256": details.get("sha256"),
        "origin": details.get("origin"),
        "manifest": _manifest(details),
        "interfaces": details.get("interfaces", []),
        "refusal": _refusal(details),
        "listed": with_pieces(reading, batch, _listed),
    }


def _shown(batch: FileBatch) -> Json:
    name = (batch.details or {}).get("name")
    row = {key: value for key, value in asdict(batch).items() if key not in _INSIDE}
    return row | {"file": name and mask(name, "C2")}


def _manifest(details: Json) -> str:
    """Return how the manifest was: sealed, unsealed, not verified, or none."""
    if "manifest" in details:
        return "sealed" if details.get("signature") else "unsealed"
    return "none" if details.get("alone", True) else "not verified"


def _refusal(details: Json) -> Json | None:
    found: Json | None = details.get("refusal")
    return found and found | {"findings": [_masked(each) for each in found["findings"]]}


def _masked(finding: Json) -> Json:
    if finding["rule"] not in _PRIVATE:
        return finding
    return finding | {name: mask(finding[name], "C2") for name in ("value", "expected") if name in finding}


def _listed(pieces: Iterable[Json]) -> list[Json]:
    records = ({**each, "fileName": mask(each["fileName"], "C2")} for piece in pieces for each in piece["records"])
    return list(islice(records, _MOST_RECORDS))
