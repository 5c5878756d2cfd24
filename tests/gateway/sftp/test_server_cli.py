"""The commands for the keys of the embedded SFTP server."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.gateway.conftest import PARTNER
from tests.gateway.sftp.serving import make_key
from xinqiao.errors import KeyUnusable, NotFound, UnknownChannel
from xinqiao.seal import new_key, write_key
from xinqiao_gateway.cli.sftp import app
from xinqiao_gateway.installation import add_channel


@pytest.fixture
def data(tmp_path: Path) -> Path:
    seal, data = tmp_path / "partner.pub.jwk", tmp_path / "data"
    write_key(new_key("partner-1").public(), seal)
    add_channel(data, "bank", extends="canonical", keys=[seal], institution=PARTNER)
    return data


def said(data: Path, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--data", str(data)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_key_is_allowed_listed_and_revoked(data: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path / "bank").with_suffix(".pub")
    assert "nobody logs in" in said(data, "keys", "bank")
    (added,) = json.loads(said(data, "allow", "bank", str(key), "--json"))
    assert (added["kind"], added["issuer"]) == ("ssh-ed25519", False)
    assert "allowed before" in said(data, "allow", "bank", str(key))
    assert json.loads(said(data, "keys", "bank", "--json")) == [added]
    assert added["fingerprint"] in said(data, "keys", "bank")
    assert "revoked" in said(data, "revoke", "bank", added["fingerprint"])
    assert json.loads(said(data, "keys", "bank", "--json")) == []
    with pytest.raises(NotFound):
        said(data, "revoke", "bank", added["fingerprint"])


def test_an_issuer_is_told_from_a_key(data: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path / "bank").with_suffix(".pub")
    said(data, "allow", "bank", str(key), "--issuer")
    said(data, "allow", "bank", str(key))
    assert [each["issuer"] for each in json.loads(said(data, "keys", "bank", "--json"))] in (
        [False, True],
        [True, False],
    )


def test_a_private_key_is_not_taken_for_a_public_one(data: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="no public key"):
        said(data, "allow", "bank", str(make_key(tmp_path / "bank")))
    assert not (data / "channels" / "bank" / "ssh").exists()


def test_a_channel_that_is_not_there_gets_no_key(data: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path / "bank").with_suffix(".pub")
    for channel in ("nobody", "../keys"):
        with pytest.raises(UnknownChannel):
            said(data, "allow", channel, str(key))


def test_the_host_key_is_shown_as_it_stays(data: Path) -> None:
    shown = json.loads(said(data, "host-key", "--json"))
    assert shown["fingerprint"].startswith("SHA256:")
    assert said(data, "host-key").startswith(shown["key"])
    assert (data / "keys" / "ssh_host_ed25519.pub").read_text() == shown["key"] + "\n"
