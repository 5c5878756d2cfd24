"""The commands ``document``: what an operator puts in, takes out and verifies."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from tests.gateway.conftest import Site, message
from tests.gateway.storing import CHUNK, PDF, blob, pdf, sha256, sm3
from xinqiao.errors import (
    ContentGone,
    DocumentRefused,
    FourEyes,
    InternalError,
    NotFound,
    SettingsInvalid,
    UnknownChannel,
)
from xinqiao.seal import access_token
from xinqiao_gateway.cli import app as whole
from xinqiao_gateway.cli.document import app
from xinqiao_gateway.documents import DocumentDigest
from xinqiao_gateway.operators import Operators

CONTENT = pdf(2 * CHUNK)


def run(site: Site, *arguments: str, command: Typer = app) -> tuple[int, list[str]]:
    result = CliRunner().invoke(command, [*arguments, "--data", str(site.data)], catch_exceptions=False)
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


# --- erasure -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Office:
    """A case with a document, and two operators."""

    site: Site
    anna: Path
    bo: Path

    def propose_and_approve(self, *wish: str) -> None:
        assert run(self.site, *wish, "--token", str(self.anna), command=whole)[0] == 0
        assert run(self.site, "proposal", "approve", "1", "--token", str(self.bo), command=whole)[0] == 0

    def fetched(self) -> int:
        """Fetch the document as the channel that sent it; return the status."""
        path = f"/v1/channels/partner/documents/{sha256(CONTENT).value}"
        bearer = {"Authorization": f"Bearer {access_token(self.site.key, path)}"}
        return self.site.http.get(path, headers=bearer).status_code


@pytest.fixture
def office(site: Site, scan: Path, tmp_path: Path) -> Office:
    run(site, "put", str(scan), "--channel", "partner")
    found = message("kycApplication")
    image = found["kycApplication"]["applicant"]["documents"][0]["image"]
    image["digest"] = {"algorithm": "SM3", "value": sm3(CONTENT).value}
    assert site.send("partner", found).status_code == 202
    operators = Operators.load(site.data)
    for name in ("anna", "bo"):
        (tmp_path / name).write_text(operators.add(name))
    return Office(site, tmp_path / "anna", tmp_path / "bo")


def named(site: Site) -> list[str]:
    listed = json.loads(run(site, "list", "--case", "CASE-1", "--json")[1][0])
    return [each["sha256"] for each in listed["documents"]]


def test_an_erased_case_leaves_its_documents_which_two_operators_remove(office: Office) -> None:
    """A document is its content: several cases may name it, so none of them takes it along."""
    site, digest = office.site, str(sha256(CONTENT))
    assert named(site) == [sha256(CONTENT).value]
    office.propose_and_approve("case", "erase", "CASE-1", "--reason", "over")
    assert named(site) == []  # the messages that name it are gone
    assert (office.fetched(), run(site, "verify")[0]) == (200, 0)
    given = ("--reason", "with its case", "--token", str(office.anna))
    with pytest.raises(FourEyes, match="both tokens are of anna"):
        run(site, "remove", digest, *given, "--checker", str(office.anna))
    done = run(site, "remove", digest, *given, "--checker", str(office.bo))
    assert done == (0, [f"已销毁 removed: sha256:{sha256(CONTENT).value}"])
    assert (office.fetched(), blob(site.data, sha256(CONTENT)).exists()) == (410, False)
    (removed,) = json.loads(run(site, "list", "--json")[1][0])["removed"]
    assert (removed["by"], removed["reason"]) == ("anna+bo", "with its case")
    with pytest.raises(ContentGone):
        run(site, "remove", digest, *given, "--checker", str(office.bo))


def test_who_proposes_to_erase_a_case_is_told_of_its_documents(office: Office) -> None:
    wish = ("case", "erase", "CASE-1", "--reason", "over", "--token", str(office.anna))
    assert "document list --case" in "".join(run(office.site, *wish, command=whole)[1])


def test_a_case_of_very_many_messages_says_that_not_all_were_looked_at(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xinqiao_gateway.journal.timeline.MOST", 1)
    assert office.site.send("partner", message("kycApplication")).status_code == 202
    said = "".join(run(office.site, "list", "--case", "CASE-1")[1])
    assert "1 earlier message not looked at" in said


def test_where_no_gateway_was_started_there_are_no_documents(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="holds no installation"):
        CliRunner().invoke(app, ["list", "--data", str(tmp_path)], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
