"""The manifest 清单 of a batch: who says what a file holds, and whether that is so.

Its form is in ``xinqiao.manifest``. Where the profile says ``seal: none``, the login stands in place of the seal.
"""

from collections.abc import Callable
from dataclasses import dataclass

from xinqiao.errors import ContentRefused, ManifestMismatch, NotValid, ReceiverMismatch, SealMissing
from xinqiao.finding import Finding, Text, errors_in
from xinqiao.manifest import split_seal
from xinqiao.message import Header, Json, message_type, read_json
from xinqiao.seal import CONTENT_TYPE_JSON, Sealed, open_stored
from xinqiao.validation import check
from xinqiao_gateway.batches.totals import Totals
from xinqiao_gateway.channels import ServedChannel
from xinqiao_gateway.checking import check_origin

__all__ = ["Manifest", "compare_file", "compare_records", "read_manifest"]

_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was verified: its message, the exact bytes, and their seal (empty where none is asked for)."""

    message: Json
    content: bytes
    signature: str

    @property
    def body(self) -> Json:
        """The standard's ``BatchManifest``."""
        found: Json = self.message["batchManifest"]
        return found

    @property
    def has_totals(self) -> bool:
        """Whether it says what the records sum up to."""
        return "controlTotals" in self.body or "controlTotals" in (self.file or {})

    @property
    def file(self) -> Json | None:
        """What it says of the file; None where it says that there are no records."""
        found: list[Json] = self.body.get("files", [])
        return found[0] if found else None


def read_manifest(raw: bytes, channel: ServedChannel, receiver: str, *, sealed: bool) -> Manifest:
    """Read and verify a manifest; ``sealed`` says whether the channel asks for a seal. One that is there must be right,
    and for the institution ``receiver``.

    A seal of any age counts: a file may have waited, and what is replayed is known by number and digest. Raises a
    ``Rejected`` that says why it is not taken.
    """
    if len(raw) > _LARGEST:
        raise ContentRefused(f"the manifest has {len(raw)} bytes; at most {_LARGEST} are read")
    content, signature = split_seal(raw)
    if signature:
        open_stored(Sealed(content, CONTENT_TYPE_JSON, signature), channel.keys)
    elif sealed:
        raise SealMissing("the manifest has no seal: its last line is to be the detached signature of what is above it")
    message = read_json(content)
    if message_type(message).body != "batchManifest":
        raise ContentRefused(f"the manifest is {message_type(message).body}; batchManifest is expected")
    findings = check(message)
    if errors_in(findings):
        raise NotValid("the manifest breaks the standard", findings=findings)
    header = Header.of(message)
    check_origin(channel, header)
    if header.receiver != receiver:
        raise ReceiverMismatch(f"header.receiver of the manifest is {header.receiver}, this institution is {receiver}")
    files = message["batchManifest"].get("files", ())
    # The rules see to it that one without files is of no records.
    if len(files) > 1:
        raise ManifestMismatch(f"the manifest lists {len(files)} files; send one manifest with each file")
    return Manifest(message, content, signature)


def compare_file(manifest: Manifest, name: str, size: int, digest_by: Callable[[str], str]) -> None:
    """Compare a file with its manifest; ``digest_by`` gives its digest by an algorithm. Raises ``ManifestMismatch``."""
    if manifest.file is None:
        return
    said = manifest.file["file"]
    digest = said["digest"]
    pairs = (
        ("name", _NAME, said["name"], name),
        ("size", _SIZE, said.get("size", str(size)), str(size)),
        ("digest.value", _DIGEST, digest["value"], digest_by(digest["algorithm"])),
    )
    _raise([_finding(f"files[0].file.{path}", text, told, own) for path, text, told, own in pairs if told != own])


def compare_records(manifest: Manifest, count: int, totals: Totals | None) -> None:
    """Compare what was read with the manifest; ``totals`` None: a record could not be read.

    Raises ``ManifestMismatch``.
    """
    said, file, found = manifest.body["recordCount"], manifest.file or {}, []
    if int(said) != count:
        found.append(_finding("recordCount", _COUNT, said, str(count)))
    for path, controls in (
        ("files[0].controlTotals", file.get("controlTotals")),
        ("controlTotals", manifest.body.get("controlTotals")),
    ):
        if controls is not None and totals is not None:
            differences = totals.differences(controls)
            found += [_finding(f"{path}.{at}", _TOTAL, told, own) for at, told, own in differences]
    _raise(found)


def _finding(path: str, text: Text, said: str, found: str) -> Finding:
    """Return a difference with both values as they are: they are the partner's own, and this is its answer."""
    rule = f"batch.{path.rpartition('.')[2]}"
    return Finding(rule, f"batchManifest.{path}", text, value=said[:300], expected=found[:300], fix=_FIX)


def _raise(findings: list[Finding]) -> None:
    """Raise what differs; the detail, which operators read as well, says where and not what."""
    if findings:
        raise ManifestMismatch(f"they differ in {', '.join(each.path for each in findings[:3])}", findings=findings)


_NAME = Text("清单中的文件名与文件不符", "the manifest names another file")
_SIZE = Text("文件字节数与清单不符", "the file has another size than its manifest says")
_DIGEST = Text("文件摘要与清单不符", "the file has another digest than its manifest says")
_COUNT = Text("记录数与清单不符", "the file has another number of records than its manifest says")
_TOTAL = Text("控制总数与清单不符", "the records sum up to something else than the manifest says")
_FIX = Text("核对后连同清单重新发送整批", "check both, and send the batch again with its manifest")
