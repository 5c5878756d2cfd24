"""What is generated and committed is what the proto files say now."""

import json
import re
from pathlib import Path

from jsonschema_rs import Draft202012Validator

from generate import ROOT, SDK
from generate.coverage import write_coverage
from generate.errors import write_errors
from generate.jsonschema import write_schemas
from generate.openapi import write_openapi
from generate.typed import write_typed
from generate.vectors import write_vectors
from xinqiao.standard import message_types
from xinqiao.testing import vector

OPENAPI = ROOT / "schemas" / "openapi" / "v1.json"


def contents(folder: Path, pattern: str) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob(pattern)}


def test_the_typed_messages_are_fresh(tmp_path: Path) -> None:
    fresh = tmp_path / "xinqiao"
    (fresh / "v1").mkdir(parents=True)
    write_typed(fresh)
    assert contents(fresh / "v1", "*.py") == contents(SDK / "v1", "*.py")
    exchange = Path("exchange") / "v1"
    assert contents(fresh / exchange, "*_pb*.py") == contents(SDK / exchange, "*_pb*.py")
    assert contents(fresh / "buf", "*.py") == contents(SDK / "buf", "*.py")


def test_the_json_schemas_are_fresh(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    assert contents(tmp_path, "*.json") == contents(ROOT / "schemas" / "json" / "v1", "*.json")


def test_the_page_of_errors_is_fresh(tmp_path: Path) -> None:
    write_errors(tmp_path / "errors.md")
    assert (tmp_path / "errors.md").read_text() == (ROOT / "docs" / "errors.md").read_text()


def test_the_page_of_coverage_is_fresh(tmp_path: Path) -> None:
    write_coverage(tmp_path / "coverage.md")
    assert (tmp_path / "coverage.md").read_text() == (ROOT / "docs" / "conformance" / "coverage.md").read_text()


def test_the_openapi_components_are_fresh(tmp_path: Path) -> None:
    write_openapi(tmp_path / "v1.json")
    assert (tmp_path / "v1.json").read_text() == OPENAPI.read_text()


def test_every_reference_of_the_openapi_components_leads_somewhere() -> None:
    text = OPENAPI.read_text()
    components = json.loads(text)["components"]["schemas"]

    assert set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', text)) <= components.keys()
    assert {f"{kind.name}.Message" for kind in message_types().values()} < components.keys()
    assert "#/$defs/" not in text


def test_the_openapi_components_judge_as_the_json_schemas_do() -> None:
    document = json.loads(OPENAPI.read_text())
    validator = Draft202012Validator({**document, "$ref": "#/components/schemas/Message"})
    for body in ("kycApplication", "navReport"):
        assert validator.is_valid(vector(body))
        assert not validator.is_valid({**vector(body), body: {}})


def test_the_vectors_are_fresh(tmp_path: Path) -> None:
    write_vectors(tmp_path)
    folder = ROOT / "schemas" / "vectors"
    assert contents(tmp_path / "forms", "*.json") == contents(folder / "forms", "*.json")
    assert (tmp_path / "sealed.json").read_text() == (folder / "sealed.json").read_text()
