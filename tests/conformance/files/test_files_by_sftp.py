"""A file partner that brings a client of its own reaches the folder by the suite's SFTP server."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import paramiko
import pytest

from xinqiao_conformance.benches.files import files_bench
from xinqiao_conformance.benches.sftp import sftp_server
from xinqiao_conformance.kits import kit_named
from xinqiao_conformance.mutants.partners_of_files import partner_declared
from xinqiao_conformance.observing import Breach
from xinqiao_conformance.references.files import ReferencePartner, partner_at
from xinqiao_conformance.running import planned

_KIT = kit_named("file-partner/prepaid/sftp")
_CASES = ("file-partner.laying", "file-partner.manifests")


@contextmanager
def _client(environment: Mapping[str, str], password: str) -> Iterator[paramiko.SFTPClient]:
    address = urlsplit(environment["XINQIAO_SFTP"])
    with paramiko.Transport((address.hostname or "", address.port or 0)) as transport:
        transport.start_client(timeout=10)
        assert transport.get_remote_server_key().fingerprint == environment["XINQIAO_SFTP_HOST_KEY"]
        transport.auth_password(address.username or "", password)
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        with client:
            yield client


class _BySftp(ReferencePartner):
    def __init__(self, environment: Mapping[str, str], types: Sequence[str]) -> None:
        super().__init__(environment, types)
        self.environment = environment

    def put(self, name: str, content: bytes) -> None:
        with _client(self.environment, self.environment["XINQIAO_SFTP_PASSWORD"]) as client:
            with client.open(f"/in/{name}.part", "wb") as file:
                file.write(content)
            client.posix_rename(f"/in/{name}.part", f"/in/{name}")

    def put_mark(self, name: str) -> None:
        with _client(self.environment, self.environment["XINQIAO_SFTP_PASSWORD"]) as client:
            client.open(f"/in/{name}.ok", "wb").close()


class _InPlaceBySftp(_BySftp):
    def put(self, name: str, content: bytes) -> None:
        password = self.environment["XINQIAO_SFTP_PASSWORD"]
        with _client(self.environment, password) as client, client.open(f"/in/{name}", "wb") as file:
            file.write(content)


def _failed(folder: Path, kind: type[ReferencePartner]) -> set[str]:
    declaration = replace(partner_declared(_KIT), folder=folder, patience=10.0)
    failed = set()
    with files_bench(declaration, _KIT, start=partial(partner_at, kind=kind, types=_KIT.types)) as bench:
        for each in planned(declaration, _KIT):
            if each.id.startswith(_CASES) and not each.case.negative:
                try:
                    each.do(bench)
                except Breach:
                    failed.add(each.case.requirement.id)
    return failed


@pytest.mark.parametrize(("kind", "broken"), [(_BySftp, set()), (_InPlaceBySftp, {"TRN-010"})])
def test_what_is_laid_by_sftp_is_seen_step_by_step(
    kind: type[ReferencePartner], broken: set[str], tmp_path: Path
) -> None:
    assert _failed(tmp_path, kind) == broken


def test_another_password_opens_nothing(tmp_path: Path) -> None:
    with sftp_server(tmp_path, tmp_path) as login:
        assert login is not None
        with pytest.raises(paramiko.AuthenticationException), _client(login.environment(), "guessed"):
            pass


def test_a_subject_that_runs_finds_the_server_as_it_was(tmp_path: Path) -> None:
    logins = []
    for _ in range(2):
        with sftp_server(tmp_path, tmp_path) as login:
            logins.append(login)
    assert logins[0] == logins[1]
