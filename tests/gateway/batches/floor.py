"""What tests of batches share: a gateway with partners that send files, manifests with their seals, and results."""

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import yaml

from tests.gateway.conftest import BANK, CORE, PARTNER, TRUST
from xinqiao.manifest import sealed_manifest, split_seal
from xinqiao.message import Json, new_message_id, timestamp, write_json
from xinqiao.seal import SigningKey, new_key, write_key
from xinqiao.testing import example
from xinqiao_gateway.batches.batches import Batches
from xinqiao_gateway.batches.came import Answer, Came
from xinqiao_gateway.calendars import china_day
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation
from xinqiao_gateway.journal import Journal
from xinqiao_gateway.journal.file_reading import FileBatch, file_batches
from xinqiao_gateway.journal.listing import exceptions
from xinqiao_gateway.journal.search import Search, found

ORIGIN = "sftp bank@host host key SHA256:abc"
_FOLDER = TemporaryDirectory(prefix="xinqiao-batches-")
_TEMPLATE = Path(_FOLDER.name)


@dataclass
class Floor:
    """A gateway whose journal is open; what it delivers stays where it is."""

    data: Path
    key: SigningKey
    gateway: Gateway
    batches: Batches = field(init=False)

    def __post_init__(self) -> None:
        self.batches = Batches(self.gateway)

    @property
    def public(self) -> Path:
        """The file with the partners' public key."""
        return _TEMPLATE / "partner.pub.jwk"

    def reopened(self) -> "Floor":
        """Open the gateway anew, with what its installation says now."""
        self.gateway.journal.close()
        self.gateway = Gateway(open_installation(self.data))
        self.batches = Batches(self.gateway)
        return self

    def add(self, channel: str, extends: str, institution: dict[str, str] | None = None, **parts: Any) -> "Floor":
        """Add a channel, with parts of its own profile, and open the gateway anew."""
        add_channel(self.data, channel, extends=extends, keys=[self.public], institution=institution)
        return self.with_parts(channel, **parts)

    def with_parts(self, channel: str, **parts: Any) -> "Floor":
        """Change parts of a channel's own profile, and open the gateway anew."""
        path = self.data / "channels" / channel / "channel.yaml"
        profile = yaml.safe_load(path.read_text(encoding="utf-8")) | parts
        path.write_text(yaml.safe_dump(profile, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return self.reopened()

    async def take(self, content: bytes, manifest: bytes | None = None, **said: Any) -> Answer:
        """Take a file of the bank's, or of another ``channel``; without a manifest its origin stands for it."""
        name = said.pop("name", "orders.jsonl")
        path = self.data.parent / "spool" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        fields = {"channel_id": said.pop("channel", "bank"), "sealed": manifest is not None} | said
        return await self.batches.take(Came(name=name, path=path, manifest=manifest, origin=ORIGIN, **fields))

    def manifest(self, content: bytes, records: int, *, key: SigningKey | None = None, **said: Any) -> bytes:
        """Return the bank's manifest of a file, sealed; keywords are its body's, in JSON's spelling."""
        return sealed_manifest(manifest_message(content, records, **said), key or self.key)

    def stored(self) -> list[FileBatch]:
        return file_batches(self.gateway.journal.reading)

    def told(self, state: str | None = None) -> list[str]:
        """Return what persons were told of batches; with ``state`` what is in that now."""
        rows = (each for each in exceptions(self.gateway.journal.reading, state=state) if each["kind"] == "batch")
        return [each["detail"] for each in rows]

    def last(self) -> int:
        """Return the position of the journal's last message."""
        rows = found(self.gateway.journal.reading, Search(), 1000)
        return max((row["position"] for row in rows), default=0)

    def messages(self) -> int:
        """Return how many messages the journal holds, once its evidence is found to be whole."""
        verification = self.gateway.journal.verify(self.gateway.installation.verifying_keys)
        assert verification.breaches == []
        return verification.messages


@cache
def _installed() -> SigningKey:
    """Make an installation once for all tests, and return the key of its partners."""
    key, data = new_key("partner-1"), _TEMPLATE / "data"
    public = _TEMPLATE / "partner.pub.jwk"
    write_key(key.public(), public)
    add_channel(data, "bank", extends="canonical", keys=[public], institution=PARTNER)
    add_channel(data, "core", extends="canonical", keys=[public], institution=CORE, push_url="http://127.0.0.1:9")
    installation = open_installation(data)
    Journal.open(installation.journal_url, installation.master_key, installation.key).close()
    return key


def manifest_message(content: bytes, records: int, **said: Any) -> Json:
    name, sender = said.pop("name", "orders.jsonl"), said.pop("sender", BANK)
    digest = {"algorithm": "SHA256", "value": hashlib.sha256(content).hexdigest()} | said.pop("digest", {})
    file = {"name": name, "size": str(len(content)), "digest": digest} | said.pop("file", {})
    totals = said.pop("controlTotals", None)
    controls = {"controlTotals": totals} if totals else {}
    receiver = said.pop("receiver", TRUST)
    found = example(
        "batchManifest", messageId=new_message_id(), createdAt=timestamp(), sender=sender, receiver=receiver
    )
    header = {name: part for name, part in found["header"].items() if name not in {"caseId", "channelId", "test"}}
    body = {
        "batchNo": "B1",
        "businessDate": china_day(time.time()).isoformat(),
        "sequence": 1,
        "files": [{"file": file, "recordCount": str(records)} | controls],
        "recordCount": str(records),
    }
    whole = body | controls | said
    return {"header": header, "batchManifest": {name: part for name, part in whole.items() if part is not None}}


def open_floor(folder: Path, files: Mapping[str, str] | None = None, now: Callable[[], float] = time.time) -> Floor:
    """Make a gateway in a folder; ``files`` are written into its installation, such as ``obligations.yaml``."""
    key, data = _installed(), folder / "data"
    shutil.copytree(_TEMPLATE / "data", data)
    for name, text in (files or {}).items():
        (data / name).write_text(text, encoding="utf-8")
    return Floor(data, key, Gateway(open_installation(data), now))


def order(number: int, value: str = "1000.00", **changes: Any) -> Json:
    """Return a subscription order of the bank's without a case."""
    found = example("subscriptionOrder", messageId=new_message_id(), createdAt=timestamp(), sender=BANK, receiver=TRUST)
    header = {name: part for name, part in found["header"].items() if name not in {"caseId", "channelId", "test"}}
    body = found["subscriptionOrder"] | {
        "orderReference": f"SO{number:08}",
        "grossAmount": {"value": value, "currency": "CNY"},
    }
    return {"header": header | {"partnerSerial": f"S{number}"}, "subscriptionOrder": body | changes}


def lines(messages: Sequence[Json]) -> bytes:
    return b"".join(write_json(each) + b"\n" for each in messages)


def result(answer: Answer) -> Json:
    """Return the body of the standard's result, and that it is sealed."""
    content, signature = split_seal(answer.result)
    assert signature
    found: Json = orjson.loads(content)["batchResult"]
    return found


def reason(answer: Answer) -> str:
    """Return why a batch was refused whole."""
    assert answer.refused
    said: str = orjson.loads(answer.result)["rejection"]["reason"]
    return said


def counts(answer: Answer) -> tuple[int, int, int, int]:
    """Return how many records were accepted, ignored, rejected and held."""
    found = result(answer)
    names = ("acceptedCount", "ignoredCount", "rejectedCount", "heldCount")
    accepted, ignored, rejected, held = (int(found[name]) for name in names)
    assert accepted + ignored + rejected + held == int(found["recordCount"])
    return accepted, ignored, rejected, held
