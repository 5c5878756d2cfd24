"""What a person tries a channel with: ``xinqiao-conformance framed`` plays the insurer's side."""

import asyncio
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from tests.gateway.tcp.conftest import SIZE, Opening, free_port, notice
from tests.gateway.tcp.partner import framed_answer
from tests.gateway.tcp.test_way import exchange
from xinqiao_conformance.simulators.framed import framed

HEAD = ("--head", "X1.0########SLRS    0 0", "--size", str(SIZE))


async def sent(*arguments: str) -> Result:
    """Run the command in a thread: the gateway that it calls is in the loop of the test."""
    return await asyncio.to_thread(CliRunner().invoke, framed, ["send", *arguments])


async def test_a_file_is_sent_in_a_frame_and_the_answer_is_shown(line: Opening, tmp_path: Path) -> None:
    site = await line()
    file = tmp_path / "notice.xml"
    file.write_bytes(notice())
    found = await sent(f"127.0.0.1:{site.port}", str(file), *HEAD)
    assert (found.exit_code, "<Flag>0</Flag>" in found.stdout) == (0, True)
    assert site.serials() == ["YS260421000032"]


async def test_no_answer_is_said_and_is_a_failure(line: Opening, tmp_path: Path) -> None:
    site = await line()
    file = tmp_path / "notice.xml"
    file.write_bytes(notice())
    found = await sent(f"127.0.0.1:{site.port}", str(file), "--head", "X2.0########", "--size", "73")
    assert (found.exit_code, "the connection ended after 0 bytes" in found.stderr) == (1, True)
    found = await sent(f"127.0.0.1:{free_port()}", str(file), *HEAD)
    assert (found.exit_code, "Connect call failed" in found.stderr) == (1, True)


async def test_a_head_without_a_place_for_the_length_is_no_frame(tmp_path: Path) -> None:
    file = tmp_path / "notice.xml"
    file.write_bytes(notice())
    for head in ("X1.0", "####X####", "########" * 10):
        assert (await sent("127.0.0.1:1", str(file), "--head", head, "--size", "73")).exit_code == 2
    assert (await sent("127.0.0.1:1", str(file), *HEAD, "--encoding", "GBX")).exit_code == 2


async def test_whoever_calls_is_answered_alike(line: Opening, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "answer.xml"
    file.write_bytes(framed_answer("0")[SIZE:])
    pipe, command = asyncio.subprocess.PIPE, (sys.executable, "-m", "xinqiao_conformance", "framed", "answer")
    process = await asyncio.create_subprocess_exec(*command, str(file), "--port", str(port), *HEAD, stdout=pipe)
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert await process.stdout.readline() == f"127.0.0.1:{port}\n".encode()
    site = await line(profile={"push": {"url": f"tcp://127.0.0.1:{port}", "timeout": 5.0}})
    assert (await exchange(site)).content == file.read_bytes()
    process.terminate()
    said, _ = await process.communicate()
    assert b"X1.000000011XINQIAO 0 0" in said
