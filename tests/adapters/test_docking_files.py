"""The section ``files`` of a profile: what may be left out, and what a wrong one is told."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from xinqiao_adapters.docking.files import Address, Files, Marker

LOGIN = {"host_keys": [f"SHA256:{'A' * 43}"], "key_file": "key"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def test_the_smallest_section_is_the_channels_own_folder() -> None:
    files = Files.model_validate({})
    assert (files.address, files.watched, files.archive, files.error, files.results) == (
        None, "in", "archive", "error", "result",
    )  # fmt: skip
    assert files.done == Marker(marker=".ok")
    assert (files.manifest.presence, files.seal, files.after) == ("required", "required", "archive")
    assert files.result_name("a.csv") == "a.csv.result"


def test_a_partners_server_is_watched_where_its_address_leads() -> None:
    files = Files.model_validate({"from": "sftp://bank@sftp.example.com:2222/send", "login": LOGIN})
    assert files.address == Address(user="bank", host="sftp.example.com", port=2222, folder="/send")
    assert files.watched == ""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("sftp://u@h", ("h", 22, "/~")),
        ("sftp://u@h/", ("h", 22, "/")),
        ("sftp://u@h/~/out/", ("h", 22, "/~/out")),
        ("sftp://u@[::1]:23/a", ("::1", 23, "/a")),
    ],
)
def test_addresses_that_are_understood(said: str, expected: tuple[str, int, str]) -> None:
    found = Address.parse(said)
    assert (found.host, found.port, found.folder) == expected


@pytest.mark.parametrize("key", [f"SHA256:{'A' * 43}", KEY, f"host {KEY}", f"[host]:22 {KEY} comment"])
def test_host_keys_that_are_understood(key: str) -> None:
    files = Files.model_validate({"from": "sftp://u@h", "login": LOGIN | {"host_keys": [key]}})
    assert files.login is not None
    assert files.login.host_keys == [key if key.startswith("SHA256") else KEY]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"done": {}}, "marker, temporary, stable or index"),
        ({"done": {"marker": ".ok", "stable": 3}}, "marker, temporary, stable or index"),
        ({"done": {"marker": "a/b"}}, "no ending of a file name"),
        ({"done": {"marker": ".manifest"}}, "are the same"),
        ({"done": {"stable": 0}}, "greater than 0"),
        ({"names": "a/*"}, "no pattern of file names"),
        ({"names": {}}, "at least 1 item"),
        ({"from": "sftp://user:secret@h", "login": LOGIN}, "the password in a file"),
        ({"from": "ftp://u@h", "login": LOGIN}, "no address"),
        ({"from": "sftp://u@h:99999", "login": LOGIN}, "between 1 and 65535"),
        ({"from": "sftp://u@h/../x", "login": LOGIN}, "without . or .."),
        ({"from": "sftp://u@h"}, "from and login go together"),
        ({"login": LOGIN}, "from and login go together"),
        ({"from": "sftp://u@h", "login": {"host_keys": [], "key_file": "k"}}, "at least 1 item"),
        ({"from": "sftp://u@h", "login": LOGIN | {"host_keys": ["MD5:00"]}}, "a host key is"),
        ({"from": "sftp://u@h", "login": LOGIN | {"host_keys": ["h ssh-ed25519 AAAA"]}}, "a host key is"),
        ({"from": "sftp://u@h", "login": {"host_keys": [KEY]}}, "say who we are"),
        ({"from": "sftp://u@h", "login": {"host_keys": [KEY], "password_file": "p", "certificate_file": "c"}}, "key_"),
        ({"from": "sftp://u@h", "login": LOGIN | {"password": "x"}}, "not permitted"),
        ({"from": "sftp://u@h", "login": LOGIN | {"permissions": {"rename": False}}}, "after: archive needs"),
        (
            {"from": "sftp://u@h", "after": "remove", "login": LOGIN | {"permissions": {"remove": False}}},
            "after: remove needs",
        ),
        ({"archive": "/archive"}, "without a leading /"),
        ({"archive": "../up"}, "without . or .."),
        ({"archive": "error"}, "four folders"),
        ({"inbox": "result"}, "four folders"),
        ({"manifest": "none"}, "the seal comes with the manifest"),
        ({"manifest": "optional"}, "the seal comes with the manifest"),
        ({"result": "answer.txt"}, "{name}"),
        ({"manifest": "sometimes"}, "'required', 'optional' or 'none'"),
        ({"every": 0}, "greater than or equal to 1"),
        ({"evry": 5}, "not permitted"),
    ],
)
def test_a_section_that_cannot_work_is_refused_with_what_to_write(section: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as found:
        Files.model_validate(section)
    assert said in str(found.value)


def test_the_sections_in_the_documentation_are_understood_and_the_same_in_both_languages() -> None:
    docs = Path(__file__).parents[2] / "docs"
    english, chinese = (
        re.findall(r"```yaml\n(.*?)```", (docs / name).read_text(), re.DOTALL) for name in ("sftp.md", "sftp.zh-CN.md")
    )
    assert english == chinese
    assert len([Files.model_validate(yaml.safe_load(each)["files"]) for each in english]) == 2
