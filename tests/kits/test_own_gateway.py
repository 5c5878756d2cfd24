"""The gateway passes its own kits: a real process, channels that fetch, over REST and over gRPC."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.acceptance.ports import free_port
from tests.acceptance.test_serve import serving
from xinqiao.seal import new_key, write_key
from xinqiao.testing import BANK, INSURER, TRUST_COMPANY
from xinqiao_conformance.declaration import Declaration, read_declaration
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import kits
from xinqiao_conformance.running import run
from xinqiao_gateway.installation import add_channel

INSTITUTIONS = {
    "partner": {"name": "合作银行", "type": "bank", "code": BANK},
    "core": {"name": "信托核心", "type": "trust-company", "code": TRUST_COMPANY},
    "stranger": {"name": "保险公司", "type": "insurer", "code": INSURER},
}


def install(folder: Path) -> Path:
    """Make an installation of three channels for tests, and the private keys of their owners beside it."""
    for name, institution in INSTITUTIONS.items():
        key = new_key(f"{name}-1")
        write_key(key, folder / f"{name}.jwk")
        write_key(key.public(), folder / f"{name}.pub.jwk")
        keys = [folder / f"{name}.pub.jwk"]
        add_channel(folder / "data", name, extends="canonical", keys=keys, institution=institution, test=True)
    return folder / "data"


def declared(folder: Path, url: str, grpc: str, kits: list[str]) -> Declaration:
    """Declare the gateway, as whoever certifies one does."""
    links = {
        name: {"channel": name, "key": f"{name}.jwk", "institution": each["code"]}
        for name, each in INSTITUTIONS.items()
    }
    declaration = {
        "declaration": "1",
        "standard": "1.0",
        "subject": {"name": "信桥网关", "institution": TRUST_COMPANY, "product": "xinqiao-gateway"},
        "kits": kits,
        "supports": ["pull", "proofs"],
        "reach": {"gateway": {"url": url, "grpc": grpc, **links}},
        "patience": 10,
    }
    path = folder / "declaration.yaml"
    path.write_text(yaml.safe_dump(declaration, allow_unicode=True), encoding="utf-8")
    return read_declaration(path)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    folder = tmp_path_factory.mktemp("gateway")
    data, port = install(folder), free_port()
    (data / "gateway.yaml").write_text(f"grpc_port: {port}\n")
    with serving(data) as (_, url):
        yield folder, url, f"127.0.0.1:{port}"


@pytest.mark.parametrize("kit", [each.id for each in kits() if each.role == "gateway"])
def test_the_gateway_meets_its_kit(gateway: tuple[Path, str, str], kit: str, tmp_path: Path) -> None:
    folder, url, grpc = gateway
    declaration = declared(folder, url, grpc, [kit])
    with Evidence(tmp_path / "evidence.jsonl", declaration) as evidence:
        results = run(declaration, evidence)
    failed = [
        (each.id, result.case, result.finding and result.finding.expected)
        for of_kit in results.kits
        for each in of_kit.requirements
        for result in each.cases
        if result.result != "passed"
    ]
    assert failed == []
    assert results.verdict == "passed"
