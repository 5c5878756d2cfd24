"""The onboarding guide works as written: from the example's sample file to a channel that is served."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from generate import ROOT
from tests.acceptance.test_readme import blocks_of, run
from xinqiao.errors import ProfileInvalid
from xinqiao.seal import new_key, write_key
from xinqiao_adapters.channel import load_channel
from xinqiao_adapters.formats import spec
from xinqiao_adapters.onboarding.confirmation import unconfirmed
from xinqiao_adapters.profile import Capacity, Digits, Drop, Interface, Nothing, Pad, Profile, Row, Sign
from xinqiao_gateway.cli import app

GUIDES = ("docs/onboarding.md", "docs/onboarding.zh-CN.md")
REFERENCES = ("docs/channels.md", "docs/channels.zh-CN.md")
EXAMPLE = ROOT / "docs" / "examples" / "onboarding"
SAMPLE = str(EXAMPLE / "entries.txt")


Followed = tuple[Path, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """A folder as a checkout is, after all commands of the guide, and what they printed."""
    if shutil.which("curl") is None:
        pytest.skip("the guide shows curl, which is not here")
    folder = tmp_path_factory.mktemp("guide")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / "docs").symlink_to(ROOT / "docs")
    return folder, run(folder, blocks_of(GUIDES[0]))


def test_the_guide_leads_from_the_sample_to_a_served_channel(followed: Followed) -> None:
    folder, done = followed
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 records, 5 valid, 2 unmapped leaves, 0 findings" in done.stdout
    assert "1 samples with 5 records, 4 cases, 19 rows, 20 of 20 generated messages held, 0 problems" in done.stdout
    assert done.stdout.count('"acceptedMessageId"') == 5
    assert unconfirmed(load_channel("river-bank", [folder / "data" / "channels"]).profile) == []
    assert (folder / "river-bank.html").stat().st_size > 0


def test_the_reviewed_messages_of_the_example_are_what_the_corrected_profile_reads(followed: Followed) -> None:
    written = followed[0] / "data" / "channels" / "river-bank" / "samples" / "account_entry.json"
    assert orjson.loads(written.read_bytes()) == orjson.loads((EXAMPLE / "river-bank/account_entry.json").read_bytes())


def test_both_guides_run_the_same() -> None:
    assert blocks_of(GUIDES[0]) == blocks_of(GUIDES[1])


def test_the_draft_alone_is_neither_valid_nor_served(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    named = ["--institution", "江河银行", "--code", "91110000100000000R"]
    table = ["--interface-table", str(EXAMPLE / "field-table.csv")]
    invoke = CliRunner().invoke
    invoke(app, ["channel", "new", "river-bank", "--from", SAMPLE, *table, *named, *data], catch_exceptions=False)
    tried = invoke(app, ["channel", "try", "river-bank", SAMPLE, "--json", *data])
    assert tried.exit_code == 1
    assert {each["rule"] for each in orjson.loads(tried.stdout)["findings"]} == {"schema.required", "XQ-R-009"}
    write_key(new_key("river-bank-1").public(), tmp_path / "key.jwk")
    added = invoke(app, ["channel", "add", "river-bank", "--key", str(tmp_path / "key.jwk"), *data])
    assert isinstance(added.exception, ProfileInvalid)
    assert "are unconfirmed" in str(added.exception)


def said_by_profiles() -> Iterator[str]:
    """Yield every key that a profile may have, as its author writes it."""
    parts = (Profile, Interface, Row, Sign, Pad, Nothing, Capacity, Digits, Drop, spec.Totals, spec.Column)
    formats = (spec.XmlSpec, spec.JsonSpec, spec.FormSpec, spec.FixedSpec, spec.FixedField, spec.CsvSpec)
    for model in (*parts, *formats, spec.ExcelSpec, spec.OfdSpec):
        yield from (field.alias or name for name, field in model.model_fields.items())


@pytest.mark.parametrize("reference", REFERENCES)
def test_the_reference_names_every_key_of_a_profile(reference: str) -> None:
    text = (ROOT / reference).read_text(encoding="utf-8")
    missing = {name for name in said_by_profiles() if f"{name}:" not in text and f"`{name}`" not in text}
    assert missing == set()
