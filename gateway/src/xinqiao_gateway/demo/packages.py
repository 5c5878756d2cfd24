"""The five docking packages, each as a partner would use it: the same business goes in by every one of them."""

import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import httpx
import orjson

from xinqiao.client import Client
from xinqiao.launch import Actor, Launch, Role, launch_token, launch_url
from xinqiao.manifest import Batch, Contents, manifest_of, sealed_manifest
from xinqiao.message import write_json
from xinqiao.seal import CONTENT_TYPE_JSON, SIGNATURE_HEADER, seal
from xinqiao_adapters.docking.files import Address
from xinqiao_adapters.docking.login import Login
from xinqiao_gateway.calendars import CHINA
from xinqiao_gateway.demo.business import Recorded
from xinqiao_gateway.demo.partner import Partner
from xinqiao_gateway.demo.stage import DemoFailed
from xinqiao_gateway.demo.window import Window
from xinqiao_gateway.fronts.h5.tree import take_out
from xinqiao_gateway.fronts.sftp.remote_folder import RemoteFolder

__all__ = ["PACKAGES", "Api", "Package"]

_PATIENCE = 30.0
# What is on the page where somebody is at the end: the position in the journal, or a button to take it back.
_ACCEPTED = "//*[@id='position']"
_HANDED_OVER = "//button[@value='correct']"


class Package(ABC):
    """One way of docking. ``send`` raises ``DemoFailed``, or the error of a rejection."""

    zh: str
    en: str

    def __init__(self, partner: Partner) -> None:
        self.partner = partner

    @abstractmethod
    def send(self, business: Sequence[Recorded], case_id: str, first: int) -> None:
        """Send messages of a case, in order, and wait until they are accepted; ``first`` numbers them in the case."""


class Api(Package):
    """REST: each message sealed and posted."""

    zh, en = "API（REST）", "API over REST"

    def send(self, business: Sequence[Recorded], case_id: str, first: int) -> None:  # noqa: ARG002 -- the package's
        """Submit one after the other."""
        with Client(self._address(), self.partner.channel, self.partner.key) as client:
            for each in business:
                client.submit(self.partner.message(each, case_id))

    def _address(self) -> str:
        return self.partner.url


class Grpc(Api):
    """gRPC: the same client, another address."""

    zh, en = "gRPC", "gRPC"

    def _address(self) -> str:
        return self.partner.grpc


class Files(Package):
    """SFTP: a batch file with its manifest and mark, and the result that comes back."""

    zh, en = "SFTP 批量文件", "SFTP batch file"

    def __init__(self, partner: Partner) -> None:
        super().__init__(partner)
        self._sent = 0

    def send(self, business: Sequence[Recorded], case_id: str, first: int) -> None:
        """Put the batch on the gateway's own server, and wait for the result."""
        partner, name = self.partner, f"{case_id}-{first}.jsonl"
        content = b"".join(write_json(partner.message(each, case_id)) + b"\n" for each in business)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            contents = Contents.of(path, "application/x-ndjson", len(business))
        self._sent += 1
        batch = Batch(partner.sender, partner.receiver, datetime.now(CHINA).date(), self._sent)
        manifest = sealed_manifest(manifest_of(batch, contents), partner.key)
        server = RemoteFolder(
            Address(user=partner.channel, host="127.0.0.1", port=partner.sftp_port, folder="/"),
            Login(host_keys=[partner.host_key], key_file="ssh-key"),
            partner.secrets,
        )
        try:
            for each, data in ((name, content), (f"{name}.manifest", manifest), (f"{name}.ok", b"")):
                with server.write(f"in/{each}") as sink:
                    sink.write(data)
            result = _awaited(server, f"result/{name}.result")
        finally:
            server.close()
        said = orjson.loads(result.splitlines()[0])["batchResult"]
        if said["acceptedCount"] != str(len(business)):
            raise DemoFailed(f"the batch was not accepted: {result.decode()[:500]}")


def _awaited(server: RemoteFolder, name: str) -> bytes:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            server.stat(name)
        except FileNotFoundError:
            time.sleep(0.1)
            continue
        with server.read(name) as source:
            return source.read(1 << 20)
    raise DemoFailed(f"no {name} after {_PATIENCE:.0f} s")


class Embedded(Package):
    """H5: the customer types into pages that stand in the partner's own."""

    zh, en = "H5 嵌入", "H5 embed"

    def send(self, business: Sequence[Recorded], case_id: str, first: int) -> None:
        """Let the customer enter and confirm each."""
        with httpx.Client(timeout=_PATIENCE, trust_env=False) as http:
            for number, each in enumerate(business, first):
                window = self._opened(http, each, case_id, number, "CUSTOMER")
                window.enter(each.body, _ACCEPTED)

    def _opened(self, http: httpx.Client, each: Recorded, case_id: str, number: int, role: Role) -> Window:
        partner = self.partner
        launch = Launch(each.flow, case_id, Actor(role, f"{role.lower()}-1"), f"E{number}", facts=_facts(each))
        token = launch_token(partner.key, launch, gateway_code=partner.receiver, channel=partner.channel)
        window = Window(http)
        window.open(launch_url(partner.url, partner.channel, token))
        return window


class App(Embedded):
    """App direct: the App's server puts in what it knows, the customer reads and confirms it on a page in the App."""

    zh, en = "App 直连", "App direct"

    def send(self, business: Sequence[Recorded], case_id: str, first: int) -> None:
        """Enter each by API, then confirm it at the page."""
        with httpx.Client(timeout=_PATIENCE, trust_env=False) as http:
            for number, each in enumerate(business, first):
                self._enter(http, each, case_id, number)
                window = self._opened(http, each, case_id, number, "CUSTOMER")
                window.enter(each.body, _ACCEPTED)

    def _enter(self, http: httpx.Client, each: Recorded, case_id: str, number: int) -> None:
        body = orjson.loads(orjson.dumps(each.body))
        for path in each.implied:
            take_out(body, path)
        said = {
            "flow": each.flow,
            "case": case_id,
            "entry": f"E{number}",
            "actor": {"role": "CUSTOMER", "id": "customer-1"},
            "facts": _facts(each),
            "body": body,
        }
        content = orjson.dumps(said)
        headers = {
            "Content-Type": CONTENT_TYPE_JSON,
            SIGNATURE_HEADER: seal(content, CONTENT_TYPE_JSON, self.partner.key).signature,
        }
        answer = http.post(f"{self.partner.url}/h5/{self.partner.channel}/entries", content=content, headers=headers)
        if not answer.is_success:
            raise DemoFailed(f"the entry was not taken: {answer.text[:500]}")


class Assisted(Embedded):
    """Manager-assisted: a relationship manager types at the page, the customer confirms."""

    zh, en = "客户经理代录", "Manager-assisted"

    def send(self, business: Sequence[Recorded], case_id: str, first: int) -> None:
        """Let the manager enter each, then the customer confirm it."""
        with httpx.Client(timeout=_PATIENCE, trust_env=False) as http:
            for number, each in enumerate(business, first):
                manager = self._opened(http, each, case_id, number, "RELATIONSHIP_MANAGER")
                manager.enter(each.body, _HANDED_OVER)
                customer = self._opened(http, each, case_id, number, "CUSTOMER")
                customer.enter(each.body, _ACCEPTED)


def _facts(each: Recorded) -> dict[str, str | int | bool]:
    return {f"{each.kind}.{path}": value for path, value in each.facts.items()}


PACKAGES: tuple[type[Package], ...] = (Api, Grpc, Files, Embedded, App, Assisted)
