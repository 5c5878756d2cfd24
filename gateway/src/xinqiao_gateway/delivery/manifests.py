"""The manifest of a file that goes out: what is in it, sealed with the gateway's key.

It is the standard's message ``batchManifest`` and, on a line of its own, the detached seal over the bytes before.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from xinqiao.message import Json, new_message_id, timestamp, write_json
from xinqiao.seal import CONTENT_TYPE_JSON, SigningKey, seal
from xinqiao.standard import STANDARD_VERSION
from xinqiao_gateway.calendars import china_day

__all__ = ["Contents", "Manifests"]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a manifest says of a file; ``controls`` are its control totals."""

    content_type: str
    digest: str
    size: int
    records: int
    controls: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifests:
    """Writes the manifests of one channel; the codes are those of the two institutions."""

    sender: str
    receiver: str
    test: bool
    key: SigningKey

    def of(self, name: str, sequence: int, contents: Contents, cutoff: float, now: float) -> bytes:
        """Return the manifest of a file; one without records says that there was nothing at a cut-off."""
        at, day = datetime.fromtimestamp(now, UTC), china_day(cutoff)
        header = {
            "messageId": new_message_id(),
            "standardVersion": STANDARD_VERSION,
            "sender": self.sender,
            "receiver": self.receiver,
            "businessDate": day.isoformat(),
            "createdAt": timestamp(at),
        } | ({"test": True} if self.test else {})
        body = {
            "batchNo": f"{day:%Y%m%d}-{sequence}",
            "businessDate": day.isoformat(),
            "sequence": sequence,
            "cutOff": timestamp(datetime.fromtimestamp(cutoff, UTC)),
        } | _files(name, contents)
        content = write_json({"header": header, "batchManifest": body})
        signature = seal(content, CONTENT_TYPE_JSON, self.key, at).signature
        return content + b"\n" + signature.encode("ascii") + b"\n"


def _files(name: str, contents: Contents) -> Json:
    if not contents.records:
        return {"recordCount": "0"}
    count = str(contents.records)
    file: Json = {
        "name": name,
        "mediaType": contents.content_type.partition(";")[0].strip().lower(),
        "digest": {"algorithm": "SHA256", "value": contents.digest},
        "size": str(contents.size),
    }
    controls = {"controlTotals": list(contents.controls)} if contents.controls else {}
    return {"files": [{"file": file, "recordCount": count} | controls], "recordCount": count} | controls
