"""Whatever a client sends is answered or ends its session, and touches nothing outside its folder."""

import asyncio
import struct
import tempfile
from collections.abc import Awaitable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xinqiao_gateway.fronts.sftp.server.home import Home
from xinqiao_gateway.fronts.sftp.server.layout import Layout
from xinqiao_gateway.fronts.sftp.server.limits import SftpSettings
from xinqiao_gateway.fronts.sftp.server.requests import Caller, Requests
from xinqiao_gateway.fronts.sftp.server.wire import BadPacket, Reply, Request

NAMES = st.sampled_from(
    [b"/in/a", b"/in/../../outside", b"/../outside", b"/in", b"/", b"", b"/out/a", b"/out/done/a", b"/.uploads/a",
     b"/in/\x00", b"\xff\xfe", b"/in/" + b"x" * 300, (1).to_bytes(8, "big"), (2).to_bytes(8, "big")]
) | st.binary(max_size=30)  # fmt: skip
NUMBERS = st.sampled_from([0, 1, 2, 10, 26, 2**31, 2**32 - 1])
STRINGS = NAMES.map(lambda name: struct.pack(">I", len(name)) + name)
PARTS = STRINGS | NUMBERS.map(lambda number: struct.pack(">I", number)) | st.binary(max_size=8)
KINDS = st.sampled_from([*Request, 0, 255])
PACKETS = st.builds(
    lambda kind, parts: struct.pack(">BI", kind, 7) + b"".join(parts), KINDS, st.lists(PARTS, max_size=5)
) | st.binary(max_size=40)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PACKETS, min_size=1, max_size=8))
def test_any_packets_are_answered_or_refused(packets: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        around = Path(name)
        (around / "outside").write_bytes(b"untouched")
        home = Home(around / "bank", Layout(), SftpSettings(spare=0, largest=1000, bytes=3000))
        home.make()
        (home.root / "out" / "a").write_bytes(b"for the partner")
        asyncio.run(answered(Requests(home, Caller("bank", "SHA256:x", lambda _channel: None), 3), packets))
        assert sorted(each.name for each in around.iterdir()) == ["bank", "outside"]
        assert (around / "outside").read_bytes() == b"untouched"
        assert sorted(each.name for each in home.root.iterdir()) == [".uploads", "in", "out", "result"]


async def answered(requests: Requests, packets: list[bytes]) -> None:
    try:
        for packet in packets:
            answer = requests.answer(packet)
            content = await answer if isinstance(answer, Awaitable) else answer
            assert int.from_bytes(content[:4], "big") == len(content) - 4
            assert content[4] in set(Reply)
            assert content[5:9] == packet[1:5]
    except BadPacket:
        pass
    finally:
        requests.leave()
