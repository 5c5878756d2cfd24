"""What partners do wrong, over real HTTP and on a virtual clock: nothing is lost, guessed, or out of order."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest

from tests.gateway.conftest import BANK, CORE, TRUST
from tests.gateway.delivery.conftest import KEY, Desk, open_desk
from tests.gateway.delivery.partner import Partner, Script, http, refuses, running, says, takes
from tests.gateway.test_journal import entry, message, submission
from tests.postgres import Postgres
from xinqiao.adapter import Encoded, Reply
from xinqiao.errors import NotValid, SettingsInvalid
from xinqiao.message import Json, write_json
from xinqiao.outcome import rejection
from xinqiao.seal import write_key
from xinqiao_gateway.channels import Push, ServedChannel
from xinqiao_gateway.delivery import ChannelLoop, Dispatcher, check_lease
from xinqiao_gateway.installation import add_channel, open_installation
from xinqiao_gateway.settings import Retry, Settings

RETRY = Retry(first=1, cap=60, failures=3, pause=1, longest_pause=60)
DAY = 86_400.0
NEVER = threading.Event()


@dataclass
class Line:
    """The loop of ``core`` with its journal and partner. ``work`` goes on until nothing more happens by itself."""

    desk: Desk
    partner: Partner
    channel: ServedChannel
    loop: ChannelLoop

    async def once(self) -> None:
        await self.loop.turn()
        await self.loop.drain()

    async def work(self, seconds: float, step: float = 0.0) -> None:
        """Let virtual time pass, a turn at each rest, or at least at each step."""
        end = self.desk.clock.time + seconds
        while self.desk.clock.time < end:
            rest = await self.loop.turn()
            await self.loop.drain()
            self.desk.clock.time += max(rest, step)

    def tried(self) -> list[tuple[str, str]]:
        (delivery,) = self.desk.journal.reading.deliveries()
        return [(each["outcome"], each["detail"]) for each in delivery["tried"]]


@cache
def _core() -> ServedChannel:
    """Install the channel once for all tests; where it is pushed to, each of them says."""
    with TemporaryDirectory() as folder:
        public, data = Path(folder, "core.pub.jwk"), Path(folder, "data")
        write_key(KEY.public(), public)
        add_channel(data, "core", extends="canonical", keys=[public], institution=CORE, push_url="http://127.0.0.1:9")
        return open_installation(data).channels.find("core")


def open_line(desk: Desk, partner: Partner, unknown: str = "repeat", timeout: float = 2.0) -> Line:
    push = Push(partner.url, timeout)
    channel = with_unknown(replace(_core(), push=push), unknown)
    return Line(
        desk, partner, channel, ChannelLoop(desk.journal, channel, push, desk.key, RETRY, parallel=32, now=desk.clock)
    )


def with_unknown(channel: ServedChannel, way: str) -> ServedChannel:
    """Say in the channel's profile what to do where the outcome is unknown; its adapter asks by ``status``."""
    profile = channel.channel.profile
    interfaces = {name: each.model_copy(update={"unknown": way}) for name, each in profile.interfaces.items()}
    adapter = Asking(channel.adapter)
    changed = replace(channel.channel, profile=profile.model_copy(update={"interfaces": interfaces}), adapter=adapter)
    return replace(channel, channel=changed)


class Asking:
    """The canonical adapter, with a query whose answer is one word."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    def decode(self, raw: bytes, content_type: str) -> Any:
        return self._adapter.decode(raw, content_type)

    def encode(self, messages: Any) -> Any:
        return self._adapter.encode(messages)

    def answer(self, *parts: Any) -> Any:
        return self._adapter.answer(*parts)

    def query(self, interface: str, sent: Json) -> Encoded:
        return Encoded(interface, write_json({"asked": sent["header"]["messageId"]}), "application/json")

    def read_reply(self, interface: str, status: int, content: bytes, sent: Json) -> Reply:
        if interface != "status":
            found: Reply = self._adapter.read_reply(interface, status, content, sent)
            return found
        verdicts = {b"has": Reply(True, "has"), b"no": Reply(False, "no"), b"missing": Reply(None, missing=True)}
        verdicts[b"no, none"] = Reply(False, "no", missing=True)
        return verdicts.get(content, Reply(None))


@pytest.fixture
def partner() -> Iterator[Partner]:
    with running(takes) as partner:
        yield partner


@pytest.fixture
async def line(desk: Desk, tmp_path: Path, partner: Partner) -> AsyncIterator[Line]:
    line = open_line(desk, partner)
    yield line
    await line.loop.close()


def cut_off(_got: Json) -> Iterator[bytes]:
    yield b"HTTP/1.1 202 X\r\nContent-Length: 500\r\n\r\n{"


def closes(_got: Json) -> Iterator[bytes]:
    yield from ()


def drips(_got: Json) -> Iterator[bytes]:
    yield b"HTTP/1.1 202 X\r\nContent-Length: 500\r\n\r\n"
    for _ in range(100):
        yield b" "
        NEVER.wait(0.05)


def hangs(_got: Json) -> Iterator[bytes]:
    NEVER.wait(4)
    yield b""


@pytest.mark.parametrize(
    ("script", "outcome", "detail"),
    [
        (says(500), "unknown", "HTTP 500"),
        (says(502), "unknown", "HTTP 502"),
        (says(503), "failed", "HTTP 503"),
        (says(429), "failed", "HTTP 429"),
        (says(200, b"\x00\xff"), "unknown", "HTTP 200, not an answer to this message"),
        (says(302, Location="/elsewhere"), "unknown", "HTTP 302, not an answer to this message"),
        (says(200, b"x" * 1_100_000), "unknown", "the answer is longer than 1 MiB"),
        (lambda _got: iter([b"no HTTP at all\r\n\r\n"]), "unknown", "RemoteProtocolError"),
        (cut_off, "unknown", "RemoteProtocolError"),
        (closes, "unknown", "RemoteProtocolError"),
        (drips, "unknown", "TimeoutError"),
    ],
)
async def test_a_fault_is_failed_or_unknown_and_the_same_message_goes_again(
    line: Line, script: Script, outcome: str, detail: str
) -> None:
    line.partner.script = script
    await line.desk.queue("A")
    await line.once()
    assert line.tried() == [(outcome, detail)]
    line.partner.script = takes
    await line.work(10, step=1)
    assert line.desk.states() == ["delivered"]
    assert line.partner.got == [line.partner.got[0]] * 2


async def test_an_answer_that_does_not_come_is_unknown(line: Line) -> None:
    line.partner.script = hangs
    await line.desk.queue("A")
    await line.once()
    ((outcome, detail),) = line.tried()
    assert (outcome, detail in {"ReadTimeout", "TimeoutError"}) == ("unknown", True)


async def test_a_refused_connection_is_failed_and_nothing_has_arrived(desk: Desk, tmp_path: Path) -> None:
    with running(takes) as partner:
        line = open_line(desk, partner)
    await desk.queue("A")
    await line.once()
    assert line.tried() == [("failed", "ConnectError")]
    await line.loop.close()


async def test_the_partners_retry_after_is_kept(line: Line) -> None:
    line.partner.script = says(429, Retry_After="600")
    await line.desk.queue("A")
    await line.once()
    line.partner.script = takes
    await line.work(590, step=10)
    assert len(line.partner.got) == 1
    await line.work(20, step=10)
    assert line.desk.states() == ["delivered"]


async def test_where_the_profile_holds_nothing_is_sent_again(desk: Desk, tmp_path: Path, partner: Partner) -> None:
    line = open_line(desk, partner, unknown="hold")
    partner.script = says(500)
    await desk.queue("A", "A")
    await line.work(100, step=1)
    assert (desk.states(), desk.raised(), len(partner.got)) == (["held", "pending"], ["unknown_outcome"], 1)
    partner.script = takes
    await desk.confirm(1, "statement of 2026-01-15")
    await line.work(10, step=1)
    assert (desk.states(), desk.raised(), len(partner.got)) == (["delivered", "delivered"], [], 2)
    await line.loop.close()


async def test_a_lease_that_ran_out_is_held_where_the_profile_holds(
    desk: Desk, tmp_path: Path, partner: Partner
) -> None:
    line = open_line(desk, partner, unknown="hold")
    await desk.queue("A")
    other = open_desk(tmp_path, clock=desk.clock)
    await other.lease()
    other.journal.close()
    desk.clock.time += 61
    await line.once()
    assert (desk.states(), partner.got) == (["held"], [])
    await desk.replay(1)
    await line.once()
    assert desk.states() == ["delivered"]
    await line.loop.close()


@pytest.mark.parametrize(
    ("answers", "state", "sent"),
    [
        ([b"has"], "delivered", 1),
        ([b"no"], "dead", 1),
        ([b"no, none"], "dead", 1),
        ([b"?", b"missing"], "delivered", 2),
        ([b"?", b"?", b"has"], "delivered", 1),
    ],
)
async def test_where_the_profile_asks_it_is_sent_again_only_once_it_is_missing(
    desk: Desk, tmp_path: Path, partner: Partner, answers: list[bytes], state: str, sent: int
) -> None:
    line, left = open_line(desk, partner, unknown="query status"), list(answers)

    def script(got: Json) -> Iterator[bytes]:
        if "asked" in got:
            return iter([http(200, left.pop(0))])
        return iter([http(500)]) if len(left) == len(answers) else takes(got)

    partner.script = script
    await desk.queue("A")
    await line.work(60, step=1)
    assert (desk.states(), len([each for each in partner.got if "asked" not in each])) == ([state], sent)
    await line.loop.close()


async def test_a_partner_that_is_down_for_a_day_loses_nothing_and_kills_nothing(
    desk: Desk, partner: Partner, request: pytest.FixtureRequest
) -> None:
    # On a busy machine an answer takes a while; who gave it up would send again, as it should.
    line = open_line(desk, partner, timeout=30.0)
    names = [f"C{n}" for n in range(request.config.getoption("--messages") // 32)]
    for _ in range(4):
        await line.desk.queue(*names)
    line.partner.script = says(503)
    await line.work(DAY, step=900)
    assert line.desk.count() == {"pending": 4 * len(names)}
    assert line.loop.breaker.state(line.desk.clock.time) != "closed"
    during = len(line.partner.got)
    line.partner.script = takes
    for _ in range(len(names)):
        await line.work(1, step=60)
        if line.desk.count() == {"delivered": 4 * len(names)}:
            break
    assert line.desk.count() == {"delivered": 4 * len(names)}
    arrived = [each["header"]["messageId"] for each in line.partner.got[during:]]
    positions = [line.desk.journal.reading.message(each)["position"] for each in arrived]
    for name in names:
        own = [at for at, case in zip(positions, line.partner.cases()[during:], strict=True) if case == name]
        assert own == sorted(set(own))
        assert len(own) == 4
    await line.loop.close()


async def test_waiting_behind_an_open_breaker_costs_no_attempts(line: Line) -> None:
    line.partner.script = says(503)
    await line.desk.queue(*(f"C{n}" for n in range(40)))
    await line.work(2 * 3600, step=60)
    assert line.desk.count() == {"pending": 40}
    assert len(line.partner.got) <= 32 + 2 * 3600 / 48


async def test_a_message_that_breaks_the_partner_stops_no_other_lane(line: Line) -> None:
    line.partner.script = lambda got: iter([http(500)]) if got["header"]["caseId"] == "POISON" else takes(got)
    await line.desk.queue("POISON", *(f"C{n}" for n in range(20)), "POISON")
    await line.work(30, step=1)
    assert line.desk.states() == ["pending", *["delivered"] * 20, "pending"]


async def test_a_refusal_is_a_dead_letter_and_says_nothing_against_the_channel(line: Line) -> None:
    line.partner.script = refuses
    await line.desk.queue(*(f"C{n}" for n in range(6)))
    await line.work(10, step=1)
    assert (set(line.desk.states()), line.loop.breaker.failures) == ({"dead"}, 0)


async def test_a_clock_that_is_set_back_delays_nothing(line: Line) -> None:
    line.partner.script = says(503, Retry_After="3600")
    await line.desk.queue("A")
    await line.once()
    line.partner.script = takes
    line.desk.clock.time -= 10 * DAY
    await line.once()
    assert line.desk.states() == ["delivered"]


async def test_what_is_cut_off_at_the_stop_is_of_unknown_outcome(line: Line) -> None:
    line.partner.script = hangs
    await line.desk.queue("A")
    await line.loop.turn()
    await line.loop.close()
    assert line.tried() == [("unknown", "stopped before there was an answer")]


async def test_a_channel_that_hangs_delays_no_other(desk: Desk, tmp_path: Path, partner: Partner) -> None:
    line = open_line(desk, partner)
    with running(hangs) as slow:
        profile = line.channel.channel.profile.model_copy(update={"channel": "slow"})
        channel = replace(line.channel, channel=replace(line.channel.channel, profile=profile), push=Push(slow.url, 20))
        dispatcher = Dispatcher(desk.journal, [channel, line.channel], desk.key, Settings(retry=RETRY, push_parallel=1))
        await desk.queue("A", "B", "C")
        await desk.journal.submit(submission(entry(message("kycApplication", "D"), destination="slow")))
        dispatcher.start()
        async with asyncio.timeout(20):
            while desk.count()["delivered"] < 3 or not slow.got:
                await asyncio.sleep(0.01)
        assert desk.count() == {"delivered": 3, "leased": 1}
        assert {name: each.failures for name, each in dispatcher.breakers().items()} == {"slow": 0, "core": 0}
        await dispatcher.stop(grace=0)
    await line.loop.close()


def test_a_lease_that_a_push_may_outlast_is_refused(desk: Desk, tmp_path: Path, partner: Partner) -> None:
    line = open_line(desk, partner)
    slow = replace(line.channel, push=Push(partner.url, 60))
    with pytest.raises(SettingsInvalid, match="lease: 60 s are over"):
        check_lease([slow], 60)


def compressed(_got: Json) -> Iterator[bytes]:
    yield http(202, gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")


async def test_a_compressed_answer_is_not_read(line: Line) -> None:
    line.partner.script = compressed
    await line.desk.queue("A")
    await line.once()
    assert line.tried() == [("unknown", "the answer is compressed")]


def refuses_for(reason: str) -> Script:
    def script(got: Json) -> Iterator[bytes]:
        error = NotValid("王小明的证件 11010119900307007X 有误")
        refusal = rejection(TRUST, BANK, error, got["header"]["messageId"])
        refusal["rejection"]["reason"] = reason
        yield http(422, orjson.dumps(refusal))

    return script


async def test_of_what_a_partner_says_a_code_alone_is_kept(line: Line) -> None:
    found = {}
    for number, reason in enumerate(SAID):
        line.partner.script = refuses_for(reason)
        await line.desk.queue(f"C{number}")
        await line.once()
        found[reason] = next(
            each["tried"][0]["detail"]
            for each in line.desk.journal.reading.deliveries(limit=100)
            if each["case_id"] == f"C{number}"
        )
    assert found == SAID


SAID = {
    "not_valid": "HTTP 422 not_valid",
    "destination_refused": "HTTP 422 destination_refused",
    "E-2002": "HTTP 422 E-2002",
    "CUST_NOT_FOUND": "HTTP 422 CUST_NOT_FOUND",
    "ID_110101199003078515": "HTTP 422",
    "0000 9": "HTTP 422 0000 9",
    "13800138000": "HTTP 422",
    "王小明": "HTTP 422",
    "Wang Xiaoming": "HTTP 422",
    "bad\n": "HTTP 422",
    "": "HTTP 422",
    # Codes, up to each limit.
    "ACQ:1": "HTTP 422 ACQ:1",
    "ERR 0001:A": "HTTP 422 ERR 0001:A",
    "1234567": "HTTP 422 1234567",
    "x" * 40: f"HTTP 422 {'x' * 40}",
    # Beyond a limit; numbers, however they are grouped; names.
    "12345678": "HTTP 422",
    "x" * 41: "HTTP 422",
    "138-0013-8000": "HTTP 422",
    "6222-0212-3456-7890": "HTTP 422",
    "110101.199003.078515": "HTTP 422",
    "Wang Xiao": "HTTP 422",
    "E1  E2": "HTTP 422",
    " E1": "HTTP 422",
}


async def test_what_a_partner_says_and_no_database_holds_is_recorded_without_that(
    tmp_path: Path, partner: Partner, postgres: Postgres
) -> None:
    desk = open_desk(tmp_path, postgres.journal_url())
    line = open_line(desk, partner)
    partner.script = refuses_for("bad\0name")
    await desk.queue("A")
    await line.once()
    assert (line.tried(), desk.states(), desk.journal.healthy()) == ([("refused", "HTTP 422")], ["dead"], True)
    await line.loop.close()
    desk.journal.close()


@pytest.mark.parametrize("steps", range(4))
async def test_a_loop_that_is_woken_as_it_is_cancelled_ends(line: Line, steps: int) -> None:
    running = asyncio.create_task(line.loop.run())
    while line.loop.wake.is_set() or not line.loop.wake._waiters:
        await asyncio.sleep(0.01)
    line.loop.wake.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=5)
    assert done == {running}
