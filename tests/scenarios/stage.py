"""The stage of the scenarios: a real gateway on a virtual clock, its installation written by each scenario.

Partners send over HTTP, sealed; destinations pull over HTTP; alarms are posted to a real receiver; two operators work
at the desk. What is asserted is read from the journal.
"""

import base64
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2 as httpx
import orjson
import yaml
from sqlalchemy import select
from starlette.testclient import TestClient
from typer.testing import CliRunner

from xinqiao.message import Json, new_message_id, timestamp, write_json
from xinqiao.seal import (
    SIGNATURE_HEADER,
    KeyRing,
    SigningKey,
    access_token,
    new_key,
    read_verifying_key,
    seal,
    write_key,
)
from xinqiao.testing import example
from xinqiao_gateway.calendars import CHINA
from xinqiao_gateway.cli import app
from xinqiao_gateway.fronts.rest.app import build_app
from xinqiao_gateway.gateway import Gateway
from xinqiao_gateway.installation import add_channel, open_installation
from xinqiao_gateway.journal import tables
from xinqiao_gateway.journal.search import Search, contents, found
from xinqiao_gateway.journal.timeline import timeline
from xinqiao_gateway.operators import Operator
from xinqiao_gateway.resolution.desk import Wish

BANK, TRUST, WEALTH = "91110000100000000R", "913100001000100012", "91310000100000306T"
INSURER, REGISTRY = "91110000100020002F", "91310000100009090H"
MAKER, CHECKER = Operator("li.na"), Operator("wang.wei")
_PARTY = {
    BANK: {"name": "示例银行", "type": "bank", "code": BANK},
    TRUST: {"name": "信托核心", "type": "trust-company", "code": TRUST},
    WEALTH: {"name": "示例理财", "type": "wealth-manager", "code": WEALTH},
    INSURER: {"name": "示例人寿", "type": "insurer", "code": INSURER},
    REGISTRY: {"name": "示例信托登记", "type": "platform", "code": REGISTRY},
}


def at(text: str) -> float:
    """Return an instant that is written in China time (``2026-11-23 15:00``)."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def message(body: str, case_id: str | None, sender: str, receiver: str = TRUST, **fields: Any) -> Json:
    """Return a canonical message: a valid example with ids of its own and some fields of its body changed.

    ``header`` are fields of the header; a field that is None is left out.
    """
    made = example(body, messageId=new_message_id(), createdAt=timestamp(), sender=sender, receiver=receiver)
    kept = {name: value for name, value in made["header"].items() if name not in {"caseId", "channelId", "test"}}
    header = kept | ({"caseId": case_id} if case_id else {}) | fields.pop("header", {})
    content = {name: value for name, value in (made[body] | fields).items() if value is not None}
    return {"header": {name: value for name, value in header.items() if value is not None}, body: content}


@dataclass
class Receiver:
    """A server that takes every post; ``got`` is what came, in order."""

    url: str = ""
    got: list[Json] = field(default_factory=list)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.got.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/alarms"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Stage:
    """An installation under way; ``now`` is its clock. Write files and add channels before ``playing``."""

    def __init__(self, folder: Path, start: str) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.now = at(start)
        self.key: SigningKey = new_key("partner-1")
        self._public = folder / "partner.pub.jwk"
        write_key(self.key.public(), self._public)
        self.gateway: Gateway
        self.http: TestClient

    def write(self, name: str, content: Any) -> None:
        """Write a file of the installation as YAML."""
        (self.data / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")

    def add(self, channel: str, extends: str, institution: str | None = None, push: str | None = None) -> None:
        """Add a channel of one of the institutions."""
        party = _PARTY[institution] if institution else None
        keys = [self._public]
        add_channel(self.data, channel, extends=extends, keys=keys, institution=party, push_url=push)

    def overlay(self, channel: str, **parts: Any) -> None:
        """Lay parts upon the profile of a channel, as the installation's own words."""
        path = self.data / "channels" / channel / "channel.yaml"
        self.write(str(path.relative_to(self.data)), yaml.safe_load(path.read_text(encoding="utf-8")) | parts)

    def draw(self, channel: str, institution: str, **profile: Any) -> None:
        """Add a channel with a profile of the scenario's own."""
        folder = self.data / "channels" / channel
        (folder / "keys").mkdir(parents=True)
        write_key(self.key.public(), folder / "keys" / "1.jwk")
        party = {"channel": channel, "institution": _PARTY[institution]}
        self.write(str((folder / "channel.yaml").relative_to(self.data)), party | profile)

    def watch_list(self, name: str, csv: str) -> None:
        """Import a watch list as an operator does."""
        path = self.data.parent / f"{name}.csv"
        path.write_text(csv, encoding="utf-8")
        Gateway(open_installation(self.data), now=lambda: self.now).journal.close()  # makes the master key
        column = csv.partition("\n")[0]
        command = [
            "policy",
            "watch-list",
            "import",
            str(path),
            "--name",
            name,
            "--column",
            column,
            "--data",
            str(self.data),
        ]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output

    @contextmanager
    def playing(self) -> Iterator["Stage"]:
        """Run the gateway; at the end its journal is verified."""
        self.gateway = Gateway(open_installation(self.data), now=lambda: self.now)
        with TestClient(build_app(self.gateway)) as self.http:
            yield self
            public = read_verifying_key(self.data / "keys" / "gateway.pub.jwk")
            verified = self.gateway.journal.verify(KeyRing([public]))
            assert verified.breaches == [], verified.breaches

    # What partners do.

    def post(self, channel: str, content: bytes, content_type: str) -> httpx.Response:
        """Send raw input, sealed by the partner."""
        headers = {"Content-Type": content_type, SIGNATURE_HEADER: seal(content, content_type, self.key).signature}
        return self.http.post(f"/v1/channels/{channel}/messages", content=content, headers=headers)

    def send(self, channel: str, sent: Json) -> str:
        """Send a canonical message that is accepted; return its id."""
        response = self.post(channel, write_json(sent), "application/json")
        assert response.status_code == 202, response.text
        return str(sent["header"]["messageId"])

    def refused(self, channel: str, sent: Json) -> Json:
        """Send a canonical message that is refused; return the rejection."""
        response = self.post(channel, write_json(sent), "application/json")
        assert response.status_code >= 400, response.text
        rejection: Json = orjson.loads(response.content)["rejection"]
        return rejection

    def post_core(self, body: str, case_id: str, **fields: Any) -> int:
        """Let the core send a message to the bank that may be refused; return the status."""
        content = write_json(message(body, case_id, TRUST, BANK, **fields))
        return self.post("core", content, "application/json").status_code

    def received(self, channel: str) -> list[Json]:
        """Return what a partner that pulls has got so far, in its order; canonical JSON."""
        return [orjson.loads(each) for each in self.raw_received(channel)]

    def raw_received(self, channel: str) -> list[bytes]:
        """Return what a partner that pulls has got so far, in its own format."""
        path = f"/v1/channels/{channel}/messages"
        token = access_token(self.key, path)
        response = self.http.get(path, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 200, response.text
        return [base64.b64decode(each["content"]) for each in orjson.loads(response.content)["messages"]]

    def admin(self, path: str) -> Any:
        """Ask the administration as operators do."""
        token = (self.data / "admin.token").read_text(encoding="ascii").strip()
        response = self.http.get(path, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 200, response.text
        return orjson.loads(response.content)

    # What the gateway does by itself, and what people see and do.

    def wait_until(self, text: str) -> None:
        """Let the clock go on, look at obligations and post alarms."""
        self.now = at(text)
        self._do(self.gateway.watch.turn)

    def later(self, seconds: float, *channels: str) -> None:
        """Let the clock go on, and channels that are pushed to look for what has become due."""
        self.now += seconds
        self.gateway.journal.look_again(channels)
        time.sleep(0.02)

    def case(self, case_id: str, institution: str | None = None) -> Json:
        """Return what the journal knows of a case."""
        return timeline(self.gateway.journal.reading, case_id, institution=institution)

    def notices(self, case_id: str) -> list[str]:
        """Return what operators asked for and did about a case, as the journal keeps it, in order."""
        search = Search(case_id=case_id, message_type="exceptionNotice")
        return [each["exceptionNotice"]["state"] for _, each in contents(self.gateway.journal.reading, search)]

    def state(self, case_id: str, institution: str | None = None) -> str:
        """Return a case's state."""
        return str(self.case(case_id, institution)["state"])

    def exceptions(self, state: str = "open") -> list[tuple[str, str]]:
        """Return kind and detail of the exceptions in a state, oldest first."""
        return [(each["kind"], each["detail"]) for each in self._exceptions() if each["state"] == state]

    def exception(self, kind: str) -> int:
        """Return the id of the oldest open exception of a kind."""
        open_ones = (each for each in self._exceptions() if each["state"] == "open")
        return next(int(each["exception_id"]) for each in open_ones if each["kind"] == kind)

    def _exceptions(self) -> list[Json]:
        query = select(tables.exceptions).order_by(tables.exceptions.c.exception_id)
        with self.gateway.journal.reading.engine.begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def deliveries(self) -> list[tuple[str, str, str]]:
        """Return message type, channel and state of every delivery, oldest first."""
        listed = self.gateway.journal.reading.deliveries(limit=1000)[::-1]
        return [(each["message_type"], each["channel"], each["state"]) for each in listed]

    def found(self, **search: Any) -> list[str]:
        """Return the ids of messages found by their header."""
        return [each["message_id"] for each in found(self.gateway.journal.reading, Search(**search))]

    def propose(self, wish: Wish, by: Operator = MAKER) -> Json:
        """Let a maker propose an action."""
        proposal: Json = self._do(partial(self.gateway.desk.propose, by, wish))
        return proposal

    def decide(self, proposal: Json, by: Operator = CHECKER, *, approved: bool = True) -> Json:
        """Let somebody decide a proposal."""
        decision = partial(self.gateway.desk.decide, by, proposal["proposal_id"], approved=approved)
        decided: Json = self._do(decision)
        return decided

    def resolve(self, kind: str, action: str, reason: str, **more: Any) -> Json:
        """Let maker and checker resolve the oldest open exception of a kind."""
        return self.decide(self.propose(Wish(action, reason, exception_id=self.exception(kind), **more)))

    def _do(self, act: Callable[[], Awaitable[Any]]) -> Any:
        assert self.http.portal is not None
        return self.http.portal.call(act)


_OFD_WIDTHS = {
    "AppSheetSerialNo": 24, "FundCode": 6, "LargeRedemptionFlag": 1, "TransactionDate": 8, "TransactionTime": 6,
    "TransactionAccountID": 17, "DistributorCode": 9, "ApplicationVol": 16, "ApplicationAmount": 16, "BusinessCode": 3,
    "TAAccountID": 12, "CurrencyType": 3, "IndividualOrInstitution": 1, "TransactionCfmDate": 8, "ConfirmedVol": 16,
    "ConfirmedAmount": 16, "ReturnCode": 4, "TASerialNO": 20, "BusinessFinishFlag": 1, "FromTAFlag": 1, "NAV": 7,
    "FundName": 40, "UpdateDate": 8, "AccumulativeNAV": 7, "InvestorName": 120,
}  # fmt: skip
_OFD_NUMBERS = {"ApplicationVol", "ApplicationAmount", "ConfirmedVol", "ConfirmedAmount", "NAV", "AccumulativeNAV"}


def ofd(kind: str, day: str, records: list[dict[str, str]], *, sender: str = "306", receiver: str = "98") -> bytes:
    """Return an OFD file (JR/T 0017) with just the fields that its records have; numbers without a point."""
    names = list(records[0]) if records else ["AppSheetSerialNo"]
    head = ["OFDCFDAT", "21  ", f"{sender:9}", f"{receiver:9}", day, "   ", kind, " " * 8, " " * 8]
    rows = ["".join(_ofd_value(name, each[name]) for name in names) for each in records]
    lines = [*head, f"{len(names):03}", *names, f"{len(rows):08}", *rows, "OFDCFEND"]
    return "".join(f"{line}\r\n" for line in lines).encode("gb18030")


def _ofd_value(name: str, value: str) -> str:
    width = _OFD_WIDTHS[name]
    if name in _OFD_NUMBERS:
        return value.rjust(width, "0")
    return value + " " * (width - len(value.encode("gb18030")))
