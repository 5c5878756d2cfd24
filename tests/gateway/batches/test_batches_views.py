"""Batches as operators see them, on the command line and over HTTP."""

import hashlib
import json
from pathlib import Path

from starlette.testclient import TestClient
from typer.testing import CliRunner

from tests.gateway.batches.floor import Floor, lines, order
from xinqiao_gateway.cli import app
from xinqiao_gateway.fronts.rest.app import build_app

COUNTS = ("records", "accepted", "ignored", "refused", "held")


def run(*arguments: str) -> str:
    ran = CliRunner().invoke(app, list(arguments))
    assert ran.exit_code == 0, ran.output
    return ran.stdout


async def taken(floor: Floor) -> bytes:
    """Take a batch with a record that is refused, and one that is refused whole; return the first's content."""
    content = lines([order(1), order(2, tradeDate="no day")])
    await floor.take(content, floor.manifest(content, 2, allOrNothing=False))
    await floor.take(content, floor.manifest(content, 3, batchNo="B2"))
    return content


async def test_batches_are_listed_and_shown_with_the_records_that_were_refused(floor: Floor) -> None:
    content = await taken(floor)
    data = ("--data", str(floor.data), "--json")
    second, first = json.loads(run("batch", "list", *data))
    assert (second["state"], second["reason"], [first[name] for name in COUNTS]) == (
        "refused",
        "manifest_mismatch",
        [2, 1, 0, 1, 0],
    )
    shown = json.loads(run("batch", "show", str(first["file_id"]), *data))
    assert [(each["lineNo"], each["reason"]) for each in shown["listed"]] == [(2, "not_valid")]
    assert (shown["sha256"], shown["file"]) == (
        hashlib.sha256(content).hexdigest(),
        "ord******snl"[:3] + "******" + "onl",
    )
    refused = json.loads(run("batch", "show", str(second["file_id"]), *data))["refusal"]
    assert [each["path"] for each in refused["findings"]] == ["batchManifest.recordCount"]
    assert json.loads(run("batch", "list", "--state", "taken", *data)) == [first]
    assert "manifest_mismatch" in run("batch", "show", str(second["file_id"]), *data[:2])


async def test_a_refused_batch_is_traced_by_its_file_its_reason_and_how_its_manifest_was(floor: Floor) -> None:
    content = lines([order(1)])
    bare = floor.manifest(content, 1, name="others.jsonl")
    await floor.take(content, bare)
    await floor.take(content, b"no manifest")
    await floor.take(content, None, sealed=True)
    data = ("--data", str(floor.data))
    assert [each["file"] for each in json.loads(run("batch", "list", *data, "--json"))] == ["ord******onl"] * 2
    first, second = (json.loads(run("batch", "show", number, *data, "--json")) for number in "12")
    assert [(each["manifest"], each["refusal"]["reason"]) for each in (first, second)] == [
        ("sealed", "manifest_mismatch"),
        ("none", "signature_missing"),
    ]
    assert [each["value"] for each in first["refusal"]["findings"]] == ["oth******onl"]
    said = run("batch", "show", "1", *data)
    assert ("manifest: sealed" in said, "is oth******onl  expected ord******onl" in said) == (True, True)


async def test_the_file_as_it_came_is_fetched_once(floor: Floor, tmp_path: Path) -> None:
    content, to = await taken(floor), tmp_path / "fetched.jsonl"
    run("batch", "fetch", "1", str(to), "--data", str(floor.data))
    assert (to.read_bytes(), to.stat().st_mode & 0o777) == (content, 0o600)
    assert CliRunner().invoke(app, ["batch", "fetch", "1", str(to), "--data", str(floor.data)]).exit_code == 1


async def test_a_file_that_was_changed_is_not_fetched_in_part(floor: Floor, tmp_path: Path) -> None:
    await taken(floor)
    (kept,) = [each for each in (floor.data / "documents" / "files").rglob("*") if each.is_file()]
    kept.write_bytes(kept.read_bytes()[:-1])
    to = tmp_path / "fetched.jsonl"
    assert CliRunner().invoke(app, ["batch", "fetch", "1", str(to), "--data", str(floor.data)]).exit_code == 1
    assert not to.exists()


async def test_operators_read_the_same_over_http(floor: Floor) -> None:
    await taken(floor)
    listed = json.loads(run("batch", "list", "--data", str(floor.data), "--json"))
    floor.reopened()
    token = {"Authorization": f"Bearer {(floor.data / 'admin.token').read_text()}"}
    with TestClient(build_app(floor.gateway)) as http:
        assert http.get("/v1/batches").status_code == 401
        assert http.get("/v1/batches", headers=token).json() == listed
        assert http.get("/v1/batches?channel=bank&state=taken&limit=1", headers=token).json() == listed[1:]
        shown = http.get(f"/v1/batches/{listed[1]['file_id']}", headers=token).json()
        assert http.get("/v1/batches/99", headers=token).status_code == 404
    assert (shown["batch_no"], len(shown["listed"])) == ("B1", 1)
