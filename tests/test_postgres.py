"""The server that tests run on: it does not outlive those who started it."""

import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

_STARTED = """
import time
from tests.postgres import running_postgres
with running_postgres() as server:
    print(server.url(), flush=True)
    time.sleep(600)
"""
_PATIENCE = 120.0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_server_ends_with_a_run_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _STARTED], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as run:
        try:
            assert run.stdout is not None
            assert select.select([run.stdout], [], [], _PATIENCE)[0], "the server does not start"
            url = run.stdout.readline().strip().replace("postgresql+psycopg:", "postgresql:")
            with psycopg.connect(url) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
            assert row is not None
            postmaster = int((Path(row[0]) / "postmaster.pid").read_text().split()[0])
        finally:
            run.kill()
    assert _ends(postmaster), "the server lives on"
    shutil.rmtree(Path(row[0]).parent)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the state of a process by a file")
def test_a_process_that_nobody_reaps_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        assert _ends(process.pid)
        assert Path(f"/proc/{process.pid}").exists()
    assert _ends(process.pid)


def _ends(process: int, patience: float = 30.0) -> bool:
    """Wait for the end of a process, of which a zombie may be left: not everywhere are orphans reaped."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True
        if stat.rpartition(")")[2].split()[0] == "Z":  # what stands before is a name, with any signs
            return True
        time.sleep(0.05)
    return False
