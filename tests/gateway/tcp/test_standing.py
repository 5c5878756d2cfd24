"""What a profile may say of framed TCP beside its other parts, and the channel that comes with Xinqiao."""

from pathlib import Path
from typing import Any

import pytest

from tests.gateway.tcp.certificates import certificate
from tests.gateway.tcp.conftest import SIZE, framed, read_profile, write_profile
from xinqiao.adapter import Decoded
from xinqiao.errors import ProfileInvalid
from xinqiao_adapters.channel import Channel, load_channel
from xinqiao_adapters.docking.frame import compile_frame

FAR = {"port": 7301, "host": "0.0.0.0", "allow": ["10.1.2.0/24"]}
OVER_TCP = {"url": "tcp://10.1.2.3:7301"}


def loaded(folder: Path, tcp: dict[str, Any] | None, **more: Any) -> Channel:
    """Load a channel with so much of ``tcp``; None: none at all."""
    profile = read_profile(Path(__file__).parent / "line.yaml") | more
    profile["tcp"] = None if tcp is None else profile["tcp"] | {"trust": "address"} | tcp
    (folder / "line").mkdir(exist_ok=True)
    said = {key: value for key, value in profile.items() if value is not None}
    write_profile(folder / "line" / "channel.yaml", said)
    return load_channel("line", [folder])


@pytest.mark.parametrize(
    ("tcp", "more", "problem"),
    [
        (None, {"push": OVER_TCP}, "push.url: framed TCP needs the frame"),
        ({}, {"push": {"url": "tcp://10.1.2.3"}}, "write tcp://host:port"),
        ({}, {"push": {"url": "tls://10.1.2.3:7301/path"}}, "write tls://host:port"),
        ({}, {"push": {"url": "tcp://10.1.2.3:99999"}}, "push.url: no address"),
        ({}, {"push": {"url": "tcp://bank..example:7301"}}, "push.url: no address"),
        ({}, {"push": OVER_TCP}, "push.url: tcp://10.1.2.3:7301 would carry production messages in the clear"),
        ({"listen": FAR}, {}, "tcp.listen.host: 0.0.0.0 would carry production messages in the clear"),
        ({"trust": "seal", "listen": {"port": 7301}}, {}, "tcp.frame: signatures of this channel stand beside"),
        ({"trust": "seal"}, {"push": {"url": "tls://10.1.2.3:7301"}}, "tcp.frame: signatures of this channel"),
        ({"call": {"server": "known.pem"}}, {}, "tcp.call.server: .*known.pem: No such file"),
    ],
)
def test_what_would_go_wrong_on_the_line_is_no_profile(
    tmp_path: Path, tcp: dict[str, Any] | None, more: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ProfileInvalid, match=rf"channel\.yaml:\d+: .*{problem}"):
        loaded(tmp_path, tcp, **more)


@pytest.mark.parametrize(
    ("tcp", "more"),
    [
        ({"protected_by": "专线"}, {"push": OVER_TCP}),
        ({"protected_by": "专线", "listen": FAR}, {}),
        ({}, {"push": OVER_TCP, "test": True}),
        ({}, {"push": {"url": "tls://10.1.2.3:7301"}}),
        ({"listen": FAR | {"tls": True}}, {}),
        ({"listen": {"port": 7301, "allow": ["127.0.0.1"]}}, {"push": {"url": "tcp://127.0.0.1:7301"}}),
        ({"trust": "seal"}, {}),
    ],
)
def test_a_line_that_is_protected_may_carry_messages(tmp_path: Path, tcp: dict[str, Any], more: dict[str, Any]) -> None:
    assert loaded(tmp_path, tcp, **more).channel_id == "line"


def test_a_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "line").mkdir()
    (tmp_path / "line" / "known.pem").write_bytes(certificate("insurer").key_pem)
    with pytest.raises(ProfileInvalid, match=r"known.pem holds no certificate in PEM"):
        loaded(tmp_path, {"call": {"server": "known.pem"}})


def test_a_partner_that_signs_in_its_own_way_is_asked_for_its_signature(tmp_path: Path) -> None:
    partner = {"signature": {"algorithm": "HMAC-SM3", "text": {"kind": "raw"}, "header": "X-Sign"}}
    security = {"scheme": "partner", "sealings": {"message": partner}, "in": "message", "out": "message"}
    with pytest.raises(ProfileInvalid, match=r"tcp\.trust: the partner signs in its own way"):
        loaded(tmp_path, {}, security=security)


@pytest.fixture(scope="module")
def shipped() -> Channel:
    return load_channel("insurer-tcp", [])


def test_the_shipped_frame_is_read_whole(shipped: Channel) -> None:
    section = shipped.profile.tcp
    assert section is not None
    frame, raw = compile_frame(section), (shipped.folders[0] / "frames/premium_notice.bin").read_bytes()
    head = frame.read(raw[: frame.size])
    assert (frame.size, head.kept) == (SIZE, (b"SLRS    ",))
    body = frame.body(head, raw[frame.size :])
    assert framed(body) == raw
    (decoded,) = shipped.adapter.decode(body, section.content_type)
    assert isinstance(decoded, Decoded)
    assert (decoded.interface, decoded.message["header"]["partnerSerial"]) == ("premium_notice", "YS260421000032")


def test_the_shipped_channel_asks_what_became_of_an_acceptance(shipped: Channel) -> None:
    ways = {name: each.unknown for name, each in shipped.profile.interfaces.items() if each.goes_out}
    assert ways == {"endorsement_accept": "query acceptance_query"}
