"""A gateway's journal with its desk, two operators and a virtual clock; messages come in as the intake stores them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.gateway.conftest import CORE, PARTNER, TRUST
from tests.gateway.conftest import message as example_of
from xinqiao.finding import errors_in
from xinqiao.message import Header, Json, content_digest, message_type, write_json
from xinqiao.seal import KeyRing, new_key, write_key
from xinqiao.validation import check
from xinqiao_gateway.channels import Channels
from xinqiao_gateway.gateway import governance_of
from xinqiao_gateway.installation import Installation, add_channel, open_installation
from xinqiao_gateway.journal import Accepted, Entry, Hold, Journal, Refused, Settlement, Submission
from xinqiao_gateway.journal.listing import exception_in_full, exceptions
from xinqiao_gateway.journal.search import Search, found
from xinqiao_gateway.operators import Operator
from xinqiao_gateway.resolution import Desk, Wish

# Monday 23 November 2026, 09:00 in China.
START = 1_795_395_600.0
ANNA, BO, CHEN = Operator("anna"), Operator("bo"), Operator("chen")


@dataclass
class Clock:
    """The time, which tests set."""

    time: float = START

    def __call__(self) -> float:
        return self.time


@dataclass
class Office:
    """The desk with everything that a test looks at."""

    installation: Installation
    journal: Journal
    desk: Desk
    clock: Clock

    @property
    def channels(self) -> Channels:
        return self.installation.channels

    async def take(self, *messages: Json, channel: str = "partner", hold: Hold | None = None, **more: Any) -> list[int]:
        """Store messages of one input and return their positions."""
        entries = tuple(self.entry(each, channel, hold, **more) for each in messages)
        content = b"\n".join(write_json(each) for each in messages)
        outcomes = await self.journal.submit(Submission(entries, content, "application/x-ndjson", "h..s", False))
        refused = [each.error for each in outcomes if isinstance(each, Refused)]
        if refused:
            raise refused[0]
        return [int(each.receipt["position"]) for each in outcomes if isinstance(each, Accepted)]

    def entry(self, message: Json, channel: str, hold: Hold | None, interface: str = "any", **more: Any) -> Entry:
        header, kind = Header.of(message), message_type(message)
        return Entry(
            header=header,
            message_type=kind,
            message=message,
            channel=channel,
            interface=interface,
            key=more.pop("key", header.message_id),
            digest=content_digest(message),
            canonical=write_json(message),
            destinations=self.channels.route(header, kind),
            hold=hold,
            **more,
        )

    async def end(self, position: int, state: str) -> None:
        """Let the delivery of a message end in a state: dead or held."""
        for due in await self.journal.lease("core", 8, 60.0):
            if due.position == position:
                lease = due.lease
                await self.journal.settle(Settlement(due.delivery_id, state, "failed", "x", "", lease=lease))

    async def resolve(self, action: str, exception_id: int = 1, **more: Any) -> Json:
        """Let Anna propose and Bo approve."""
        return await self.approve(await self.propose(action, exception_id, **more))

    async def propose(self, action: str, exception_id: int | None = 1, **more: Any) -> Json:
        return await self.desk.propose(ANNA, Wish(action, more.pop("reason", "agreed by phone"), exception_id, **more))

    async def approve(self, proposal: Json) -> Json:
        return await self.desk.decide(BO, proposal["proposal_id"], approved=True)

    def exceptions(self, state: str | None = None) -> list[tuple[int, str, str]]:
        listed = exceptions(self.journal.reading, state)
        return [(each["exception_id"], each["kind"], each["state"]) for each in listed]

    def exception(self, exception_id: int = 1) -> Json:
        return exception_in_full(self.journal.reading, exception_id)

    def deliveries(self) -> list[tuple[int, str, str]]:
        rows = self.journal.reading.deliveries(limit=1000)[::-1]
        return [(each["position"], each["channel"], each["state"]) for each in rows]

    def states(self) -> list[str]:
        return [each["state"] for each in self.journal.reading.deliveries(limit=1000)[::-1]]

    def sent(self, message_type: str) -> list[Json]:
        """Return the messages of a type that the journal holds, each checked to be valid."""
        rows = found(self.journal.reading, Search(message_type=message_type))
        messages = [self.journal.reading.message(row["message_id"])["message"] for row in rows]
        assert [errors_in(check(each)) for each in messages] == [[] for _ in messages]
        return messages

    def notices(self) -> list[tuple[str, str, str]]:
        """Return what the journal says was done: the state, by whom, and the resolution."""
        bodies = [each["exceptionNotice"] for each in self.sent("exceptionNotice")]
        return [(each["state"], each["handledBy"], each["resolution"]) for each in bodies]

    def breaches(self) -> list[str]:
        return self.journal.verify(KeyRing([self.installation.key.public()])).breaches


def open_office(folder: Path, url: str | None = None, files: Mapping[str, str] | None = None) -> Office:
    """Open an office; ``files`` are written into the installation's folder, such as ``policy.yaml``."""
    data, public = folder / "data", folder / "partner.pub.jwk"
    write_key(new_key("partner-1").public(), public)
    for channel_id, institution in (("partner", PARTNER), ("core", CORE)):
        push = "http://127.0.0.1:9" if channel_id == "core" else None
        add_channel(data, channel_id, extends="canonical", keys=[public], institution=institution, push_url=push)
    for name, text in (files or {}).items():
        (data / name).write_text(text, encoding="utf-8")
    installation, clock = open_installation(data), Clock()
    address = url or installation.journal_url
    journal = Journal.open(address, installation.master_key, installation.key, now=clock)
    journal.govern(governance_of(installation, journal.reading.vault.keyed_digest))
    return Office(installation, journal, Desk(journal, installation.channels, TRUST, installation.key), clock)


def message(body: str, case_id: str | None = "CASE-1", *, header: Json | None = None, **changes: Any) -> Json:
    """Return a valid message of the bank, or of the core where it is a fact of the trust company."""
    found = example_of(body, case_id)
    return {"header": found["header"] | (header or {}), body: found[body] | changes}
