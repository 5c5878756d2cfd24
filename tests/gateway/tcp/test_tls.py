"""TLS under the frames: the partner's certificate stands for its signature, and ours calls nobody else's server."""

import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.tcp.certificates import Certificate, certificate
from tests.gateway.tcp.conftest import SIZE, Line, Opening, framed, notice, reply
from tests.gateway.tcp.partner import answers, serving
from tests.gateway.tcp.test_way import YES, exchange
from xinqiao_adapters.docking.certificates import fingerprint

GATEWAY, CLIENT, OTHER = certificate("gateway"), certificate("insurer"), certificate("insurer")
ISSUED = certificate("insurer", CLIENT)
TRUSTED: dict[str, Any] = {"trust": "certificate", "listen": {"tls": True, "clients": "clients.pem", "allow": []}}


def showing(found: Certificate | None, folder: Path) -> ssl.SSLContext:
    """Return how the insurer calls us: it knows our certificate, and shows its own."""
    context = ssl.create_default_context(cadata=GATEWAY.pem.decode())
    if found is not None:
        context.load_cert_chain(found.written(folder / "client.pem"))
    return context


async def opened(line: Opening, *clients: Certificate, **section: Any) -> Line:
    pem = b"".join(each.pem for each in clients)
    return await line(files={"clients.pem": pem}, tls=GATEWAY, **{**TRUSTED, **section})


async def test_a_certificate_that_is_known_stands_for_a_signature(line: Opening, tmp_path: Path) -> None:
    site = await opened(line, OTHER, CLIENT)
    answer = await site.talk(framed(notice()), ssl=showing(CLIENT, tmp_path))
    assert reply(answer)[1] == "0"
    assert site.evidence() == [f"tcp certificate {fingerprint(CLIENT.der)}"]


@pytest.mark.parametrize("shown", [OTHER, ISSUED, None], ids=["another", "issued by it", "none"])
async def test_any_other_certificate_is_not_talked_to(line: Opening, tmp_path: Path, shown: Certificate | None) -> None:
    site = await opened(line, CLIENT)
    with suppress(ConnectionError, ssl.SSLError):
        assert await site.talk(framed(notice()), ssl=showing(shown, tmp_path)) == b""
    assert site.serials() == []


async def test_a_body_that_is_refused_before_it_is_read_is_answered_all_the_same(line: Opening, tmp_path: Path) -> None:
    site = await opened(line, CLIENT, profile={"limits": {"body": 4096}})
    answer = await site.talk(framed(b"x" * 8_000_000), ssl=showing(CLIENT, tmp_path))
    assert (reply(answer)[:2], site.serials()) == (("SLRS    ", "1"), [])


async def test_plain_bytes_on_a_port_for_tls_are_not_read(line: Opening) -> None:
    site = await opened(line, CLIENT)
    with suppress(ConnectionError):
        assert not (await site.talk(framed(notice()))).startswith(b"X1.0")
    assert site.serials() == []


async def test_an_address_may_be_asked_for_beside_a_certificate(line: Opening, tmp_path: Path) -> None:
    listen = TRUSTED["listen"] | {"allow": ["10.0.0.0/8"]}
    site = await opened(line, CLIENT, listen=listen)
    with suppress(ConnectionError, ssl.SSLError):
        assert await site.talk(framed(notice()), ssl=showing(CLIENT, tmp_path)) == b""
    assert site.serials() == []


# --- out -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def partners() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def called(
    line: Opening, partners: AsyncExitStack, tmp_path: Path, server: Certificate, call: dict[str, str], **files: bytes
) -> tuple[bool, str]:
    """Return whether a server with a certificate was sent something, and the fault of the exchange."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.written(tmp_path / "server-own.pem"))
    partner = await partners.enter_async_context(serving(answers(YES), context))
    push = {"url": f"tls://127.0.0.1:{partner.port}", "timeout": 2.0}
    beside = {name.replace("_", "."): content for name, content in files.items()}
    found = await exchange(await line(profile={"push": push}, files=beside, call=call))
    assert len(partner.got) == (not found.fault)
    return found.sent, found.fault


@pytest.mark.parametrize("name", ["issuers", "server"])
async def test_a_server_with_the_certificate_that_the_profile_names_is_called(
    line: Opening, partners: AsyncExitStack, tmp_path: Path, name: str
) -> None:
    server = certificate("insurer")
    found = await called(line, partners, tmp_path, server, {name: "known.pem"}, known_pem=server.pem)
    assert found == (True, "")


async def test_an_answer_counts_whether_the_server_says_goodbye_or_not(line: Opening, tmp_path: Path) -> None:
    server = certificate("insurer")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.written(tmp_path / "server-own.pem"))
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with context.wrap_socket(connection, server_side=True) as stream:
                stream.recv(65_536)
                stream.sendall(YES)
                ended.wait(20)

        thread = threading.Thread(target=answer)
        thread.start()
        push = {"url": f"tls://127.0.0.1:{listening.getsockname()[1]}", "timeout": 0.9}
        site = await line(profile={"push": push}, files={"known.pem": server.pem}, call={"server": "known.pem"})
        found = await exchange(site)
        ended.set()
        thread.join()
    assert found.content == YES[SIZE:]


async def test_a_server_that_is_pinned_may_have_another_name(
    line: Opening, partners: AsyncExitStack, tmp_path: Path
) -> None:
    server = certificate("insurer", address="10.9.9.9")
    for name, expected in (("server", (True, "")), ("issuers", (False, "SSLCertVerificationError"))):
        assert await called(line, partners, tmp_path, server, {name: "known.pem"}, known_pem=server.pem) == expected


@pytest.mark.parametrize("call", [{"server": "known.pem"}, {"issuers": "known.pem"}, {}], ids=str)
async def test_any_other_server_is_sent_nothing(
    line: Opening, partners: AsyncExitStack, tmp_path: Path, call: dict[str, str]
) -> None:
    files = {"known_pem": OTHER.pem} if call else {}
    found = await called(line, partners, tmp_path, certificate("insurer"), call, **files)
    assert found == (False, "SSLCertVerificationError")


async def test_a_server_that_an_own_certificate_issued_is_not_the_pinned_one(
    line: Opening, partners: AsyncExitStack, tmp_path: Path
) -> None:
    found = await called(line, partners, tmp_path, ISSUED, {"server": "known.pem"}, known_pem=CLIENT.pem)
    assert found == (False, "SSLCertVerificationError")


async def test_our_own_key_is_not_used_where_others_may_read_it(
    line: Opening, partners: AsyncExitStack, tmp_path: Path
) -> None:
    server, call = certificate("insurer"), {"server": "known.pem", "own": "own.pem"}
    pair = {"known_pem": server.pem, "own_pem": OTHER.key_pem + OTHER.pem}
    assert await called(line, partners, tmp_path, server, call, **pair) == (False, "KeyUnusable")
