"""What the suite reads of whoever answers without an end: each wait and each read is bounded."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from xinqiao_conformance.reach import http_client

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_PATIENCE = 0.3


def _dripping(sent: bytes) -> Iterator[bytes]:
    yield sent
    while not threading.Event().wait(0.05):
        yield b"a"


def _endless(_: bytes) -> Iterator[bytes]:
    yield _HEAD + b"\r\n"
    while True:
        yield b" " * 1_048_576


@contextmanager
def _answering(parts: Callable[[], Iterator[bytes]]) -> Iterator[str]:
    """Serve one connection with these bytes, whatever is asked, until the other side hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    for each in parts():
                        connection.sendall(each)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(10)
    assert not thread.is_alive()


_WITHOUT_AN_END = {
    "a head that drips": lambda: _dripping(_HEAD + b"X-Slow: "),
    "a body that drips": lambda: _dripping(_HEAD + b"Content-Length: 100000\r\n\r\n"),
    "a body without an end": lambda: _endless(b""),
    "a head without an end": lambda: iter([_HEAD + b"X-Long: " + b"a" * 2_000_000]),
    "a body that grows when it is read": lambda: iter(
        [_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na"]
    ),
    "nothing": lambda: iter([b""]),
}


@pytest.mark.parametrize("name", _WITHOUT_AN_END)
def test_an_answer_without_an_end_is_no_answer(name: str) -> None:
    with (
        _answering(_WITHOUT_AN_END[name]) as url,
        http_client(url, _PATIENCE) as client,
        pytest.raises(httpx.TransportError),
    ):
        client.get("/")


def test_a_redirect_is_not_followed() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with _answering(lambda: iter([redirect])) as url, http_client(url, 5) as client:
        assert client.get("/").status_code == 302
