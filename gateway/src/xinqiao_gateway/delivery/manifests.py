"""The manifest of a file that goes out, sealed with the gateway's key. Its form is in ``xinqiao.manifest``."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from xinqiao.manifest import Batch, Contents, manifest_of, sealed_manifest
from xinqiao.seal import SigningKey
from xinqiao_gateway.calendars import china_day

__all__ = ["Manifests"]


@dataclass(frozen=True, slots=True)
class Manifests:
    """Writes the manifests of one channel; the codes are those of the two institutions."""

    sender: str
    receiver: str
    test: bool
    key: SigningKey

    def of(self, name: str, sequence: int, contents: Contents, cutoff: float, now: float) -> bytes:
        """Return the manifest of a file, which has its name by now; one of no records says that there was nothing."""
        at, cut_off = datetime.fromtimestamp(now, UTC), datetime.fromtimestamp(cutoff, UTC)
        batch = Batch(self.sender, self.receiver, china_day(cutoff), sequence, cut_off, self.test)
        named = replace(contents, name=name) if contents.records else None
        return sealed_manifest(manifest_of(batch, named, at), self.key, at)
