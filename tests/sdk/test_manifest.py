"""The manifest of a batch file: what the command writes beside it, and what it refuses to write."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from xinqiao.cli import main
from xinqiao.manifest import Batch, Contents, manifest_of, sealed_manifest, split_seal
from xinqiao.message import read_json
from xinqiao.seal import CONTENT_TYPE_JSON, KeyRing, Sealed, new_key, open_seal, write_key
from xinqiao.testing import BANK, TRUST_COMPANY
from xinqiao.validation import check

Capture = pytest.CaptureFixture[str]
KEY = new_key("bank-1")
BATCH = Batch(BANK, TRUST_COMPANY, date(2026, 1, 22), 2)


def orders(folder: Path) -> Path:
    path = folder / "orders.jsonl"
    path.write_bytes(b"{}\n{}\n{}\n")
    return path


def run(folder: Path, *more: str, **said: str) -> int:
    """Run the command on a file of three orders; keywords are options, an empty one is left out."""
    write_key(KEY, folder / "bank.jwk") if not (folder / "bank.jwk").exists() else None
    options = {"records": "3", "sequence": "2", "sender": BANK, "receiver": TRUST_COMPANY, "date": "2026-01-22"} | said
    named = [f"--{name}={value}" for name, value in options.items() if value]
    return main(["manifest", str(orders(folder)), "--key", str(folder / "bank.jwk"), *named, *more])


def read(path: Path) -> Any:
    """Return the body of a manifest whose seal is right and which fits the standard."""
    content, signature = split_seal(path.read_bytes())
    open_seal(Sealed(content, CONTENT_TYPE_JSON, signature), KeyRing([KEY.public()]))
    message = read_json(content)
    assert check(message) == []
    return message["batchManifest"]


def test_the_command_writes_beside_a_file_what_is_in_it(tmp_path: Path, capsys: Capture) -> None:
    assert run(tmp_path) == 0
    path = tmp_path / "orders.jsonl.manifest"
    assert capsys.readouterr().out == f"{path}  20260122-2\n"
    digest = {"algorithm": "SHA256", "value": hashlib.sha256(orders(tmp_path).read_bytes()).hexdigest()}
    file = {"name": "orders.jsonl", "mediaType": "application/x-ndjson", "digest": digest, "size": "9"}
    assert read(path) == {
        "batchNo": "20260122-2",
        "businessDate": "2026-01-22",
        "sequence": 2,
        "files": [{"file": file, "recordCount": "3"}],
        "recordCount": "3",
    }


def test_for_machines_it_prints_json(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "said.manifest"
    assert run(tmp_path, "--json", out=str(path)) == 0
    assert orjson.loads(capsys.readouterr().out) == {"manifest": str(path), "batchNo": "20260122-2"}
    assert read(path)["recordCount"] == "3"


def test_a_batch_says_that_it_is_all_or_nothing_and_which_one_it_corrects(tmp_path: Path) -> None:
    assert run(tmp_path, "--all-or-nothing", replaces="20260122-1") == 0
    body = read(tmp_path / "orders.jsonl.manifest")
    assert (body["allOrNothing"], body["replacesBatchNo"]) == (True, "20260122-1")


def test_without_a_date_it_is_todays_batch(tmp_path: Path, capsys: Capture) -> None:
    assert run(tmp_path, date="") == 0
    assert capsys.readouterr().out.endswith("-2\n")
    assert read(tmp_path / "orders.jsonl.manifest")["businessDate"] >= "2026-01-22"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"date": "2026-02-30"}, "write 2026-01-22"),
        ({"date": "today"}, "write 2026-01-22"),
        ({"records": "-3"}, "recordCount"),
        ({"sequence": "-1"}, "sequence"),
        ({"sender": "bank"}, "header.sender"),
        ({"replaces": "x" * 100}, "replacesBatchNo"),
    ],
)
def test_what_the_standard_does_not_allow_is_not_written(
    tmp_path: Path, capsys: Capture, said: dict[str, str], expected: str
) -> None:
    assert run(tmp_path, **said) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "orders.jsonl.manifest").exists()


def test_a_file_that_is_not_there_is_said(tmp_path: Path, capsys: Capture) -> None:
    write_key(KEY, tmp_path / "bank.jwk")
    line = ["manifest", str(tmp_path / "no.csv"), "--records=1", "--sequence=1", f"--sender={BANK}"]
    assert main([*line, f"--receiver={TRUST_COMPANY}", "--key", str(tmp_path / "bank.jwk")]) == 2
    assert "no.csv" in capsys.readouterr().err


def test_help_is_in_both_languages(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["manifest", "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert "记录数 / records in it" in said
    assert "退出码 exit codes" in said


def test_what_was_sealed_is_split_into_the_same_parts() -> None:
    at = datetime(2026, 1, 22, 3, tzinfo=UTC)
    message = manifest_of(BATCH, Contents("a.csv", "Text/CSV; charset=GBK", "0" * 64, 5, 1), at)
    raw = sealed_manifest(message, KEY, at)
    for each in (raw, raw.rstrip(b"\n"), raw.replace(b"\n", b"\r\n")):
        content, signature = split_seal(each)
        assert read_json(content) == message
        open_seal(Sealed(content, CONTENT_TYPE_JSON, signature), KeyRing([KEY.public()]), at=at)
    assert message["batchManifest"]["files"][0]["file"]["mediaType"] == "text/csv"


def test_a_manifest_without_a_seal_is_its_content() -> None:
    assert split_seal(b'{\n"a": 1\n}\n') == (b'{\n"a": 1\n}\n', "")


def test_a_batch_without_a_file_has_no_records() -> None:
    body = manifest_of(BATCH, None)["batchManifest"]
    assert (body["recordCount"], "files" in body) == ("0", False)
