"""The host of docs/conformance/files-and-h5.md passes its kit, and both languages show the same one."""

import re
import sys
from pathlib import Path

import pytest

from xinqiao_conformance.benches.flows import flows_of
from xinqiao_conformance.declaration import read_declaration
from xinqiao_conformance.evidence import Evidence
from xinqiao_conformance.kits import businesses
from xinqiao_conformance.results.model import Results
from xinqiao_conformance.running import run

_PAGES = [Path("docs/conformance") / f"files-and-h5{language}.md" for language in ("", ".zh-CN")]


def _block(page: Path, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def _run(page: Path, folder: Path, host: str) -> Results:
    (folder / "host.py").write_text(host, encoding="utf-8")
    declared = _block(page, "yaml").replace("python host.py", f"{sys.executable} host.py")
    (folder / "declaration.yaml").write_text(declared, encoding="utf-8")
    declaration = read_declaration(folder / "declaration.yaml")
    with Evidence(folder / "evidence.jsonl", declaration) as evidence:
        return run(declaration, evidence)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_the_host_of_the_page_is_certified(page: Path, tmp_path: Path) -> None:
    results = _run(page, tmp_path, _block(page, "python"))
    assert [each.id for each in results.kits[0].requirements if each.result != "passed"] == []
    assert results.verdict == "passed"


def test_a_mobile_number_in_place_of_an_id_fails_as_the_page_says(tmp_path: Path) -> None:
    host = _block(_PAGES[0], "python").replace('Actor("CUSTOMER", customer)', 'Actor("CUSTOMER", "13800001111")')
    results = _run(_PAGES[0], tmp_path, host)
    assert [each.id for each in results.kits[0].requirements if each.result == "failed"] == ["LCH-005"]


def test_without_a_refusal_the_case_fails_as_the_page_says(tmp_path: Path) -> None:
    host = _block(_PAGES[0], "python").replace("except MalformedRequest", "except ZeroDivisionError")
    results = _run(_PAGES[0], tmp_path, host)
    assert [each.id for each in results.kits[0].requirements if each.result == "failed"] == ["LCH-006"]


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_the_page_lists_the_flows_of_each_business(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for business in businesses().values():
        title = business.title.zh if "zh" in page.name else business.title.en
        row = re.search(rf"^\| {re.escape(title)}[^|]*\| (.*) \|$", text, re.MULTILINE)
        assert row is not None, title
        assert re.findall("`([a-z-]+)`", row[1]) == list(flows_of(business.name))
