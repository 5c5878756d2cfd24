"""What is generated and committed is what the proto files say now."""

from pathlib import Path

from generate import ROOT, SDK
from generate.errors import write_errors
from generate.jsonschema import write_schemas
from generate.typed import write_typed


def contents(folder: Path, pattern: str) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob(pattern)}


def test_the_typed_messages_are_fresh(tmp_path: Path) -> None:
    fresh = tmp_path / "xinqiao"
    (fresh / "v1").mkdir(parents=True)
    write_typed(fresh)
    assert contents(fresh / "v1", "*.py") == contents(SDK / "v1", "*.py")
    assert contents(fresh / "buf", "*.py") == contents(SDK / "buf", "*.py")


def test_the_json_schemas_are_fresh(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    assert contents(tmp_path, "*.json") == contents(ROOT / "schemas" / "json" / "v1", "*.json")


def test_the_page_of_errors_is_fresh(tmp_path: Path) -> None:
    write_errors(tmp_path / "errors.md")
    assert (tmp_path / "errors.md").read_text() == (ROOT / "docs" / "errors.md").read_text()
