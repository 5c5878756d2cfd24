"""Operators: names and digests in a file, tokens nowhere."""

import json
import stat
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from tests.gateway.conftest import Site
from xinqiao.errors import NotAuthorized, NotFound, SettingsInvalid
from xinqiao_gateway.cli import app
from xinqiao_gateway.cli.opening import signed_in
from xinqiao_gateway.operators import Operator, Operators


def test_a_token_names_its_operator_and_is_kept_nowhere(tmp_path: Path) -> None:
    operators = Operators.load(tmp_path)
    token = operators.add("anna")
    assert Operators.load(tmp_path).with_token(f"{token}\n") == Operator("anna")
    file = tmp_path / "operators.yaml"
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["operators.yaml"]


def test_who_is_added_or_removed_elsewhere_counts_at_once(tmp_path: Path) -> None:
    running = Operators.load(tmp_path)
    token = Operators.load(tmp_path).add("anna")
    assert running.with_token(token) == Operator("anna")
    Operators.load(tmp_path).remove("anna")
    with pytest.raises(NotAuthorized):
        running.with_token(token)


def test_the_file_is_parsed_again_only_when_it_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operators = Operators.load(tmp_path)
    token = operators.add("anna")
    parsed: list[str] = []
    load = yaml.safe_load

    def counted(text: str) -> object:
        parsed.append(text)
        return load(text)

    monkeypatch.setattr(yaml, "safe_load", counted)
    for _ in range(3):
        assert operators.with_token(token) == Operator("anna")
    assert len(parsed) == 1
    (tmp_path / "operators.yaml").unlink()
    with pytest.raises(NotAuthorized):
        operators.with_token(token)


@pytest.mark.parametrize("name", ["", "a", "Anna", "1a", "a b", "a" * 51, "张"])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsInvalid):
        Operators.load(tmp_path).add(name)


@pytest.mark.parametrize("text", ["operators: 1", "others: {}", "{", "- a"])
def test_a_file_that_cannot_be_read_lets_nobody_in(tmp_path: Path, text: str) -> None:
    operators = Operators.load(tmp_path)
    token = operators.add("anna")
    (tmp_path / "operators.yaml").write_text(text)
    with pytest.raises(SettingsInvalid):
        operators.with_token(token)
    with pytest.raises(SettingsInvalid):
        Operators.load(tmp_path)


def test_an_operator_that_is_none_is_not_removed(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Operators.load(tmp_path).remove("anna")


def test_commands_add_list_and_remove(site: Site) -> None:
    def run(*arguments: str) -> Result:
        done = CliRunner().invoke(app, ["operator", *arguments, "--data", str(site.data)], catch_exceptions=False)
        assert done.exit_code == 0
        return done

    added = run("add", "anna")
    (token,) = added.stdout.splitlines()
    assert Operators.load(site.data).with_token(token) == Operator("anna")
    assert all(said in added.stderr for said in ("令牌只显示这一次", "The token is shown this once"))
    assert json.loads(run("add", "anna", "--json").stdout)["replaced"] is True
    assert "a maker and a checker" in run("list").stdout
    run("remove", "anna")
    assert json.loads(run("list", "--json").stdout) == []


def test_a_tokens_file_is_what_the_command_printed_and_nothing_more(site: Site, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["operator", "add", "anna", "--data", str(site.data)], catch_exceptions=False)
    file = tmp_path / "anna.token"
    file.write_text(done.stdout)
    assert signed_in(site.data, file) == Operator("anna")
    file.write_text(f"{done.stdout}anna\n")
    with pytest.raises(NotAuthorized, match="the file has 2 lines, one is expected"):
        signed_in(site.data, file)
    file.write_bytes(b"\xff")
    with pytest.raises(NotAuthorized, match="no text"):
        signed_in(site.data, file)
