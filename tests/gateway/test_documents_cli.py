"""The commands ``document``: what an operator puts in, takes out and verifies."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from tests.gateway.conftest import Site, message
from tests.gateway.storing import CHUNK, PDF, blob, pdf, sha256, sm3
from xinqiao.errors import (
    DocumentRefused,
    FourEyes,
    InternalError,
    MalformedQuery,
    NotFound,
    SettingsInvalid,
    UnknownChannel,
)
from xinqiao.finding import errors_in
from xinqiao.message import Json
from xinqiao.seal import access_token
from xinqiao.validation import check
from xinqiao_gateway.cli import app as whole
from xinqiao_gateway.cli.document import app
from xinqiao_gateway.cli.opening import at_desk, documents_of, opened
from xinqiao_gateway.documents import DocumentDigest
from xinqiao_gateway.journal.search import Search, found
from xinqiao_gateway.operators import Operators
from xinqiao_gateway.resolution import Wish
from xinqiao_gateway.upkeep.archiving import Archiving

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
    sent = message("kycApplication")
    image = sent["kycApplication"]["applicant"]["documents"][0]["image"]
    image["digest"] = {"algorithm": "SM3", "value": sm3(CONTENT).value}
    assert site.send("partner", sent).status_code == 202
    operators = Operators.load(site.data)
    for name in ("anna", "bo"):
        (tmp_path / name).write_text(operators.add(name))
    return Office(site, tmp_path / "anna", tmp_path / "bo")


def named(site: Site) -> tuple[int, list[str], list[str]]:
    """Return the exit status of the list of a case, its documents, and why messages could not be read."""
    status, (listed, *_) = run(site, "list", "--case", "CASE-1", "--json")
    said = json.loads(listed)
    return status, [each["sha256"] for each in said["documents"]], [each["why"] for each in said["unread"]]


def notices(site: Site) -> list[Json]:
    """Return what the journal says of what operators did, each message checked to be valid."""
    with opened(site.data) as (journal, _):
        rows = found(journal.reading, Search(message_type="exceptionNotice"))
        messages = [journal.reading.message(row["message_id"])["message"] for row in rows]
    assert [errors_in(check(each)) for each in messages] == [[] for _ in messages]
    return [each["exceptionNotice"] for each in messages]


def removal(office: Office, digest: DocumentDigest) -> Json:
    """Let Anna propose to remove a document; return the proposal."""
    wish = ("document", "remove", str(digest), "--reason", "with its case", "--token", str(office.anna), "--json")
    status, (said,) = run(office.site, *wish, command=whole)
    assert status == 0
    return dict(json.loads(said))


def test_an_erased_case_leaves_its_documents_which_two_operators_remove(office: Office) -> None:
    """A document is its content: several cases may name it, so none of them takes it along."""
    site = office.site
    assert named(site) == (0, [sha256(CONTENT).value], [])
    office.propose_and_approve("case", "erase", "CASE-1", "--reason", "over")
    assert named(site) == (1, [], ["its key was destroyed"])
    assert (office.fetched(), run(site, "verify")[0]) == (200, 0)
    asked = removal(office, sm3(CONTENT))
    assert (asked["arguments"], office.fetched()) == ({"document": str(sha256(CONTENT))}, 200)
    assert f"document {sha256(CONTENT)}, by anna" in "".join(run(site, "proposal", "show", "2", command=whole)[1])
    with pytest.raises(FourEyes):
        run(site, "proposal", "approve", "2", "--token", str(office.anna), command=whole)
    assert office.fetched() == 200
    assert run(site, "proposal", "approve", "2", "--token", str(office.bo), command=whole)[0] == 0
    assert (office.fetched(), blob(site.data, sha256(CONTENT)).exists()) == (410, False)
    (removed,) = json.loads(run(site, "list", "--json")[1][0])["removed"]
    assert (removed["by"], removed["reason"]) == ("anna+bo", "with its case")
    said = notices(site)[-1]
    about = (said["exceptionNo"], said["state"], said["handledBy"], said["resolution"], said["references"])
    references = ["proposal 2", sha256(CONTENT).value]
    assert about == ("DOCUMENT", "RESOLVED", "anna+bo", "approved remove: with its case", references)
    with pytest.raises(NotFound, match="is here; see document list"):
        removal(office, sha256(CONTENT))


def test_a_removal_whose_commit_failed_after_it_is_approved_again(office: Office) -> None:
    path = f"/v1/proposals/{removal(office, sha256(CONTENT))['proposal_id']}/approve"
    with opened(office.site.data) as (journal, installation):
        documents_of(installation, journal.reading.vault).remove(sha256(CONTENT), by="anna+bo", reason="x")
    bearer = {"Authorization": f"Bearer {office.bo.read_text()}"}
    answers = [office.site.http.post(path, headers=bearer) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 409]
    assert (answers[0].json()["state"], answers[0].json()["warning"]) == ("approved", None)


def test_a_running_gateway_removes_what_is_approved_or_says_why_not(office: Office) -> None:
    path = f"/v1/proposals/{removal(office, sha256(CONTENT))['proposal_id']}"
    bearer = {"Authorization": f"Bearer {office.bo.read_text()}"}
    in_the_way = office.site.data / "documents" / "removed"
    in_the_way.write_text("no folder")
    assert office.site.http.post(f"{path}/approve", headers=bearer).status_code == 503
    assert (office.site.admin(path)["state"], office.fetched()) == ("open", 200)
    in_the_way.unlink()
    assert office.site.http.post(f"{path}/approve", headers=bearer).status_code == 200
    assert office.fetched() == 410


@pytest.mark.parametrize("wish", [Wish("remove", "why", case_id="CASE-1"), Wish("erase", "why", document="0" * 64)])
async def test_what_is_about_something_else_is_not_proposed(office: Office, wish: Wish) -> None:
    with at_desk(office.site.data, office.anna) as it, pytest.raises(MalformedQuery, match="is about a "):
        await it.desk.propose(it.operator, wish)


def test_all_who_see_the_proposal_of_an_erasure_are_told_of_its_documents(office: Office) -> None:
    site = office.site
    wish = ("case", "erase", "CASE-1", "--reason", "over", "--token", str(office.anna))
    assert "document list --case" in "".join(run(site, *wish, command=whole)[1])
    by_api = {"action": "erase", "case_id": "CASE-1", "reason": "over"}
    bearer = {"Authorization": f"Bearer {office.anna.read_text()}"}
    told = [
        site.http.post("/v1/proposals", json=by_api, headers=bearer).json(),
        json.loads(run(site, *wish, "--json", command=whole)[1][0]),
        *site.admin("/v1/proposals"),
        site.admin("/v1/proposals/1"),
    ]
    assert ["document list --case" in each["warning"]["en"] for each in told] == [True] * 6


def test_every_message_of_a_case_is_looked_at(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document is named by the first of them, and by its other digest in the last: one row."""
    monkeypatch.setattr("xinqiao_gateway.journal.timeline.MOST", 1)
    last = message("kycApplication")
    image = last["kycApplication"]["applicant"]["documents"][0]["image"]
    image["digest"] = {"algorithm": "SHA256", "value": sha256(CONTENT).value}
    for each in (last, message("kycApplication")):
        assert office.site.send("partner", each).status_code == 202
    assert named(office.site) == (0, [sha256(CONTENT).value], [])
    with pytest.raises(NotFound, match="no case NONE"):
        run(office.site, "list", "--case", "NONE")


def test_messages_that_are_archived_are_named_and_the_list_fails(office: Office, tmp_path: Path) -> None:
    with opened(office.site.data) as (journal, installation):
        with journal.reading.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE deliveries SET state = 'delivered'")
        (file,) = asyncio.run(Archiving(journal, installation.key).archive("2999-01-01", tmp_path / "out"))
        (row,) = found(journal.reading, Search(case_id="CASE-1"))
    status, said = run(office.site, "list", "--case", "CASE-1")
    assert status == 1
    assert all(each in " ".join(said) for each in ("1 message cannot be read", row["message_id"], "journal unarchive"))
    assert run(office.site, "journal", "unarchive", str(file), command=whole)[0] == 0
    assert named(office.site) == (0, [sha256(CONTENT).value], [])


def test_where_no_gateway_was_started_there_are_no_documents(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="holds no installation"):
        CliRunner().invoke(app, ["list", "--data", str(tmp_path)], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
