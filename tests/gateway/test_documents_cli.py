"""The commands ``document``: what an operator puts in, takes out and verifies."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.gateway.conftest import Site
from tests.gateway.storing import CHUNK, PDF, blob, pdf, sha256, sm3
from xinqiao.errors import DocumentRefused, InternalError, NotFound, SettingsInvalid, UnknownChannel
from xinqiao_gateway.cli.document import app
from xinqiao_gateway.documents import DocumentDigest

CONTENT = pdf(2 * CHUNK)


def run(site: Site, *arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, [*arguments, "--data", str(site.data)], catch_exceptions=False)
    return result.exit_code, result.output.splitlines()


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.pdf"
    path.write_bytes(CONTENT)
    return path


def test_a_document_is_put_listed_verified_and_taken_out(site: Site, scan: Path, tmp_path: Path) -> None:
    digests = [str(sha256(CONTENT)), str(sm3(CONTENT))]
    assert run(site, "put", str(scan), "--channel", "core") == (
        0,
        [*digests, f"{2 * CHUNK} bytes, {PDF}: 已存入 stored"],
    )
    assert run(site, "put", str(scan), "--channel", "core")[1][-1] == f"{2 * CHUNK} bytes, {PDF}: 原已在库 was there"
    listed = json.loads(run(site, "list", "--json")[1][0])
    (row,) = listed["documents"]
    assert row.pop("stored_at").endswith("Z")
    assert (row, listed["removed"]) == (
        {
            "sha256": sha256(CONTENT).value, "sm3": sm3(CONTENT).value, "media_type": PDF,
            "size": 2 * CHUNK, "holders": "core",
        },
        [],
    )  # fmt: skip
    assert sha256(CONTENT).value in "".join(run(site, "list")[1])
    assert run(site, "verify") == (0, ["1 份文档 1 document: 校验通过 verified"])
    assert run(site, "verify", str(sm3(CONTENT))) == (0, ["1 份文档 1 document: 校验通过 verified"])
    out = tmp_path / "out.pdf"
    assert run(site, "get", str(sm3(CONTENT)), "--out", str(out)) == (0, [f"{2 * CHUNK} bytes, {PDF}: {out}"])
    assert out.read_bytes() == CONTENT
    piped = CliRunner().invoke(app, ["get", sha256(CONTENT).value, "--out", "-", "--data", str(site.data)])
    assert piped.stdout_bytes == CONTENT


def test_a_damaged_document_is_named_and_not_written(site: Site, scan: Path, tmp_path: Path) -> None:
    run(site, "put", str(scan), "--channel", "core")
    path = blob(site.data, sha256(CONTENT))
    path.write_bytes(path.read_bytes()[:-1])
    status, said = run(site, "verify")
    assert (status, said) == (
        1,
        [
            f"document {sha256(CONTENT).value}: chunk 2 of 2 was changed, moved or cut off",
            "1 份文档 1 document: 1 份已损坏，请从备份恢复 1 damaged; restore them from a backup",
        ],
    )
    with pytest.raises(InternalError):
        run(site, "get", sha256(CONTENT).value, "--out", str(tmp_path / "out.pdf"))
    assert not (tmp_path / "out.pdf").exists()
    path.write_bytes(b"")
    (row,) = json.loads(run(site, "list", "--json")[1][0])["documents"]
    assert row["media_type"] == "?"


def test_what_cannot_be_put_or_taken_out_says_why(site: Site, scan: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownChannel, match="the channels are "):
        run(site, "put", str(scan), "--channel", "nobody")
    with pytest.raises(DocumentRefused):
        run(site, "put", str(scan), "--channel", "core", "--type", "image/png")
    with pytest.raises(NotFound):
        run(site, "get", str(DocumentDigest("SM3", "0" * 64)), "--out", str(tmp_path / "out"))
    assert run(site, "list") == (0, ["0 份文档，0 份已销毁；0 documents, 0 removed"])


def test_where_no_gateway_was_started_there_are_no_documents(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="holds no installation"):
        CliRunner().invoke(app, ["list", "--data", str(tmp_path)], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
