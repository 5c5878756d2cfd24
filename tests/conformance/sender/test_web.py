"""The small server of the suite's own side: what it reads, and how it hangs up."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from xinqiao_conformance.benches.web import Request, Response, web_server


def _echo(request: Request) -> Response | None:
    if request.path == "/drop":
        return None
    if request.path == "/fault":
        raise RuntimeError("of the handler")
    if request.body is None:
        return Response(413)
    return Response(200, request.body or request.query.get("q", "").encode())


@pytest.fixture
def server() -> Iterator[str]:
    with web_server(_echo) as url:
        yield url


@pytest.fixture
def client(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, trust_env=False, timeout=10) as client:
        yield client


def test_a_body_of_chunks_is_read(client: httpx.Client) -> None:
    assert client.post("/", content=iter([b"one ", b"two"])).content == b"one two"


def test_a_query_is_read(client: httpx.Client) -> None:
    assert client.get("/", params={"q": "业务"}).text == "业务"


def test_a_connection_is_dropped_without_an_answer(client: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/drop")


def test_what_is_larger_than_is_read_can_be_answered(client: httpx.Client) -> None:
    assert client.post("/", content=b" " * (5 << 20)).status_code == 413


def test_chunks_without_an_end_are_not_read_to_it(server: str) -> None:
    address = urlsplit(server)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n")
        assert connection.recv(1024).startswith(b"HTTP/1.1 413")


def test_a_body_that_is_framed_wrong_is_refused(server: str) -> None:
    address = urlsplit(server)
    chunked = b"Transfer-Encoding: chunked\r\n\r\n"
    lengths = (b"Content-Length: -1\r\n\r\n", b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n")
    for wrong in (*lengths, chunked + b"xyz\r\n", chunked + b"-1\r\n", chunked + b"0x10\r\n"):
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n" + wrong)
            assert connection.recv(1024).startswith(b"HTTP/1.1 400")


def test_more_connections_than_are_served_are_hung_up_on(server: str) -> None:
    address = urlsplit(server)
    place = (str(address.hostname), int(address.port or 0))
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.create_connection(place, timeout=10)) for _ in range(300)]
        assert opened[-1].recv(1) == b""
        opened[0].sendall(b"GET /?q=a HTTP/1.1\r\nHost: a\r\n\r\n")
        assert opened[0].recv(1024).startswith(b"HTTP/1.1 200")


def test_a_fault_of_the_handler_is_answered_and_logged(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get("/fault").status_code == 500
    assert "of the handler" in caplog.text
